//! `schema_mapping.json`: source to target, table by table, column by column, with keys and indexes.

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use whimbrel_core::{Column, ColumnPlan, Endpoint, Fidelity, Index, Plan, Table, TablePlan};

/// The mapping as a document for programs; a table is put into words when it is written, because all of them would be larger than the plan.
pub struct SchemaMapping<'a>(pub &'a Plan);

impl Serialize for SchemaMapping<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plan = self.0;
        let mut document = serializer.serialize_struct("SchemaMapping", 6)?;
        document.serialize_field("migration_id", &plan.migration_id)?;
        document.serialize_field("plan_hash", &plan.hash)?;
        document.serialize_field("source", &endpoint(&plan.source))?;
        document.serialize_field("target", &endpoint(&plan.target))?;
        document.serialize_field("tables", &Tables(&plan.tables))?;
        document.serialize_field("sequences", &plan.sequences)?;
        document.end()
    }
}

struct Tables<'a>(&'a [TablePlan]);

impl Serialize for Tables<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(table))
    }
}

fn endpoint(endpoint: &Endpoint) -> Value {
    json!({
        "engine": endpoint.engine,
        "version": endpoint.version,
        "database": endpoint.database,
        "url": endpoint.url,
    })
}

fn table(planned: &TablePlan) -> Value {
    json!({
        "source": planned.source.id.to_string(),
        "target": planned.target.id.to_string(),
        "made_of": planned.source.parts,
        "replaces": planned.replaces,
        "identified_by": planned.key,
        "columns": planned.columns.iter().map(|column| copied(planned, column)).collect::<Vec<_>>(),
        "computed_columns": computed(&planned.target),
        "keys": {"source": keys(&planned.source), "target": keys(&planned.target)},
        "indexes": {"source": indexes(&planned.source), "target": indexes(&planned.target)},
    })
}

fn copied(planned: &TablePlan, column: &ColumnPlan) -> Value {
    let (fidelity, why) = match &column.fidelity {
        Fidelity::Exact => ("exact", None),
        Fidelity::Widened(why) => ("widened", Some(why)),
        Fidelity::Lossy(why) => ("lossy", Some(why)),
        Fidelity::Unsupported(why) => ("unsupported", Some(why)),
    };
    json!({
        "source": column.source,
        "source_type": column.source_native,
        "source_column": planned.source.column(&column.source).map(properties),
        "target": column.target,
        "target_type": column.target_native,
        "target_column": planned.target.column(&column.target).map(properties),
        "travels_as": column.logical,
        "transform": planned.source.column(&column.source).and_then(|source| source.derivation.as_ref()),
        "fidelity": fidelity,
        "why": why,
    })
}

fn properties(column: &Column) -> Value {
    json!({
        "nullable": column.nullable,
        "default": column.default,
        "identity": column.identity,
        "collation": column.collation,
    })
}

fn computed(table: &Table) -> Vec<Value> {
    let computed = table.columns.iter().filter_map(|column| {
        let generated = column.generated.as_ref()?;
        Some(json!({
            "target": column.name,
            "target_type": column.native,
            "expression": generated.expression,
            "stored": generated.stored,
        }))
    });
    computed.collect()
}

fn keys(table: &Table) -> Value {
    json!({
        "primary": table.primary_key.as_ref().map(|key| &key.columns),
        "unique": table.uniques.iter().map(|key| json!({"name": key.name, "columns": key.columns})).collect::<Vec<_>>(),
        "foreign": table.foreign_keys.iter().map(|key| json!({
            "name": key.name,
            "columns": key.columns,
            "references": key.references.to_string(),
            "referred": key.referred,
            "on_update": key.on_update,
            "on_delete": key.on_delete,
            "validated": key.validated,
        })).collect::<Vec<_>>(),
        "checks": table.checks.iter().map(|check| json!({
            "name": check.name,
            "expression": check.expression,
            "validated": check.validated,
        })).collect::<Vec<_>>(),
    })
}

fn indexes(table: &Table) -> Vec<Value> {
    table.indexes.iter().map(index).collect()
}

fn index(index: &Index) -> Value {
    json!({
        "name": index.name,
        "unique": index.unique,
        "method": index.method,
        "parts": index.parts,
        "include": index.include,
        "where": index.predicate,
    })
}
