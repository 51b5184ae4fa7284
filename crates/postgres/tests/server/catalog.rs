//! The catalog of an awkward schema: what is read can be made again, and what cannot be moved is listed.

use std::collections::BTreeSet;

use whimbrel_core::{Catalog, Change, ObjectKind, Sequence, Severity, Table, Target, UserTypeKind};
use whimbrel_testkit::postgres::{TestDatabase, execute};

use crate::every_type;
use crate::harness::*;

const AWKWARD: &str = r#"
CREATE SCHEMA "Odd ""Name"; COMMENT ON SCHEMA "Odd ""Name" IS 'it''s odd';
CREATE COLLATION public.german (provider = icu, locale = 'de-u-co-phonebk');
CREATE DOMAIN public.email AS text COLLATE "C" DEFAULT 'a@b' NOT NULL CONSTRAINT has_at CHECK (VALUE ~ '@');
COMMENT ON DOMAIN public.email IS 'an address';
CREATE SEQUENCE public.shared AS integer START 10 INCREMENT 5 MINVALUE 1 MAXVALUE 1000 CACHE 3 CYCLE;
SELECT nextval('public.shared');
CREATE TABLE "Odd ""Name"."select" (
  id integer GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 2) CONSTRAINT "pk $" PRIMARY KEY,
  serial_id serial, big_default bigint DEFAULT nextval('public.shared'), mail public.email,
  "Größe" text COLLATE public.german DEFAULT 'a''b', at timestamptz DEFAULT now(), upper_mail text GENERATED ALWAYS AS (upper("Größe")) STORED,
  amount numeric(10,2) CHECK (amount > 0), parent integer, code text,
  CONSTRAINT code_unique UNIQUE (code) INCLUDE (amount) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT self FOREIGN KEY (parent) REFERENCES "Odd ""Name"."select" (id) ON DELETE SET NULL DEFERRABLE,
  EXCLUDE USING gist (int4range(id, parent) WITH &&)) WITH (fillfactor = 70, autovacuum_enabled = false);
ALTER TABLE "Odd ""Name"."select" ADD CONSTRAINT late CHECK (parent <> id) NOT VALID;
ALTER TABLE "Odd ""Name"."select" ALTER code SET STORAGE EXTERNAL, ALTER code SET STATISTICS 500, REPLICA IDENTITY FULL;
COMMENT ON TABLE "Odd ""Name"."select" IS 'a table'; COMMENT ON COLUMN "Odd ""Name"."select"."Größe" IS 'a column';
CREATE UNIQUE INDEX "partial index" ON "Odd ""Name"."select" (lower(code) text_pattern_ops DESC NULLS LAST, amount) INCLUDE (at) NULLS NOT DISTINCT WHERE amount > 10;
COMMENT ON INDEX "Odd ""Name"."partial index" IS 'an index';
CREATE INDEX trigrams ON "Odd ""Name"."select" USING gin (to_tsvector('english', code));
CREATE TABLE public.child (a integer, b integer, PRIMARY KEY (a, b));
CREATE TABLE public.grandchild (x integer, y integer, z integer, FOREIGN KEY (x, y) REFERENCES public.child MATCH FULL ON UPDATE CASCADE);
ALTER TABLE public.grandchild ADD CONSTRAINT open FOREIGN KEY (z, y) REFERENCES public.child NOT VALID;
CREATE UNLOGGED TABLE public.scratch (a integer);
CREATE VIEW public.a_second AS SELECT 1 AS one; CREATE VIEW public.b_first AS SELECT x, y FROM public.grandchild;
CREATE OR REPLACE VIEW public.a_second WITH (security_barrier = true) AS SELECT x AS one FROM public.b_first WHERE x > 0 WITH LOCAL CHECK OPTION;
COMMENT ON VIEW public.a_second IS 'a view';
"#;

