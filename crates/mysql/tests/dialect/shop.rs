//! A database with one of everything, as changes: what a planner would ask for after reading another engine.

use std::sync::Arc;

use whimbrel_core::{
    Catalog, Change, Check, Column, ColumnUse, Connector as _, Deferral, Dialect, ForeignKey, Generated,
    Identity, Index, IndexPart, Key, LogicalType, NativeColumn, Sequence, Statement, Step, Table, TableId,
    TextEquality, View,
};
use whimbrel_mysql::{Flavour, MysqlConnector};

/// The dialect of a server of this version.
pub(crate) fn dialect(flavour: Flavour, version: &str) -> Arc<dyn Dialect> {
    let catalog = Catalog {
        engine: flavour.name().to_owned(),
        version: version.to_owned(),
        ..Catalog::default()
    };
    MysqlConnector { flavour }.dialect_of(&catalog)
}

/// The statements of a step, or those that take it back.
pub(crate) fn sql(statements: &[Statement]) -> Vec<&str> {
    statements
        .iter()
        .map(|statement| match statement {
            Statement::Sql(sql) => sql.as_str(),
            Statement::Engine { operation, .. } => operation.as_str(),
        })
        .collect()
}

/// The steps of all changes.
pub(crate) fn steps(dialect: &dyn Dialect, changes: &[Change]) -> Vec<Step> {
    changes
        .iter()
        .flat_map(|change| dialect.steps(change).unwrap())
        .collect()
}

