//! The names that a tree uses: those of the target for columns and tables, and those that a query makes for itself.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Query, SelectItem, TableFactor, Visit, Visitor,
};

use super::shape::no;
use crate::{ExpressionContext, TableId, Untranslated};

/// Gives names their spelling in the target.
#[derive(Debug)]
pub struct TargetNames<'a> {
    context: &'a ExpressionContext,
    made: BTreeSet<String>,
    in_query: bool,
    quote: char,
}

impl<'a> TargetNames<'a> {
    /// Returns the names that an expression may use.
    pub fn of_expression(context: &'a ExpressionContext, quote: char) -> Self {
        Self {
            context,
            made: BTreeSet::new(),
            in_query: false,
            quote,
        }
    }

    /// Returns the names that a query may use: those of its own making, too.
    pub fn of_query(query: &Query, context: &'a ExpressionContext, quote: char) -> Self {
        Self {
            context,
            made: made_names(query).tables,
            in_query: true,
            quote,
        }
    }

    /// Tells whether the names are those of a query.
    pub fn in_query(&self) -> bool {
        self.in_query
    }

    /// Quotes a name that is not quoted.
    pub fn quote(&self, ident: &mut Ident) {
        ident.quote_style = Some(self.quote);
    }

    /// Returns the target's table; none for a name that the query makes itself.
    ///
    /// # Errors
    /// [`Untranslated`] when the table is not moved.
    pub fn relation(&self, name: &ObjectName) -> Result<Option<&'a TableId>, Untranslated> {
        let parts: Vec<&Ident> = name.0.iter().filter_map(ObjectNamePart::as_ident).collect();
        let id = match parts.as_slice() {
            [only] => TableId::bare(&only.value),
            [namespace, last] => TableId::new(&namespace.value, &last.value),
            _ => return Err(no(format!("table `{name}`"))),
        };
        if id.namespace.is_none() && self.made.contains(&id.name) {
            return Ok(None);
        }
        let found = self.context.tables.get(&id).or_else(|| {
            // A bare name means the only table of that name.
            let mut same = self
                .context
                .tables
                .iter()
                .filter(|(from, _)| from.name == id.name);
            let first = same.next().filter(|_| id.namespace.is_none());
            first.filter(|_| same.next().is_none()).map(|(_, to)| to)
        });
        match found {
            Some(to) => Ok(Some(to)),
            None => Err(Untranslated::new(format!("table `{id}` is not moved"))),
        }
    }

    /// Gives a column its name.
    ///
    /// # Errors
    /// [`Untranslated`] when there is no such column.
    pub fn column(&self, ident: &mut Ident) -> Result<(), Untranslated> {
        let known = self.context.columns.contains_key(&ident.value)
            || self.context.renames.contains_key(&ident.value);
        if !known && !self.in_query && !self.context.columns.is_empty() {
            return Err(Untranslated::new(format!(
                "column `{}` is not there",
                ident.value
            )));
        }
        self.rename(ident);
        Ok(())
    }

    /// Gives a column its name, whether it is known or not.
    pub fn rename(&self, ident: &mut Ident) {
        if let Some(renamed) = self.context.renames.get(&ident.value) {
            ident.value.clone_from(renamed);
        }
        ident.quote_style = Some(self.quote);
    }

    /// Gives a column behind its table or alias its name; the namespace before them goes.
    ///
    /// # Errors
    /// [`Untranslated`] when the name has no parts.
    pub fn compound(&self, parts: &mut Vec<Ident>) -> Result<(), Untranslated> {
        let (Some(mut column), Some(mut table)) = (parts.pop(), parts.pop()) else {
            return Err(no("a name without parts"));
        };
        self.rename(&mut column);
        if !self.made.contains(&table.value)
            && let Some((_, to)) = self
                .context
                .tables
                .iter()
                .find(|(from, _)| from.name == table.value)
        {
            table.value.clone_from(&to.name);
        }
        table.quote_style = Some(self.quote);
        *parts = vec![table, column];
        Ok(())
    }
}

/// The names that a query makes.
#[derive(Debug, Default)]
pub struct MadeNames {
    /// WITH queries and aliases of tables.
    pub tables: BTreeSet<String>,
    /// Aliases of columns.
    pub columns: BTreeSet<String>,
}

/// Returns the names that a query makes.
pub fn made_names(query: &Query) -> MadeNames {
    struct Collector(MadeNames);
    impl Visitor for Collector {
        type Break = ();

        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
                self.0.tables.insert(cte.alias.name.value.clone());
                let columns = cte.alias.columns.iter();
                self.0
                    .columns
                    .extend(columns.map(|column| column.name.value.clone()));
            }
            ControlFlow::Continue(())
        }

        fn pre_visit_select(&mut self, select: &sqlparser::ast::Select) -> ControlFlow<()> {
            for item in &select.projection {
                if let SelectItem::ExprWithAlias { alias, .. } = item {
                    self.0.columns.insert(alias.value.clone());
                }
            }
            ControlFlow::Continue(())
        }

        fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<()> {
            if let TableFactor::Table {
                alias: Some(alias), ..
            }
            | TableFactor::Derived {
                alias: Some(alias), ..
            } = table
            {
                self.0.tables.insert(alias.name.value.clone());
            }
            ControlFlow::Continue(())
        }
    }
    let mut collector = Collector(MadeNames::default());
    let done = query.visit(&mut collector);
    debug_assert!(done.is_continue());
    collector.0
}

/// Returns the names of the columns that an expression names.
pub fn columns_of(expr: &Expr) -> BTreeSet<String> {
    let mut columns = BTreeSet::new();
    let done: ControlFlow<()> = sqlparser::ast::visit_expressions(expr, |part| {
        if let Expr::Identifier(ident) = part {
            columns.insert(ident.value.clone());
        } else if let Expr::CompoundIdentifier(parts) = part
            && let Some(ident) = parts.last()
        {
            columns.insert(ident.value.clone());
        }
        ControlFlow::Continue(())
    });
    debug_assert!(done.is_continue());
    columns
}
