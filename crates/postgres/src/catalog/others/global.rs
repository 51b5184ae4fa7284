//! What lives in no namespace: extensions, event triggers, publications, casts, settings, foreign servers.

use super::FIRST_USER_NUMBER;
use super::family::{Family, Make, comment};
use crate::catalog::no_extension;
use crate::catalog::server::Server;
use crate::large_objects;

pub(super) fn families(server: Server) -> Vec<Family> {
    let mut families = vec![
        extensions(),
        event_triggers(),
        publications(server),
        casts(),
        large_objects(),
    ];
    families.extend(only_listed());
    families
}

/// The version is the one that the target offers; the members come with it.
fn extensions() -> Family {
    let name = "quote_ident(e.extname)";
    let make = Make {
        needs: "ARRAY['extension ' || e.extname]".to_owned(),
        ..Make::plain(
            "first",
            vec![format!(
                "'CREATE EXTENSION IF NOT EXISTS ' || {name} || ' WITH SCHEMA ' || quote_ident(n.nspname)"
            )],
            vec![format!("'DROP EXTENSION IF EXISTS ' || {name}")],
        )
    };
    Family::listed(
        "extension",
        "e.extname",
        "'version ' || e.extversion || ' in ' || n.nspname",
        "pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'",
    )
    .at("pg_extension", "e.oid")
    .made(make)
}

fn event_triggers() -> Family {
    let name = "quote_ident(v.evtname)";
    let state = format!(
        "'ALTER EVENT TRIGGER ' || {name} || CASE v.evtenabled WHEN 'D' THEN ' DISABLE' WHEN 'R' THEN ' ENABLE REPLICA' WHEN 'A' THEN ' ENABLE ALWAYS' END"
    );
    let create = format!(
        "'CREATE EVENT TRIGGER ' || {name} || ' ON ' || v.evtevent
            || coalesce(' WHEN TAG IN (' || (SELECT string_agg(quote_literal(tag), ', ') FROM unnest(v.evttags) tag) || ')', '')
            || ' EXECUTE PROCEDURE ' || v.evtfoid::regproc::text || '()'"
    );
    let make = Make {
        asks: "'privileges'".to_owned(),
        needs: "ARRAY['superuser']".to_owned(),
        ..Make::plain(
            "last",
            vec![
                create.clone(),
                state,
                comment("EVENT TRIGGER", name, "pg_event_trigger", "v.oid"),
            ],
            vec![format!("'DROP EVENT TRIGGER ' || {name}")],
        )
    };
    let from = format!(
        "pg_event_trigger v WHERE {}",
        no_extension("pg_event_trigger", "v.oid")
    );
    Family::listed("event trigger", "v.evtname", &create, from)
        .at("pg_event_trigger", "v.oid")
        .made(make)
}

