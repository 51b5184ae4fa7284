//! From the syntax tree to typed nodes: names become columns, every part gets its kind, and what cannot be computed from the row
//! alone is refused. Operators are in `bind/operator.rs`, conditions in `bind/conditional.rs`; what functions do is theirs.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser knows far more than can be computed from a row"
)]

mod conditional;
mod literal;
mod operator;

use std::sync::Arc;

use arrow_schema::{Field, Schema};
use datafusion_physical_expr::expressions::Column;
use sqlparser::ast::{
    self, CastKind, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
};
use sqlparser::ast::{Spanned, TrimWhereField};
use whimbrel_core::{Error, Result, arrow_type, shorten};

use crate::carry::working;
use crate::cast::cast;
use crate::column::InputColumn;
use crate::functions::{self, Call};
use crate::kernel::OnRefusal;
use crate::lookup::Lookups;
use crate::node::{Kind, Node, folded};
use crate::parse::{parse, refused};
use crate::similar::nearest;

/// How deep a tree may become; long chains of operators are deep.
const DEPTH_MAX: usize = 300;

/// An expression with its type, and the columns that it reads.
pub(crate) struct Bound {
    pub(crate) node: Node,
    pub(crate) reads: Vec<usize>,
}

/// Gives the expression its type.
pub(crate) fn bind(text: &str, columns: &[InputColumn], lookups: &Lookups) -> Result<Bound> {
    let mut binder = Binder {
        text,
        columns,
        lookups,
        reads: Vec::new(),
        depth: 0,
    };
    let node = binder.bind(&parse(text)?)?;
    Ok(Bound {
        node,
        reads: binder.reads,
    })
}

struct Binder<'a> {
    text: &'a str,
    columns: &'a [InputColumn],
    lookups: &'a Lookups,
    reads: Vec<usize>,
    depth: usize,
}

