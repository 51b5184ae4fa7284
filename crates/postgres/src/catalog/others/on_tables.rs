//! What hangs on tables and views: triggers, rules, policies, row security, statistics, defaults of view columns.

use super::family::{Family, Make, comment, qualified};
use crate::catalog::server::Server;
use crate::catalog::{is_users, no_extension};

pub(super) fn families(server: Server) -> Vec<Family> {
    let from = format!(
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {} AND {}",
        is_users("n"),
        no_extension("pg_class", "c.oid")
    );
    let mut families = Vec::new();
    if server.has(18) {
        families.push(open_not_nulls(&from));
    }
    families.extend([
        triggers(server, &from),
        rules(&from),
        policies(&from),
        row_security(&from),
        statistics(server, &from),
        view_defaults(&from),
    ]);
    families
}

/// NOT NULL that old rows may break.
fn open_not_nulls(from: &str) -> Family {
    let table = qualified("c.relname");
    let make = Make {
        needs: "ARRAY['version 18']".to_owned(),
        ..Make::plain(
            "last",
            vec![format!(
                "'ALTER TABLE ' || {table} || ' ADD CONSTRAINT ' || quote_ident(o.conname) || ' ' || pg_get_constraintdef(o.oid)"
            )],
            vec![format!(
                "'ALTER TABLE ' || {table} || ' DROP CONSTRAINT ' || quote_ident(o.conname)"
            )],
        )
    };
    on_relation(Family::listed(
        "open not null",
        "o.conname",
        "pg_get_constraintdef(o.oid)",
        format!(
            "pg_constraint o JOIN pg_class c ON c.oid = o.conrelid {from} AND o.contype = 'n' AND NOT o.convalidated AND o.conislocal"
        ),
    ))
    .made(make)
}

fn on_relation(family: Family) -> Family {
    family.within("n.nspname").on("n.nspname", "c.relname")
}

/// Triggers and rules can be switched off, or on for replication.
fn enabled(what: &str, state: &str, name: &str) -> String {
    format!(
        "'ALTER TABLE ' || {} || CASE {state} WHEN 'D' THEN ' DISABLE {what} ' WHEN 'R' THEN ' ENABLE REPLICA {what} '
            WHEN 'A' THEN ' ENABLE ALWAYS {what} ' END || quote_ident({name})",
        qualified("c.relname")
    )
}

/// A trigger on a partitioned table makes those on its partitions itself.
fn triggers(server: Server, from: &str) -> Family {
    let table = qualified("c.relname");
    let name = format!("quote_ident(t.tgname) || ' ON ' || {table}");
    let own = if server.has(13) {
        "AND t.tgparentid = 0"
    } else {
        ""
    };
    let definition = "pg_get_triggerdef(t.oid)
        || CASE t.tgenabled WHEN 'D' THEN ' (disabled)' WHEN 'R' THEN ' (replica)' WHEN 'A' THEN ' (always)' ELSE '' END";
    let make = Make::plain(
        "last",
        vec![
            "pg_get_triggerdef(t.oid)".to_owned(),
            enabled("TRIGGER", "t.tgenabled", "t.tgname"),
            comment("TRIGGER", &name, "pg_trigger", "t.oid"),
        ],
        vec![format!("'DROP TRIGGER ' || {name}")],
    );
    on_relation(Family::listed(
        "trigger",
        "t.tgname",
        definition,
        format!("pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid {from} AND NOT t.tgisinternal {own}"),
    ))
    .at("pg_trigger", "t.oid")
    .made(make)
}

fn rules(from: &str) -> Family {
    let name = format!("quote_ident(r.rulename) || ' ON ' || {}", qualified("c.relname"));
    let make = Make::plain(
        "last",
        vec![
            "pg_get_ruledef(r.oid)".to_owned(),
            enabled("RULE", "r.ev_enabled", "r.rulename"),
            comment("RULE", &name, "pg_rewrite", "r.oid"),
        ],
        vec![format!("'DROP RULE ' || {name}")],
    );
    on_relation(Family::listed(
        "rule",
        "r.rulename",
        "pg_get_ruledef(r.oid)",
        format!("pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class {from} AND r.rulename <> '_RETURN'"),
    ))
    .at("pg_rewrite", "r.oid")
    .made(make)
}

