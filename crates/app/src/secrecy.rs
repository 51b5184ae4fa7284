//! Which names of columns, variables and settings say that what they hold is secret, so that no report tells it.

/// Parts of such names.
const PARTS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "private_key",
    "credential",
    "ssn",
    "iban",
];
/// Words of such names, which as parts of a word mean other things, too.
const WORDS: [&str; 5] = ["salt", "pin", "cvv", "cvc", "pass"];

/// Tells whether a name says that what it names is secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    PARTS.iter().any(|part| name.contains(part)) || name.split('_').any(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets_from_other_values() {
        let secret = [
            "password_hash",
            "API_KEY",
            "reset_token",
            "card_pin",
            "iban",
            "DB_PASS",
        ];
        let open = ["shipping", "opinion", "name", "passport_no", "password_changed"];
        assert!(secret.iter().all(|name| is_secret(name)));
        // Rather one too many.
        assert_eq!(open.map(is_secret), [false, false, false, false, true]);
    }
}
