//! Large objects: the catalog shows their pages as one more table, so that they are read, written and compared as rows are. The objects
//! themselves are made of the pages once these are there. Only a superuser may do that.

use whimbrel_core::{Column, Key, Table, TableId};

/// The name under which the catalog shows the pages.
const NAMESPACE: &str = "public";
const NAME: &str = "large objects";

/// Where the server keeps them.
pub(crate) const STORE: (&str, &str) = ("pg_catalog", "pg_largeobject");

/// The condition that there are large objects, and that the login may read them.
pub(crate) const READABLE: &str = "EXISTS (SELECT 1 FROM pg_largeobject_metadata) \
    AND has_table_privilege('pg_catalog.pg_largeobject', 'SELECT')";

/// What to read the pages from; an object without any stands there with an empty one.
pub(crate) const PAGES: &str = "(SELECT p.loid, p.pageno, p.data FROM pg_catalog.pg_largeobject p
    UNION ALL SELECT m.oid, 0, ''::bytea FROM pg_catalog.pg_largeobject_metadata m
      WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_largeobject p WHERE p.loid = m.oid)) pages";

/// Makes the objects of pages that belong to none yet.
pub(crate) const MAKE: &str =
    "SELECT pg_catalog.lo_create(p.loid) FROM (SELECT DISTINCT loid FROM pg_catalog.pg_largeobject) p
    WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_largeobject_metadata m WHERE m.oid = p.loid)";

/// Takes all objects back. The plan writes only where there was none.
pub(crate) const UNMAKE: &str = "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata";

/// Removes pages that belong to no object.
pub(crate) const FORGET: &str = "DELETE FROM pg_catalog.pg_largeobject p
    WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_largeobject_metadata m WHERE m.oid = p.loid)";

/// Tells whether the table stands for the large objects.
pub(crate) fn is_store(id: &TableId) -> bool {
    id.namespace.as_deref() == Some(NAMESPACE) && id.name == NAME
}

/// The table as the catalog shows it.
pub(crate) fn table() -> Table {
    let column = |name: &str, native: &str| Column {
        nullable: false,
        ..Column::new(name, native)
    };
    Table {
        columns: vec![
            column("loid", "oid"),
            column("pageno", "integer"),
            column("data", "bytea"),
        ],
        primary_key: Some(Key {
            name: "pg_largeobject_loid_pn_index".to_owned(),
            columns: vec!["loid".to_owned(), "pageno".to_owned()],
            deferral: whimbrel_core::Deferral::Never,
            nulls_equal: false,
            definition: None,
        }),
        ..Table::empty(TableId::new(NAMESPACE, NAME))
    }
}

/// Refuses, before any row, a target whose login may not write them or that has some of its own.
pub(crate) fn guard() -> String {
    let refuse = |message: &str| {
        format!("RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = '{message}'")
    };
    format!(
        "DO $guard$ BEGIN
           IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN {}; END IF;
           IF EXISTS (SELECT 1 FROM pg_catalog.pg_largeobject_metadata) THEN {}; END IF;
         END $guard$",
        refuse(
            "large objects can only be written by a superuser; log in as one, or leave out the table `large objects`"
        ),
        refuse(
            "the target has large objects of its own, whose numbers could be the same; leave out the table `large objects`"
        ),
    )
}
