//! What the server does not have by itself and statements can make: a column that every update sets to the time, collations that ignore
//! case or accents, and indexes of words.

use whimbrel_core::{
    Column, Index, ObjectId, ObjectKind, Step, StepPhase, TableId, TargetCollation, TextEquality, hash_of,
};

use super::{Draft, NAME_BYTES_MAX};
use crate::quote::{literal, quoted, table_name};

/// The namespace of our collations, and what each calls equal, with its locale in the words of ICU.
const HOME: &str = "public";
const COLLATIONS: [(&str, bool, bool, &str); 3] = [
    ("whimbrel_ci", true, false, "und-u-ks-level2"),
    ("whimbrel_ci_ai", true, true, "und-u-ks-level1"),
    ("whimbrel_ai", false, true, "und-u-ks-level1-kc-true"),
];

/// Key words that the server prints in quotes where they are names: those of PostgreSQL 18 that are not unreserved (appendix C of its manual).
const KEY_WORDS: &str = "\
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case \
    cast char character check coalesce collate collation column concurrently constraint create cross \
    current_catalog current_date current_role current_schema current_time current_timestamp current_user dec \
    decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign \
    freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect \
    interval into is isnull join json_array json_arrayagg json_exists json_object json_objectagg json_query \
    json_scalar json_serialize json_table json_value lateral leading least left like limit localtime \
    localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric offset on \
    only or order out outer overlaps overlay placing position precision primary real references returning right \
    row select session_user setof similar smallint some substring symmetric system_user table tablesample then \
    time timestamp to trailing treat trim true union unique user using values varchar variadic verbose when where \
    window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot \
    xmlserialize xmltable";

/// Returns the name of a type as `format_type` prints it under an empty search path.
pub(in crate::dialect) fn type_name(id: &TableId) -> String {
    let printed = |name: &str| {
        let mut letters = name.chars();
        let starts_plain = letters
            .next()
            .is_some_and(|first| first.is_ascii_lowercase() || first == '_');
        let is_plain = starts_plain
            && letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && !KEY_WORDS.split_whitespace().any(|word| word == name);
        if is_plain { name.to_owned() } else { quoted(name) }
    };
    format!(
        "{}.{}",
        printed(id.namespace.as_deref().unwrap_or(HOME)),
        printed(&id.name)
    )
}

/// Returns which different texts the column calls equal: only our own collations and `citext` say so by their name.
pub(in crate::dialect) fn equality(column: &Column) -> TextEquality {
    let bare = |name: &str| name.rsplit('.').next().unwrap_or_default().replace('"', "");
    let native = bare(&column.native);
    if native == "citext" {
        return TextEquality {
            ignores_case: true,
            ..TextEquality::default()
        };
    }
    let blank_padded = native == "character" || native == "bpchar" || native.starts_with("character(");
    let plain = TextEquality {
        ignores_padding: blank_padded,
        ..TextEquality::default()
    };
    let name = column.collation.as_deref().map(bare).unwrap_or_default();
    let known = COLLATIONS.iter().find(|(known, ..)| *known == name);
    known.map_or(plain, |(_, ignores_case, ignores_accents, _)| TextEquality {
        ignores_case: *ignores_case,
        ignores_accents: *ignores_accents,
        ..plain
    })
}

/// Returns the collation for an equality; the default one is exact. None ignores spaces at the end alone.
pub(in crate::dialect) fn collation(wanted: TextEquality) -> Option<TargetCollation> {
    if wanted.is_exact() {
        return Some(TargetCollation {
            name: String::new(),
            equality: wanted,
            made: false,
        });
    }
    let fits = |(_, ignores_case, ignores_accents, _): &&(&str, bool, bool, &str)| {
        (*ignores_case, *ignores_accents) == (wanted.ignores_case, wanted.ignores_accents)
    };
    let (name, ..) = COLLATIONS.iter().find(fits)?;
    Some(TargetCollation {
        name: format!("{HOME}.{name}"),
        equality: TextEquality {
            ignores_padding: false,
            ..wanted
        },
        made: true,
    })
}

pub(super) fn create_collation(collation: &TargetCollation) -> Step {
    let bare = collation.name.rsplit('.').next().unwrap_or_default();
    let known = COLLATIONS.iter().find(|(name, ..)| *name == bare);
    let locale = known.map_or("und", |(.., locale)| *locale);
    let id = TableId::new(HOME, bare);
    let name = table_name(&id);
    Draft {
        phase: StepPhase::Schema,
        subject: ObjectId::whole(ObjectKind::Other, id),
        title: format!("create collation {}", collation.name),
        statements: vec![format!(
            "CREATE COLLATION {name} (provider = icu, locale = {}, deterministic = false)",
            literal(locale)
        )],
        undo: vec![format!("DROP COLLATION {name}")],
        tables: Vec::new(),
    }
    .step()
}

