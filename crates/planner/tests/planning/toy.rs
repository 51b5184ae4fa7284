//! Two toy engines: just enough of a dialect to tell what the planner asks of one.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a toy knows a few of many types and expressions"
)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, Query, SetExpr, Statement as Ast, visit_expressions_mut};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use whimbrel_core::{
    Capabilities, Catalog, Change, Column, ColumnProfile, ColumnUse, Dialect, Error, ErrorClass,
    ExpressionContext, Feature, LogicalType, Mapped, NameEquality, NameLimit, NativeColumn, ObjectId,
    ObjectKind, Result, Statement, Step, StepPhase, Table, TableId, TargetCollation, TextEquality,
    Untranslated, UserTypeKind, ValueRule,
};

/// A toy engine.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Toy {
    Spacious,
    Flat,
    /// Folds the names of columns and the texts in them; its keys take texts of limited length only.
    Folding,
    /// Another flavour of the folding one.
    Creasing,
}

impl Toy {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Spacious => "spacious",
            Self::Flat => "flat",
            Self::Folding => "folding",
            Self::Creasing => "creasing",
        }
    }

    /// Tells whether it is one of the two that fold.
    fn folds(self) -> bool {
        matches!(self, Self::Folding | Self::Creasing)
    }

    pub(crate) fn capabilities(self) -> Capabilities {
        let spacious = self == Self::Spacious;
        if self.folds() {
            return Capabilities {
                writers: 8,
                transactional_ddl: false,
                constraints_inline: false,
                namespaces: false,
                default_namespace: None,
                user_types: false,
                name_limit: Some(NameLimit::Chars(24)),
                names: NameEquality::Exact,
                table_names_in_lower_case: false,
                part_names: NameEquality::Case,
                foreign_key_names: NameEquality::CaseAndAccents,
                home: None,
                constraint_names_per_namespace: true,
                index_names_per_namespace: false,
                checks_share_names: true,
                foreign_keys_make_indexes: true,
            };
        }
        Capabilities {
            writers: if spacious { 8 } else { 1 },
            transactional_ddl: true,
            constraints_inline: !spacious,
            namespaces: spacious,
            default_namespace: spacious.then_some("public"),
            user_types: spacious,
            name_limit: spacious.then_some(NameLimit::Bytes(24)),
            names: if spacious {
                NameEquality::Exact
            } else {
                NameEquality::AsciiCase
            },
            table_names_in_lower_case: false,
            part_names: if spacious {
                NameEquality::Exact
            } else {
                NameEquality::AsciiCase
            },
            foreign_key_names: NameEquality::Exact,
            home: (!spacious).then(|| "main".to_owned()),
            constraint_names_per_namespace: false,
            index_names_per_namespace: true,
            checks_share_names: spacious,
            foreign_keys_make_indexes: false,
        }
    }
}

impl Dialect for Toy {
    fn logical(
        &self,
        column: &Column,
        catalog: &Catalog,
        profile: Option<&ColumnProfile>,
    ) -> Mapped<LogicalType> {
        let user_type = column.user_type.as_ref().and_then(|id| catalog.user_type(id));
        let native = match user_type.map(|user_type| &user_type.kind) {
            Some(UserTypeKind::Enum { labels }) => {
                return Mapped::exact(LogicalType::Enum {
                    name: column.native.clone(),
                    labels: labels.clone(),
                });
            }
            Some(UserTypeKind::Domain { base, .. }) => base.clone(),
            Some(UserTypeKind::Composite { .. } | UserTypeKind::Range { .. }) | None => column.native.clone(),
        };
        let text = || Mapped::exact(LogicalType::text());
        match native.as_str() {
            "smallint" => Mapped::exact(LogicalType::Integer { bits: 16 }),
            "integer" => Mapped::exact(LogicalType::Integer { bits: 32 }),
            "bigint" | "INTEGER" => Mapped::exact(LogicalType::Integer { bits: 64 })
                .named("integer")
                .maybe_or(profile, "text", text()),
            "json" => Mapped::exact(LogicalType::Json),
            "DATETIME" => Mapped::exact(LogicalType::Timestamp { zoned: false })
                .named("timestamp")
                .or("text", "the text as it is", text()),
            "TEXT" | "text" => {
                text()
                    .named("text")
                    .maybe_or(profile, "bytes", Mapped::exact(LogicalType::Bytes))
            }
            "ANY" => Mapped::lossy(LogicalType::text(), "numbers become text")
                .named("text")
                .or(
                    "any",
                    "each value with its class",
                    Mapped::exact(LogicalType::Any),
                ),
            "MIXED" => Mapped::lossy(LogicalType::text(), "numbers become text")
                .named("text")
                .or(
                    "reject",
                    "numbers only",
                    Mapped::lossy(LogicalType::Integer { bits: 64 }, "texts"),
                ),
            "date" => Mapped::exact(LogicalType::Date),
            "datetime" => {
                Mapped::exact(LogicalType::Timestamp { zoned: false }).maybe_or(profile, "text", text())
            }
            native if native.starts_with("enum(") => Mapped::exact(LogicalType::Enum {
                name: column.name.clone(),
                labels: native[5..native.len() - 1]
                    .split(',')
                    .map(str::to_owned)
                    .collect(),
            }),
            "money" => Mapped::lossy(LogicalType::text(), "the currency follows the server's locale"),
            "cloud" => Mapped::unsupported(LogicalType::text(), "nobody knows it"),
            "boolean" => Mapped::exact(LogicalType::Boolean),
            _ => text(),
        }
    }

