//! What the server and the login offer to objects that need more than a database: roles, extensions, rights, versions.

use tokio_postgres::Client;
use whimbrel_core::Result;

use super::server::Server;
use crate::error::from_driver;

/// The first version whose number objects may ask for.
const VERSION_FIRST: i32 = 14;

pub(super) async fn read(client: &Client, server: Server) -> Result<Vec<String>> {
    let sql = "SELECT 'role ' || rolname FROM pg_roles
        UNION ALL SELECT 'extension ' || name FROM pg_available_extensions
        UNION ALL SELECT 'superuser' FROM pg_roles WHERE rolname = current_user AND rolsuper
        UNION ALL SELECT 'bypassrls' FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)";
    let rows = client.query(sql, &[]).await.map_err(from_driver)?;
    let mut offers: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let versions = (VERSION_FIRST..).take_while(|major| server.has(*major));
    offers.extend(versions.map(|major| format!("version {major}")));
    offers.sort();
    Ok(offers)
}