pub(crate) fn key(name: &str, columns: &[&str]) -> Key {
    Key {
        name: name.to_owned(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        deferral: Deferral::Never,
        nulls_equal: false,
        definition: None,
    }
}

pub(crate) fn index(name: &str, method: &str, parts: Vec<IndexPart>) -> Index {
    Index {
        name: name.to_owned(),
        unique: false,
        parts,
        include: Vec::new(),
        predicate: None,
        method: method.to_owned(),
        nulls_equal: false,
        options: Vec::new(),
        definition: None,
        comment: None,
    }
}

pub(crate) fn part(column: &str) -> IndexPart {
    IndexPart {
        column: Some(column.to_owned()),
        expression: None,
        descending: false,
        nulls_first: None,
        collation: None,
        operator_class: None,
        prefix: None,
    }
}

fn labels(labels: &[&str]) -> Vec<String> {
    labels.iter().map(|label| (*label).to_owned()).collect()
}

fn text(chars_max: Option<u32>, padded: bool) -> LogicalType {
    LogicalType::Text { chars_max, padded }
}

/// Every logical type that has a type here, by the name of its column.
pub(crate) fn all_types() -> Vec<(&'static str, LogicalType)> {
    let decimal = |precision, scale| LogicalType::Decimal {
        precision: Some(precision),
        scale: Some(scale),
    };
    let bits = |length, varying| LogicalType::Bits { length, varying };
    vec![
        ("flag", LogicalType::Boolean),
        ("small", LogicalType::Integer { bits: 16 }),
        ("middle", LogicalType::Integer { bits: 32 }),
        ("big", LogicalType::Integer { bits: 64 }),
        ("money", decimal(12, 2)),
        ("exact", decimal(65, 30)),
        ("thirds", LogicalType::Float { bits: 32 }),
        ("ratio", LogicalType::Float { bits: 64 }),
        ("name", text(Some(60), false)),
        ("code", text(Some(5), true)),
        ("long name", text(Some(16_383), false)),
        ("notes`", text(None, false)),
        ("photo", LogicalType::Bytes),
        ("mask", bits(Some(17), false)),
        ("track", bits(None, true)),
        ("born", LogicalType::Date),
        ("opens", LogicalType::Time),
        ("calls", LogicalType::TimeZoned),
        ("made", LogicalType::Timestamp { zoned: false }),
        ("seen", LogicalType::Timestamp { zoned: true }),
        ("lasts", LogicalType::Interval),
        ("token", LogicalType::Uuid),
        ("extra", LogicalType::Json),
        (
            "mood",
            LogicalType::Enum {
                name: "mood".to_owned(),
                labels: labels(&["sad", "Sad", "it's", "a\\b", "x,y", "line\nbreak"]),
            },
        ),
        (
            "tags",
            LogicalType::Set {
                labels: labels(&["new", "it's", "a\\b"]),
            },
        ),
    ]
}

fn column(dialect: &dyn Dialect, name: &str, logical: &LogicalType, usage: &ColumnUse) -> Column {
    let exact = dialect.collation(TextEquality::default()).unwrap();
    Column {
        collation: Some(exact.name),
        ..Column::new(name, dialect.native(logical, usage).to)
    }
}

/// The table with a column of each type.
pub(crate) fn orders(dialect: &dyn Dialect) -> Table {
    let mut table = Table::empty(TableId::bare("Orders"));
    let free = ColumnUse::default();
    let mut id = column(dialect, "id", &LogicalType::Integer { bits: 64 }, &free);
    id.nullable = false;
    id.identity = Some(Identity {
        always: false,
        never_reused: true,
        sequence: None,
    });
    table.columns.push(id);
    for (name, logical) in all_types() {
        let mut made = column(dialect, name, &logical, &free);
        made.nullable = name != "name";
        made.default = match name {
            "flag" => Some("1".to_owned()),
            "name" => Some("'it''s \\\\'".to_owned()),
            "notes`" => Some("'none'".to_owned()),
            "made" => Some("CURRENT_TIMESTAMP".to_owned()),
            "big" => Some("1 + 2".to_owned()),
            _ => None,
        };
        table.columns.push(made);
    }
    let mut twice = column(dialect, "twice", &LogicalType::Integer { bits: 64 }, &free);
    twice.generated = Some(Generated {
        expression: "`big` * 2".to_owned(),
        stored: true,
    });
    twice.comment = Some("it's \\ computed".to_owned());
    table.columns.push(twice);
    let indexed = ColumnUse {
        indexed: true,
        length_seen: Some(36),
        ..ColumnUse::default()
    };
    table
        .columns
        .push(column(dialect, "parent", &text(None, false), &indexed));
    let mut stamped = Column::new("stamped", "datetime(3)");
    stamped.on_update = Some("now()".to_owned());
    table.columns.push(stamped);
    let mut place = Column::new("place", "point");
    place.nullable = false;
    table.columns.push(place);
    table.primary_key = Some(key("", &["id"]));
    table.comment = Some("all orders".to_owned());
    fit(dialect, &mut table);
    if dialect.has(whimbrel_core::Feature::Checks) {
        table.checks.push(Check {
            name: "small_is_small".to_owned(),
            expression: "`small` < 1000".to_owned(),
            validated: true,
            definition: None,
        });
    }
    table
}

/// Gives the columns that are too much for a row the types that the dialect names.
pub(crate) fn fit(dialect: &dyn Dialect, table: &mut Table) {
    let logical = LogicalType::text();
    let natives: Vec<NativeColumn<'_>> = table
        .columns
        .iter()
        .map(|column| NativeColumn {
            logical: &logical,
            native: &column.native,
            usage: ColumnUse::default(),
        })
        .collect();
    for (place, becomes) in dialect.fit_row(&natives) {
        table.columns[place].native = becomes.to;
    }
}

fn parents(dialect: &dyn Dialect) -> Table {
    let mut table = Table::empty(TableId::bare("par`ents"));
    let indexed = ColumnUse {
        indexed: true,
        length_seen: Some(36),
        ..ColumnUse::default()
    };
    let mut id = column(dialect, "id", &text(None, false), &indexed);
    id.nullable = false;
    table.columns.push(id);
    // Not the first column of the primary key, so that another key has to be made with the table.
    let mut number = column(dialect, "number", &LogicalType::Integer { bits: 32 }, &indexed);
    number.nullable = false;
    number.identity = Some(Identity {
        always: false,
        never_reused: true,
        sequence: None,
    });
    table.columns.push(number);
    table.primary_key = Some(key("", &["id"]));
    table.uniques.push(key("by number", &["number"]));
    table
}

/// Everything, in the order in which it is made.
pub(crate) fn changes(dialect: &dyn Dialect, flavour: Flavour) -> Vec<Change> {
    let (orders, parents) = (orders(dialect), parents(dialect));
    let id = orders.id.clone();
    let on_orders = |index| Change::CreateIndex {
        table: id.clone(),
        index,
    };
    let descending = IndexPart {
        descending: true,
        ..part("made")
    };
    let prefixed = IndexPart {
        prefix: Some(20),
        ..part("notes`")
    };
    let hidden = Index {
        options: vec!["invisible".to_owned()],
        comment: Some("not used".to_owned()),
        ..index("hidden", "btree", vec![part("middle"), descending])
    };
    let mut changes = vec![
        Change::CreateTable {
            table: parents.clone(),
            sequences: Vec::new(),
            as_declared: false,
        },
        Change::CreateTable {
            table: orders.clone(),
            sequences: Vec::new(),
            as_declared: false,
        },
        Change::AddUnique {
            table: id.clone(),
            key: key("by name", &["name", "small"]),
        },
        on_orders(hidden),
        on_orders(index("by_notes", "", vec![prefixed])),
        on_orders(index("words", "fulltext", vec![part("notes`"), part("name")])),
        on_orders(index("places", "spatial", vec![part("place")])),
        Change::AddForeignKey {
            table: id.clone(),
            key: of_parent(&parents.id),
        },
        Change::CreateView(View {
            id: TableId::bare("names"),
            columns: vec!["n".to_owned()],
            query: "SELECT `name` FROM `Orders`".to_owned(),
            definition: None,
            reads: vec![id.clone()],
            options: Vec::new(),
            comment: None,
        }),
    ];
    match flavour {
        Flavour::MySql => changes.push(on_orders(index(
            "by_half",
            "btree",
            vec![IndexPart {
                column: None,
                expression: Some("`big` / 2".to_owned()),
                ..part("")
            }],
        ))),
        Flavour::MariaDb => changes.push(Change::CreateSequence(numbers())),
    }
    changes
}

/// The foreign key of the orders.
pub(crate) fn of_parent(parents: &TableId) -> ForeignKey {
    ForeignKey {
        name: "of parent".to_owned(),
        columns: vec!["parent".to_owned()],
        references: parents.clone(),
        referred: vec!["id".to_owned()],
        on_update: "CASCADE".to_owned(),
        on_delete: "SET NULL".to_owned(),
        match_full: false,
        deferral: Deferral::Never,
        validated: true,
        definition: None,
    }
}

fn numbers() -> Sequence {
    Sequence {
        id: TableId::bare("numbers"),
        native: "bigint".to_owned(),
        start: 5,
        increment: 2,
        min: 1,
        max: i64::MAX,
        cache: 1,
        cycle: false,
        owned_by: None,
        implicit: false,
        position: None,
        comment: None,
    }
}
