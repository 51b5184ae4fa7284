//! Shapes: a text with its letters and digits made alike, such as `AA-999` for `DE-123`.
//!
//! A capital letter is `A`, a small one `a`, a digit `9`, a control character `?`; everything else stands for itself. Two and more small letters, and
//! more than eight capitals or digits, are one with a `+`: the lengths of words say little, those of codes much.

/// A shape is not longer than this.
const SHAPE_BYTES_MAX: usize = 40;
/// Runs of capitals and digits are spelled out up to this length.
const RUN_MAX: usize = 8;

/// Puts the shape of the text into `shape`, which is emptied before.
pub(crate) fn put_shape(text: &str, shape: &mut String) {
    shape.clear();
    let mut run = (' ', 0_usize);
    for letter in text.chars() {
        let kind = kind_of(letter);
        if run.0 == kind && matches!(kind, 'a' | 'A' | '9') {
            run.1 += 1;
            continue;
        }
        put_run(run, shape);
        if shape.len() >= SHAPE_BYTES_MAX {
            shape.push('…');
            return;
        }
        run = (kind, 1);
    }
    put_run(run, shape);
}

fn put_run((kind, length): (char, usize), shape: &mut String) {
    let spelled_out = if kind == 'a' { 1 } else { RUN_MAX };
    if length > spelled_out {
        shape.push(kind);
        shape.push('+');
    } else {
        for _ in 0..length {
            shape.push(kind);
        }
    }
}

fn kind_of(letter: char) -> char {
    match letter {
        'a'..='z' => 'a',
        'A'..='Z' => 'A',
        '0'..='9' => '9',
        ' '..='~' => letter,
        _ if letter.is_control() => '?',
        _ if letter.is_uppercase() => 'A',
        _ if letter.is_alphabetic() => 'a',
        _ if letter.is_numeric() => '9',
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_texts_have_one_shape() {
        let mut shape = String::new();
        for (text, want) in [
            ("DE-123", "AA-999"),
            ("Ann Müller", "Aa+ Aa+"),
            ("ann@example.com", "a+@a+.a+"),
            ("x1", "a9"),
            ("123456789", "9+"),
            ("12345678", "99999999"),
            ("a\u{0}\u{7}b", "a??a"),
            ("", ""),
        ] {
            put_shape(text, &mut shape);
            assert_eq!(shape, want, "{text}");
        }
        put_shape(&"a-".repeat(100), &mut shape);
        assert!(shape.len() <= SHAPE_BYTES_MAX + 6, "{shape}");
    }
}
