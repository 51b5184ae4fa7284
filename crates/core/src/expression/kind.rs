//! What kind of value an expression has, as far as its text and the columns' types tell. Never a guess: unknown is an answer.
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not listed is not known")]

use crate::{ExpressionContext, LogicalType};
use sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator,
    Value,
};

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name says it")]
pub enum Kind {
    Boolean,
    Integer,
    Real,
    Decimal,
    Text,
    Date,
    Time,
    /// A point in time; true with a zone.
    Timestamp(bool),
    Bytes,
    Uuid,
    Json,
    /// Known, and none of the others.
    Other,
    Null,
    Unknown,
}

impl Kind {
    /// Tells whether it is a number.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Real | Self::Decimal)
    }

    /// Tells whether it is a day or a time.
    pub fn is_moment(self) -> bool {
        matches!(self, Self::Date | Self::Time | Self::Timestamp(_))
    }

    /// Tells whether nothing is known about it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Null | Self::Unknown)
    }
}

/// Returns the kind of a logical type.
pub fn of_logical(logical: &LogicalType) -> Kind {
    match logical {
        LogicalType::Boolean => Kind::Boolean,
        LogicalType::Integer { .. } => Kind::Integer,
        LogicalType::Decimal { .. } => Kind::Decimal,
        LogicalType::Float { .. } => Kind::Real,
        LogicalType::Text { .. } | LogicalType::Enum { .. } | LogicalType::Set { .. } => Kind::Text,
        LogicalType::Bytes => Kind::Bytes,
        LogicalType::Date => Kind::Date,
        LogicalType::Time => Kind::Time,
        LogicalType::Timestamp { zoned } => Kind::Timestamp(*zoned),
        LogicalType::Uuid => Kind::Uuid,
        LogicalType::Json => Kind::Json,
        LogicalType::Bits { .. }
        | LogicalType::TimeZoned
        | LogicalType::Interval
        | LogicalType::Any
        | LogicalType::Wire { .. } => Kind::Other,
    }
}

/// Returns the kind of a type in a cast.
pub fn of_type(data_type: &DataType) -> Kind {
    match data_type {
        DataType::Boolean | DataType::Bool => Kind::Boolean,
        DataType::Int(_)
        | DataType::Integer(_)
        | DataType::BigInt(_)
        | DataType::SmallInt(_)
        | DataType::Int2(_)
        | DataType::Int4(_)
        | DataType::Int8(_) => Kind::Integer,
        DataType::Real
        | DataType::Double(_)
        | DataType::DoublePrecision
        | DataType::Float(_)
        | DataType::Float4
        | DataType::Float8 => Kind::Real,
        DataType::Numeric(_) | DataType::Decimal(_) | DataType::Dec(_) => Kind::Decimal,
        DataType::Text
        | DataType::Varchar(_)
        | DataType::CharacterVarying(_)
        | DataType::CharVarying(_)
        | DataType::Char(_)
        | DataType::Character(_)
        | DataType::Nvarchar(_) => Kind::Text,
        DataType::Blob(_) | DataType::Bytea => Kind::Bytes,
        DataType::Date => Kind::Date,
        DataType::Time(..) => Kind::Time,
        DataType::Timestamp(_, zone) => Kind::Timestamp(matches!(
            zone,
            sqlparser::ast::TimezoneInfo::WithTimeZone | sqlparser::ast::TimezoneInfo::Tz
        )),
        DataType::Uuid => Kind::Uuid,
        DataType::JSON | DataType::JSONB => Kind::Json,
        _ => Kind::Unknown,
    }
}

