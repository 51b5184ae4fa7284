//! Everything that is listed but not moved, so that nothing is absent in silence: one query per family of objects.
//! What belongs to an extension comes with it and is not listed one by one.

use tokio_postgres::Client;
use whimbrel_core::{OtherObject, Result, TableId};

use super::{is_users, no_extension, optional_name_at};
use crate::error::from_driver;

/// Object numbers from here on are the user's, not the server's.
const FIRST_USER_NUMBER: &str = "16384";

/// Each query returns: kind, namespace, name, namespace and name of the table it hangs on, definition.
pub(super) async fn read(client: &Client) -> Result<Vec<OtherObject>> {
    let mut others = Vec::new();
    for sql in [
        routines(),
        on_tables(),
        relations(),
        storage(),
        global(),
        operators(),
        text_search(),
        privileges(),
        comments(),
    ] {
        for row in client.query(&sql, &[]).await.map_err(from_driver)? {
            let (namespace, name): (Option<String>, String) = (row.get(1), row.get(2));
            others.push(OtherObject {
                kind: row.get(0),
                id: TableId { namespace, name },
                table: optional_name_at(&row, 3),
                definition: row.get(5),
                making: None,
            });
        }
    }
    others.sort();
    Ok(others)
}

fn routines() -> String {
    format!(
        "SELECT CASE p.prokind WHEN 'f' THEN 'function' WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'
                ELSE 'window function' END, n.nspname::text,
            p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', NULL::text, NULL::text,
            CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END
         FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {users} AND {proc}
           AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
         UNION ALL
         SELECT 'base type', n.nspname::text, t.typname::text, NULL, NULL, NULL
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {users} AND {types}
           AND t.typtype IN ('b', 'p') AND t.typsubscript <> 'array_subscript_handler'::regproc",
        users = is_users("n"),
        proc = no_extension("pg_proc", "p.oid"),
        types = no_extension("pg_type", "t.oid"),
    )
}