    fn wire(&self, column: &Column) -> LogicalType {
        LogicalType::Wire {
            native: column.native.clone(),
            printed: false,
        }
    }

    fn native(&self, logical: &LogicalType, usage: &ColumnUse) -> Mapped<String> {
        if self.folds() {
            return folding_native(logical, usage);
        }
        let spacious = *self == Self::Spacious;
        let name = |spacious_name: &str, flat_name: &str| {
            if spacious {
                spacious_name.to_owned()
            } else {
                flat_name.to_owned()
            }
        };
        match logical {
            LogicalType::Integer { bits: 16 } => Mapped::exact(name("smallint", "INTEGER")),
            LogicalType::Integer { bits: 32 } => Mapped::exact(name("integer", "INTEGER")),
            LogicalType::Integer { .. } => Mapped::exact(name("bigint", "INTEGER")),
            LogicalType::Boolean if !spacious => Mapped::widened("INTEGER".to_owned(), "0 and 1"),
            LogicalType::Boolean => Mapped::exact("boolean".to_owned()),
            LogicalType::Bytes => Mapped::exact(name("bytes", "BLOB")),
            LogicalType::Timestamp { .. } => Mapped::exact(name("timestamp", "DATETIME")),
            LogicalType::Date => Mapped::exact("date".to_owned()),
            LogicalType::Any if spacious => Mapped::unsupported("text".to_owned(), "classes cannot be kept"),
            _ => Mapped::exact(name("text", "TEXT")),
        }
    }

    fn adopt(&self, engine: &str, column: &Column) -> Option<String> {
        let is_kin = self.is_kin(engine) && column.native != "memo";
        is_kin.then(|| column.native.clone())
    }

    fn is_kin(&self, engine: &str) -> bool {
        self.folds() && ["folding", "creasing"].contains(&engine)
    }

    fn equality(&self, column: &Column) -> TextEquality {
        match (column.collation.as_deref(), self.folds()) {
            (Some("NOCASE"), _) => CASELESS,
            (Some("padded"), _) => PADDED,
            (None | Some("loose"), true) => LOOSE,
            _ => TextEquality::default(),
        }
    }

    fn collation(&self, equality: TextEquality) -> Option<TargetCollation> {
        let (name, equality) = match (equality.is_exact(), self.folds()) {
            (true, false) => ("", equality),
            (true, true) => ("exact", equality),
            (false, true) if equality == PADDED => ("padded", PADDED),
            (false, true) => ("loose", LOOSE),
            (false, false) => ("made_ci", CASELESS),
        };
        Some(TargetCollation {
            name: name.to_owned(),
            equality,
            made: name == "made_ci",
        })
    }

