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

/// Letters from which on a word without a mark between is longer than words that people choose.
const TOKEN_LETTERS: usize = 16;
/// Digits in such a word that no year and no number of a server explains.
const TOKEN_DIGITS: usize = 5;

/// Capitals and small letters in such a word that no words written together explain.
const TOKEN_CAPITALS: usize = 6;

/// Tells whether a text looks as if a machine had made it to be a key: what stands alone before the `@` of a URL may be a login name, or
/// a token that some services take in its place.
pub fn is_token(text: &str) -> bool {
    let is_uuid = text.len() >= 32
        && text
            .chars()
            .all(|letter| letter.is_ascii_hexdigit() || letter == '-');
    let parts = text.split(|letter: char| !letter.is_alphanumeric());
    is_uuid || parts.into_iter().any(is_made_by_a_machine)
}

/// Returns the login name as it may be told. Without a password beside it, a name that looks like a token is one.
pub(crate) fn login_told(user: &str, has_password: bool) -> &str {
    match !has_password && is_token(user) {
        true => "***",
        false => user,
    }
}

fn is_made_by_a_machine(word: &str) -> bool {
    let count = |is: fn(char) -> bool| word.chars().filter(|letter| is(*letter)).count();
    let digits = count(|letter| letter.is_ascii_digit());
    let mixed = count(char::is_uppercase).min(count(char::is_lowercase));
    let letters = word.chars().count();
    letters >= 2 * TOKEN_LETTERS
        || letters >= TOKEN_LETTERS && (digits >= TOKEN_DIGITS || (mixed >= TOKEN_CAPITALS && digits > 0))
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
    fn what_a_machine_made_is_told_from_names_that_people_choose() {
        for token in [
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "sbp_9f8e7d6c5b4a39281706fedcba987654fedcba98",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "AKIAIOSFODNN7EXAMPLEAKIAIOSFODNN7",
            "qwertzuiopasdfghjklyxcvbnmqwertz",
        ] {
            assert!(is_token(token), "{token}");
            assert_eq!(login_told(token, false), "***");
            assert_eq!(login_told(token, true), token);
        }
        for name in [
            "ann",
            "postgres.abcdefghijklmnopqrst",
            "shop-migration-2026@project-17.iam",
            "MyCompanyReadOnly2",
            "application_readonly_user_of_the_shop",
            "svc_reporting_20260101",
            "",
        ] {
            assert!(!is_token(name), "{name}");
        }
    }

    #[test]
    fn no_value_of_a_secret_column_is_told() {
        assert_eq!(named("id", 17), "id=17");
        assert_eq!(named("api_key", "sk_live_1"), "api_key=(withheld)");
        assert_eq!(told("note", "free"), "free");
        assert_eq!(told("pin", "1234"), WITHHELD);
    }
}
