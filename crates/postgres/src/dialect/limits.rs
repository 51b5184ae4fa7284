//! What a change asks for that an older version of the server does not have.

use whimbrel_core::{Change, Error, ErrorClass, Result};

/// Words in definitions, and the version that they came with.
const NEWER: &[(&str, u32)] = &[
    ("NULLS NOT DISTINCT", 15),
    ("WITHOUT OVERLAPS", 18),
    (", PERIOD ", 18),
    (" NOT ENFORCED", 18),
];

/// Refuses a definition that the version does not understand.
pub(super) fn check(change: &Change, major: u32) -> Result<()> {
    let Some(definition) = definition(change) else {
        return Ok(());
    };
    // What stands in quotes is a name or a text.
    let bare: String = definition.split(['\'', '"']).step_by(2).collect();
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
