//! Sections that do not exist, or are written in another form, told by what was probably meant.

use toml::de::{DeTable, DeValue};
use whimbrel_transform::nearest;

/// The sections, and how each is written.
const SECTIONS: [(&str, Form); 13] = [
    ("database", Form::Named),
    ("tables", Form::One),
    ("policies", Form::One),
    ("decisions", Form::One),
    ("rollback", Form::One),
    ("limits", Form::One),
    ("validation", Form::Several),
    ("source", Form::Several),
    ("table", Form::Several),
    ("lookup", Form::Several),
    ("wave", Form::Several),
    ("namespaces", Form::One),
    ("masking", Form::One),
];

/// Keys that only a rule for a table has.
const OF_A_RULE: [&str; 9] = [
    "from", "to", "where", "columns", "rename", "compute", "default", "mask", "types",
];

/// How a section is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `[limits]`.
    One,
    /// `[database.NAME]`.
    Named,
    /// `[[table]]`.
    Several,
}

impl Form {
    fn written(self, section: &str) -> String {
        match self {
            Self::One => format!("[{section}]"),
            Self::Named => format!("[{section}.NAME]"),
            Self::Several => format!("[[{section}]]"),
        }
    }
}

/// A section that nobody reads.
pub(super) struct Wrong {
    /// Where it begins in the text.
    pub(super) at: usize,
    /// What is wrong with it.
    pub(super) what: String,
    /// What was probably meant.
    pub(super) hint: Option<String>,
}

/// Returns the first section of the text that does not exist or has another form; none also where the text is no TOML.
pub(super) fn first_wrong(text: &str) -> Option<Wrong> {
    let root = DeTable::parse(text).ok()?;
    let wrong = root.get_ref().iter().filter_map(|(key, value)| {
        let at = key.span().start;
        wrong(key.get_ref(), value.get_ref()).map(|(what, hint)| Wrong { at, what, hint })
    });
    wrong.min_by_key(|wrong| wrong.at)
}

fn wrong(name: &str, value: &DeValue<'_>) -> Option<(String, Option<String>)> {
    let has_blocks = matches!(value, DeValue::Array(blocks)
        if blocks.iter().any(|block| matches!(block.get_ref(), DeValue::Table(_))));
    let is_table = matches!(value, DeValue::Table(_));
    let own = match (has_blocks, is_table) {
        (true, _) => format!("[[{name}]]"),
        (_, true) => format!("[{name}]"),
        (false, false) => name.to_owned(),
    };
    let meant = |section: &str, form: Form| format!("did you mean `{}`?", form.written(section));
    let known = SECTIONS.iter().find(|(section, _)| *section == name);
    let Some((section, form)) = known else {
        let section = nearest(name, SECTIONS.iter().map(|(section, _)| *section));
        let found = SECTIONS.iter().find(|(known, _)| Some(*known) == section);
        let hint = found.map(|(section, form)| match (section, has_blocks) {
            // A block of its own is a rule; there is one section that chooses tables.
            (&"tables", true) => meant("table", Form::Several),
            _ => meant(section, *form),
        });
        return Some((format!("there is no section `{own}`"), hint));
    };
    let is_rule = |table: &DeTable<'_>| {
        let mut keys = table.keys();
        keys.any(|key| OF_A_RULE.contains(&&**key.get_ref()))
    };
    let is_mistaken = match (form, value) {
        (Form::Several, DeValue::Array(_)) => false,
        (Form::One, DeValue::Table(table)) => *section == "tables" && is_rule(table),
        (Form::Named, DeValue::Table(_)) => false,
        _ => true,
    };
    if !is_mistaken {
        return None;
    }
    let hint = match *section {
        "tables" if has_blocks || is_table => meant("table", Form::Several),
        section => meant(section, *form),
    };
    let what = match (*form, *section) {
        (_, "tables") => format!("`{own}` chooses which tables are moved, and is no rule for a table"),
        (Form::Several, _) => {
            format!("`{own}` is one section; there may be several, each in double brackets")
        }
        (Form::Named, _) => format!("`{own}` does not say which one"),
        (Form::One, _) => format!("`{own}` must be one section"),
    };
    Some((what, Some(hint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_said() {
        for (text, what, hint) in [
            (
                "[[tables]]\nfrom = \"a\"\n",
                "is no rule for a table",
                "`[[table]]`?",
            ),
            (
                "[tables]\nfrom = \"a\"\n",
                "is no rule for a table",
                "`[[table]]`?",
            ),
            (
                "[table]\nfrom = \"a\"\n",
                "each in double brackets",
                "`[[table]]`?",
            ),
            (
                "[table.a]\nto = \"a\"\n",
                "each in double brackets",
                "`[[table]]`?",
            ),
            (
                "[[tabel]]\nto = \"a\"\n",
                "no section `[[tabel]]`",
                "`[[table]]`?",
            ),
            (
                "[[sources]]\nname = \"a\"\n",
                "no section `[[sources]]`",
                "`[[source]]`?",
            ),
            (
                "[validation]\nname = \"a\"\n",
                "each in double brackets",
                "`[[validation]]`?",
            ),
            (
                "[[validations]]\nname = \"a\"\n",
                "no section",
                "`[[validation]]`?",
            ),
            ("[lookups]\nname = \"a\"\n", "no section", "`[[lookup]]`?"),
            ("[databases.a]\nurl = \"a\"\n", "no section", "`[database.NAME]`?"),
            ("[[database]]\nurl = \"a\"\n", "which one", "`[database.NAME]`?"),
            ("[[limits]]\njobs = 1\n", "one section", "`[limits]`?"),
            ("[namespace]\na = \"b\"\n", "no section", "`[namespaces]`?"),
        ] {
            let wrong = first_wrong(text).unwrap();
            assert!(wrong.what.contains(what), "{text}: {}", wrong.what);
            assert!(wrong.hint.unwrap().ends_with(hint), "{text}");
        }
        assert!(first_wrong("[something]\na = 1\n").unwrap().hint.is_none());
        assert!(first_wrong("[tables]\ninclude = [\"a\"]\n[[table]]\nfrom = \"a\"\n").is_none());
    }
}
