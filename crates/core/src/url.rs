//! Database URLs, parsed once at the edge. The password never leaves [`Secret`] by accident.

use std::collections::BTreeMap;
use std::fmt;

use crate::secrecy::login_told;
use crate::{Error, Result, unhex};

/// A value that no `Debug`, `Display` or serialisation prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Returns the secret itself, for the driver only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a database is and how to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    /// The scheme, lower case: it selects the connector.
    pub scheme: String,
    /// The login name.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The host name, address or socket directory; none for files.
    pub host: Option<String>,
    /// The port, when given.
    pub port: Option<u16>,
    /// The database name, or the path of a file.
    pub database: String,
    /// The query parameters.
    pub parameters: BTreeMap<String, String>,
}

/// Stands for the host of a URL that has a login and no host (`scheme://ann@/shop?host=/run/x`), which the standard does not know.
const NO_HOST: &str = "no-host.invalid";

/// Gives the URL a host to be read with when a login stands before an empty one.
fn with_host(text: &str) -> String {
    let start = text.find("//").map_or(0, |at| at + 2);
    let end = text[start..]
        .find(['/', '?', '#'])
        .map_or(text.len(), |at| start + at);
    match text[start..end].rsplit_once('@') {
        Some((login, place)) if place.is_empty() || place.starts_with(':') => {
            format!("{}{login}@{NO_HOST}{place}{}", &text[..start], &text[end..])
        }
        Some(_) | None => text.to_owned(),
    }
}

impl DatabaseUrl {
    /// Returns the scheme of a URL, lower case, by which its engine is known.
    ///
    /// # Errors
    /// `Invalid` when there is none; the message never repeats the text, since it may hold a password.
    pub fn scheme_of(text: &str) -> Result<String> {
        let of_scheme = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '-';
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        scheme
            .filter(|scheme| !scheme.is_empty() && scheme.chars().all(of_scheme))
            .map(str::to_ascii_lowercase)
            .ok_or_else(|| Error::invalid("the text is no URL; a URL begins with a scheme and a colon"))
    }

    /// Parses `scheme://user:password@host:port/database?key=value`, or `scheme:PATH` when no `//` follows the scheme.
    ///
    /// # Errors
    /// `Invalid` when the text is neither; the message never repeats the text.
    pub fn parse(text: &str) -> Result<Self> {
        let scheme = Self::scheme_of(text)?;
        if text[scheme.len() + 1..].starts_with("//") {
            Self::parse_server(scheme, text)
        } else {
            Self::parse_file(text)
        }
    }

    /// Parses `scheme:PATH` or `scheme://PATH`, for an engine whose databases are files.
    ///
    /// # Errors
    /// As [`DatabaseUrl::parse`].
    pub fn parse_file(text: &str) -> Result<Self> {
        let scheme = Self::scheme_of(text)?;
        let rest = &text[scheme.len() + 1..];
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if path.is_empty() {
            return Err(Error::invalid(format!("`{scheme}:` needs the path of a file")));
        }
        Ok(Self {
            scheme,
            user: None,
            password: None,
            host: None,
            port: None,
            database: path.to_owned(),
            parameters: ::url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        })
    }

    fn parse_server(scheme: String, text: &str) -> Result<Self> {
        let hosted = with_host(text);
        let url = ::url::Url::parse(&hosted).map_err(|cause| {
            let hint = if cause == ::url::ParseError::InvalidPort {
                "a port is a number up to 65535; special characters in user and password are written as %XX"
            } else {
                "special characters in user and password are written as %XX"
            };
            Error::invalid("the database URL cannot be read")
                .with_hint(hint)
                .with_cause(cause)
        })?;
        let decode = |part: &str| percent_decode(part);
        let mut parameters: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let host = match url.host_str() {
            Some(host) if !host.is_empty() && host != NO_HOST => Some(decode(host.trim_matches(['[', ']']))),
            _ => parameters.remove("host"),
        };
        let password = url
            .password()
            .map(decode)
            .or_else(|| parameters.remove("password"))
            .map(Secret);
        Ok(Self {
            scheme,
            user: Some(decode(url.username()))
                .filter(|user| !user.is_empty())
                .or_else(|| parameters.remove("user")),
            password,
            host,
            port: url.port(),
            database: decode(url.path().trim_start_matches('/')),
            parameters,
        })
    }

    /// Returns the login name as it may be told and stored; none when it may be a token.
    fn user_stored(&self) -> Option<&String> {
        let user = self.user.as_ref()?;
        (login_told(user, self.password.is_some()) == user).then_some(user)
    }

    /// Returns the URL without password, token and parameters; safe to print and to store.
    pub fn masked(&self) -> String {
        let Some(host) = &self.host else {
            return format!("{}:{}", self.scheme, self.database);
        };
        let user = self
            .user
            .as_ref()
            .map(|user| format!("{}@", login_told(user, self.password.is_some())))
            .unwrap_or_default();
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{user}{host}{port}/{}", self.scheme, self.database)
    }

