//! Names: the engine minds no case and takes many quotes; the neutral form has each name as the catalog spells it, in double quotes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, ObjectName, ObjectNamePart, Query, Value, Visit, Visitor};
use whimbrel_core::expression::no;
use whimbrel_core::{ExpressionContext, Untranslated};

/// Names of the row number that no column has to be declared for.
const ROW_NUMBERS: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// The names that can be meant.
pub(super) struct Names {
    /// By their lower-case spelling.
    spellings: BTreeMap<String, String>,
    relations: BTreeMap<String, String>,
    made: BTreeSet<String>,
    in_query: bool,
}

impl Names {
    /// Returns the names that an expression may use.
    pub(super) fn of_expression(context: &ExpressionContext) -> Self {
        let columns = context.columns.keys().chain(context.renames.keys());
        let relations: BTreeMap<String, String> = context
            .tables
            .keys()
            .map(|id| (id.name.to_lowercase(), id.name.clone()))
            .collect();
        let mut spellings = relations.clone();
        spellings.extend(columns.map(|name| (name.to_lowercase(), name.clone())));
        Self {
            spellings,
            relations,
            made: BTreeSet::new(),
            in_query: false,
        }
    }

    /// Returns the names that a query may use: those of its own making, too.
    pub(super) fn of_query(query: &Query, context: &ExpressionContext) -> Self {
        let mut names = Self::of_expression(context);
        names.in_query = true;
        let mut collector = Collector(Vec::new());
        let _done = query.visit(&mut collector);
        for name in collector.0 {
            names
                .spellings
                .entry(name.to_lowercase())
                .or_insert_with(|| name.clone());
            names.made.insert(name.to_lowercase());
        }
        names
    }

    /// Spells a name as it is declared, quoted.
    pub(super) fn spell(&self, ident: &mut Ident) {
        if let Some(spelled) = self.spellings.get(&ident.value.to_lowercase()) {
            ident.value.clone_from(spelled);
        }
        ident.quote_style = Some('"');
    }

    /// Checks a table's name; `main.` before it says nothing.
    pub(super) fn relation(&self, name: &mut ObjectName) -> Result<(), Untranslated> {
        let parts: Vec<&Ident> = name.0.iter().filter_map(ObjectNamePart::as_ident).collect();
        let last = match parts.as_slice() {
            [only] => *only,
            [schema, last] if schema.value.eq_ignore_ascii_case("main") => *last,
            _ => return Err(no(format!("table `{name}`"))),
        };
        let key = last.value.to_lowercase();
        let spelled = match self.relations.get(&key) {
            Some(spelled) => spelled.clone(),
            None if self.made.contains(&key) => last.value.clone(),
            None => return Err(Untranslated::new(format!("table `{}` is not moved", last.value))),
        };
        *name = ObjectName(vec![ObjectNamePart::Identifier(Ident::with_quote('"', spelled))]);
        Ok(())
    }

    /// Looks at a bare name before its quotes are changed: text in double quotes, and the row number.
    pub(super) fn column(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        let Expr::Identifier(ident) = expr else {
            return Ok(());
        };
        let known = self.spellings.contains_key(&ident.value.to_lowercase());
        if known {
            return Ok(());
        }
        // The engine takes a name in double quotes that names nothing for text. In a query that cannot be told from here.
        if ident.quote_style == Some('"') && !self.in_query {
            *expr = Expr::value(Value::SingleQuotedString(ident.value.clone()));
            return Ok(());
        }
        if ident.quote_style.is_none()
            && ROW_NUMBERS
                .iter()
                .any(|name| ident.value.eq_ignore_ascii_case(name))
        {
            return Err(no(format!("the row number `{}`", ident.value)));
        }
        if !self.in_query {
            return Err(Untranslated::new(format!(
                "column `{}` is not there",
                ident.value
            )));
        }
        Ok(())
    }
}

/// Collects the names that a query makes: aliases of tables and columns, and its WITH queries.
struct Collector(Vec<String>);

impl Visitor for Collector {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.0.push(cte.alias.name.value.clone());
            self.0
                .extend(cte.alias.columns.iter().map(|column| column.name.value.clone()));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &sqlparser::ast::Select) -> ControlFlow<()> {
        use sqlparser::ast::SelectItem;
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.0.push(alias.value.clone());
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &sqlparser::ast::TableFactor) -> ControlFlow<()> {
        use sqlparser::ast::TableFactor;
        if let TableFactor::Table {
            alias: Some(alias), ..
        }
        | TableFactor::Derived {
            alias: Some(alias), ..
        } = table
        {
            self.0.push(alias.name.value.clone());
        }
        ControlFlow::Continue(())
    }
}
