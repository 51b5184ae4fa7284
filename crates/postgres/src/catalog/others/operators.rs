//! Operators with their classes and families, collations, conversions.

use super::family::{Family, Make, comment, qualified};
use crate::catalog::server::Server;
use crate::catalog::{is_users, no_extension};

pub(super) fn families(server: Server) -> Vec<Family> {
    let conversions = Family::listed(
        "conversion",
        "o.conname",
        "NULL",
        from("pg_conversion", "connamespace"),
    );
    vec![
        operators(),
        classes(),
        operator_families(),
        collations(server),
        conversions.within("n.nspname").at("pg_conversion", "o.oid"),
    ]
}

fn from(catalog: &str, namespace: &str) -> String {
    format!(
        "{catalog} o JOIN pg_namespace n ON n.oid = o.{namespace} WHERE {} AND {}",
        is_users("n"),
        no_extension(catalog, "o.oid")
    )
}

/// The name of an operator as `OPERATOR(…)` takes it.
fn operator_named(number: &str) -> String {
    format!(
        "(SELECT 'OPERATOR(' || quote_ident(xn.nspname) || '.' || x.oprname || ')' FROM pg_operator x
           JOIN pg_namespace xn ON xn.oid = x.oprnamespace WHERE x.oid = {number})"
    )
}

fn operators() -> Family {
    let operand = |column: &str| format!("coalesce(format_type(nullif(o.{column}, 0), NULL), 'NONE')");
    let symbol = "quote_ident(n.nspname) || '.' || o.oprname";
    let name = format!(
        "{symbol} || ' (' || {} || ', ' || {} || ')'",
        operand("oprleft"),
        operand("oprright")
    );
    let function = |word: &str, column: &str| {
        format!("CASE WHEN o.{column} <> 0 THEN '{word} = ' || o.{column}::regproc::text END")
    };
    let parts = [
        "'FUNCTION = ' || o.oprcode::regproc::text".to_owned(),
        "'LEFTARG = ' || format_type(nullif(o.oprleft, 0), NULL)".to_owned(),
        "'RIGHTARG = ' || format_type(nullif(o.oprright, 0), NULL)".to_owned(),
        format!("'COMMUTATOR = ' || {}", operator_named("o.oprcom")),
        format!("'NEGATOR = ' || {}", operator_named("o.oprnegate")),
        function("RESTRICT", "oprrest"),
        function("JOIN", "oprjoin"),
        "CASE WHEN o.oprcanhash THEN 'HASHES' END".to_owned(),
        "CASE WHEN o.oprcanmerge THEN 'MERGES' END".to_owned(),
    ];
    let create = format!(
        "'CREATE OPERATOR ' || {symbol} || ' (' || concat_ws(', ', {}) || ')'",
        parts.join(", ")
    );
    let from = format!("{} AND o.oprcode <> 0", from("pg_operator", "oprnamespace"));
    Family::listed(
        "operator",
        "o.oprname || ' (' || coalesce(format_type(nullif(o.oprleft, 0), NULL), 'none')
            || ', ' || coalesce(format_type(nullif(o.oprright, 0), NULL), 'none') || ')'",
        &create,
        from,
    )
    .within("n.nspname")
    .at("pg_operator", "o.oid")
    .made(Make::plain(
        "before",
        // What commutes with another made that other as a shell already.
        vec![create.clone(), comment("OPERATOR", &name, "pg_operator", "o.oid")],
        vec![format!("'DROP OPERATOR IF EXISTS ' || {name}")],
    ))
}

