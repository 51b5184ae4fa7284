//! Where a step moves a table to: its RENAME statement says it.

use whimbrel_core::{Statement, Step};

/// What the names of our own things begin with.
const HIDDEN: &str = "_whimbrel";

/// Returns the hidden name that the step gives to the table that it moves aside; none for any other step.
pub(crate) fn aside_of(step: &Step) -> Option<String> {
    if !step.destructive {
        return None;
    }
    step.statements.iter().find_map(|statement| match statement {
        Statement::Sql(sql) => renamed_to(sql),
        Statement::Engine { .. } => None,
    })
}

fn renamed_to(sql: &str) -> Option<String> {
    let mut rest = sql.strip_prefix("RENAME TABLE ")?;
    let mut last = None;
    while let Some(start) = rest.find('`') {
        let (name, behind) = identifier(&rest[start + 1..])?;
        last = Some(name);
        rest = behind;
    }
    last.filter(|name| name.starts_with(HIDDEN))
}

/// Reads an identifier behind its opening quote; returns it and what stands behind the closing one.
fn identifier(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != '`' {
            name.push(letter);
        } else if letters.next_if(|(_, next)| *next == '`').is_some() {
            name.push('`');
        } else {
            return Some((name, &text[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_says_where_a_table_goes() {
        for (sql, aside) in [
            (
                "RENAME TABLE `a` TO `_whimbrel_aside_1_a`",
                Some("_whimbrel_aside_1_a"),
            ),
            ("RENAME TABLE `a``b` TO `_whimbrel``b`", Some("_whimbrel`b")),
            ("RENAME TABLE `_whimbrel_a` TO `a`", None),
            ("DROP TABLE `_whimbrel_a`", None),
        ] {
            assert_eq!(renamed_to(sql).as_deref(), aside, "{sql}");
        }
    }
}
