//! Privileges and owners. They name roles, which belong to the server and not to the database, so a person decides about them.

use super::family::{Family, Make, qualified};
use crate::catalog::server::Server;
use crate::catalog::{is_users, no_extension};

pub(super) fn families(server: Server) -> Vec<Family> {
    vec![
        relations(),
        columns(),
        namespaces(),
        routines(server),
        types(),
        default_privileges(),
        large_objects(),
        large_object_owners(),
        relation_owners(),
        routine_owners(server),
        namespace_owners(),
        type_owners(),
    ]
}

/// The grants on one object to one role, as SQL expressions over the object and `g` (see [`grants_of`]).
struct Grant<'a> {
    kind: &'a str,
    name: &'a str,
    /// What stands between ON and TO.
    object: &'a str,
    /// What stands behind each privilege, such as a column's name.
    part: &'a str,
    from: String,
}

/// One row for each role that the list names, with its privileges; what the owner has by itself, or everybody by default, is left out.
fn grants_of(list: &str, kind: &str, owner: &str) -> String {
    format!(
        "CROSS JOIN LATERAL (SELECT x.grantee, coalesce(r.rolname, 'PUBLIC')::text AS role,
             coalesce(quote_ident(r.rolname), 'PUBLIC') AS spelled, x.is_grantable,
             array_agg(x.privilege_type ORDER BY x.privilege_type) AS privileges
           FROM aclexplode({list}) x LEFT JOIN pg_roles r ON r.oid = x.grantee
           WHERE x.grantee <> {owner}
             AND NOT EXISTS (SELECT 1 FROM aclexplode(acldefault('{kind}', {owner})) b
               WHERE b.grantee = x.grantee AND b.privilege_type = x.privilege_type AND b.is_grantable = x.is_grantable)
           GROUP BY x.grantee, r.rolname, x.is_grantable) g"
    )
}

/// One row when everybody lacks what everybody has by default.
fn revoked_from_all(list: &str, kind: &str, owner: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM aclexplode(acldefault('{kind}', {owner})) b WHERE b.grantee = 0 AND NOT EXISTS (
             SELECT 1 FROM aclexplode({list}) x WHERE x.grantee = 0 AND x.privilege_type = b.privilege_type))"
    )
}

fn grant(grant: &Grant<'_>) -> Family {
    let Grant {
        kind,
        name,
        object,
        part,
        from,
    } = grant;
    let list = format!("(SELECT string_agg(p || {part}, ', ') FROM unnest(g.privileges) p)");
    let named = "g.grantee <> 0";
    let make = Make {
        asks: format!("CASE WHEN {named} THEN 'privileges' END"),
        needs: format!("CASE WHEN {named} THEN ARRAY['role ' || g.role] END"),
        ..Make::plain(
            "last",
            vec![format!(
                "'GRANT ' || {list} || ' ON ' || {object} || ' TO ' || g.spelled || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END"
            )],
            vec![format!(
                "'REVOKE ' || {list} || ' ON ' || {object} || ' FROM ' || g.spelled"
            )],
        )
    };
    let definition = format!("{list} || CASE WHEN g.is_grantable THEN ' with grant option' ELSE '' END");
    let name = format!(
        "{name} || ' to ' || g.role || CASE WHEN g.is_grantable THEN ' with grant option' ELSE '' END"
    );
    Family::listed(kind, &name, &definition, from.clone()).made(make)
}

/// Tells whether the list differs from what it was at the object's creation.
fn changed(list: &str, class: &str, number: &str) -> String {
    format!(
        "{list} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_init_privs i WHERE i.classoid = '{class}'::regclass
           AND i.objoid = {number} AND i.objsubid = 0 AND i.initprivs = {list})"
    )
}

fn relations() -> Family {
    let object = format!(
        "CASE WHEN c.relkind = 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || {}",
        qualified("c.relname")
    );
    // Sequences and tables give nothing to everybody, so one kind serves both.
    let from = format!(
        "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace {} WHERE {} AND {} AND {}",
        grants_of("c.relacl", "r", "c.relowner"),
        is_users("n"),
        no_extension("pg_class", "c.oid"),
        changed("c.relacl", "pg_class", "c.oid")
    );
    grant(&Grant {
        kind: "grant",
        name: "c.relname",
        object: &object,
        part: "''",
        from,
    })
    .within("n.nspname")
    .about("pg_class", "c.oid")
    .on("CASE WHEN c.relkind <> 'S' THEN n.nspname END", "c.relname")
}

fn columns() -> Family {
    let from = format!(
        "pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace {} WHERE {} AND {}
           AND a.attacl IS NOT NULL AND NOT a.attisdropped",
        grants_of("a.attacl", "c", "c.relowner"),
        is_users("n"),
        no_extension("pg_class", "c.oid"),
    );
    grant(&Grant {
        kind: "grant on column",
        name: "c.relname || '.' || a.attname",
        object: &format!("'TABLE ' || {}", qualified("c.relname")),
        part: "' (' || quote_ident(a.attname) || ')'",
        from,
    })
    .within("n.nspname")
    .about("pg_class", "c.oid")
    .on("n.nspname", "c.relname")
}