fn classes() -> Family {
    let members = |class: &str, condition: &str| {
        format!(
            "EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = '{class}'::regclass AND d.objid = m.oid
               AND d.refclassid = 'pg_opclass'::regclass AND d.refobjid = o.oid) {condition}"
        )
    };
    let operators = format!(
        "(SELECT string_agg('OPERATOR ' || m.amopstrategy || ' ' || m.amopopr::regoperator::text
              || CASE WHEN m.amopsortfamily <> 0 THEN (SELECT ' FOR ORDER BY ' || quote_ident(fn.nspname) || '.' || quote_ident(f.opfname)
                   FROM pg_opfamily f JOIN pg_namespace fn ON fn.oid = f.opfnamespace WHERE f.oid = m.amopsortfamily) ELSE '' END,
              ', ' ORDER BY m.amopstrategy) FROM pg_amop m WHERE {})",
        members("pg_amop", "")
    );
    let functions = format!(
        "(SELECT string_agg('FUNCTION ' || m.amprocnum || ' (' || format_type(m.amproclefttype, NULL) || ', '
              || format_type(m.amprocrighttype, NULL) || ') ' || m.amproc::regprocedure::text, ', ' ORDER BY m.amprocnum)
          FROM pg_amproc m WHERE {})",
        members("pg_amproc", "")
    );
    let name = format!("{} || ' USING ' || quote_ident(a.amname)", qualified("o.opcname"));
    let create = format!(
        "'CREATE OPERATOR CLASS ' || {} || CASE WHEN o.opcdefault THEN ' DEFAULT' ELSE '' END || ' FOR TYPE '
            || format_type(o.opcintype, NULL) || ' USING ' || quote_ident(a.amname)
            || (SELECT ' FAMILY ' || quote_ident(fn.nspname) || '.' || quote_ident(f.opfname) FROM pg_opfamily f
                 JOIN pg_namespace fn ON fn.oid = f.opfnamespace WHERE f.oid = o.opcfamily)
            || ' AS ' || concat_ws(', ', 'STORAGE ' || format_type(coalesce(nullif(o.opckeytype, 0), o.opcintype), NULL), {operators}, {functions})",
        qualified("o.opcname")
    );
    let from =
        from("pg_opclass", "opcnamespace").replacen("WHERE", "JOIN pg_am a ON a.oid = o.opcmethod WHERE", 1);
    Family::listed(
        "operator class",
        "o.opcname || ' using ' || a.amname",
        &create,
        from,
    )
    .within("n.nspname")
    .at("pg_opclass", "o.oid")
    .made(superuser(
        vec![
            create.clone(),
            comment("OPERATOR CLASS", &name, "pg_opclass", "o.oid"),
        ],
        vec![format!("'DROP OPERATOR CLASS ' || {name}")],
    ))
}

/// A wrong class of operators can crash a server, so only a superuser makes one.
fn superuser(statements: Vec<String>, undo: Vec<String>) -> Make {
    Make {
        needs: "ARRAY['superuser']".to_owned(),
        ..Make::plain("before", statements, undo)
    }
}

fn operator_families() -> Family {
    let name = format!("{} || ' USING ' || quote_ident(a.amname)", qualified("o.opfname"));
    let from =
        from("pg_opfamily", "opfnamespace").replacen("WHERE", "JOIN pg_am a ON a.oid = o.opfmethod WHERE", 1);
    let create = format!("'CREATE OPERATOR FAMILY ' || {name}");
    Family::listed(
        "operator family",
        "'family ' || o.opfname || ' using ' || a.amname",
        &create,
        from,
    )
    .within("n.nspname")
    .at("pg_opfamily", "o.oid")
    .made(superuser(
        vec![
            create.clone(),
            comment("OPERATOR FAMILY", &name, "pg_opfamily", "o.oid"),
        ],
        vec![format!("'DROP OPERATOR FAMILY ' || {name}")],
    ))
}

fn collations(server: Server) -> Family {
    let name = qualified("o.collname");
    let locale = if server.has(17) {
        "o.colllocale"
    } else if server.has(15) {
        "o.colliculocale"
    } else {
        "NULL::text"
    };
    let deterministic = if server.has(12) {
        "CASE WHEN NOT o.collisdeterministic THEN 'deterministic = false' END"
    } else {
        "NULL"
    };
    let rules = if server.has(16) {
        "'rules = ' || quote_literal(o.collicurules)"
    } else {
        "NULL"
    };
    let create = format!(
        "'CREATE COLLATION ' || {name} || ' (' || concat_ws(', ',
            'provider = ' || CASE o.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
            CASE WHEN o.collprovider IN ('i', 'b') THEN 'locale = ' || quote_literal(coalesce({locale}, o.collcollate::text))
              WHEN o.collcollate::text = o.collctype::text THEN 'locale = ' || quote_literal(o.collcollate::text)
              ELSE 'lc_collate = ' || quote_literal(o.collcollate::text) || ', lc_ctype = ' || quote_literal(o.collctype::text) END,
            {deterministic}, {rules}) || ')'"
    );
    let make = Make {
        needs: "CASE WHEN o.collprovider = 'b' THEN ARRAY['version 17'] END".to_owned(),
        ..Make::plain(
            "first",
            vec![
                create.clone(),
                comment("COLLATION", &name, "pg_collation", "o.oid"),
            ],
            vec![format!("'DROP COLLATION ' || {name}")],
        )
    };
    let from = from("pg_collation", "collnamespace");
    Family::listed("collation", "o.collname", &create, from)
        .within("n.nspname")
        .at("pg_collation", "o.oid")
        .made(make)
}
