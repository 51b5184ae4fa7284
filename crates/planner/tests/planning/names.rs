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

#[test]
fn letters_are_compared_one_by_one_so_that_a_dotted_capital_meets_its_small_letter() {
    let plan = Setup::new(
        Toy::Spacious,
        Toy::Folding,
        vec![table("public.a", "İ integer, i integer, ß integer, ss integer")],
    )
    .plan();
    assert_eq!(findings(&plan, "name_collision"), ["decision public.a.i"]);
}

/// The names of what hangs on the first planned table: foreign keys, checks, indexes, unique keys.
fn names_within(plan: &Plan) -> [Vec<&str>; 4] {
    let target = &plan.tables[0].target;
    [
        target.foreign_keys.iter().map(|key| key.name.as_str()).collect(),
        target.checks.iter().map(|check| check.name.as_str()).collect(),
        target.indexes.iter().map(|index| index.name.as_str()).collect(),
        target.uniques.iter().map(|key| key.name.as_str()).collect(),
    ]
}

#[test]
fn a_foreign_key_that_makes_an_index_gives_way_to_another_of_its_name_but_not_to_one_that_serves_it() {
    let planned = |indexed: &str| {
        let mut a = table("public.a", "id integer pk not null, x integer, y integer");
        a.primary_key = Some(key("a_pk", &["id"]));
        a.indexes.push(index("Link", indexed));
        a.foreign_keys.push(foreign_key("link", "x", "public.a", "id"));
        Setup::new(Toy::Spacious, Toy::Folding, vec![a]).plan()
    };
    let plan = planned("y");
    let [foreign_keys, _, indexes, _] = names_within(&plan);
    assert_eq!(indexes, ["Link"]);
    assert!(foreign_keys[0].starts_with("link_"), "{foreign_keys:?}");
    assert_eq!(findings(&plan, "name_changed"), ["info public.a.link"]);
    let [foreign_keys, _, indexes, _] = names_within(&planned("x")).map(|names| names.join(""));
    assert_eq!([foreign_keys, indexes], ["link", "Link"]);
}

#[test]
fn a_check_gives_way_to_a_unique_key_of_its_name_and_unique_indexes_and_foreign_keys_to_the_check() {
    let mut a = table("public.a", "id integer pk not null, x integer, y integer");
    a.primary_key = Some(key("a_pk", &["id"]));
    a.uniques.push(key("one", &["x"]));
    a.checks.push(crate::setup::check("ONE", "x > 0"));
    a.checks.push(crate::setup::check("two", "x > 1"));
    a.checks.push(crate::setup::check("three", "x > 2"));
    a.indexes.push(index("TWO", "y"));
    a.indexes[0].unique = true;
    a.foreign_keys.push(foreign_key("THREE", "y", "public.a", "id"));
    let plan = Setup::new(Toy::Spacious, Toy::Folding, vec![a]).plan();
    let [foreign_keys, checks, indexes, uniques] = names_within(&plan);
    assert_eq!(uniques, ["one"]);
    assert!(checks[0].starts_with("ONE_"), "{checks:?}");
    assert_eq!(checks[1..], ["two", "three"]);
    assert!(
        indexes[0].starts_with("TWO_") && foreign_keys[0].starts_with("THREE_"),
        "{indexes:?} {foreign_keys:?}"
    );
}

#[test]
fn columns_of_views_that_fold_into_one_are_a_question_and_views_over_them_follow() {
    let setup = Setup::new(Toy::Spacious, Toy::Folding, vec![table("public.a", "x integer")]);
    let plan = setup
        .source(|catalog| {
            let mut first = view(
                "public.first",
                "select x as K, x as k from public.a",
                &["public.a"],
            );
            first.columns = vec!["K".to_owned(), "k".to_owned()];
            catalog.views.push(first);
            let mut second = view("public.second", "select k from public.first", &["public.first"]);
            second.columns = vec!["k".to_owned()];
            catalog.views.push(second);
        })
        .plan();
    assert_eq!(findings(&plan, "name_collision"), ["decision public.first.k"]);
    let sql = format!("{:?}", plan.steps);
    assert!(sql.contains("k_"), "{sql}");
}

#[test]
fn a_name_that_is_kept_in_a_file_is_cut_so_that_the_file_has_room() {
    let name = "é".repeat(20);
    let plan = Setup::new(
        Toy::Flat,
        Toy::Folding,
        vec![table(&name, &format!("{name} INTEGER"))],
    )
    .plan();
    let target = &plan.tables[0].target;
    assert!(
        target.id.name.starts_with("é") && target.id.name.len() <= 24,
        "{}",
        target.id
    );
    assert_eq!(target.columns[0].name, name);
    assert_eq!(findings(&plan, "name_changed"), [format!("warning {name}")]);
}

#[test]
fn the_only_namespace_of_the_target_is_no_prefix_and_another_one_is_said_with_what_to_write() {
    let given = |to: &str| {
        let mut merged = table(to, "id integer");
        merged.parts = vec![part("public.staff", &["id"]), part("public.guests", &["id"])];
        Setup::new(
            Toy::Spacious,
            Toy::Flat,
            vec![merged, table("public.b", "x integer")],
        )
        .wish(|wishes| {
            wishes.renames.tables.insert(id(to), id(to));
            wishes.renames.tables.insert(id("public.b"), id("MAIN.c"));
        })
        .plan()
    };
    let plan = given("main.people");
    assert_eq!(table_names(&plan), ["c", "people"]);
    assert_eq!(findings(&plan, "name_changed"), [""; 0]);
    let plan = given("other.people");
    assert_eq!(table_names(&plan), ["c", "other_people"]);
    let said = finding(&plan, "name_changed");
    insta::assert_snapshot!(said.message, @"the target has no namespaces: the mapping's `other.people` becomes `other_people`");
    assert_eq!(
        said.evidence,
        ["hint: for a table `people` write to = \"main.people\""]
    );
}

#[test]
fn foreign_keys_that_differ_in_accents_only_are_one_name_where_the_target_says_so() {
    let mut a = table(
        "public.a",
        "id integer pk not null, x integer, y integer, cafe integer, café integer",
    );
    a.primary_key = Some(key("a_pk", &["id"]));
    a.foreign_keys.push(foreign_key("fk_cafe", "x", "public.a", "id"));
    a.foreign_keys.push(foreign_key("fk_CAFÉ", "y", "public.a", "id"));
    let plan = Setup::new(Toy::Spacious, Toy::Folding, vec![a]).plan();
    let [foreign_keys, ..] = names_within(&plan);
    assert_eq!(foreign_keys[0], "fk_cafe");
    assert!(foreign_keys[1].starts_with("fk_CAFÉ_"), "{foreign_keys:?}");
    assert_eq!(findings(&plan, "name_collision"), [""; 0]);
}
