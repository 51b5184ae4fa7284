//! Who logs in at a server, as messages and commands may name the login. Which texts look like a token is `secrecy.rs`.

use std::fmt;

use crate::secrecy::login_told;
use crate::shell_word;

/// A login name that may be a token, which is in nothing that it writes.
#[derive(Clone)]
pub struct Login {
    user: String,
    is_told: bool,
}

impl Login {
    /// Takes a login name; without a password beside it, one that looks like a token is one.
    pub fn new(user: &str, has_password: bool) -> Self {
        Self {
            is_told: login_told(user, has_password) == user,
            user: user.to_owned(),
        }
    }

    /// Returns a text without the token.
    pub fn told(&self, text: &str) -> String {
        match self.is_told {
            true => text.to_owned(),
            false => text.replace(&self.user, "***"),
        }
    }

    /// Returns the word that stands for it in a command.
    pub fn word(&self) -> String {
        match self.is_told {
            true => shell_word(&self.user),
            false => "LOGIN".to_owned(),
        }
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(&self.user))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_in_nothing_that_is_told_and_a_name_is_told_as_it_is() {
        let token = "sbp_9f8e7d6c5b4a39281706fedcba987654";
        let login = Login::new(token, false);
        let texts = [
            login.to_string(),
            format!("{login:?}"),
            login.word(),
            login.told(&format!("no {token}")),
        ];
        assert_eq!(texts, ["***", "***", "LOGIN", "no ***"]);
        let login = Login::new("ann b", false);
        assert_eq!(
            [login.to_string(), login.word(), login.told("ann b")],
            ["ann b", "'ann b'", "ann b"]
        );
    }
}
