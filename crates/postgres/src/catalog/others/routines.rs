//! Functions, procedures and aggregates.

use super::family::{Family, Make, comment, qualified};
use crate::catalog::server::Server;
use crate::catalog::{is_users, no_extension};

/// Bodies are not looked into: what they name may come later.
const UNCHECKED: &str = "'SET LOCAL check_function_bodies = off'";

pub(super) fn families(server: Server) -> Vec<Family> {
    vec![functions(server), aggregates(server), base_types(server)]
}

fn from(condition: &str) -> String {
    format!(
        "pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
         WHERE {} AND {} AND {condition}
           AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')",
        is_users("n"),
        no_extension("pg_proc", "p.oid"),
    )
}

const NAME: &str = "p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'";

fn functions(server: Server) -> Family {
    let kind = server.routine_kind("p");
    let word = format!("CASE WHEN {kind} = 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END");
    let name = format!(
        "{} || '(' || pg_get_function_identity_arguments(p.oid) || ')'",
        qualified("p.proname")
    );
    let comment = format!(
        "'COMMENT ON ' || {word} || {name} || ' IS ' || quote_literal(obj_description(p.oid, 'pg_proc'))"
    );
    let make = Make {
        // A language that is not trusted can do anything on the server.
        needs: "CASE WHEN NOT l.lanpltrusted AND l.lanname <> 'sql' THEN ARRAY['superuser'] END".to_owned(),
        ..Make::plain(
            "before",
            vec![
                UNCHECKED.to_owned(),
                "pg_get_functiondef(p.oid)".to_owned(),
                comment,
            ],
            vec![format!("'DROP ' || {word} || {name}")],
        )
    };
    Family::listed(
        "",
        NAME,
        "pg_get_functiondef(p.oid)",
        from(&format!("{kind} <> 'a'")),
    )
    .kind(&format!(
        "CASE {kind} WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure' ELSE 'window function' END"
    ))
    .within("n.nspname")
    .at("pg_proc", "p.oid")
    .made(make)
}

/// The server prints no definition of an aggregate.
fn aggregates(server: Server) -> Family {
    let arguments = |printed: &str| {
        format!(
            "{} || '(' || coalesce(nullif({printed}, ''), '*') || ')'",
            qualified("p.proname")
        )
    };
    let name = arguments("pg_get_function_identity_arguments(p.oid)");
    let function = |word: &str, column: &str| {
        format!("CASE WHEN a.{column} <> 0 THEN '{word} = ' || a.{column}::regproc::text END")
    };
    let modify = |word: &str, function: &str, column: &str| {
        if server.has(11) {
            format!(
                "CASE WHEN a.{function} <> 0 THEN '{word} = ' ||
                   CASE a.{column} WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END"
            )
        } else {
            "NULL".to_owned()
        }
    };
    let parts = [
        "'SFUNC = ' || a.aggtransfn::regproc::text".to_owned(),
        "'STYPE = ' || format_type(a.aggtranstype, NULL)".to_owned(),
        "CASE WHEN a.aggtransspace > 0 THEN 'SSPACE = ' || a.aggtransspace END".to_owned(),
        function("FINALFUNC", "aggfinalfn"),
        "CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END".to_owned(),
        modify("FINALFUNC_MODIFY", "aggfinalfn", "aggfinalmodify"),
        function("COMBINEFUNC", "aggcombinefn"),
        function("SERIALFUNC", "aggserialfn"),
        function("DESERIALFUNC", "aggdeserialfn"),
        "'INITCOND = ' || quote_literal(a.agginitval)".to_owned(),
        function("MSFUNC", "aggmtransfn"),
        function("MINVFUNC", "aggminvtransfn"),
        "CASE WHEN a.aggmtranstype <> 0 THEN 'MSTYPE = ' || format_type(a.aggmtranstype, NULL) END".to_owned(),
        "CASE WHEN a.aggmtransspace > 0 THEN 'MSSPACE = ' || a.aggmtransspace END".to_owned(),
        function("MFINALFUNC", "aggmfinalfn"),
        "CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END".to_owned(),
        modify("MFINALFUNC_MODIFY", "aggmfinalfn", "aggmfinalmodify"),
        "'MINITCOND = ' || quote_literal(a.aggminitval)".to_owned(),
        "(SELECT 'SORTOP = OPERATOR(' || quote_ident(sn.nspname) || '.' || so.oprname || ')' FROM pg_operator so
           JOIN pg_namespace sn ON sn.oid = so.oprnamespace WHERE so.oid = a.aggsortop)"
            .to_owned(),
        "CASE p.proparallel WHEN 's' THEN 'PARALLEL = SAFE' WHEN 'r' THEN 'PARALLEL = RESTRICTED' END".to_owned(),
        "CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END".to_owned(),
    ];
    let create = format!(
        "'CREATE AGGREGATE ' || {} || ' (' || concat_ws(', ', {}) || ')'",
        arguments("pg_get_function_arguments(p.oid)"),
        parts.join(", ")
    );
    let from = format!("pg_aggregate a JOIN {}", from("a.aggfnoid = p.oid"));
    let from = from.replacen("JOIN pg_proc p ", "JOIN pg_proc p ON p.oid = a.aggfnoid ", 1);
    Family::listed("aggregate", NAME, &create, from)
        .within("n.nspname")
        .at("pg_proc", "p.oid")
        .made(Make::plain(
            "before",
            vec![create.clone(), comment("AGGREGATE", &name, "pg_proc", "p.oid")],
            vec![format!("'DROP AGGREGATE ' || {name}")],
        ))
}

fn base_types(server: Server) -> Family {
    let from = format!(
        "pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {} AND {} AND t.typtype IN ('b', 'p') AND NOT {}",
        is_users("n"),
        no_extension("pg_type", "t.oid"),
        server.is_array("t"),
    );
    Family::listed("base type", "t.typname", "NULL", from)
        .within("n.nspname")
        .at("pg_type", "t.oid")
}
