//! The statements as text.

use whimbrel_core::{Change, ForeignKey, Table, TableId};
use whimbrel_mysql::Flavour;

use crate::shop::{changes, dialect, of_parent, orders, sql, steps};

fn written(flavour: Flavour, version: &str) -> String {
    let dialect = dialect(flavour, version);
    let steps = steps(dialect.as_ref(), &changes(dialect.as_ref(), flavour));
    let mut written = String::new();
    for step in &steps {
        written.push_str(&format!("-- {}\n", step.title));
        for statement in sql(&step.statements) {
            written.push_str(&format!("{statement};\n"));
        }
        for statement in sql(&step.undo) {
            written.push_str(&format!("-- undo: {statement};\n"));
        }
    }
    written
}

#[test]
fn a_database_for_mysql() {
    insta::assert_snapshot!(written(Flavour::MySql, "9.1.0"));
}

#[test]
fn a_database_for_mariadb() {
    insta::assert_snapshot!(written(Flavour::MariaDb, "10.11.6-MariaDB"));
}

#[test]
fn a_table_moves_aside_and_back_by_one_statement_each() {
    let dialect = dialect(Flavour::MariaDb, "10.11.6-MariaDB");
    let change = Change::MoveAside {
        table: Table::empty(TableId::bare("Orders")),
        migration: "mig_2026_001".to_owned(),
    };
    let step = dialect.steps(&change).unwrap().remove(0);
    assert!(step.destructive);
    insta::assert_snapshot!(sql(&step.statements).join(";\n"), @"RENAME TABLE `Orders` TO `_whimbrel_old_c3aef480_d16dc435_Orders`");
    insta::assert_snapshot!(sql(&step.undo).join(";\n"), @"RENAME TABLE `_whimbrel_old_c3aef480_d16dc435_Orders` TO `Orders`");
}

#[test]
fn set_default_is_refused_since_it_would_mean_something_else() {
    let dialect = dialect(Flavour::MySql, "9.1.0");
    let orders = orders(dialect.as_ref());
    let (table, key) = (orders.id, of_parent(&TableId::bare("p")));
    let change = Change::AddForeignKey {
        table,
        key: ForeignKey {
            on_delete: "SET DEFAULT".to_owned(),
            ..key
        },
    };
    assert!(dialect.steps(&change).is_err());
}

#[test]
fn two_numbered_columns_are_refused() {
    let dialect = dialect(Flavour::MySql, "9.1.0");
    let mut table = orders(dialect.as_ref());
    let numbered = table.columns[0].identity.clone();
    table.columns[2].identity = numbered;
    let change = Change::CreateTable {
        table,
        sequences: Vec::new(),
        as_declared: false,
    };
    assert!(dialect.steps(&change).is_err());
}
