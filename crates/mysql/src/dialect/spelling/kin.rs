//! Between flavours of one server: the words pass as they are, but for those that only one of the flavours has.

use sqlparser::ast::{DataType, Expr, Ident, ObjectName, Query};
use whimbrel_core::Untranslated;
use whimbrel_core::expression::{TargetNames, Translate, arguments, no, plain_name};

use super::MysqlDialect;

/// Functions that MariaDB lacks.
const OF_MYSQL: &[&str] = &[
    "any_value",
    "bin_to_uuid",
    "grouping",
    "is_uuid",
    "json_schema_validation_report",
    "json_storage_free",
    "json_storage_size",
    "regexp_like",
    "uuid_to_bin",
    "vector_to_string",
    "string_to_vector",
    "vector_dim",
    "random_bytes",
    "st_distance_sphere",
    "statement_digest",
];

/// Functions that MySQL lacks.
const OF_MARIADB: &[&str] = &[
    "add_months",
    "chr",
    "column_add",
    "column_check",
    "column_create",
    "column_exists",
    "column_get",
    "column_json",
    "decode_oracle",
    "json_array_intersect",
    "json_compact",
    "json_detailed",
    "json_equals",
    "json_exists",
    "json_loose",
    "json_normalize",
    "json_query",
    "lastval",
    "median",
    "natural_sort_key",
    "nextval",
    "nvl",
    "nvl2",
    "percentile_cont",
    "percentile_disc",
    "rownum",
    "setval",
    "sformat",
    "sys_guid",
    "to_char",
    "uuid_v4",
    "uuid_v7",
    "vec_distance",
];

/// Spells a tree of a related server.
pub(super) struct Speller<'a> {
    pub(super) dialect: &'a MysqlDialect,
    pub(super) names: TargetNames<'a>,
}

impl Translate for Speller<'_> {
    fn query(&mut self, query: &mut Query) -> Result<(), Untranslated> {
        super::queries::known_here(query, self.dialect)
    }

    fn relation(&mut self, name: &mut ObjectName) -> Result<(), Untranslated> {
        super::relation(&self.names, name)
    }

    fn ident(&mut self, ident: &mut Ident) {
        if ident.quote_style.is_some() {
            self.names.quote(ident);
        }
    }

    fn after(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        match expr {
            Expr::Identifier(ident) if ident.quote_style.is_some() => self.names.rename(ident),
            Expr::CompoundIdentifier(parts) => self.names.compound(parts)?,
            Expr::Function(_) => self.function(expr)?,
            Expr::Cast { data_type, .. } => self.data_type(data_type)?,
            Expr::Collate { collation, .. } => {
                let name = collation.to_string();
                // Each flavour has the collations of its own generation.
                if ["_0900_", "_uca1400_", "_nopad_"]
                    .iter()
                    .any(|own| name.contains(own))
                {
                    return Err(no(format!("collation `{name}`")));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Speller<'_> {
    fn function(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        let Expr::Function(call) = expr else {
            return Ok(());
        };
        let name = plain_name(&call.name).unwrap_or_default();
        let given = arguments(call);
        if let ("regexp_like", [text, pattern], true) =
            (name.as_str(), given.as_slice(), self.dialect.is_mariadb())
        {
            *expr = Expr::RLike {
                negated: false,
                expr: Box::new((*text).clone()),
                pattern: Box::new((*pattern).clone()),
                regexp: true,
            };
            return Ok(());
        }
        let lacking = if self.dialect.is_mariadb() {
            OF_MYSQL
        } else {
            OF_MARIADB
        };
        // A qualified name is a function of somebody's own.
        if name.is_empty() || lacking.contains(&name.as_str()) {
            return Err(Untranslated::new(format!(
                "function `{}` is not known to the target",
                call.name
            )));
        }
        Ok(())
    }

    fn data_type(&self, data_type: &DataType) -> Result<(), Untranslated> {
        let lacking = match data_type {
            DataType::JSON => self.dialect.is_mariadb(),
            DataType::Uuid => !self.dialect.is_mariadb(),
            _ => false,
        };
        if lacking {
            return Err(no(format!("a cast to {data_type}")));
        }
        Ok(())
    }
}
