//! What a change asks for that an older version of the server does not have.

use whimbrel_core::{Change, Error, ErrorClass, Feature, Result};

/// Words in definitions, and the version that they came with.
const NEWER: &[(&str, u32)] = &[
    ("NULLS NOT DISTINCT", 15),
    (WITHOUT_OVERLAPS, 18),
    (PERIOD, 18),
    (NOT_ENFORCED, 18),
];
const WITHOUT_OVERLAPS: &str = " WITHOUT OVERLAPS";
const PERIOD: &str = ", PERIOD ";
const NOT_ENFORCED: &str = " NOT ENFORCED";

/// Tells whether a constraint's definition asks for what only some engines have.
pub(super) fn asks_for(definition: &str, feature: Feature) -> bool {
    let bare = bare(definition);
    let has_periods = bare.contains(WITHOUT_OVERLAPS) || bare.contains(PERIOD);
    // It is the last that the server prints.
    let is_loose = bare.ends_with(NOT_ENFORCED);
    (feature == Feature::Periods && has_periods) || (feature == Feature::NotEnforced && is_loose)
}

/// The definition without what stands in quotes: a name or a text.
fn bare(definition: &str) -> String {
    definition.split(['\'', '"']).step_by(2).collect()
}

/// Refuses a definition that the version does not understand.
pub(super) fn check(change: &Change, major: u32) -> Result<()> {
    let Some(definition) = definition(change) else {
        return Ok(());
    };
    let bare = bare(definition);
    match NEWER
        .iter()
        .find(|(word, since)| major < *since && bare.contains(word))
    {
        None => Ok(()),
        Some((word, since)) => Err(Error::new(
            ErrorClass::Unsupported,
            format!(
                "`{}` came with version {since}; the server's is {major}",
                word.trim_matches([' ', ','])
            ),
        )),
    }
}

fn definition(change: &Change) -> Option<&str> {
    match change {
        Change::AddPrimaryKey { key, .. } | Change::AddUnique { key, .. } => key.definition.as_deref(),
        Change::CreateTable { table, .. } => table.primary_key.as_ref()?.definition.as_deref(),
        Change::AddForeignKey { key, .. } => key.definition.as_deref(),
        Change::AddCheck { check, .. } => check.definition.as_deref(),
        Change::CreateIndex { index, .. } => index.definition.as_deref(),
        Change::CreateNamespace(_)
        | Change::CreateType(_)
        | Change::CreateSequence(_)
        | Change::OwnSequence { .. }
        | Change::AddExclusion { .. }
        | Change::CreateView(_)
        | Change::CreateCollation(_)
        | Change::CreateOther(_)
        | Change::StampOnUpdate { .. }
        | Change::MoveAside { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use whimbrel_core::{Deferral, Key, TableId};

    use super::*;

    #[test]
    fn what_a_definition_asks_for_is_not_read_out_of_names_and_texts() {
        let asked = |definition: &str| {
            [Feature::Periods, Feature::NotEnforced].map(|feature| asks_for(definition, feature))
        };
        for (definition, periods, not_enforced) in [
            ("PRIMARY KEY (id, valid_at WITHOUT OVERLAPS)", true, false),
            (
                "FOREIGN KEY (room, PERIOD during) REFERENCES room(id, PERIOD valid_at)",
                true,
                false,
            ),
            (
                "FOREIGN KEY (p) REFERENCES parent(id) ON DELETE CASCADE NOT ENFORCED",
                false,
                true,
            ),
            ("CHECK ((c > 0)) NOT ENFORCED", false, true),
            ("CHECK ((c > 0)) NOT VALID", false, false),
            ("UNIQUE (id, period)", false, false),
            ("UNIQUE (id, \"x WITHOUT OVERLAPS\", \", PERIOD \")", false, false),
            ("CHECK ((c <> 'is NOT ENFORCED'::text))", false, false),
        ] {
            assert_eq!(asked(definition), [periods, not_enforced], "{definition}");
        }
    }

    #[test]
    fn a_key_that_a_version_does_not_have_is_refused_there_alone() {
        let change = |definition: &str| Change::AddUnique {
            table: TableId::new("public", "a"),
            key: Key {
                name: "a_key".to_owned(),
                columns: vec!["b".to_owned()],
                deferral: Deferral::Never,
                nulls_equal: true,
                definition: Some(definition.to_owned()),
            },
        };
        let new = change("UNIQUE NULLS NOT DISTINCT (b)");
        assert!(check(&new, 14).is_err());
        assert!(check(&new, 15).is_ok());
        assert!(check(&change("UNIQUE (\"NULLS NOT DISTINCT\")"), 14).is_ok());
    }
}