impl Binder<'_> {
    /// Binds a part as it is: a bare column stays in the form in which it travels.
    fn bind(&mut self, part: &Expr) -> Result<Node> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Error::invalid(format!(
                "expression `{}` nests deeper than {DEPTH_MAX} operators",
                shorten(self.text)
            ))
            .with_code("expression_invalid"));
        }
        let node = self.bind_part(part)?;
        self.depth -= 1;
        Ok(folded(node))
    }

    /// Binds a part to be computed with.
    fn value(&mut self, part: &Expr) -> Result<Node> {
        let node = self.bind(part)?;
        self.at(part, working(node))
    }

    /// Says where a refusal belongs.
    fn at<T>(&self, part: &impl Spanned, result: Result<T, String>) -> Result<T> {
        result.map_err(|what| refused(self.text, part, what))
    }

    fn refuse<T>(&self, part: &impl Spanned, what: impl Into<String>) -> Result<T> {
        Err(refused(self.text, part, what))
    }

    fn bind_part(&mut self, part: &Expr) -> Result<Node> {
        match part {
            Expr::Nested(inner) => self.bind(inner),
            Expr::Identifier(name) => self.column(part, name),
            Expr::CompoundIdentifier(names) => self.compound(part, names),
            Expr::Value(value) => self.at(part, literal::value(&value.value)),
            Expr::TypedString(typed) => self.typed_string(part, typed),
            Expr::Interval(interval) => self.interval(part, interval),
            Expr::UnaryOp { op, expr } => self.unary(part, *op, expr),
            Expr::BinaryOp { left, op, right } => self.binary(part, left, op, right),
            Expr::Cast {
                kind,
                expr,
                data_type,
                format: None,
            } => self.cast(part, kind, (expr, data_type)),
            Expr::Function(function) => self.function(function),
            Expr::Extract { field, expr, .. } => {
                let field = Node::text(&field.to_string());
                let value = self.value(expr)?;
                self.call(part, "date_part", vec![field, value])
            }
            Expr::Ceil { expr, field } if plain(field) => self.named("ceil", part, [Some(expr), None, None]),
            Expr::Floor { expr, field } if plain(field) => {
                self.named("floor", part, [Some(expr), None, None])
            }
            Expr::Position { expr, r#in } => self.named("strpos", part, [Some(r#in), Some(expr), None]),
            Expr::Substring {
                expr,
                substring_from,
                substring_for,
                ..
            } => {
                let parts = [
                    Some(expr.as_ref()),
                    substring_from.as_deref(),
                    substring_for.as_deref(),
                ];
                self.named("substr", part, parts)
            }
            Expr::Trim {
                trim_where,
                trim_what,
                expr,
                trim_characters: None,
            } => {
                let name = match trim_where {
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                    Some(TrimWhereField::Both) | None => "btrim",
                };
                self.named(name, part, [Some(expr), trim_what.as_deref(), None])
            }
            _ => self.bind_condition(part),
        }
    }

    fn refuse_kind(&self, part: &Expr) -> Result<Node> {
        let what = match part {
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
                "a subquery cannot be computed from one row; use `lookup('name', key)` for values of another table"
            }
            Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => "`*` is no value",
            Expr::AtTimeZone { .. } => "AT TIME ZONE is not known; instants are in UTC",
            Expr::Collate { .. } => "COLLATE is not known; text is compared character by character",
            Expr::Tuple(_) | Expr::Array(_) => "a list is no value; lists stand after IN",
            _ => "this is not known in expressions",
        };
        self.refuse(part, what)
    }

    /// Finds a column: exactly, or whatever its case when no other column has that name.
    fn column(&mut self, part: &Expr, name: &Ident) -> Result<Node> {
        let columns = self.columns;
        let exact = columns.iter().position(|column| column.name == name.value);
        let found = match exact {
            Some(found) => found,
            None => self.column_in_any_case(part, name)?,
        };
        let at = match self.reads.iter().position(|read| *read == found) {
            Some(at) => at,
            None => {
                self.reads.push(found);
                self.reads.len() - 1
            }
        };
        let column = &columns[found];
        Ok(Node {
            tree: Arc::new(Column::new(&column.name, at)),
            kind: Kind::of(&column.logical),
            carried: Some(column.logical.clone()),
            nullable: column.nullable,
            constant: false,
            fallible: false,
            literal: None,
        })
    }

    fn column_in_any_case(&self, part: &Expr, name: &Ident) -> Result<usize> {
        let wanted = name.value.to_lowercase();
        let mut alike =
            (0..self.columns.len()).filter(|column| self.columns[*column].name.to_lowercase() == wanted);
        let unquoted = name.quote_style.is_none();
        if let (true, Some(found)) = (unquoted, alike.next()) {
            return match alike.next() {
                None => Ok(found),
                Some(other) => Err(refused(
                    self.text,
                    part,
                    format!(
                        "column `{name}` may be `{}` or `{}`",
                        self.columns[found].name, self.columns[other].name
                    ),
                )
                .with_hint(format!("write \"{}\" to mean that one", self.columns[found].name))),
            };
        }
        let error = refused(self.text, part, format!("column `{}` does not exist", name.value));
        let names = self.columns.iter().map(|column| column.name.as_str());
        Err(match nearest(&name.value, names.clone()) {
            Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
            None if name.quote_style == Some('"') => {
                error.with_hint("text stands in single quotes, such as 'text'")
            }
            None => error.with_hint(format!(
                "the columns are {}; a text stands in single quotes: '{}'",
                names.collect::<Vec<_>>().join(", "),
                name.value
            )),
        })
    }

    fn compound(&self, part: &Expr, names: &[Ident]) -> Result<Node> {
        let last = names.last().map_or("", |name| name.value.as_str());
        Err(refused(
            self.text,
            part,
            format!("`{part}` names a table; an expression sees one row of its own"),
        )
        .with_hint(format!("write `{last}` alone")))
    }

    fn typed_string(&self, part: &Expr, typed: &ast::TypedString) -> Result<Node> {
        let kind = self.at(part, literal::kind_of(&typed.data_type))?;
        let text = self.at(part, literal::value(&typed.value.value))?;
        let made = cast(text, &kind, OnRefusal::Fail);
        self.settled(part, made)
    }

    /// A constant that cannot be computed is a mistake wherever it stands.
    fn settled(&self, part: &impl Spanned, made: Result<Node, String>) -> Result<Node> {
        let node = folded(self.at(part, made)?);
        if node.constant && node.fallible && node.scalar().is_none() {
            let shown = node.kind;
            return self.refuse(part, format!("this is not a valid {shown}"));
        }
        Ok(node)
    }

    fn cast(&mut self, part: &Expr, kind: &CastKind, what: (&Expr, &ast::DataType)) -> Result<Node> {
        let (value, data_type) = what;
        let to = self.at(part, literal::kind_of(data_type))?;
        let value = self.value(value)?;
        let refusal = match kind {
            CastKind::Cast | CastKind::DoubleColon => OnRefusal::Fail,
            CastKind::TryCast | CastKind::SafeCast => OnRefusal::Null,
        };
        let constant = value.literal.is_some() && refusal == OnRefusal::Fail;
        let made = cast(value, &to, refusal);
        match constant {
            true => self.settled(part, made),
            false => self.at(part, made),
        }
    }

    /// Calls a function that has a syntax of its own.
    fn named(&mut self, name: &str, part: &Expr, parts: [Option<&Expr>; 3]) -> Result<Node> {
        let mut arguments = Vec::new();
        for argument in parts.into_iter().flatten() {
            arguments.push(self.value(argument)?);
        }
        self.call(part, name, arguments)
    }

    fn function(&mut self, function: &Function) -> Result<Node> {
        let name = function.name.to_string().to_ascii_lowercase();
        if function.over.is_some() {
            return self.refuse(
                function,
                format!("`{name}` over a window needs other rows; an expression sees one"),
            );
        }
        if let Some(why) = functions::refusal(&name) {
            return self.refuse(function, format!("`{name}` {why}"));
        }
        let FunctionArguments::List(list) = &function.args else {
            // `current_date` and its like are refused above.
            return self.unknown_function(function, &name);
        };
        let plain = list.duplicate_treatment.is_none()
            && list.clauses.is_empty()
            && function.filter.is_none()
            && function.within_group.is_empty();
        if !plain {
            return self.refuse(
                function,
                format!("the clauses of `{name}` are not known in expressions"),
            );
        }
        let mut parts = Vec::new();
        for argument in &list.args {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(part)) => parts.push(part),
                _ => {
                    return self.refuse(
                        function,
                        format!("the arguments of `{name}` must be plain values"),
                    );
                }
            }
        }
        if let Some(node) = self.lazy(function, &name, &parts)? {
            return Ok(node);
        }
        let mut arguments = Vec::new();
        for part in parts {
            arguments.push(self.value(part)?);
        }
        self.call(function, &name, arguments)
    }

    fn call(&self, part: &impl Spanned, name: &str, arguments: Vec<Node>) -> Result<Node> {
        let Some(function) = functions::find(name) else {
            return self.unknown_function(part, name);
        };
        let call = Call {
            arguments,
            lookups: self.lookups,
        };
        let made = function.bind(call);
        self.at(part, made)
    }

    fn unknown_function(&self, part: &impl Spanned, name: &str) -> Result<Node> {
        let error = refused(self.text, part, format!("function `{name}` is not known"));
        Err(match nearest(name, functions::names()) {
            Some(meant) => error.with_hint(format!("did you mean `{meant}`?")),
            None => error.with_hint("the page on expressions in the documentation lists all functions"),
        })
    }

    /// The columns as the tree so far sees them.
    fn schema(&self) -> Schema {
        let fields = self.reads.iter().map(|read| {
            let column = &self.columns[*read];
            Field::new(&column.name, arrow_type(&column.logical), true)
        });
        Schema::new(fields.collect::<Vec<_>>())
    }
}

fn plain(field: &ast::CeilFloorKind) -> bool {
    matches!(
        field,
        ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime)
    )
}