fn namespaces() -> Family {
    let from = format!(
        "pg_namespace n {} WHERE {} AND {} AND {}",
        grants_of("n.nspacl", "n", "n.nspowner"),
        is_users("n"),
        no_extension("pg_namespace", "n.oid"),
        changed("n.nspacl", "pg_namespace", "n.oid")
    );
    grant(&Grant {
        kind: "grant on namespace",
        name: "n.nspname",
        object: "'SCHEMA ' || quote_ident(n.nspname)",
        part: "''",
        from,
    })
}

/// A row that takes from everybody what everybody has by default stands beside the grants.
fn with_public(list: &str, kind: &str, owner: &str) -> String {
    let grants = grants_of(list, kind, owner);
    let inner = grants
        .trim_start_matches("CROSS JOIN LATERAL (")
        .trim_end_matches(") g");
    format!(
        "CROSS JOIN LATERAL ({inner}
           UNION ALL SELECT 0::oid, 'nobody', 'PUBLIC', false, NULL::text[] WHERE {}) g",
        revoked_from_all(list, kind, owner)
    )
}

/// Grants on objects that everybody may use by default.
fn open_grant(one: &Grant<'_>) -> Family {
    let mut family = grant(one);
    if let Some(make) = &mut family.make {
        let (object, revoke) = (one.object, "g.privileges IS NULL");
        for statement in &mut make.statements {
            *statement = format!(
                "CASE WHEN {revoke} THEN 'REVOKE ALL ON ' || {object} || ' FROM PUBLIC' ELSE {statement} END"
            );
        }
        for statement in &mut make.undo {
            *statement = format!(
                "CASE WHEN {revoke} THEN 'GRANT ALL ON ' || {object} || ' TO PUBLIC' ELSE {statement} END"
            );
        }
    }
    family.definition = format!("coalesce({}, 'not to everybody')", family.definition);
    family
}

fn routines(server: Server) -> Family {
    let kind = server.routine_kind("p");
    let word = if server.has(11) { "ROUTINE " } else { "FUNCTION " };
    let from = format!(
        "pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace {} WHERE {} AND {} AND {} AND {kind} IS NOT NULL",
        with_public("p.proacl", "f", "p.proowner"),
        is_users("n"),
        no_extension("pg_proc", "p.oid"),
        changed("p.proacl", "pg_proc", "p.oid")
    );
    let arguments = "'(' || pg_get_function_identity_arguments(p.oid) || ')'";
    open_grant(&Grant {
        kind: "grant on function",
        name: &format!("p.proname || {arguments}"),
        object: &format!("'{word}' || {} || {arguments}", qualified("p.proname")),
        part: "''",
        from,
    })
    .within("n.nspname")
    .about("pg_proc", "p.oid")
}

fn types() -> Family {
    let from = format!(
        "pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace {} WHERE {} AND {} AND {}",
        with_public("t.typacl", "T", "t.typowner"),
        is_users("n"),
        no_extension("pg_type", "t.oid"),
        changed("t.typacl", "pg_type", "t.oid")
    );
    open_grant(&Grant {
        kind: "grant on type",
        name: "t.typname",
        object: &format!("'TYPE ' || {}", qualified("t.typname")),
        part: "''",
        from,
    })
    .within("n.nspname")
    .about("pg_type", "t.oid")
}

fn default_privileges() -> Family {
    let object = "CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
        WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END";
    let scope = "'ALTER DEFAULT PRIVILEGES FOR ROLE ' || quote_ident(pg_get_userbyid(d.defaclrole))
        || coalesce(' IN SCHEMA ' || quote_ident(n.nspname), '')";
    let list = "array_to_string(g.privileges, ', ')";
    // Within a namespace the list holds only what is added; otherwise it stands for the whole, as that of an object does.
    let from = "pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
         CROSS JOIN LATERAL (SELECT coalesce(r.rolname, 'PUBLIC')::text AS role, coalesce(quote_ident(r.rolname), 'PUBLIC') AS spelled,
             x.is_grantable, array_agg(x.privilege_type ORDER BY x.privilege_type) AS privileges
           FROM aclexplode(d.defaclacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
           WHERE d.defaclnamespace <> 0 OR x.grantee <> d.defaclrole GROUP BY r.rolname, x.is_grantable
           UNION ALL SELECT 'nobody', 'PUBLIC', false, NULL WHERE d.defaclnamespace = 0 AND d.defaclobjtype IN ('f', 'T')
             AND NOT EXISTS (SELECT 1 FROM aclexplode(d.defaclacl) x WHERE x.grantee = 0)) g";
    let make = Make {
        asks: "'privileges'".to_owned(),
        needs: "ARRAY(SELECT DISTINCT 'role ' || x FROM unnest(ARRAY[pg_get_userbyid(d.defaclrole)::text, g.role]) x
            WHERE x NOT IN ('PUBLIC', 'nobody') ORDER BY 1)"
            .to_owned(),
        ..Make::plain(
            "last",
            vec![format!(
                "{scope} || CASE WHEN g.privileges IS NULL THEN ' REVOKE ALL ON ' || {object} || ' FROM PUBLIC'
                   ELSE ' GRANT ' || {list} || ' ON ' || {object} || ' TO ' || g.spelled || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END END"
            )],
            vec![format!(
                "{scope} || CASE WHEN g.privileges IS NULL THEN ' GRANT ALL ON ' || {object} || ' TO PUBLIC'
                   ELSE ' REVOKE ' || {list} || ' ON ' || {object} || ' FROM ' || g.spelled END"
            )],
        )
    };
    let name = format!(
        "pg_get_userbyid(d.defaclrole) || ' ' || lower({object}) || ' to ' || g.role || CASE WHEN g.is_grantable THEN ' with grant option' ELSE '' END"
    );
    Family::listed(
        "default privileges",
        &name,
        &format!("coalesce({list}, 'not to everybody')"),
        from,
    )
    .within("n.nspname")
    .made(make)
}

