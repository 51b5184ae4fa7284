//! Forms of texts that are one where a collation calls the texts equal. Which collation a column has is its engine's to say.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use whimbrel_core::TextEquality;

/// Returns one form for texts that every collation calls equal which ignores so much; it may call more texts equal than these.
pub(crate) fn surely_equal(text: &str, equality: TextEquality) -> String {
    let text = without_padding(text, equality);
    match (equality.ignores_case, equality.ignores_accents) {
        (true, true) => text.to_lowercase(),
        (true, false) => text.to_ascii_lowercase(),
        (false, _) => text.to_owned(),
    }
}

/// Returns one form for texts that some collation calls equal which ignores so much, as Unicode weighs letters; a collation may tell some of
/// them apart.
pub(crate) fn perhaps_equal(text: &str, equality: TextEquality) -> String {
    let text = without_padding(text, equality);
    let accents = !equality.ignores_accents;
    match (equality.ignores_case, equality.ignores_accents) {
        (false, false) => text.to_owned(),
        (false, true) => letters(text, accents).collect(),
        (true, _) => letters(text, accents).flat_map(char::to_lowercase).collect(),
    }
}

fn without_padding(text: &str, equality: TextEquality) -> &str {
    match equality.ignores_padding {
        true => text.trim_end_matches(' '),
        false => text,
    }
}

/// The letters by which a text is weighed: what has no weight is left out, and ligatures are their letters.
fn letters(text: &str, accents: bool) -> impl Iterator<Item = char> {
    text.nfkd()
        .filter(move |letter| (accents || !is_combining_mark(*letter)) && !is_weightless(*letter))
        .flat_map(move |letter| {
            let plain = match letter {
                'ß' | 'ẞ' => "ss",
                'æ' | 'Æ' if !accents => "ae",
                'œ' | 'Œ' if !accents => "oe",
                'ø' | 'Ø' if !accents => "o",
                'đ' | 'Đ' if !accents => "d",
                'ħ' | 'Ħ' if !accents => "h",
                'ł' | 'Ł' if !accents => "l",
                _ => "",
            };
            let own = plain.is_empty().then_some(letter);
            own.into_iter().chain(plain.chars())
        })
}

fn is_weightless(letter: char) -> bool {
    matches!(
        letter,
        '\u{0}'..='\u{8}'
            | '\u{E}'..='\u{1F}'
            | '\u{7F}'..='\u{9F}'
            | '\u{AD}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2060}'..='\u{2064}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignoring(what: &str) -> TextEquality {
        TextEquality {
            ignores_case: what.contains('c'),
            ignores_accents: what.contains('a'),
            ignores_padding: what.contains('p'),
        }
    }

    #[test]
    fn texts_become_one_by_what_is_ignored() {
        for (one, other, ignored, is_one) in [
            ("Anna", "ANNA", "c", true),
            ("É", "é", "c", true),
            ("é", "e\u{301}", "c", true),
            ("é", "e", "c", false),
            ("é", "E", "ca", true),
            ("é", "E", "a", false),
            ("Straße", "STRASSE", "c", true),
            ("Ærø", "aero", "ca", true),
            ("Ærø", "aero", "c", false),
            ("a\u{200D}b", "ab", "ca", true),
            ("a", "a  ", "p", true),
            ("a", "a  ", "ca", false),
            ("ａ", "a", "c", true),
            ("a", "A", "", false),
        ] {
            let equality = ignoring(ignored);
            let found = perhaps_equal(one, equality) == perhaps_equal(other, equality);
            assert_eq!(found, is_one, "{one} {other} {ignored}");
        }
    }
}