    /// Returns the URL without any secret, but with the parameters that say how to connect (such as `sslmode`): safe to print and to
    /// store, and parsing it gives the same place again. A token in place of the login name is a secret.
    pub fn stored(&self) -> String {
        let mut parameters: Vec<(&str, &str)> = self
            .parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| STORED_PARAMETERS.contains(name))
            .collect();
        let place = match (&self.host, self.user_stored()) {
            (Some(host), _) if host.contains(':') => self.stored_login(&format!("[{host}]")),
            (Some(host), _) => self.stored_login(&percent_encode(host)),
            (None, Some(user)) => {
                // A login name without a host has no place of its own in a URL.
                parameters.push(("user", user));
                format!("///{}", percent_encode(&self.database))
            }
            (None, None) => self.database.clone(),
        };
        let mut query = ::url::form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(parameters).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}:{place}{mark}{query}", self.scheme)
    }

    fn stored_login(&self, host: &str) -> String {
        let user = self
            .user_stored()
            .map(|user| format!("{}@", percent_encode(user)))
            .unwrap_or_default();
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("//{user}{host}{port}/{}", percent_encode(&self.database))
    }
}

/// The parameters that [`DatabaseUrl::stored`] keeps: none of them can hold a secret.
const STORED_PARAMETERS: &[&str] = &[
    "application_name",
    "channel_binding",
    "connect_timeout",
    "immutable",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "max_page_count",
    "mode",
    "socket",
    "ssl-ca",
    "ssl-mode",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "target_session_attrs",
];

fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match hex
            .filter(|_| bytes[at] == b'%')
            .and_then(|hex| unhex(hex)?.first().copied())
        {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_url_is_split_into_its_parts() {
        let url = DatabaseUrl::parse("postgres://ann:p%40ss@db.example:5433/shop?sslmode=require").unwrap();
        assert_eq!(
            (url.user.as_deref(), url.host.as_deref(), url.port),
            (Some("ann"), Some("db.example"), Some(5433))
        );
        assert_eq!(url.password.as_ref().map(Secret::reveal), Some("p@ss"));
        assert_eq!(url.parameters["sslmode"], "require");
        assert_eq!(url.masked(), "postgres://ann@db.example:5433/shop");
        assert!(!format!("{url:?}").contains("p@ss"));
    }

    #[test]
    fn a_file_url_keeps_its_path() {
        for text in ["sqlite:a/b c.db", "sqlite://a/b c.db"] {
            assert_eq!(DatabaseUrl::parse_file(text).unwrap().database, "a/b c.db");
        }
        assert_eq!(
            DatabaseUrl::parse("sqlite:/tmp/x.db").unwrap().database,
            "/tmp/x.db"
        );
    }

    #[test]
    fn a_login_may_stand_before_a_host_that_only_a_parameter_names() {
        let url = DatabaseUrl::parse("postgres://ann:pw@/shop?host=/run/pg").unwrap();
        assert_eq!(
            (url.user.as_deref(), url.host.as_deref(), url.database.as_str()),
            (Some("ann"), Some("/run/pg"), "shop")
        );
        let url = DatabaseUrl::parse("postgres://ann@:5433/shop").unwrap();
        assert_eq!((url.host, url.port), (None, Some(5433)));
    }

    #[test]
    fn a_token_in_place_of_a_login_is_neither_told_nor_stored() {
        let token = "sbp_9f8e7d6c5b4a39281706fedcba987654";
        for text in [
            format!("postgres://{token}@db/shop"),
            format!("postgres://db/shop?user={token}"),
        ] {
            let url = DatabaseUrl::parse(&text).unwrap();
            assert_eq!(url.masked(), "postgres://***@db/shop");
            assert_eq!(url.stored(), "postgres://db/shop");
        }
        // A login of such a kind has a password beside it.
        let url = DatabaseUrl::parse(&format!("postgres://{token}:pw@db/shop")).unwrap();
        assert_eq!(url.masked(), format!("postgres://{token}@db/shop"));
        assert_eq!(url.stored(), url.masked());
    }

    #[test]
    fn a_stored_url_leads_back_to_the_same_place_without_a_secret() {
        for text in [
            "postgres://ann:canary@db.example:5433/shop?sslmode=require&password=canary&options=canary",
            "postgres://a%40b:canary@%2Frun%2Fpg/odd%20%3Fname",
            "postgres:///shop?user=ann&sslpassword=canary",
            "postgres://ann:canary@[::1]:5433/shop",
            "postgres:///shop?user=ann&host=/run/pg",
            "sqlite:a/b c.db?mode=ro",
            "mysql://ann:canary@db.example/shop?ssl-mode=VERIFY_CA&ssl-ca=ca.pem",
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            let stored = url.stored();
            assert!(!stored.contains("canary"), "{stored}");
            let mut without_secrets = url.clone();
            without_secrets.password = None;
            without_secrets
                .parameters
                .retain(|name, _| STORED_PARAMETERS.contains(&name.as_str()));
            assert_eq!(DatabaseUrl::parse(&stored).unwrap(), without_secrets, "{stored}");
        }
    }

    #[test]
    fn a_percent_sign_before_anything_but_two_digits_is_itself() {
        for (text, decoded) in [
            ("a%20b%C3%A4", "a b\u{e4}"),
            ("%+1%zz%4", "%+1%zz%4"),
            ("100%", "100%"),
        ] {
            assert_eq!(percent_decode(text), decoded);
        }
    }
}