/// An update that changes something and leaves the column alone sets it, as in the engines whose columns do that by themselves.
pub(super) fn stamp_on_update(table: &TableId, column: &str) -> Step {
    let bare = stamp_name(table, column);
    let function = table_name(&TableId {
        namespace: table.namespace.clone(),
        name: bare.clone(),
    });
    let (trigger, on, quoted_column) = (quoted(&bare), table_name(table), quoted(column));
    // `*<>` compares the images of two rows, so that it takes types without an equality of their own.
    let body = format!(
        "BEGIN\n  IF NEW.{quoted_column} IS NOT DISTINCT FROM OLD.{quoted_column} AND NEW *<> OLD THEN\n    \
         NEW.{quoted_column} := CURRENT_TIMESTAMP;\n  END IF;\n  RETURN NEW;\nEND"
    );
    Draft {
        phase: StepPhase::AfterData,
        // The function as the catalog lists it; the trigger goes with its table.
        subject: ObjectId::whole(
            ObjectKind::Other,
            TableId {
                namespace: table.namespace.clone(),
                name: format!("{bare}()"),
            },
        ),
        title: format!("let updates of {table} set {column}"),
        statements: vec![
            format!(
                "CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS {}",
                literal(&body)
            ),
            format!(
                "CREATE TRIGGER {trigger} BEFORE UPDATE ON {on} FOR EACH ROW EXECUTE FUNCTION {function}()"
            ),
        ],
        undo: vec![
            format!("DROP TRIGGER {trigger} ON {on}"),
            format!("DROP FUNCTION {function}()"),
        ],
        tables: vec![table.clone()],
    }
    .step()
}

/// The method of an index of words, in the words of the catalog.
pub(super) const WORDS: &str = "fulltext";

/// Returns the part of an index of words: the words of all its columns together, as they are spelled.
pub(super) fn words(index: &Index) -> Vec<String> {
    let columns: Vec<String> = index
        .parts
        .iter()
        .filter_map(|part| part.column.as_ref())
        .map(|column| format!("coalesce({}, '')", quoted(column)))
        .collect();
    vec![format!(
        "to_tsvector('simple'::regconfig, {})",
        columns.join(" || ' ' || ")
    )]
}

/// `TABLE_COLUMN_stamp`, with a hash in place of what would be too long.
fn stamp_name(table: &TableId, column: &str) -> String {
    let whole = format!("{}_{column}_stamp", table.name);
    match whole.len() <= NAME_BYTES_MAX {
        true => whole,
        false => format!("stamp_{}", &hash_of(&(table, column))[..16]),
    }
}

#[cfg(test)]
mod tests {
    use whimbrel_core::Statement;

    use super::*;

    fn statements(step: &Step) -> Vec<&str> {
        let all = step.statements.iter().chain(&step.undo);
        all.map(|statement| match statement {
            Statement::Sql(text) => text.as_str(),
            Statement::Engine { .. } => "no SQL",
        })
        .collect()
    }

    #[test]
    fn a_column_is_set_by_updates_that_leave_it_alone() {
        let step = stamp_on_update(&TableId::new("public", "or\"ders"), "at");
        assert_eq!(
            statements(&step),
            [
                "CREATE FUNCTION \"public\".\"or\"\"ders_at_stamp\"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS 'BEGIN\n  IF NEW.\"at\" IS NOT DISTINCT FROM OLD.\"at\" AND NEW *<> OLD THEN\n    NEW.\"at\" := CURRENT_TIMESTAMP;\n  END IF;\n  RETURN NEW;\nEND'",
                "CREATE TRIGGER \"or\"\"ders_at_stamp\" BEFORE UPDATE ON \"public\".\"or\"\"ders\" FOR EACH ROW EXECUTE FUNCTION \"public\".\"or\"\"ders_at_stamp\"()",
                "DROP TRIGGER \"or\"\"ders_at_stamp\" ON \"public\".\"or\"\"ders\"",
                "DROP FUNCTION \"public\".\"or\"\"ders_at_stamp\"()",
            ]
        );
        let long = stamp_name(&TableId::new("public", "t".repeat(60)), "at");
        assert_eq!(long.len(), "stamp_".len() + 16);
    }

    #[test]
    fn blanks_at_the_end_count_for_nothing_in_a_type_that_pads() {
        for (native, ignores) in [
            ("character(3)", true),
            ("character", true),
            ("bpchar", true),
            ("character varying(3)", false),
            ("\"char\"", false),
            ("text", false),
        ] {
            let equality = equality(&Column::new("code", native));
            assert_eq!(equality.ignores_padding, ignores, "{native}");
            assert!(!equality.ignores_case && !equality.ignores_accents, "{native}");
        }
    }

    #[test]
    fn a_type_is_named_as_the_server_prints_it() {
        for (name, printed) in [
            ("orders_state", "public.orders_state"),
            ("Orders_state", "public.\"Orders_state\""),
            ("current_date", "public.\"current_date\""),
            ("state", "public.state"),
            ("order", "public.\"order\""),
            ("2_a", "public.\"2_a\""),
        ] {
            assert_eq!(type_name(&TableId::bare(name)), printed);
        }
    }

    #[test]
    fn a_collation_is_found_for_what_it_ignores_and_known_by_its_name() {
        let caseless = TextEquality {
            ignores_case: true,
            ignores_accents: false,
            ignores_padding: true,
        };
        let found = collation(caseless).unwrap();
        assert_eq!((found.name.as_str(), found.made), ("public.whimbrel_ci", true));
        assert!(!found.equality.ignores_padding);
        let mut column = Column::new("a", "text");
        column.collation = Some(found.name.clone());
        assert_eq!(equality(&column), found.equality);
        assert!(equality(&Column::new("a", "public.citext")).ignores_case);
        assert!(
            statements(&create_collation(&found))[0]
                .ends_with("locale = 'und-u-ks-level2', deterministic = false)")
        );
        assert_eq!(collation(TextEquality::default()).unwrap().name, "");
    }
}
