//! Text search: configurations and dictionaries; parsers and templates are functions in C and only listed.

use super::family::{Family, Make, comment, qualified};
use crate::catalog::{is_users, no_extension};

pub(super) fn families() -> Vec<Family> {
    vec![
        configurations(),
        dictionaries(),
        Family::listed(
            "text search parser",
            "o.prsname",
            "NULL",
            from("pg_ts_parser", "prsnamespace"),
        )
        .within("n.nspname"),
        Family::listed(
            "text search template",
            "o.tmplname",
            "NULL",
            from("pg_ts_template", "tmplnamespace"),
        )
        .within("n.nspname"),
    ]
}

fn from(catalog: &str, namespace: &str) -> String {
    format!(
        "{catalog} o JOIN pg_namespace n ON n.oid = o.{namespace} WHERE {} AND {}",
        is_users("n"),
        no_extension(catalog, "o.oid")
    )
}

fn configurations() -> Family {
    let name = qualified("o.cfgname");
    let create = format!(
        "'CREATE TEXT SEARCH CONFIGURATION ' || {name} || (SELECT ' (PARSER = ' || quote_ident(pn.nspname) || '.' || quote_ident(p.prsname) || ')'
            FROM pg_ts_parser p JOIN pg_namespace pn ON pn.oid = p.prsnamespace WHERE p.oid = o.cfgparser)"
    );
    let mappings = format!(
        "(SELECT string_agg('ALTER TEXT SEARCH CONFIGURATION ' || {name} || ' ADD MAPPING FOR ' || quote_ident(m.alias) || ' WITH ' || m.dictionaries, '; ' ORDER BY m.alias)
          FROM (SELECT t.alias, string_agg(quote_ident(dn.nspname) || '.' || quote_ident(d.dictname), ', ' ORDER BY k.mapseqno) AS dictionaries
            FROM pg_ts_config_map k JOIN pg_ts_dict d ON d.oid = k.mapdict JOIN pg_namespace dn ON dn.oid = d.dictnamespace
              CROSS JOIN LATERAL ts_token_type(o.cfgparser) t WHERE k.mapcfg = o.oid AND t.tokid = k.maptokentype GROUP BY t.alias) m)"
    );
    Family::listed(
        "text search configuration",
        "o.cfgname",
        &format!("{create} || coalesce('; ' || {mappings}, '')"),
        from("pg_ts_config", "cfgnamespace"),
    )
    .within("n.nspname")
    .at("pg_ts_config", "o.oid")
    .made(Make::plain(
        "before",
        vec![
            create.clone(),
            mappings.clone(),
            comment("TEXT SEARCH CONFIGURATION", &name, "pg_ts_config", "o.oid"),
        ],
        vec![format!("'DROP TEXT SEARCH CONFIGURATION ' || {name}")],
    ))
}

fn dictionaries() -> Family {
    let name = qualified("o.dictname");
    let create = format!(
        "'CREATE TEXT SEARCH DICTIONARY ' || {name} || (SELECT ' (TEMPLATE = ' || quote_ident(tn.nspname) || '.' || quote_ident(t.tmplname)
            FROM pg_ts_template t JOIN pg_namespace tn ON tn.oid = t.tmplnamespace WHERE t.oid = o.dicttemplate)
            || coalesce(', ' || o.dictinitoption, '') || ')'"
    );
    Family::listed(
        "text search dictionary",
        "o.dictname",
        &create,
        from("pg_ts_dict", "dictnamespace"),
    )
    .within("n.nspname")
    .at("pg_ts_dict", "o.oid")
    .made(Make::plain(
        "before",
        vec![
            create.clone(),
            comment("TEXT SEARCH DICTIONARY", &name, "pg_ts_dict", "o.oid"),
        ],
        vec![format!("'DROP TEXT SEARCH DICTIONARY ' || {name}")],
    ))
}