fn on_tables() -> String {
    let from = format!(
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {} AND {}",
        is_users("n"),
        no_extension("pg_class", "c.oid")
    );
    let table = "n.nspname::text, c.relname::text";
    format!(
        "SELECT 'trigger', n.nspname::text, t.tgname::text, {table}, pg_get_triggerdef(t.oid)
            || CASE t.tgenabled WHEN 'D' THEN ' (disabled)' WHEN 'R' THEN ' (replica)' WHEN 'A' THEN ' (always)' ELSE '' END
         FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid {from} AND NOT t.tgisinternal
         UNION ALL
         SELECT 'rule', n.nspname::text, r.rulename::text, {table}, pg_get_ruledef(r.oid)
         FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class {from} AND r.rulename <> '_RETURN'
         UNION ALL
         SELECT 'policy', n.nspname::text, p.polname::text, {table},
            concat_ws(' ', 'for', p.polcmd::text, 'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid))
         FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid {from}
         UNION ALL
         SELECT 'row security', {table}, {table}, CASE WHEN c.relforcerowsecurity THEN 'forced' ELSE 'enabled' END
         FROM pg_class c {from} AND (c.relrowsecurity OR c.relforcerowsecurity)
         UNION ALL
         SELECT 'statistics', n.nspname::text, s.stxname::text, {table}, pg_get_statisticsobjdef(s.oid)
         FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid {from}
         UNION ALL
         SELECT 'view column default', n.nspname::text, c.relname || '.' || a.attname, {table}, pg_get_expr(d.adbin, d.adrelid)
         FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
           JOIN pg_class c ON c.oid = d.adrelid {from} AND c.relkind = 'v'"
    )
}

fn relations() -> String {
    format!(
        "SELECT 'materialized view', n.nspname::text, c.relname::text, NULL::text, NULL::text, pg_get_viewdef(c.oid)
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND {users} AND {class}
         UNION ALL
         SELECT 'materialized view index', n.nspname::text, x.relname::text, n.nspname::text, c.relname::text, pg_get_indexdef(x.oid)
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index i ON i.indrelid = c.oid
           JOIN pg_class x ON x.oid = i.indexrelid WHERE c.relkind = 'm' AND {users} AND {class}
         UNION ALL
         SELECT 'invalid index', n.nspname::text, x.relname::text, n.nspname::text, c.relname::text, pg_get_indexdef(x.oid)
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index i ON i.indrelid = c.oid
           JOIN pg_class x ON x.oid = i.indexrelid
         WHERE c.relkind = 'r' AND NOT i.indisvalid AND {users} AND {class}",
        users = is_users("n"),
        class = no_extension("pg_class", "c.oid"),
    )
}

/// Where and how tables and indexes are stored, as far as no definition says it.
fn storage() -> String {
    format!(
        "SELECT 'tablespace', n.nspname::text, c.relname::text, n.nspname::text, coalesce(r.relname, c.relname)::text, s.spcname::text
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_tablespace s ON s.oid = c.reltablespace
           LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class r ON r.oid = i.indrelid
         WHERE {users} AND c.relkind IN ('r', 'p', 'i')
         UNION ALL
         SELECT 'constraint index option', n.nspname::text, c.relname::text, n.nspname::text, r.relname::text,
            array_to_string(c.reloptions, ', ')
         FROM pg_constraint o JOIN pg_class c ON c.oid = o.conindid JOIN pg_class r ON r.oid = o.conrelid
           JOIN pg_namespace n ON n.oid = r.relnamespace
         WHERE {users} AND o.contype IN ('p', 'u', 'x') AND c.reloptions IS NOT NULL
         UNION ALL
         SELECT CASE WHEN i.indisclustered THEN 'cluster mark' ELSE 'replica identity index' END, n.nspname::text,
            c.relname::text, n.nspname::text, r.relname::text, NULL
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class r ON r.oid = i.indrelid
           JOIN pg_namespace n ON n.oid = r.relnamespace
         WHERE {users} AND (i.indisclustered OR i.indisreplident) AND r.relkind = 'r'
         UNION ALL
         SELECT 'typed table', n.nspname::text, c.relname::text, n.nspname::text, c.relname::text, c.reloftype::regtype::text
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {users} AND c.reloftype <> 0",
        users = is_users("n"),
    )
}

fn global() -> String {
    format!(
        "SELECT 'extension', NULL::text, e.extname::text, NULL::text, NULL::text, 'version ' || e.extversion
         FROM pg_extension e WHERE e.extname <> 'plpgsql'
         UNION ALL SELECT 'event trigger', NULL, evtname::text, NULL, NULL, evtevent::text FROM pg_event_trigger
         UNION ALL SELECT 'publication', NULL, pubname::text, NULL, NULL, NULL FROM pg_publication
         UNION ALL SELECT 'subscription', NULL, subname::text, NULL, NULL, NULL FROM pg_subscription s
           WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
         UNION ALL SELECT 'foreign data wrapper', NULL, w.fdwname::text, NULL, NULL, NULL FROM pg_foreign_data_wrapper w
           WHERE {wrapper}
         UNION ALL SELECT 'foreign server', NULL, srvname::text, NULL, NULL, NULL FROM pg_foreign_server
         UNION ALL SELECT 'user mapping', NULL, usename || '@' || srvname, NULL, NULL, NULL FROM pg_user_mappings
         UNION ALL SELECT 'language', NULL, l.lanname::text, NULL, NULL, NULL FROM pg_language l
           WHERE l.oid >= {user} AND {language}
         UNION ALL SELECT 'access method', NULL, a.amname::text, NULL, NULL, NULL FROM pg_am a WHERE a.oid >= {user} AND {method}
         UNION ALL SELECT 'cast', NULL, format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL), NULL, NULL, NULL
           FROM pg_cast c WHERE c.oid >= {user} AND {cast} AND NOT EXISTS (SELECT 1 FROM pg_depend d
             WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i')
         UNION ALL SELECT 'large objects', NULL, 'large objects', NULL, NULL, count(*) || ' objects'
           FROM pg_largeobject_metadata HAVING count(*) > 0
         UNION ALL SELECT 'database setting', NULL, split_part(setting, '=', 1), NULL, NULL, setting
           FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase AND d.datname = current_database()
             CROSS JOIN LATERAL unnest(s.setconfig) setting WHERE s.setrole = 0
         UNION ALL SELECT 'security label', NULL, objtype || ' ' || objname, NULL, NULL, label FROM pg_seclabels
           WHERE objtype NOT IN ('role', 'database', 'tablespace')",
        wrapper = no_extension("pg_foreign_data_wrapper", "w.oid"),
        language = no_extension("pg_language", "l.oid"),
        method = no_extension("pg_am", "a.oid"),
        cast = no_extension("pg_cast", "c.oid"),
        user = FIRST_USER_NUMBER,
    )
}

fn operators() -> String {
    let users = is_users("n");
    format!(
        "SELECT 'operator', n.nspname::text, o.oprname || ' (' || coalesce(nullif(o.oprleft, 0)::regtype::text, 'none')
            || ', ' || coalesce(nullif(o.oprright, 0)::regtype::text, 'none') || ')', NULL::text, NULL::text, NULL::text
         FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE {users} AND {operator}
         UNION ALL
         SELECT 'operator class', n.nspname::text, o.opcname || ' using ' || a.amname, NULL, NULL, NULL
         FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace JOIN pg_am a ON a.oid = o.opcmethod
         WHERE {users} AND {class}
         UNION ALL
         SELECT 'operator family', n.nspname::text, o.opfname || ' using ' || a.amname, NULL, NULL, NULL
         FROM pg_opfamily o JOIN pg_namespace n ON n.oid = o.opfnamespace JOIN pg_am a ON a.oid = o.opfmethod
         WHERE {users} AND {family}
         UNION ALL
         SELECT 'collation', n.nspname::text, o.collname::text, NULL, NULL, NULL
         FROM pg_collation o JOIN pg_namespace n ON n.oid = o.collnamespace WHERE {users} AND {collation}
         UNION ALL
         SELECT 'conversion', n.nspname::text, o.conname::text, NULL, NULL, NULL
         FROM pg_conversion o JOIN pg_namespace n ON n.oid = o.connamespace WHERE {users} AND {conversion}",
        operator = no_extension("pg_operator", "o.oid"),
        class = no_extension("pg_opclass", "o.oid"),
        family = no_extension("pg_opfamily", "o.oid"),
        collation = no_extension("pg_collation", "o.oid"),
        conversion = no_extension("pg_conversion", "o.oid"),
    )
}

fn text_search() -> String {
    let families = [
        ("configuration", "pg_ts_config", "cfgname", "cfgnamespace"),
        ("dictionary", "pg_ts_dict", "dictname", "dictnamespace"),
        ("parser", "pg_ts_parser", "prsname", "prsnamespace"),
        ("template", "pg_ts_template", "tmplname", "tmplnamespace"),
    ];
    let parts: Vec<String> = families
        .iter()
        .map(|(word, catalog, name, namespace)| {
            format!(
                "SELECT 'text search {word}', n.nspname::text, o.{name}::text, NULL::text, NULL::text, NULL::text
                 FROM {catalog} o JOIN pg_namespace n ON n.oid = o.{namespace} WHERE {} AND {}",
                is_users("n"),
                no_extension(catalog, "o.oid"),
            )
        })
        .collect();
    parts.join(" UNION ALL ")
}

/// One entry for each object whose privileges are not what they were at its creation, and one per foreign owner.
fn privileges() -> String {
    let users = is_users("n");
    let changed = |acl: &str, catalog: &str, oid: &str| {
        format!(
            "{acl} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_init_privs i WHERE i.classoid = '{catalog}'::regclass
               AND i.objoid = {oid} AND i.objsubid = 0 AND i.initprivs = {acl})"
        )
    };
    format!(
        "SELECT 'grant', n.nspname::text, c.relname::text, CASE WHEN c.relkind IN ('r', 'p', 'f', 'v', 'm') THEN n.nspname::text END,
            c.relname::text, c.relacl::text
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {users} AND {class} AND {relation}
         UNION ALL
         SELECT 'column grant', n.nspname::text, c.relname || '.' || a.attname, n.nspname::text, c.relname::text, a.attacl::text
         FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {users} AND {class} AND a.attacl IS NOT NULL AND NOT a.attisdropped
         UNION ALL
         SELECT 'namespace grant', NULL, n.nspname::text, NULL, NULL, n.nspacl::text
         FROM pg_namespace n WHERE {users} AND {namespace}
         UNION ALL
         SELECT 'function grant', n.nspname::text, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', NULL, NULL, p.proacl::text
         FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {users} AND {in_extension} AND {proc}
         UNION ALL
         SELECT 'type grant', n.nspname::text, t.typname::text, NULL, NULL, t.typacl::text
         FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {users} AND {types}
         UNION ALL
         SELECT 'default privileges', n.nspname::text, d.defaclrole::regrole || ' ' || d.defaclobjtype::text, NULL, NULL, d.defaclacl::text
         FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
         UNION ALL
         SELECT DISTINCT 'owner', NULL, c.relowner::regrole::text, NULL, NULL, NULL
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE {users} AND {class} AND pg_get_userbyid(c.relowner) <> current_user",
        class = no_extension("pg_class", "c.oid"),
        relation = changed("c.relacl", "pg_class", "c.oid"),
        namespace = changed("n.nspacl", "pg_namespace", "n.oid"),
        proc = changed("p.proacl", "pg_proc", "p.oid"),
        in_extension = no_extension("pg_proc", "p.oid"),
        types = changed("t.typacl", "pg_type", "t.oid"),
    )
}