fn large_objects() -> Family {
    let from = format!(
        "pg_largeobject_metadata m {} WHERE m.lomacl IS NOT NULL",
        grants_of("m.lomacl", "L", "m.lomowner")
    );
    grant(&Grant {
        kind: "grant on large object",
        name: "m.oid::text",
        object: "'LARGE OBJECT ' || m.oid",
        part: "''",
        from,
    })
    .about("pg_largeobject", "1")
}

fn large_object_owners() -> Family {
    owner(
        "'large object ' || m.oid",
        "'LARGE OBJECT ' || m.oid",
        "m.lomowner",
        "pg_largeobject_metadata m WHERE true".to_owned(),
    )
    .about("pg_largeobject", "1")
}

/// An object that somebody else owns than the one who looks: whoever moves the rest would own it in the target.
fn owner(name: &str, object: &str, role: &str, from: String) -> Family {
    let make = Make {
        asks: "'privileges'".to_owned(),
        needs: format!("ARRAY['role ' || pg_get_userbyid({role})]"),
        ..Make::plain(
            "last",
            vec![format!(
                "'ALTER ' || {object} || ' OWNER TO ' || quote_ident(pg_get_userbyid({role}))"
            )],
            vec![format!("'ALTER ' || {object} || ' OWNER TO CURRENT_USER'")],
        )
    };
    let from = format!("{from} AND pg_get_userbyid({role}) <> current_user");
    Family::listed("owner", name, &format!("pg_get_userbyid({role})"), from).made(make)
}

fn relation_owners() -> Family {
    let object = format!(
        "CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW ' ELSE 'TABLE ' END || {}",
        qualified("c.relname")
    );
    // A sequence that a column owns follows its table.
    let from = format!(
        "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {} AND {} AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
           AND NOT (c.relkind = 'S' AND EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
             AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')))",
        is_users("n"),
        no_extension("pg_class", "c.oid")
    );
    owner("c.relname", &object, "c.relowner", from)
        .within("n.nspname")
        .about("pg_class", "c.oid")
        .on("CASE WHEN c.relkind <> 'S' THEN n.nspname END", "c.relname")
}

fn routine_owners(server: Server) -> Family {
    let word = format!(
        "CASE {} WHEN 'a' THEN 'AGGREGATE ' WHEN 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END",
        server.routine_kind("p")
    );
    let arguments = "pg_get_function_identity_arguments(p.oid)";
    let object = format!(
        "{word} || {} || '(' || coalesce(nullif({arguments}, ''), CASE {} WHEN 'a' THEN '*' ELSE '' END) || ')'",
        qualified("p.proname"),
        server.routine_kind("p")
    );
    let from = format!(
        "pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {} AND {}
           AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')",
        is_users("n"),
        no_extension("pg_proc", "p.oid")
    );
    let name = format!("p.proname || '(' || {arguments} || ')'");
    owner(&name, &object, "p.proowner", from)
        .within("n.nspname")
        .about("pg_proc", "p.oid")
}

/// The namespace `public` belongs to the server's own role since version 15.
fn namespace_owners() -> Family {
    let from = format!(
        "pg_namespace n WHERE {} AND {} AND n.nspname <> 'public'",
        is_users("n"),
        no_extension("pg_namespace", "n.oid")
    );
    owner(
        "n.nspname",
        "'SCHEMA ' || quote_ident(n.nspname)",
        "n.nspowner",
        from,
    )
}

fn type_owners() -> Family {
    let object = format!(
        "CASE t.typtype WHEN 'd' THEN 'DOMAIN ' ELSE 'TYPE ' END || {}",
        qualified("t.typname")
    );
    let from = format!(
        "pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
         WHERE {} AND {} AND (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c')",
        is_users("n"),
        no_extension("pg_type", "t.oid")
    );
    owner("t.typname", &object, "t.typowner", from)
        .within("n.nspname")
        .about("pg_type", "t.oid")
}
