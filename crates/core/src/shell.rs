//! Words of a command line that a person is told to run. What the command is, whoever tells it knows.

/// Writes a word of a command line as a POSIX shell reads it.
pub fn shell_word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=,@%+".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_each_word_as_it_was() {
        let written = ["sqlite:a.db", "it's", "", "a b", "${X}"].map(shell_word);
        assert_eq!(written, ["sqlite:a.db", r"'it'\''s'", "''", "'a b'", "'${X}'"]);
    }
}
