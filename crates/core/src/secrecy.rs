//! Which names of columns, variables and settings say that what they hold is secret, and what is told in place of such a value. Every text
//! that names a value of a column beside the column goes through here.

use std::borrow::Cow;
use std::fmt::Display;

/// What stands for a value whose column is secret by its name.
pub const WITHHELD: &str = "(withheld)";

/// Parts of such names, without what separates words.
const PARTS: [&str; 23] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "authkey",
    "privatekey",
    "encryptionkey",
    "signingkey",
    "credential",
    "ssn",
    "socialsecurity",
    "iban",
    "cardnumber",
    "creditcard",
    "securitycode",
    "recoverycode",
];
/// Words of such names, which as parts of a word mean other things, too.
const WORDS: [&str; 8] = ["salt", "pin", "cvv", "cvc", "cvv2", "pass", "otp", "totp"];

/// Tells whether a name says that what it names is secret: `api_key`, `apiKey`, `API-Key` and `api key` are one.
pub fn is_secret(name: &str) -> bool {
    let joined: String = name
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    PARTS.iter().any(|part| joined.contains(part)) || words(name).any(|word| WORDS.contains(&word.as_str()))
}

/// Tells whether one of the names is secret.
pub fn any_secret(names: impl IntoIterator<Item = impl AsRef<str>>) -> bool {
    names.into_iter().any(|name| is_secret(name.as_ref()))
}

/// Returns the value of a column as it may be told.
pub fn told<'a>(column: &str, value: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
    match is_secret(column) {
        true => Cow::Borrowed(WITHHELD),
        false => value.into(),
    }
}

/// Returns `column=value`, such as `id=17`, as it may be told.
pub fn named(column: &str, value: impl Display) -> String {
    match is_secret(column) {
        true => format!("{column}={WITHHELD}"),
        false => format!("{column}={value}"),
    }
}

/// The words of a name in lower case: they end where a sign is that is no letter, and where a capital follows a small letter.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (was_small && letter.is_uppercase()) {
            words.push(String::new());
        }
        was_small = letter.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
    }
    words.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets_from_other_values() {
        let secret = [
            "password_hash",
            "API_KEY",
            "apiKey",
            "API-Key",
            "api key",
            "reset_token",
            "card_pin",
            "cardPin",
            "iban",
            "DB_PASS",
            "userSSN",
            "aws.secret",
        ];
        let open = [
            "shipping",
            "opinion",
            "name",
            "passport_no",
            "compass",
            "key",
            "password_changed",
        ];
        assert_eq!(secret.map(is_secret), [true; 12]);
        // Rather one too many.
        assert_eq!(
            open.map(is_secret),
            [false, false, false, false, false, false, true]
        );
    }

    #[test]
    fn no_value_of_a_secret_column_is_told() {
        assert_eq!(named("id", 17), "id=17");
        assert_eq!(named("api_key", "sk_live_1"), "api_key=(withheld)");
        assert_eq!(told("note", "free"), "free");
        assert_eq!(told("pin", "1234"), WITHHELD);
    }
}