/// Comments on parts of moved objects that have no place in the catalog.
fn comments() -> String {
    let users = is_users("n");
    format!(
        "SELECT 'comment', n.nspname::text, c.relname || '.' || o.conname, n.nspname::text, c.relname::text, d.description
         FROM pg_description d JOIN pg_constraint o ON o.oid = d.objoid AND d.classoid = 'pg_constraint'::regclass
           JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {users}
         UNION ALL
         SELECT 'comment', n.nspname::text, t.typname || '.' || o.conname, NULL::text, NULL::text, d.description
         FROM pg_description d JOIN pg_constraint o ON o.oid = d.objoid AND d.classoid = 'pg_constraint'::regclass
           JOIN pg_type t ON t.oid = o.contypid JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {users}
         UNION ALL
         SELECT 'comment', n.nspname::text, c.relname || '.' || a.attname, n.nspname::text, c.relname::text, d.description
         FROM pg_description d JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass AND d.objsubid > 0
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid
           JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {users} AND c.relkind IN ('v', 'c')
         UNION ALL
         SELECT 'comment', n.nspname::text, x.relname::text, n.nspname::text, c.relname::text, d.description
         FROM pg_description d JOIN pg_class x ON x.oid = d.objoid AND d.classoid = 'pg_class'::regclass AND x.relkind = 'i'
           JOIN pg_constraint o ON o.conindid = x.oid AND o.contype IN ('p', 'u', 'x') JOIN pg_class c ON c.oid = o.conrelid
           JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {users}
         UNION ALL
         SELECT 'comment', NULL, 'database', NULL, NULL, shobj_description(d.oid, 'pg_database')
         FROM pg_database d WHERE d.datname = current_database() AND shobj_description(d.oid, 'pg_database') <> 'default administrative connection database'"
    )
}
