//! How single things are written on the page: texts from the database, shares, bars, anchors.

use std::fmt::Write as _;

use maud::{Markup, Render, html};

/// A text from the database. Characters that would not be seen, or would turn the direction of what stands around them, are spelled out; maud
/// escapes the rest.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl Render for Shown<'_> {
    fn render_to(&self, buffer: &mut String) {
        let mut plain = String::with_capacity(self.0.len());
        for letter in self.0.chars() {
            if is_unseen(letter) {
                let _infallible = write!(plain, "\\u{{{:x}}}", u32::from(letter));
            } else {
                plain.push(letter);
            }
        }
        plain.as_str().render_to(buffer);
    }
}

/// A name, which on a narrow page goes on in the next line behind an underscore or a dot rather than within a word.
pub(super) struct Wrapped<'a>(pub(super) &'a str);

impl Render for Wrapped<'_> {
    fn render_to(&self, buffer: &mut String) {
        for part in self.0.split_inclusive(['_', '.']) {
            Shown(part).render_to(buffer);
            if part.ends_with(['_', '.']) {
                buffer.push_str("<wbr>");
            }
        }
    }
}

fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns the anchor of the table at a position; names would need escaping of their own.
pub(super) fn anchor(at: usize) -> String {
    format!("table-{}", at + 1)
}

/// Returns a share as a percentage that is 0 or 100 only when it is exactly that.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0 %".to_owned();
    }
    let share = part as f64 * 100.0 / whole as f64;
    match share {
        _ if part == whole => "100 %".to_owned(),
        ..0.1 => "< 0.1 %".to_owned(),
        ..10.0 => format!("{share:.1} %"),
        99.5.. => "> 99 %".to_owned(),
        _ => format!("{share:.0} %"),
    }
}

/// Draws a bar of a share; its number stands beside it in words.
pub(super) fn bar(part: u64, whole: u64, class: &str) -> Markup {
    let share = if whole == 0 {
        0.0
    } else {
        (part as f64 * 100.0 / whole as f64).clamp(0.0, 100.0)
    };
    html! {
        span class={ "bar " (class) } aria-hidden="true" {
            span style=(format!("width:{share:.1}%")) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_nothing_or_everything_only_when_it_is() {
        assert_eq!(percent(0, 0), "0 %");
        assert_eq!(percent(1, 1_000_000), "< 0.1 %");
        assert_eq!(percent(1, 20), "5.0 %");
        assert_eq!(percent(1, 2), "50 %");
        assert_eq!(percent(999_999, 1_000_000), "> 99 %");
        assert_eq!(percent(7, 7), "100 %");
    }

    #[test]
    fn nothing_unseen_is_left_in_a_text() {
        let text = "a\u{202e}b\0<\u{2066}\n";
        let shown = Shown(text).render().into_string();
        assert_eq!(shown, "a\\u{202e}b\\u{0}&lt;\\u{2066}\\u{a}");
    }
}