fn policies(from: &str) -> Family {
    let table = qualified("c.relname");
    let name = format!("quote_ident(p.polname) || ' ON ' || {table}");
    let roles = "(SELECT string_agg(quote_ident(rolname), ', ' ORDER BY rolname) FROM pg_roles WHERE oid = ANY (p.polroles))";
    let create = format!(
        "'CREATE POLICY ' || {name} || CASE WHEN p.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END || ' FOR '
            || CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END
            || ' TO ' || CASE WHEN p.polroles = '{{0}}' THEN 'PUBLIC' ELSE {roles} END
            || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
            || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')"
    );
    let named = "p.polroles <> '{0}'";
    let make = Make {
        asks: format!("CASE WHEN {named} THEN 'privileges' END"),
        needs: format!(
            "CASE WHEN {named} THEN ARRAY(SELECT 'role ' || rolname FROM pg_roles WHERE oid = ANY (p.polroles) ORDER BY 1) END"
        ),
        ..Make::plain(
            "last",
            vec![create.clone(), comment("POLICY", &name, "pg_policy", "p.oid")],
            vec![format!("'DROP POLICY ' || {name}")],
        )
    };
    on_relation(Family::listed(
        "policy",
        "p.polname",
        &create,
        format!("pg_policy p JOIN pg_class c ON c.oid = p.polrelid {from}"),
    ))
    .at("pg_policy", "p.oid")
    .made(make)
}

/// Forced row security applies to the owner too, who then could not verify the rows.
fn row_security(from: &str) -> Family {
    let change = |condition: &str, what: &str| {
        format!(
            "CASE WHEN {condition} THEN 'ALTER TABLE ' || {} || ' {what}' END",
            qualified("c.relname")
        )
    };
    let (on, forced) = ("c.relrowsecurity", "c.relforcerowsecurity");
    let make = Make {
        asks: format!("CASE WHEN {forced} THEN 'privileges' END"),
        needs: format!("CASE WHEN {forced} THEN ARRAY['bypassrls'] END"),
        ..Make::plain(
            "last",
            vec![
                change(on, "ENABLE ROW LEVEL SECURITY"),
                change(forced, "FORCE ROW LEVEL SECURITY"),
            ],
            vec![
                change(forced, "NO FORCE ROW LEVEL SECURITY"),
                change(on, "DISABLE ROW LEVEL SECURITY"),
            ],
        )
    };
    on_relation(Family::listed(
        "row security",
        "c.relname",
        "CASE WHEN c.relforcerowsecurity THEN 'forced' ELSE 'enabled' END",
        format!("pg_class c {from} AND (c.relrowsecurity OR c.relforcerowsecurity)"),
    ))
    .made(make)
}

fn statistics(server: Server, from: &str) -> Family {
    let name = "quote_ident(sn.nspname) || '.' || quote_ident(s.stxname)";
    let target = if server.has(13) {
        format!(
            "CASE WHEN s.stxstattarget >= 0 THEN 'ALTER STATISTICS ' || {name} || ' SET STATISTICS ' || s.stxstattarget END"
        )
    } else {
        "NULL".to_owned()
    };
    let make = Make::plain(
        "last",
        vec![
            "pg_get_statisticsobjdef(s.oid)".to_owned(),
            target,
            comment("STATISTICS", name, "pg_statistic_ext", "s.oid"),
        ],
        vec![format!("'DROP STATISTICS ' || {name}")],
    );
    on_relation(Family::listed(
        "statistics",
        "s.stxname",
        "pg_get_statisticsobjdef(s.oid)",
        format!(
            "pg_statistic_ext s JOIN pg_namespace sn ON sn.oid = s.stxnamespace JOIN pg_class c ON c.oid = s.stxrelid {from}"
        ),
    ))
    .within("sn.nspname")
    .at("pg_statistic_ext", "s.oid")
    .made(make)
}

fn view_defaults(from: &str) -> Family {
    let column = format!(
        "'ALTER VIEW ' || {} || ' ALTER COLUMN ' || quote_ident(a.attname)",
        qualified("c.relname")
    );
    let value = "pg_get_expr(d.adbin, d.adrelid)";
    let make = Make::plain(
        "last",
        vec![format!("{column} || ' SET DEFAULT ' || {value}")],
        vec![format!("{column} || ' DROP DEFAULT'")],
    );
    on_relation(Family::listed(
        "view column default",
        "c.relname || '.' || a.attname",
        value,
        format!(
            "pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
             JOIN pg_class c ON c.oid = d.adrelid {from} AND c.relkind = 'v'"
        ),
    ))
    .at("pg_attrdef", "d.oid")
    .made(make)
}
