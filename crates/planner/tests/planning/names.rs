//! Names in the target: limits, folding, prefixes, clashes.

use whimbrel_core::{PartValue, Plan, Severity, TablePart};
use whimbrel_planner::Wishes;

use crate::setup::{Setup, finding, findings, foreign_key, id, index, key, question, table, titles, view};
use crate::toy::Toy;

fn table_names(plan: &Plan) -> Vec<String> {
    plan.tables
        .iter()
        .map(|table| table.target.id.to_string())
        .collect()
}

#[test]
fn tables_of_an_engine_without_namespaces_go_to_the_default_one() {
    let plan = Setup::new(Toy::Flat, Toy::Spacious, vec![table("a", "x INTEGER")]).plan();
    assert_eq!(table_names(&plan), ["public.a"]);
}

#[test]
fn namespaces_become_prefixes_where_there_are_none_but_the_default_one_is_dropped() {
    let tables = vec![table("public.a", "x integer"), table("sales.a", "x integer")];
    let plan = Setup::new(Toy::Spacious, Toy::Flat, tables).plan();
    assert_eq!(table_names(&plan), ["a", "sales_a"]);
    assert_eq!(findings(&plan, "name_changed"), ["warning sales"]);
}

#[test]
fn names_that_fold_into_one_are_a_question_and_the_second_one_gives_way() {
    let tables = vec![
        table("public.A", "x integer, X integer"),
        table("public.a", "x integer"),
    ];
    let plan = Setup::new(Toy::Spacious, Toy::Flat, tables).plan();
    insta::assert_debug_snapshot!(table_names(&plan), @r#"
    [
        "A",
        "a_1dc40f1c",
    ]
    "#);
    assert_eq!(
        findings(&plan, "name_collision"),
        ["decision public.a", "decision public.A.X"]
    );
    assert_eq!(plan.tables[0].columns[1].source, "X");
    assert!(plan.tables[0].columns[1].target.starts_with("X_"));
}

#[test]
fn a_target_that_keeps_tables_in_lower_case_gets_them_so_and_the_plan_says_it() {
    let mut users = table("public.Users", "id integer, Name text");
    users.primary_key = Some(key("users_pk", &["id"]));
    let mut visits = table("public.Visits", "id integer, user_id integer");
    visits
        .foreign_keys
        .push(foreign_key("visits_fk", "user_id", "public.Users", "id"));
    let mut setup = Setup::new(
        Toy::Spacious,
        Toy::Folding,
        vec![users, visits, table("public.users", "id integer")],
    );
    setup.lowers = true;
    let plan = setup.plan();
    let names = table_names(&plan);
    assert_eq!([&names[0], &names[2]], ["users", "visits"]);
    assert!(names[1].starts_with("users_"), "{names:?}");
    assert_eq!(
        findings(&plan, "name_changed"),
        ["warning public.Users", "warning public.Visits"]
    );
    assert_eq!(findings(&plan, "name_collision"), ["decision public.users"]);
    let sql = format!("{:?}", plan.steps);
    assert!(!sql.contains("Users") && !sql.contains("Visits"), "{sql}");
}

#[test]
fn a_long_name_is_cut_at_a_character_and_told_apart_by_a_hash() {
    let long = format!("{}é_one", "é".repeat(12));
    let other = format!("{}é_two", "é".repeat(12));
    let tables = vec![table(&long, "x INTEGER"), table(&other, "x INTEGER")];
    let plan = Setup::new(Toy::Flat, Toy::Spacious, tables).plan();
    let names = table_names(&plan);
    assert_ne!(names[0], names[1]);
    for name in &names {
        assert!(name.len() <= "public.".len() + 24, "{name}");
        assert!(name.starts_with("public.ééééééé_"), "{name}");
    }
    assert_eq!(findings(&plan, "name_changed").len(), 2);
}

#[test]
fn a_reserved_column_name_changes_and_expressions_follow() {
    let mut a = table("a", "ctid INTEGER, y INTEGER");
    a.checks.push(crate::setup::check("positive", "ctid > 0"));
    let plan = Setup::new(Toy::Flat, Toy::Spacious, vec![a]).plan();
    let column = &plan.tables[0].columns[0].target;
    assert!(column.starts_with("x_ctid_"), "{column}");
    assert_eq!(
        plan.tables[0].target.checks[0].expression,
        format!("{column} > 0")
    );
}

#[test]
fn index_names_are_one_space_with_tables_and_with_what_the_target_keeps() {
    let mut a = table("a", "x INTEGER");
    a.indexes.push(index("b", "x"));
    a.indexes.push(index("there", "x"));
    let mut kept = table("public.kept", "x integer");
    kept.indexes.push(index("there", "x"));
    let plan = Setup::new(Toy::Flat, Toy::Spacious, vec![a, table("b", "x INTEGER")])
        .target(|catalog| catalog.tables.push(kept))
        .plan();
    let names: Vec<&str> = plan.tables[0]
        .target
        .indexes
        .iter()
        .map(|index| index.name.as_str())
        .collect();
    assert!(
        names[0].starts_with("b_") && names[1].starts_with("there_"),
        "{names:?}"
    );
    assert_eq!(findings(&plan, "name_changed"), ["info a.b", "info a.there"]);
}

#[test]
fn constraints_without_names_get_them_where_they_are_added_later() {
    let mut a = table("a", "id INTEGER pk not null, x INTEGER, y INTEGER");
    a.uniques.push(key("", &["x", "y"]));
    a.checks.push(crate::setup::check("", "x > 0"));
    a.foreign_keys.push(foreign_key("", "x", "a", "id"));
    let plan = Setup::new(Toy::Flat, Toy::Spacious, vec![a]).plan();
    let a = &plan.tables[0].target;
    assert_eq!(a.primary_key.as_ref().unwrap().name, "a_pkey");
    assert_eq!(a.uniques[0].name, "a_x_y_key");
    assert_eq!(a.checks[0].name, "a_check_1");
    assert_eq!(a.foreign_keys[0].name, "a_x_fkey");
}

#[test]
fn a_view_never_takes_a_tables_name() {
    let setup = Setup::new(Toy::Spacious, Toy::Flat, vec![table("sales.a", "x integer")]).source(|catalog| {
        let mut view = view("public.sales_a", "select x from sales.a", &["sales.a"]);
        view.id = id("public.sales_a");
        catalog.views.push(view);
    });
    let plan = setup.plan();
    assert_eq!(
        question(&plan, "name_collision"),
        "public.sales_a: rename | stop (rename)"
    );
    assert!(titles(&plan)[1].starts_with("create view sales_a_"));
}

/// A column of a part as its database has it.
fn own(name: &str) -> (String, PartValue) {
    let native = "integer".to_owned();
    let name = name.to_owned();
    (name.clone(), PartValue::Column { name, native })
}

fn part(table: &str, columns: &[&str]) -> TablePart {
    TablePart {
        database: None,
        engine: "spacious".to_owned(),
        table: id(table),
        filter: None,
        columns: columns.iter().map(|column| own(column)).collect(),
    }
}

#[test]
fn names_of_a_mapping_that_fold_into_one_are_refused_and_none_gives_way() {
    // Another table's name, whichever of them is named first.
    for (from, to, other) in [
        ("public.z", "public.A", "public.a"),
        ("public.a", "public.Z", "public.z"),
    ] {
        let tables = vec![table(from, "x integer"), table(other, "x integer")];
        let plan = Setup::new(Toy::Spacious, Toy::Flat, tables)
            .wish(|wishes| {
                wishes.renames.tables.insert(id(from), id(to));
            })
            .plan();
        let found = finding(&plan, "name_collision");
        assert_eq!(found.severity, Severity::Blocker, "{from} {to}");
        assert!(found.message.contains("two tables"), "{}", found.message);
    }
    let columns = |change: fn(&mut Wishes)| {
        let tables = vec![table("public.a", "Name integer, other integer")];
        Setup::new(Toy::Spacious, Toy::Flat, tables).wish(change).plan()
    };
    let plan = columns(|wishes| {
        let renamed = wishes.renames.columns.entry(id("public.a")).or_default();
        renamed.insert("other".to_owned(), "NAME".to_owned());
    });
    let found = finding(&plan, "name_collision");
    assert_eq!(found.severity, Severity::Blocker);
    assert!(found.message.contains("`Name` and `NAME`"), "{}", found.message);
    assert_eq!(findings(&columns(|_| {}), "name_collision"), [""; 0]);
}

#[test]
fn columns_of_parts_that_fold_into_one_are_refused_and_those_of_one_database_are_a_question() {
    let plan = |parts: Vec<TablePart>| {
        let mut made = table("public.people", "id integer, Name integer, name integer");
        made.parts = parts;
        Setup::new(Toy::Spacious, Toy::Flat, vec![made]).plan()
    };
    let merged = plan(vec![
        part("public.staff", &["id", "Name"]),
        part("public.guests", &["id", "name"]),
    ]);
    let found = finding(&merged, "name_collision");
    assert_eq!(found.severity, Severity::Blocker);
    assert!(
        found.evidence[0].contains("rename = { \"name\" = \"Name\" }"),
        "{found:?}"
    );
    let natural = plan(vec![part("public.people", &["id", "Name", "name"])]);
    assert_eq!(finding(&natural, "name_collision").severity, Severity::Decision);
}

#[test]
fn a_name_that_a_mapping_gives_beside_the_default_namespace_needs_no_prefix() {
    let tables = vec![table("public.a", "x integer"), table("sales.a", "x integer")];
    let plan = Setup::new(Toy::Spacious, Toy::Flat, tables)
        .wish(|wishes| {
            let renamed = &mut wishes.renames.tables;
            renamed.insert(id("public.a"), id("public.b"));
            renamed.insert(id("sales.a"), id("sales.b"));
        })
        .plan();
    assert_eq!(table_names(&plan), ["b", "sales_b"]);
}
