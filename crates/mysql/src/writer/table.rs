//! What the table that is written really is on this server: the character sets of its columns, what may be NULL, and that its engine
//! keeps transactions.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Error, ErrorClass, Result, WriteRequest};

use crate::codec::encode::EncodeColumn;
use crate::connect::Server;
use crate::error::classify;
use crate::flavour::Flavour;
use crate::native::Kind;

const COLUMNS: &str = "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, CHARACTER_SET_NAME, IS_NULLABLE
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";

const ENGINE: &str = "SELECT t.TABLE_NAME, t.ENGINE, e.TRANSACTIONS
    FROM information_schema.TABLES t JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
    WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = ?";

type ColumnRow = (String, String, String, Option<String>, String);

/// Returns the request's columns as this server has them.
pub(super) async fn columns(
    conn: &mut Conn,
    server: &Server,
    request: &WriteRequest,
) -> Result<Vec<EncodeColumn>> {
    let table = &request.table.id;
    // The catalog may find tables whose names differ in case.
    let is_it = |name: &str| name == table.name || server.folds_table_names();
    let engines: Vec<(String, String, Option<String>)> =
        conn.exec(ENGINE, (&table.name,)).await.map_err(classify)?;
    if let Some((_, engine, _)) = engines
        .iter()
        .find(|(name, _, transactions)| is_it(name) && transactions.as_deref() != Some("YES"))
    {
        return Err(Error::new(
            ErrorClass::Unsupported,
            format!("table `{table}` is kept by `{engine}`, which has no transactions; must be `InnoDB`"),
        )
        .with_hint(format!("ALTER TABLE `{table}` ENGINE = InnoDB")));
    }
    let rows: Vec<ColumnRow> = conn.exec(COLUMNS, (&table.name,)).await.map_err(classify)?;
    let key = request
        .table
        .identity_key()
        .map(|key| key.columns.as_slice())
        .unwrap_or_default();
    let mut columns = Vec::with_capacity(request.columns.len());
    for column in &request.columns {
        let found = rows
            .iter()
            .find(|(name, other, ..)| is_it(name) && other.eq_ignore_ascii_case(&column.name));
        let Some((_, _, native, charset, nullable)) = found else {
            return Err(
                Error::invalid(format!("table `{table}` has no column `{}`", column.name))
                    .with_code("missing_object")
                    .with_hint("the structure changed since it was planned; plan again"),
            );
        };
        columns.push(EncodeColumn {
            name: column.name.clone(),
            logical: column.logical.clone(),
            kind: Kind::parse(native),
            charset: charset.clone(),
            nullable: nullable == "YES",
            key: key.contains(&column.name),
            signed_zero: server.version.flavour == Flavour::MySql,
        });
    }
    Ok(columns)
}
