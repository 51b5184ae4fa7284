//! What the catalog tables of a server's version hold: the one place that knows in which version a column came.
//! Older servers get the expression that stands for what they do not have.

use tokio_postgres::Client;
use whimbrel_core::Result;

use crate::error::from_driver;

/// A server's version, as its queries depend on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    /// `server_version_num`, such as `150004`.
    pub(crate) number: i32,
}

impl Server {
    /// Asks the server.
    pub(crate) async fn of(client: &Client) -> Result<Self> {
        let sql = "SELECT current_setting('server_version_num')::int";
        let row = client.query_one(sql, &[]).await.map_err(from_driver)?;
        Ok(Self { number: row.get(0) })
    }

    /// Tells whether the server is of the major version or later.
    pub(crate) fn has(self, major: i32) -> bool {
        self.number >= major * 10_000
    }

    fn since<'a>(self, major: i32, then: &'a str, before: &'a str) -> &'a str {
        if self.has(major) { then } else { before }
    }

    /// The kind of a routine: `f`, `p`, `a` or `w`.
    pub(crate) fn routine_kind(self, p: &str) -> String {
        if self.has(11) {
            format!("{p}.prokind::text")
        } else {
            format!("CASE WHEN {p}.proisagg THEN 'a' WHEN {p}.proiswindow THEN 'w' ELSE 'f' END")
        }
    }

    /// How a column is generated; empty when it is not.
    pub(crate) fn generated(self) -> &'static str {
        self.since(12, "a.attgenerated::text", "''")
    }

    /// The compression of a column.
    pub(crate) fn compression(self) -> &'static str {
        self.since(14, "nullif(a.attcompression::text, '')", "NULL::text")
    }

    /// The condition that the type is an array over its element type.
    pub(crate) fn is_array(self, t: &str) -> String {
        if self.has(14) {
            format!("{t}.typsubscript = 'array_subscript_handler'::regproc")
        } else {
            format!("({t}.typelem <> 0 AND {t}.typlen = -1)")
        }
    }

    /// The number of the multirange type of a range.
    pub(crate) fn multirange(self, r: &str) -> String {
        if self.has(14) {
            format!("{r}.rngmultitypid")
        } else {
            "0::oid".to_owned()
        }
    }

    /// The number of an index's parts without the columns that it only includes.
    pub(crate) fn key_parts(self) -> &'static str {
        self.since(11, "i.indnkeyatts", "i.indnatts")
    }

    /// The constraint of a partitioned table that a constraint belongs to; 0 for none.
    pub(crate) fn parent_constraint(self, o: &str) -> String {
        if self.has(11) {
            format!("{o}.conparentid")
        } else {
            "0::oid".to_owned()
        }
    }

    /// Whether NULL equals NULL in an index.
    pub(crate) fn nulls_equal(self) -> &'static str {
        self.since(15, "coalesce(i.indnullsnotdistinct, false)", "false")
    }

    /// The snapshot that the session sees, as text.
    pub(crate) fn snapshot(self) -> &'static str {
        self.since(13, "pg_current_snapshot()::text", "txid_current_snapshot()::text")
    }

    /// The name of a collation, qualified unless it is the server's own.
    pub(crate) fn collation(self, oid: &str) -> String {
        format!(
            "(SELECT CASE WHEN cn.nspname = 'pg_catalog' THEN '' ELSE quote_ident(cn.nspname) || '.' END || quote_ident(cc.collname)
              FROM pg_collation cc JOIN pg_namespace cn ON cn.oid = cc.collnamespace WHERE cc.oid = {oid})"
        )
    }
}