fn publications(server: Server) -> Family {
    let columns = if server.has(15) {
        "|| coalesce((SELECT ' (' || string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) || ')' FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attnum = ANY (r.prattrs)), '')
         || coalesce(' WHERE ' || pg_get_expr(r.prqual, r.prrelid), '')"
    } else {
        ""
    };
    let tables = format!(
        "(SELECT string_agg('TABLE ONLY ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) {columns}, ', ' ORDER BY n.nspname, c.relname)
          FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.prpubid = p.oid)"
    );
    let namespaces = if server.has(15) {
        "(SELECT string_agg('TABLES IN SCHEMA ' || quote_ident(n.nspname), ', ' ORDER BY n.nspname)
          FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid WHERE s.pnpubid = p.oid)"
    } else {
        "NULL::text"
    };
    let truncates = if server.has(11) {
        "CASE WHEN p.pubtruncate THEN 'truncate' END"
    } else {
        "NULL"
    };
    let root = if server.has(13) {
        "CASE WHEN p.pubviaroot THEN ', publish_via_partition_root = true' ELSE '' END"
    } else {
        "''"
    };
    let name = "quote_ident(p.pubname)";
    let create = format!(
        "'CREATE PUBLICATION ' || {name} || CASE WHEN p.puballtables THEN ' FOR ALL TABLES'
            ELSE coalesce(' FOR ' || nullif(concat_ws(', ', {tables}, {namespaces}), ''), '') END || ' WITH (publish = '''
            || concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                CASE WHEN p.pubdelete THEN 'delete' END, {truncates}) || '''' || {root} || ')'"
    );
    let whole = if server.has(15) {
        "p.puballtables OR EXISTS (SELECT 1 FROM pg_publication_namespace s WHERE s.pnpubid = p.oid)"
    } else {
        "p.puballtables"
    };
    let make = Make {
        needs: format!("CASE WHEN {whole} THEN ARRAY['superuser'] END"),
        ..Make::plain(
            "last",
            vec![
                create.clone(),
                comment("PUBLICATION", name, "pg_publication", "p.oid"),
            ],
            vec![format!("'DROP PUBLICATION ' || {name}")],
        )
    };
    let from = format!(
        "pg_publication p WHERE {}",
        no_extension("pg_publication", "p.oid")
    );
    Family::listed("publication", "p.pubname", &create, from)
        .at("pg_publication", "p.oid")
        .made(make)
}

fn casts() -> Family {
    let types = "format_type(c.castsource, NULL) || ' AS ' || format_type(c.casttarget, NULL)";
    let create = format!(
        "'CREATE CAST (' || {types} || ')' || CASE c.castmethod WHEN 'b' THEN ' WITHOUT FUNCTION' WHEN 'i' THEN ' WITH INOUT'
            ELSE ' WITH FUNCTION ' || c.castfunc::regprocedure::text END
            || CASE c.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END"
    );
    let make = Make {
        needs: "CASE WHEN c.castmethod = 'b' THEN ARRAY['superuser'] END".to_owned(),
        ..Make::plain(
            "before",
            vec![
                create.clone(),
                comment("CAST", &format!("'(' || {types} || ')'"), "pg_cast", "c.oid"),
            ],
            vec![format!("'DROP CAST (' || {types} || ')'")],
        )
    };
    let from = format!(
        "pg_cast c WHERE c.oid >= {FIRST_USER_NUMBER} AND {} AND NOT EXISTS (SELECT 1 FROM pg_depend d
           WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i')",
        no_extension("pg_cast", "c.oid")
    );
    Family::listed(
        "cast",
        "format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL)",
        &create,
        from,
    )
    .at("pg_cast", "c.oid")
    .made(make)
}

/// What makes objects of the pages that the catalog shows as a table.
fn large_objects() -> Family {
    let store = large_objects::table().id;
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let namespace = quoted(store.namespace.as_deref().unwrap_or_default());
    Family::listed(
        "large objects",
        "'numbers of large objects'",
        "NULL",
        format!("(SELECT 1) one WHERE {}", large_objects::READABLE),
    )
    .within(&namespace)
    .on(&namespace, &quoted(&store.name))
    .at("pg_largeobject", "1")
    .made(Make::plain(
        "last",
        vec![quoted(large_objects::MAKE)],
        vec![quoted(large_objects::UNMAKE)],
    ))
}

fn only_listed() -> Vec<Family> {
    let list =
        |kind: &str, name: &str, definition: &str, from: &str| Family::listed(kind, name, definition, from);
    let users = |catalog: &'static str, alias: &str| {
        format!(
            "{catalog} {alias} WHERE {alias}.oid >= {FIRST_USER_NUMBER} AND {}",
            no_extension(catalog, &format!("{alias}.oid"))
        )
    };
    vec![
        list(
            "subscription",
            "s.subname",
            "NULL",
            "pg_subscription s WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())",
        ),
        list("foreign data wrapper", "w.fdwname", "NULL", &users("pg_foreign_data_wrapper", "w")),
        list("foreign server", "s.srvname", "NULL", &users("pg_foreign_server", "s")),
        list("user mapping", "m.usename || '@' || m.srvname", "NULL", "pg_user_mappings m"),
        list("language", "l.lanname", "NULL", &users("pg_language", "l")),
        list("access method", "a.amname", "NULL", &users("pg_am", "a")),
        list(
            "database setting",
            "split_part(setting, '=', 1)",
            "setting",
            "pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase AND d.datname = current_database()
               CROSS JOIN LATERAL unnest(s.setconfig) setting WHERE s.setrole = 0",
        ),
        list(
            "security label",
            "l.objtype || ' ' || l.objname",
            "l.label",
            "pg_seclabels l WHERE l.objtype NOT IN ('role', 'database', 'tablespace')",
        ),
    ]
}