/// Returns the kind of an expression's values.
pub fn kind(expr: &Expr, context: &ExpressionContext) -> Kind {
    let column = |name: &str| context.columns.get(name).map_or(Kind::Unknown, of_logical);
    match expr {
        Expr::Identifier(ident) => column(&ident.value),
        Expr::CompoundIdentifier(parts) => parts.last().map_or(Kind::Unknown, |ident| column(&ident.value)),
        Expr::Nested(inner) => kind(inner, context),
        Expr::Collate { expr, .. } => kind(expr, context),
        Expr::Value(value) => of_value(&value.value),
        Expr::Cast { data_type, .. } => of_type(data_type),
        Expr::TypedString(typed) => of_type(&typed.data_type),
        Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::Between { .. }
        | Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::Exists { .. } => Kind::Boolean,
        Expr::UnaryOp { op, expr } => match op {
            UnaryOperator::Not => Kind::Boolean,
            _ => kind(expr, context),
        },
        Expr::BinaryOp { left, op, right } => of_operation(op, kind(left, context), kind(right, context)),
        Expr::Case {
            conditions,
            else_result,
            ..
        } => {
            let results = conditions
                .iter()
                .map(|when| &when.result)
                .chain(else_result.as_deref());
            common(results.map(|result| kind(result, context)))
        }
        Expr::Extract { .. } | Expr::Position { .. } => Kind::Integer,
        Expr::Substring { .. } | Expr::Trim { .. } => Kind::Text,
        Expr::Function(function) => of_function(function, context),
        _ => Kind::Unknown,
    }
}

fn of_value(value: &Value) -> Kind {
    match value {
        Value::Number(digits, _) => {
            if digits.bytes().all(|byte| byte.is_ascii_digit()) {
                Kind::Integer
            } else {
                Kind::Decimal
            }
        }
        Value::Boolean(_) => Kind::Boolean,
        Value::Null => Kind::Null,
        Value::HexStringLiteral(_) => Kind::Bytes,
        Value::Placeholder(_) => Kind::Unknown,
        _ => Kind::Text,
    }
}

fn of_operation(op: &BinaryOperator, left: Kind, right: Kind) -> Kind {
    use BinaryOperator as Op;
    match op {
        Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::And | Op::Or => Kind::Boolean,
        Op::StringConcat => Kind::Text,
        Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo => match (left, right) {
            (Kind::Integer, Kind::Integer) => Kind::Integer,
            (Kind::Real, other) | (other, Kind::Real) if other.is_number() => Kind::Real,
            (left, right) if left.is_number() && right.is_number() => Kind::Decimal,
            _ => Kind::Unknown,
        },
        Op::BitwiseAnd | Op::BitwiseOr | Op::PGBitwiseShiftLeft | Op::PGBitwiseShiftRight => Kind::Integer,
        _ => Kind::Unknown,
    }
}

fn common(kinds: impl Iterator<Item = Kind>) -> Kind {
    let mut known = kinds.filter(|kind| *kind != Kind::Null);
    let Some(first) = known.next() else {
        return Kind::Null;
    };
    if known.all(|kind| kind == first) {
        first
    } else {
        Kind::Unknown
    }
}

fn of_function(function: &Function, context: &ExpressionContext) -> Kind {
    let first = || {
        arguments(function)
            .first()
            .map_or(Kind::Unknown, |argument| kind(argument, context))
    };
    match function.name.to_string().to_ascii_lowercase().as_str() {
        "count" | "length" | "octet_length" | "strpos" | "instr" | "row_number" | "rank" | "dense_rank"
        | "ntile" | "sign" => Kind::Integer,
        "lower" | "upper" | "substr" | "replace" | "trim" | "ltrim" | "rtrim" | "string_agg"
        | "group_concat" | "concat_ws" | "left" | "right" | "lpad" | "rpad" | "reverse" => Kind::Text,
        "abs" | "sum" | "min" | "max" | "lag" | "lead" | "first_value" | "last_value" | "nullif" | "ceil"
        | "floor" => first(),
        "power" => Kind::Real,
        "json_valid" => Kind::Boolean,
        "gen_random_uuid" => Kind::Uuid,
        "avg" | "round" => match first() {
            Kind::Integer | Kind::Decimal => Kind::Decimal,
            other => other,
        },
        "coalesce" | "ifnull" | "greatest" | "least" => {
            common(arguments(function).iter().map(|argument| kind(argument, context)))
        }
        "current_timestamp" => Kind::Timestamp(true),
        "current_date" => Kind::Date,
        "current_time" => Kind::Time,
        _ => Kind::Unknown,
    }
}

/// Returns the plain arguments of a function; none of them when one is of another sort.
pub fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else {
        return Vec::new();
    };
    let plain = |argument: &FunctionArg| matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(_)));
    if !list.args.iter().all(plain) {
        return Vec::new();
    }
    list.args
        .iter()
        .filter_map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
            FunctionArg::Unnamed(_) | FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => None,
        })
        .collect()
}