const NOT_MOVED: &str = r#"
CREATE TABLE public.parted (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE public.part PARTITION OF public.parted FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE public.base (id integer); CREATE TABLE public.derived (b integer) INHERITS (public.base);
CREATE MATERIALIZED VIEW public.mat AS SELECT 1 AS a; CREATE INDEX mat_index ON public.mat (a);
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE PROCEDURE public.proc(a integer) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE public.agg(integer) (SFUNC = int4pl, STYPE = integer);
CREATE TRIGGER touched BEFORE UPDATE ON public.base FOR EACH ROW EXECUTE FUNCTION public.touch();
CREATE RULE quiet AS ON DELETE TO public.base DO INSTEAD NOTHING;
ALTER TABLE public.base ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON public.base USING (id > 0);
CREATE STATISTICS public.stats ON id, b FROM public.derived;
CREATE PUBLICATION pub FOR ALL TABLES; CREATE OPERATOR public.### (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4pl);
CREATE TEXT SEARCH CONFIGURATION public.search (COPY = pg_catalog.english); CREATE FOREIGN DATA WRAPPER fdw; CREATE SERVER far FOREIGN DATA WRAPPER fdw;
CREATE FOREIGN TABLE public.faraway (a integer) SERVER far; SELECT lo_create(0);
GRANT SELECT ON public.base TO PUBLIC; GRANT UPDATE (id) ON public.base TO PUBLIC;
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION public.watch();
"#;

/// What has to be there before tables, in an order that the types allow.
fn before_tables(catalog: &Catalog) -> Vec<Change> {
    let named = catalog
        .namespaces
        .iter()
        .filter(|namespace| namespace.name != "public");
    let mut types = catalog.types.clone();
    types.sort_by_key(|user_type| match user_type.kind {
        UserTypeKind::Enum { .. } => 0,
        UserTypeKind::Domain { .. } => 1,
        UserTypeKind::Composite { .. } | UserTypeKind::Range { .. } => 2,
    });
    let sequences = catalog.sequences.iter().filter(|sequence| !sequence.implicit);
    named
        .cloned()
        .map(Change::CreateNamespace)
        .chain(types.into_iter().map(Change::CreateType))
        .chain(sequences.cloned().map(Change::CreateSequence))
        .collect()
}

fn create_tables(catalog: &Catalog) -> Vec<Change> {
    let of = |table: &Table| {
        let owned = |sequence: &&Sequence| sequence.owned_by.as_ref().is_some_and(|(id, _)| id == &table.id);
        let implicit = catalog
            .sequences
            .iter()
            .filter(|sequence| sequence.implicit)
            .filter(owned);
        Change::CreateTable {
            table: table.clone(),
            sequences: implicit.cloned().collect(),
            as_declared: false,
        }
    };
    let explicit = catalog.sequences.iter().filter(|sequence| !sequence.implicit);
    let owned = explicit.filter_map(|sequence| {
        let (table, column) = sequence.owned_by.clone()?;
        Some(Change::OwnSequence {
            sequence: sequence.id.clone(),
            table,
            column,
        })
    });
    catalog.tables.iter().map(of).chain(owned).collect()
}

fn constraints_and_indexes(table: &Table) -> Vec<Change> {
    let id = || table.id.clone();
    let open = table.checks.iter().filter(|check| !check.validated).cloned();
    let checks = open.map(|check| Change::AddCheck { table: id(), check });
    let uniques = table
        .uniques
        .iter()
        .cloned()
        .map(|key| Change::AddUnique { table: id(), key });
    let exclusions = table
        .exclusions
        .iter()
        .cloned()
        .map(|exclusion| Change::AddExclusion {
            table: id(),
            name: exclusion.name,
            definition: exclusion.definition,
        });
    let indexes = table
        .indexes
        .iter()
        .cloned()
        .map(|index| Change::CreateIndex { table: id(), index });
    checks.chain(uniques).chain(exclusions).chain(indexes).collect()
}

fn foreign_keys(table: &Table) -> Vec<Change> {
    let add = |key| Change::AddForeignKey {
        table: table.id.clone(),
        key,
    };
    table.foreign_keys.iter().cloned().map(add).collect()
}

/// Makes everything of a catalog in a target, in the order of a plan.
async fn remake(target: &dyn Target, catalog: &Catalog) {
    let run = open_run(target).await;
    let mut changes = before_tables(catalog);
    changes.extend(create_tables(catalog));
    changes.extend(catalog.tables.iter().flat_map(constraints_and_indexes));
    changes.extend(catalog.tables.iter().flat_map(foreign_keys));
    changes.extend(catalog.views.iter().cloned().map(Change::CreateView));
    for (at, change) in changes.iter().enumerate() {
        apply(target, &run, &format!("{at:03}"), change).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_catalog_can_be_made_again_from_its_own_description() {
    let Some(from) = TestDatabase::create("remake_source") else {
        return;
    };
    let Some(to) = TestDatabase::create("remake_target") else {
        return;
    };
    from.execute(every_type::TYPES);
    from.execute(every_type::TABLE);
    from.execute(AWKWARD);
    to.execute("CREATE COLLATION public.german (provider = icu, locale = 'de-u-co-phonebk')");
    let wanted = source(from.url()).await.catalog().await.unwrap();
    let empty = to.dump();
    let target = target(to.url()).await;
    remake(&*target, &wanted).await;
    let found = target.as_source().catalog().await.unwrap();
    let comparable = |catalog: &Catalog| {
        let mut catalog = catalog.clone();
        catalog.database.clear();
        // The roles of the server are no part of the database.
        catalog.offers.clear();
        for sequence in &mut catalog.sequences {
            sequence.position = None;
        }
        for table in &mut catalog.tables {
            (table.rows_estimate, table.bytes) = (None, None);
        }
        serde_json::to_string_pretty(&catalog).unwrap()
    };
    let (wanted_text, found_text) = (comparable(&wanted), comparable(&found));
    for (line, other) in wanted_text.lines().zip(found_text.lines()) {
        assert_eq!(line, other);
    }
    assert_eq!(wanted_text, found_text);

    let steps = target.ledger().steps(&migration()).await.unwrap();
    assert!(steps.len() > 20, "{}", steps.len());
    assert_ne!(to.dump(), empty);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_object_beside_tables_is_listed() {
    let Some(database) = TestDatabase::create("not_moved") else {
        return;
    };
    database.execute("CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'");
    database.execute(NOT_MOVED);
    let catalog = source(database.url()).await.catalog().await.unwrap();
    let kinds: BTreeSet<&str> = catalog.others.iter().map(|other| other.kind.as_str()).collect();
    for kind in [
        "materialized view",
        "function",
        "procedure",
        "aggregate",
        "trigger",
        "rule",
        "policy",
        "row security",
        "statistics",
        "publication",
        "operator",
        "text search configuration",
        "foreign data wrapper",
        "foreign server",
        "grant",
        "grant on column",
        "event trigger",
    ] {
        assert!(kinds.contains(kind), "{kind} is missing in {kinds:?}");
    }
    assert!(table(&catalog, "faraway").unmovable.is_some());
    for name in ["parted", "part", "base", "derived"] {
        assert_eq!(table(&catalog, name).unmovable, None, "{name}");
    }
    assert!(table(&catalog, "parted").partitioned_by.is_some());
    assert_eq!(table(&catalog, "part").partition_of.unwrap().parent, id("parted"));
    assert_eq!(table(&catalog, "derived").inherits, [id("base")]);
    // A superuser can read and move them.
    assert_eq!(table(&catalog, "large objects").columns.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_database_has_nothing_to_list() {
    let Some(database) = TestDatabase::create("fresh") else {
        return;
    };
    let catalog = source(database.url()).await.catalog().await.unwrap();
    assert_eq!(
        (
            catalog.tables.len(),
            catalog.types.len(),
            catalog.sequences.len(),
            catalog.views.len()
        ),
        (0, 0, 0, 0)
    );
    assert_eq!(catalog.others, []);
    assert_eq!(catalog.namespaces.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_and_moved_tables_are_not_in_the_catalog() {
    let Some(database) = TestDatabase::create("ledger_hidden") else {
        return;
    };
    let target = target(database.url()).await;
    let before = target.as_source().catalog().await.unwrap();
    let empty = database.dump();
    open_run(&*target).await;
    assert_eq!(
        target.as_source().catalog().await.unwrap().fingerprint(),
        before.fingerprint()
    );
    target.ledger().forget(&migration()).await.unwrap();
    assert_eq!(database.dump(), empty);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_row_security_limits_is_told() {
    let Some(database) = TestDatabase::create("row_security") else {
        return;
    };
    let login = format!("{}_login", database.name());
    database.execute(&format!("CREATE ROLE \"{login}\" LOGIN PASSWORD 'x'; CREATE TABLE t (id integer); ALTER TABLE t ENABLE ROW LEVEL SECURITY;
        CREATE POLICY p ON t USING (id > 1); GRANT SELECT ON t TO \"{login}\"; CREATE TABLE closed (id integer)"));
    let (_, place) = database.url().rsplit_once('@').unwrap();
    {
        let source = source(&format!("postgres://{login}:x@{place}")).await;
        let findings = source.check().await.unwrap();
        let found: Vec<(&str, Severity, String)> = findings
            .iter()
            .map(|f| (f.code.as_str(), f.severity, f.subject.to_string()))
            .collect();
        assert!(
            found.contains(&("row_security", Severity::Blocker, "public.t".to_owned())),
            "{found:?}"
        );
        assert!(
            found.contains(&("privilege", Severity::Blocker, "public.closed".to_owned())),
            "{found:?}"
        );
        let findings = target(&format!("postgres://{login}:x@{place}"))
            .await
            .check(0)
            .await
            .unwrap();
        assert!(
            findings
                .iter()
                .any(|f| f.code == "privilege" && f.subject.kind == ObjectKind::Other),
            "{findings:?}"
        );
    }
    execute(
        database.url(),
        &format!("DROP OWNED BY \"{login}\"; DROP ROLE \"{login}\""),
    );
}
