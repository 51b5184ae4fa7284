//! Texts of the kinds that engines print, with the names of a small shop.

use sqlparser::dialect::{PostgreSqlDialect, SQLiteDialect};

use super::*;

fn id(text: &str) -> TableId {
    match text.split_once('.') {
        Some((namespace, name)) => TableId::new(namespace, name),
        None => TableId::bare(text),
    }
}

/// `public` becomes `app`, `public.customers` becomes `app.people`, its `name` becomes `full name`, its `legacy` stays behind.
fn shop(is_bare: bool) -> NewNames {
    let of = |name: &str, space: &str| match is_bare {
        true => TableId::bare(name),
        false => TableId::new(space, name),
    };
    let columns = |list: &[(&str, Option<&str>)]| {
        let pairs = list.iter();
        pairs
            .map(|(from, to)| ((*from).to_owned(), to.map(str::to_owned)))
            .collect()
    };
    NewNames {
        namespaces: BTreeMap::from([
            ("public".to_owned(), "app".to_owned()),
            ("extra".to_owned(), "extra".to_owned()),
        ]),
        objects: BTreeMap::from([
            (of("customers", "public"), of("people", "app")),
            (of("orders", "public"), of("orders", "app")),
            (of("mood", "public"), of("mood", "app")),
            (of("seq", "public"), of("seq", "app")),
            (of("slug", "public"), of("slug", "app")),
        ]),
        columns: BTreeMap::from([
            (
                of("customers", "public"),
                columns(&[("id", Some("id")), ("name", Some("full name")), ("legacy", None)]),
            ),
            (
                of("orders", "public"),
                columns(&[
                    ("id", Some("id")),
                    ("name", Some("name")),
                    ("cust", Some("customer")),
                ]),
            ),
        ]),
        folds_case: is_bare,
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn said(text: &str, on: &[&str]) -> Result<String, String> {
    let on: Vec<TableId> = on.iter().map(|name| id(name)).collect();
    let tongue = Tongue {
        grammar: &PostgreSqlDialect {},
        quote: &quoted,
    };
    respell(text, &shop(false), &on, tongue).map_err(|why| why.what)
}

fn said_bare(text: &str, on: &[&str]) -> Result<String, String> {
    let on: Vec<TableId> = on.iter().map(|name| id(name)).collect();
    let tongue = Tongue {
        grammar: &SQLiteDialect {},
        quote: &quoted,
    };
    respell(text, &shop(true), &on, tongue).map_err(|why| why.what)
}

#[test]
fn namespaces_follow_where_no_name_of_an_object_comes_behind_them() {
    for (text, expected) in [
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA public GRANT SELECT ON TABLES TO b",
            "ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA app GRANT SELECT ON TABLES TO b",
        ),
        (
            "GRANT USAGE ON SCHEMA public TO b",
            "GRANT USAGE ON SCHEMA app TO b",
        ),
        (
            "CREATE OPERATOR public.=== (FUNCTION = public.slug, COMMUTATOR = OPERATOR(public.===))",
            "CREATE OPERATOR app.=== (FUNCTION = app.slug, COMMUTATOR = OPERATOR(app.===))",
        ),
    ] {
        assert_eq!(said(text, &[]).as_deref(), Ok(expected));
    }
}

#[test]
fn names_follow_in_whatever_an_engine_prints() {
    for (text, on, expected) in [
        (
            "((length(name) > 0) AND (id > 1))",
            &["public.customers"][..],
            "((length(\"full name\") > 0) AND (id > 1))",
        ),
        ("'ok'::public.mood", &[], "'ok'::app.mood"),
        ("public.mood[]", &[], "app.mood[]"),
        (
            "nextval('public.seq'::regclass)",
            &[],
            "nextval('app.seq'::regclass)",
        ),
        (
            "nextval('public.other'::regclass)",
            &[],
            "nextval('app.other'::regclass)",
        ),
        (
            "CREATE INDEX name ON public.customers USING btree (lower(name)) WHERE (name <> 'name'::text)",
            &["public.customers"],
            "CREATE INDEX name ON app.people USING btree (lower(\"full name\")) WHERE (\"full name\" <> 'name'::text)",
        ),
        (
            "SELECT c.name,\n    o.name AS other\n   FROM (public.customers c\n     JOIN public.orders o ON ((o.cust = c.id)))",
            &[],
            "SELECT c.\"full name\" AS \"name\",\n    o.name AS other\n   FROM (app.people c\n     JOIN app.orders o ON ((o.customer = c.id)))",
        ),
        (
            "SELECT customers.name FROM public.customers WHERE (customers.name = 'x'::text)",
            &[],
            "SELECT people.\"full name\" AS \"name\" FROM app.people WHERE (people.\"full name\" = 'x'::text)",
        ),
        (
            "SELECT s.name FROM (SELECT customers.name FROM public.customers) s",
            &[],
            "SELECT s.name FROM (SELECT people.\"full name\" AS \"name\" FROM app.people) s",
        ),
        (
            "SELECT orders.name FROM public.orders WHERE (EXISTS (SELECT 1 FROM public.customers WHERE (name = orders.name)))",
            &[],
            "SELECT orders.name FROM app.orders WHERE (EXISTS (SELECT 1 FROM app.people WHERE (\"full name\" = orders.name)))",
        ),
        (
            "FOREIGN KEY (cust) REFERENCES public.customers(name)",
            &["public.orders"],
            "FOREIGN KEY (customer) REFERENCES app.people(\"full name\")",
        ),
        (
            "CREATE TRIGGER t BEFORE UPDATE OF name ON public.customers FOR EACH ROW WHEN ((new.name <> old.name)) EXECUTE FUNCTION public.touch()",
            &["public.customers"],
            "CREATE TRIGGER t BEFORE UPDATE OF \"full name\" ON app.people FOR EACH ROW WHEN ((new.\"full name\" <> old.\"full name\")) EXECUTE FUNCTION app.touch()",
        ),
        (
            "GRANT SELECT (name) ON TABLE public.customers TO name",
            &["public.customers"],
            "GRANT SELECT (\"full name\") ON TABLE app.people TO name",
        ),
    ] {
        assert_eq!(said(text, on).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn the_text_of_a_function_follows_where_it_is_clear_and_is_refused_where_it_is_not() {
    let function =
        |body: &str| format!("CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $f$ {body} $f$");
    assert_eq!(
        said(
            &function("BEGIN UPDATE customers SET name = slug(name); END"),
            &[]
        )
        .as_deref(),
        Ok(
            "CREATE FUNCTION app.f() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN UPDATE app.people SET \"full name\" = app.slug(\"full name\"); END $f$"
        )
    );
    assert_eq!(
        said(
            &function("BEGIN PERFORM nextval('public.seq'), to_regclass('public.customers'); END"),
            &[]
        )
        .as_deref(),
        Ok(
            "CREATE FUNCTION app.f() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN PERFORM nextval('app.seq'), to_regclass('app.people'); END $f$"
        )
    );
    for body in [
        "DECLARE r customers%ROWTYPE; BEGIN NULL; END",
        "BEGIN EXECUTE 'DELETE FROM customers'; END",
        "BEGIN SELECT * INTO r FROM public.customers; END",
        "BEGIN PERFORM r.name; END",
        "DECLARE m mood; BEGIN NULL; END",
    ] {
        assert!(said(&function(body), &[]).is_err(), "{body}");
    }
    assert!(said(&function("BEGIN RETURN; END"), &[]).is_ok());
}

#[test]
fn what_stays_behind_or_is_not_clear_is_refused() {
    for (text, on) in [
        ("legacy > 0", &["public.customers"][..]),
        ("SELECT c.legacy FROM public.customers c", &[]),
        ("SELECT name FROM public.customers, public.orders", &[]),
        ("SELECT * FROM public.customers", &[]),
        ("SELECT c.* FROM public.customers c", &[]),
    ] {
        assert!(said(text, on).is_err(), "{text}: {:?}", said(text, on));
    }
    assert!(said("SELECT count(*) FROM public.customers", &[]).is_ok());
}

#[test]
fn an_engine_without_namespaces_and_case_is_read_too() {
    for (text, on, expected) in [
        (
            "CREATE TRIGGER t AFTER INSERT ON Customers BEGIN UPDATE orders SET CUST = NEW.Name WHERE cust IN (SELECT id FROM customers WHERE name = 1); END",
            &["customers"][..],
            "CREATE TRIGGER t AFTER INSERT ON people BEGIN UPDATE orders SET customer = NEW.\"full name\" WHERE customer IN (SELECT id FROM people WHERE \"full name\" = 1); END",
        ),
        (
            "SELECT Name, cust FROM customers JOIN orders o ON cust = customers.id",
            &[],
            "",
        ),
        (
            "CREATE INDEX i ON customers (name(10), length(name))",
            &["customers"][..],
            "CREATE INDEX i ON people (\"full name\"(10), length(\"full name\"))",
        ),
        (
            "WITH customers AS (SELECT 1 AS name) SELECT name FROM customers",
            &[],
            "WITH customers AS (SELECT 1 AS name) SELECT name FROM customers",
        ),
    ] {
        match expected {
            "" => assert!(said_bare(text, on).is_err(), "{text}"),
            _ => assert_eq!(said_bare(text, on).as_deref(), Ok(expected), "{text}"),
        }
    }
}