    fn fit_row(&self, columns: &[NativeColumn<'_>]) -> Vec<(usize, Mapped<String>)> {
        let is_char = |column: &&NativeColumn<'_>| column.native.starts_with("varchar");
        if columns.iter().filter(is_char).count() < 3 {
            return Vec::new();
        }
        let plain = columns
            .iter()
            .position(|column| is_char(&column) && !column.usage.indexed);
        let fitted = Mapped::widened("longtext".to_owned(), "any length is accepted");
        plain.map(|at| (at, fitted)).into_iter().collect()
    }

    fn keys_within(&self, table: &Table) -> Vec<String> {
        let numbered = table.columns.iter().find(|column| column.identity.is_some());
        let leads = |key: &&whimbrel_core::Key| Some(&key.columns[0]) == numbered.map(|column| &column.name);
        let key = table.uniques.iter().find(leads).filter(|_| self.folds());
        key.map(|key| key.name.clone()).into_iter().collect()
    }

    fn fit_key(&self, columns: &[NativeColumn<'_>]) -> Vec<Option<u32>> {
        let is_long = |column: &NativeColumn<'_>| column.native == "longtext";
        columns
            .iter()
            .map(|column| is_long(column).then_some(100))
            .collect()
    }

    fn misfit(
        &self,
        native: &str,
        _logical: &LogicalType,
        profile: &ColumnProfile,
    ) -> Option<(String, Vec<ValueRule>)> {
        let is_infinite = profile.max.as_deref() == Some("infinity");
        (native == "datetime" && is_infinite).then(|| {
            let rule = ValueRule::OutsideToNull { min: 0, max: 9 };
            ("a timestamp beyond the year 9999".to_owned(), vec![rule])
        })
    }

    fn holds_nul_text(&self) -> bool {
        *self == Self::Flat
    }

    fn has(&self, feature: Feature) -> bool {
        let folding_only = matches!(
            feature,
            Feature::OnUpdate | Feature::PrefixIndexes | Feature::TextIndexes
        );
        match self {
            Self::Spacious => !folding_only,
            Self::Folding => {
                folding_only
                    || matches!(
                        feature,
                        Feature::Comments | Feature::Checks | Feature::VirtualColumns
                    )
            }
            Self::Creasing => folding_only || feature == Feature::Comments,
            Self::Flat => matches!(
                feature,
                Feature::Checks | Feature::PartialIndexes | Feature::ExpressionIndexes
            ),
        }
    }

    fn asks_for(&self, definition: &str, feature: Feature) -> bool {
        match feature {
            Feature::Periods => definition.contains("PERIOD"),
            Feature::NotEnforced => definition.ends_with("NOT ENFORCED"),
            _ => false,
        }
    }

    fn has_room_for(&self, kind: ObjectKind, name: &str) -> bool {
        !(self.folds() && kind == ObjectKind::Table) || name.len() <= 24
    }

    fn reserves(&self, kind: ObjectKind, name: &str) -> bool {
        *self == Self::Spacious && kind == ObjectKind::Column && name == "ctid"
    }

    fn numbering_type(&self, native: &str) -> Option<String> {
        Some(native.to_owned())
    }

    fn quote(&self, identifier: &str) -> String {
        format!("[{identifier}]")
    }

    fn literal(&self, text: &str) -> String {
        format!("'{}'", text.replace('\'', "''"))
    }

    fn parse(&self, expression: &str, _context: &ExpressionContext) -> Result<Expr, Untranslated> {
        let parsed = Parser::new(&GenericDialect {})
            .try_with_sql(expression)
            .and_then(|mut parser| parser.parse_expr());
        parsed.map_err(|error| Untranslated::new(error.to_string()))
    }

    fn render(&self, expression: &Expr, context: &ExpressionContext) -> Result<String, Untranslated> {
        let mut expression = expression.clone();
        respell(&mut expression, &context.renames)?;
        Ok(expression.to_string())
    }

    fn parse_query(&self, query: &str, _context: &ExpressionContext) -> Result<Query, Untranslated> {
        let mut parsed = Parser::parse_sql(&GenericDialect {}, query)
            .map_err(|error| Untranslated::new(error.to_string()))?;
        match parsed.pop() {
            Some(Ast::Query(query)) if matches!(*query.body, SetExpr::Select(_)) => Ok(*query),
            other => Err(Untranslated::new(format!("{other:?} is no query"))),
        }
    }

    fn render_query(&self, query: &Query, context: &ExpressionContext) -> Result<String, Untranslated> {
        let mut query = query.clone();
        respell(&mut query, &context.renames)?;
        Ok(query.to_string())
    }

    fn steps(&self, change: &Change) -> Result<Vec<Step>> {
        if let Change::AddExclusion { name, .. } = change
            && name == "impossible"
        {
            return Err(Error::new(ErrorClass::Unsupported, "no such constraint"));
        }
        let (title, subject, sql, undo) = spelled(*self, change);
        Ok(vec![Step {
            id: String::new(),
            phase: StepPhase::Schema,
            subject,
            title,
            statements: vec![Statement::Sql(sql)],
            undo: vec![Statement::Sql(undo)],
            tables: Vec::new(),
            destructive: false,
        }])
    }
}

const CASELESS: TextEquality = TextEquality {
    ignores_case: true,
    ignores_accents: false,
    ignores_padding: false,
};

const PADDED: TextEquality = TextEquality {
    ignores_case: false,
    ignores_accents: false,
    ignores_padding: true,
};

const LOOSE: TextEquality = TextEquality {
    ignores_case: true,
    ignores_accents: true,
    ignores_padding: true,
};

fn folding_native(logical: &LogicalType, usage: &ColumnUse) -> Mapped<String> {
    match logical {
        LogicalType::Integer { .. } => Mapped::exact("bigint".to_owned()),
        LogicalType::Timestamp { .. } => Mapped::exact("datetime".to_owned()).named("datetime").or(
            "longtext",
            "the text of each",
            Mapped::exact("longtext".to_owned()),
        ),
        LogicalType::Enum { labels, .. } => Mapped::exact(format!("enum({})", labels.join(","))),
        LogicalType::Text { .. } => match usage.length_seen {
            Some(length) if length <= 255 => Mapped::exact("varchar(255)".to_owned()),
            _ => Mapped::exact("longtext".to_owned()),
        },
        _ => Mapped::exact("longblob".to_owned()),
    }
}

/// Adds an alternative only when the values give a reason to.
trait MaybeOr {
    fn maybe_or(self, profile: Option<&ColumnProfile>, choice: &str, other: Self) -> Self;
}

impl MaybeOr for Mapped<LogicalType> {
    fn maybe_or(self, profile: Option<&ColumnProfile>, choice: &str, other: Self) -> Self {
        let troubled = profile.is_some_and(|p| {
            p.out_of_range + p.nul_text + p.invalid_text > 0 || p.shapes.contains_key("ask")
        });
        if troubled {
            self.or(choice, "another form", other)
        } else {
            self
        }
    }
}

fn respell<V: sqlparser::ast::VisitMut>(
    tree: &mut V,
    renames: &BTreeMap<String, String>,
) -> Result<(), Untranslated> {
    let found = visit_expressions_mut(tree, |expression| match expression {
        Expr::Function(function) if function.name.to_string().starts_with("odd") => ControlFlow::Break(
            Untranslated::new(format!("function `{}` is not known", function.name)),
        ),
        Expr::Identifier(ident) => {
            if let Some(to) = renames.get(&ident.value) {
                *ident = Ident::new(to.clone());
            }
            ControlFlow::Continue(())
        }
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Break(why) => Err(why),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Title, subject, statement and undo of a change.
fn spelled(toy: Toy, change: &Change) -> (String, ObjectId, String, String) {
    let whole = |kind, id: &TableId| ObjectId::whole(kind, id.clone());
    let (title, subject, sql) = match change {
        Change::CreateNamespace(namespace) => {
            let id = TableId::bare(&namespace.name);
            (
                format!("create namespace {id}"),
                whole(ObjectKind::Namespace, &id),
                String::new(),
            )
        }
        Change::CreateType(user_type) => (
            format!("create type {}", user_type.id),
            whole(ObjectKind::Type, &user_type.id),
            String::new(),
        ),
        Change::CreateSequence(sequence) => (
            format!("create sequence {}", sequence.id),
            whole(ObjectKind::Sequence, &sequence.id),
            format!("owned by {:?}", sequence.owned_by),
        ),
        Change::CreateTable { table, sequences, .. } => {
            let mut sql = create_table(toy, table);
            for sequence in sequences {
                sql.push_str(&format!(" with sequence {} up to {}", sequence.id, sequence.max));
            }
            (
                format!("create table {}", table.id),
                whole(ObjectKind::Table, &table.id),
                sql,
            )
        }
        Change::CreateCollation(collation) => (
            format!("create collation {}", collation.name),
            whole(ObjectKind::Other, &TableId::bare(&collation.name)),
            String::new(),
        ),
        Change::OwnSequence {
            sequence,
            table,
            column,
        } => (
            format!("own sequence {sequence}"),
            whole(ObjectKind::Sequence, sequence),
            format!("by {table}.{column}"),
        ),
        Change::CreateView(view) => {
            let sql = view.definition.clone().unwrap_or_else(|| view.query.clone());
            (
                format!("create view {}", view.id),
                whole(ObjectKind::View, &view.id),
                sql,
            )
        }
        Change::CreateOther(object) => (
            format!("make {} {}", object.kind, object.id),
            whole(ObjectKind::Other, &object.id),
            String::new(),
        ),
        Change::MoveAside { table, migration } => (
            format!("move {} aside", table.id),
            whole(ObjectKind::Table, &table.id),
            format!("to {migration}"),
        ),
        part => spelled_part(part),
    };
    let undo = format!("undo {title}");
    (title, subject, sql, undo)
}

/// The same for the changes of a table's parts.
fn spelled_part(change: &Change) -> (String, ObjectId, String) {
    let part = |kind, table: &TableId, name: &str| ObjectId::part(kind, table.clone(), name);
    match change {
        Change::StampOnUpdate { table, column } => (
            format!("stamp {table}.{column}"),
            ObjectId::part(ObjectKind::Other, table.clone(), column),
            String::new(),
        ),
        Change::AddPrimaryKey { table, key } => (
            format!("add primary key {} to {table}", key.name),
            part(ObjectKind::PrimaryKey, table, &key.name),
            key.definition.clone().unwrap_or_else(|| key.columns.join(", ")),
        ),
        Change::AddUnique { table, key } => (
            format!("add unique {} to {table}", key.name),
            part(ObjectKind::Unique, table, &key.name),
            key.definition.clone().unwrap_or_else(|| key.columns.join(", ")),
        ),
        Change::AddCheck { table, check } => (
            format!("add check {} to {table}", check.name),
            part(ObjectKind::Check, table, &check.name),
            check.expression.clone(),
        ),
        Change::AddExclusion {
            table,
            name,
            definition,
        } => (
            format!("add exclusion {name} to {table}"),
            part(ObjectKind::Exclusion, table, name),
            definition.clone(),
        ),
        Change::CreateIndex { table, index } => (
            format!("create index {} on {table}", index.name),
            part(ObjectKind::Index, table, &index.name),
            index.definition.clone().unwrap_or_else(|| {
                let parts: Vec<String> = index
                    .parts
                    .iter()
                    .map(|part| {
                        let prefix = part.prefix.map(|length| format!(" to {length}"));
                        let text = part.column.clone().or(part.expression.clone());
                        text.unwrap_or_default() + &prefix.unwrap_or_default()
                    })
                    .collect();
                let predicate = index.predicate.as_ref().map(|text| format!(" where {text}"));
                let unique = if index.unique { "unique " } else { "" };
                let method = match index.method.as_str() {
                    "" => String::new(),
                    method => format!("{method} "),
                };
                format!(
                    "{unique}{method}({}){}",
                    parts.join(", "),
                    predicate.unwrap_or_default()
                )
            }),
        ),
        Change::AddForeignKey { table, key } => (
            format!("add foreign key {} to {table}", key.name),
            part(ObjectKind::ForeignKey, table, &key.name),
            format!(
                "{} -> {}{}",
                key.columns.join(", "),
                key.references,
                if key.validated { "" } else { " not validated" }
            ),
        ),
        whole => panic!("no part: {whole:?}"),
    }
}

fn create_table(toy: Toy, table: &Table) -> String {
    if let Some(definition) = &table.definition {
        return definition.clone();
    }
    let mut lines: Vec<String> = table
        .columns
        .iter()
        .map(|column| spelled_column(toy, column))
        .collect();
    if let Some(key) = &table.primary_key {
        lines.push(format!("primary key {} ({})", key.name, key.columns.join(", ")).replace("  ", " "));
    }
    lines.extend(
        table
            .uniques
            .iter()
            .map(|key| format!("unique {} ({})", key.name, key.columns.join(", "))),
    );
    lines.extend(
        table
            .checks
            .iter()
            .map(|check| format!("check {} ({})", check.name, check.expression)),
    );
    lines.extend(table.foreign_keys.iter().map(|key| {
        format!(
            "foreign key {} ({}) -> {}",
            key.name,
            key.columns.join(", "),
            key.references
        )
    }));
    format!("({})", lines.join("; "))
}

fn spelled_column(toy: Toy, column: &Column) -> String {
    let mut text = format!("{} {}", toy.quote(&column.name), column.native);
    if !column.nullable {
        text.push_str(" not null");
    }
    if let Some(default) = &column.default {
        text.push_str(&format!(" default {default}"));
    }
    if let Some(identity) = &column.identity {
        text.push_str(if identity.always {
            " identity always"
        } else {
            " identity"
        });
    }
    if let Some(collation) = &column.collation {
        text.push_str(&format!(" collate {collation}"));
    }
    if let Some(on_update) = &column.on_update {
        text.push_str(&format!(" on update {on_update}"));
    }
    for option in &column.options {
        text.push_str(&format!(" {option}"));
    }
    if let Some(generated) = &column.generated {
        text.push_str(&format!(" as ({})", generated.expression));
    }
    text
}
