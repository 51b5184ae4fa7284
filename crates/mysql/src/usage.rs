//! How tables are used: what the performance schema counts for each, or the user statistics where those are on instead.

use std::collections::BTreeMap;

use mysql_async::Conn;
use whimbrel_core::{Error, ErrorClass, Result, TableId, TableUsage, Usage};

use crate::catalog::rows::{Line, lines};
use crate::connect::Server;
use crate::quote::literal;

/// Whether either of the two is on. A variable that the server does not have is no row.
const SWITCHES: &str = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('performance_schema', 'userstat')";
/// The counts go back to the start of the server at most.
const SINCE: &str = "SELECT DATE_FORMAT(UTC_TIMESTAMP() - INTERVAL VARIABLE_VALUE SECOND, '%Y-%m-%dT%H:%i:%sZ') AS since \
    FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime'";
const SINCE_ELSEWHERE: &str = "SELECT DATE_FORMAT(UTC_TIMESTAMP() - INTERVAL VARIABLE_VALUE SECOND, '%Y-%m-%dT%H:%i:%sZ') AS since \
    FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'";

pub(crate) async fn usage(conn: &mut Conn, server: &Server) -> Result<Usage> {
    let switches = lines(conn, SWITCHES).await?;
    let is_on = |name: &str| {
        let said = switches
            .iter()
            .find(|line| line.text("Variable_name").eq_ignore_ascii_case(name));
        said.is_some_and(|line| line.text("Value").eq_ignore_ascii_case("on"))
    };
    let counted = if is_on("performance_schema") {
        waits(conn, server).await
    } else if is_on("userstat") {
        statistics(conn, server).await
    } else {
        return Ok(not_known(
            "the server does not count: `performance_schema` and `userstat` are off",
        ));
    };
    match counted {
        Ok((_, tables)) if tables.is_empty() => Ok(not_known("the server has counted nothing yet")),
        Ok((place, tables)) => Ok(Usage::Counted {
            place: place.to_owned(),
            since: since(conn).await,
            tables,
        }),
        Err(error) if error.class() == ErrorClass::Denied => {
            Ok(not_known("this user may not read the counts"))
        }
        Err(error) => Err(error),
    }
}

fn not_known(why: &str) -> Usage {
    Usage::NotKnown { why: why.to_owned() }
}

type Counted = (&'static str, BTreeMap<TableId, TableUsage>);

async fn waits(conn: &mut Conn, server: &Server) -> Result<Counted, Error> {
    let here = literal(&server.database);
    let sql = format!(
        "SELECT OBJECT_NAME AS name, COUNT_READ AS seen, COUNT_INSERT AS inserted, COUNT_UPDATE AS updated, COUNT_DELETE AS deleted \
         FROM performance_schema.table_io_waits_summary_by_table WHERE OBJECT_TYPE = 'TABLE' AND OBJECT_SCHEMA = {here}"
    );
    let mut tables: BTreeMap<TableId, TableUsage> = lines(conn, &sql)
        .await?
        .iter()
        .map(|line| {
            let usage = TableUsage {
                rows_read: line.number("seen"),
                rows_inserted: line.number("inserted"),
                rows_updated: line.number("updated"),
                rows_deleted: line.number("deleted"),
                ..TableUsage::default()
            };
            (named(line), usage)
        })
        .collect();
    let unused = format!(
        "SELECT OBJECT_NAME AS name, INDEX_NAME AS unused FROM performance_schema.table_io_waits_summary_by_index_usage w \
         WHERE OBJECT_SCHEMA = {here} AND INDEX_NAME IS NOT NULL AND COUNT_STAR = 0 AND EXISTS (\
             SELECT 1 FROM information_schema.STATISTICS s WHERE s.TABLE_SCHEMA = w.OBJECT_SCHEMA AND s.TABLE_NAME = w.OBJECT_NAME \
             AND s.INDEX_NAME = w.INDEX_NAME AND s.NON_UNIQUE = 1) ORDER BY 1, 2"
    );
    for line in lines(conn, &unused).await? {
        if let Some(usage) = tables.get_mut(&named(&line)) {
            usage.unused_indexes.push(line.text("unused"));
        }
    }
    Ok(("performance_schema.table_io_waits_summary_by_table", tables))
}

async fn statistics(conn: &mut Conn, server: &Server) -> Result<Counted, Error> {
    let sql = format!(
        "SELECT TABLE_NAME AS name, ROWS_READ AS seen, ROWS_CHANGED AS changed FROM information_schema.TABLE_STATISTICS \
         WHERE TABLE_SCHEMA = {}",
        literal(&server.database)
    );
    let tables = lines(conn, &sql)
        .await?
        .iter()
        .map(|line| {
            let usage = TableUsage {
                rows_read: line.number("seen"),
                rows_changed: line.number("changed"),
                ..TableUsage::default()
            };
            (named(line), usage)
        })
        .collect();
    Ok(("information_schema.TABLE_STATISTICS", tables))
}

fn named(line: &Line) -> TableId {
    TableId::bare(line.text("name"))
}

/// Which of the two places there is depends on the flavour, and what may be read of them on the login: without it the counts are still true.
async fn since(conn: &mut Conn) -> Option<String> {
    for sql in [SINCE, SINCE_ELSEWHERE] {
        if let Ok(found) = lines(conn, sql).await {
            return found.first()?.optional("since");
        }
    }
    None
}
