//! Which database a text means: a URL, or a name from the settings. `${NAME}` in a URL stands for the environment's variable.
//! Opening the database is `setup.rs`.

use std::path::Path;

use whimbrel_core::{DatabaseUrl, Result, Secret};

use crate::connectors::{connector, file_url, parse_url};
use crate::refusal;
use crate::settings::{Environment, Settings};

/// A database as a request names it.
#[derive(Debug, Clone)]
pub struct Address {
    /// Where it is.
    pub url: DatabaseUrl,
    /// Its name in the settings, when it came from there.
    pub name: Option<String>,
    /// What the settings say it is for, such as `production`.
    pub environment: Option<String>,
    /// True when the password stood in the argument itself, where the process list shows it.
    pub password_in_argument: bool,
    /// The variable that the password was written as.
    pub password_variable: Option<String>,
    /// The databases that are read as one, when it is several.
    pub members: Vec<Member>,
}

/// One of several databases that are read as one source.
#[derive(Debug, Clone)]
pub struct Member {
    /// What the settings call it.
    pub name: String,
    /// Where it is.
    pub address: Address,
}

/// What an argument calls the `[[source]]` blocks of the settings, all together.
pub(crate) const SOURCES: &str = "sources";

impl Address {
    /// Reads a URL or a name from the settings.
    ///
    /// # Errors
    /// A usage error for an unknown name, an unknown scheme or a variable that is not set; it never repeats a URL.
    pub fn read(text: &str, settings: &Settings, environment: &Environment) -> Result<Self> {
        if let Some(database) = settings.database.get(text) {
            let url = parse(&database.url, environment)
                .map_err(|error| error.during(format_args!("`database.{text}` in the settings")))?;
            return Ok(Self {
                url,
                name: Some(text.to_owned()),
                environment: database.environment.clone(),
                password_in_argument: false,
                password_variable: password_variable(&database.url),
                members: Vec::new(),
            });
        }
        if text == SOURCES && !settings.source.is_empty() {
            return Self::several(settings, environment);
        }
        if let Some(source) = settings.source.iter().find(|source| source.name == text) {
            let url = parse(&source.url, environment)
                .map_err(|error| error.during(format_args!("source `{text}` in the settings")))?;
            return Ok(Self {
                url,
                name: Some(text.to_owned()),
                environment: None,
                password_in_argument: false,
                password_variable: password_variable(&source.url),
                members: Vec::new(),
            });
        }
        if !text.contains(':') && !text.contains("${") {
            return Err(unknown_name(text, settings));
        }
        Ok(Self {
            url: parse(text, environment)?,
            name: None,
            environment: None,
            password_in_argument: holds_password(text),
            password_variable: password_variable(text),
            members: Vec::new(),
        })
    }

    /// Reads the databases of the `[[source]]` blocks.
    ///
    /// # Errors
    /// As [`Address::read`].
    pub fn several(settings: &Settings, environment: &Environment) -> Result<Self> {
        let mut members = Vec::with_capacity(settings.source.len());
        for source in &settings.source {
            let address = Self::read(&source.url, settings, environment);
            let mut address =
                address.map_err(|error| error.during(format_args!("source `{}`", source.name)))?;
            // It stands in a file, not in the process list.
            address.password_in_argument = false;
            members.push(Member {
                name: source.name.clone(),
                address,
            });
        }
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        Ok(Self {
            url: DatabaseUrl::parse_file(&format!("{SOURCES}:{}", names.join(",")))?,
            name: Some(SOURCES.to_owned()),
            environment: None,
            password_in_argument: false,
            password_variable: None,
            members,
        })
    }

    /// Returns the address of a URL that a plan holds.
    ///
    /// # Errors
    /// As [`parse_url`].
    pub fn of_url(url: &str) -> Result<Self> {
        Ok(Self {
            url: parse_url(url)?,
            name: None,
            environment: None,
            password_in_argument: false,
            password_variable: None,
            members: Vec::new(),
        })
    }

    /// Returns the URL for a settings file: without a password, but with the variable that stood for it.
    pub fn written(&self) -> String {
        let url = self.url.stored();
        match &self.password_variable {
            Some(name) => url.replacen('@', &format!(":${{{name}}}@"), 1),
            None => url,
        }
    }

    /// Returns what people call it: the name, and what it is for, and the URL without secrets.
    pub fn label(&self) -> String {
        if !self.members.is_empty() {
            let each = |member: &Member| format!("{} ({})", member.name, member.address.url.masked());
            return self.members.iter().map(each).collect::<Vec<_>>().join(", ");
        }
        match (&self.name, &self.environment) {
            (Some(name), Some(environment)) => format!("{name} ({environment}, {})", self.url.masked()),
            (Some(name), None) => format!("{name} ({})", self.url.masked()),
            (None, _) => self.url.masked(),
        }
    }

    /// Tells whether both mean the same database, whoever logs in.
    pub fn is_same_place(&self, other: &Self) -> bool {
        match (self.members.as_slice(), other.members.as_slice()) {
            ([], []) => {}
            ([], members) => return members.iter().any(|member| self.is_same_place(&member.address)),
            (members, _) => return members.iter().any(|member| member.address.is_same_place(other)),
        }
        let place = |url: &DatabaseUrl| {
            let engine = connector(&url.scheme).map(|each| each.name()).unwrap_or_default();
            let file = match url.host {
                None => std::fs::canonicalize(&url.database).ok(),
                Some(_) => None,
            };
            let database = file.map_or_else(|| url.database.clone(), |path| path.display().to_string());
            (engine, url.host.clone(), url.port, database)
        };
        place(&self.url) == place(&other.url)
    }
}

fn unknown_name(text: &str, settings: &Settings) -> whimbrel_core::Error {
    let known: Vec<&str> = settings.database.keys().map(String::as_str).collect();
    let hint = if Path::new(text).is_file() {
        format!("write the file as a URL: `{}`", file_url(text.as_ref()))
    } else if known.is_empty() {
        format!(
            "give a URL such as `{}`, or name the database in whimbrel.toml as `[database.NAME]`",
            file_url("FILE".as_ref())
        )
    } else {
        format!("the settings name {}", known.join(", "))
    };
    refusal::usage(format!("there is no database called `{text}`")).with_hint(hint)
}

fn parse(text: &str, environment: &Environment) -> Result<DatabaseUrl> {
    parse_url(&expand(text, environment)?).map_err(|error| error.with_code(refusal::USAGE))
}

/// Tells whether a password is spelled out in the text, and does not come from a variable.
fn holds_password(text: &str) -> bool {
    let bare = replace_variables(text, |_| Ok("x".to_owned()));
    let blank = replace_variables(text, |_| Ok(String::new()));
    let password = |text: Result<String>| text.and_then(|text| parse_url(&text)).map(|url| url.password);
    match (password(bare), password(blank)) {
        (Ok(Some(_)), Ok(Some(spelled))) => !Secret::reveal(&spelled).is_empty(),
        _ => false,
    }
}

/// Returns the variable that the whole password is written as.
fn password_variable(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("://")?;
    let (login, _) = rest.rsplit_once('@')?;
    let (_, password) = login.split_once(':')?;
    let name = password.strip_prefix("${")?.strip_suffix('}')?;
    (!name.contains(['$', '{', '}'])).then(|| name.to_owned())
}

/// Replaces every `${NAME}` by the variable's value. Within the login part the value is encoded, so that any password works.
fn expand(text: &str, environment: &Environment) -> Result<String> {
    let login_end = text.find("://").and_then(|_| text.rfind('@')).unwrap_or(0);
    let mut at = 0;
    replace_variables(text, |name| {
        at = text[at..].find("${").map_or(at, |found| at + found + 2);
        let value = environment.get(name).ok_or_else(|| {
            refusal::usage(format!("the environment variable `{name}` is not set"))
                .with_hint(format!("set it first: export {name}=..."))
        })?;
        Ok(if at < login_end {
            encoded(value)
        } else {
            value.clone()
        })
    })
}

fn replace_variables(text: &str, mut value: impl FnMut(&str) -> Result<String>) -> Result<String> {
    let mut output = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            return Err(
                refusal::usage("a `${` in the URL is never closed").with_hint("write it as `${NAME}`")
            );
        };
        output.push_str(before);
        output.push_str(&value(name)?);
        rest = after;
    }
    output.push_str(rest);
    Ok(output)
}

fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        [
            ("PASSWORD", "p@ss w/:?#+%"),
            ("WHOLE", "postgres://ann:secret@db:5/shop"),
            ("HOST", "db:5433"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn read(text: &str) -> Result<Address> {
        let settings = "[database.prod-db]\nurl = \"postgres://ann:${PASSWORD}@db/shop\"\nenvironment = \"production\"\n\
            [database.bad]\nurl = \"oracle:x\"\n";
        Address::read(text, &Settings::parse(settings, "whimbrel.toml")?, &environment())
    }

    #[test]
    fn a_variable_holds_any_password_or_a_whole_url() {
        let address = read("postgres://ann:${PASSWORD}@${HOST}/shop").unwrap();
        assert_eq!(
            address.url.password.as_ref().map(Secret::reveal),
            Some("p@ss w/:?#+%")
        );
        assert_eq!(
            (address.url.host.as_deref(), address.url.port),
            (Some("db"), Some(5433))
        );
        assert_eq!(read("${WHOLE}").unwrap().url.database, "shop");
        for (text, login) in [
            ("postgres://ann:${PASSWORD}@db/shop", "ann:${PASSWORD}@"),
            ("prod-db", "ann:${PASSWORD}@"),
            ("postgres://ann:x${PASSWORD}@db/shop", "ann@"),
            ("postgres://ann:secret@db/shop", "ann@"),
            ("${WHOLE}", "ann@"),
        ] {
            let written = read(text).unwrap().written();
            assert!(
                written.starts_with(&format!("postgres://{login}db")),
                "{text}: {written}"
            );
        }
    }

    #[test]
    fn a_password_in_an_argument_is_noticed_and_one_from_elsewhere_is_not() {
        for (text, noticed) in [
            ("postgres://ann:secret@db/shop", true),
            ("postgres://ann@db/shop?password=secret", true),
            ("postgres://ann:${PASSWORD}@db/shop", false),
            ("postgres://ann@db/shop", false),
            ("${WHOLE}", false),
            ("prod-db", false),
            ("sqlite:a.db", false),
        ] {
            assert_eq!(read(text).unwrap().password_in_argument, noticed, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_a_usage_error() {
        for (text, said) in [
            ("staging", "`staging`"),
            ("postgres://ann:${NOTHING}@db/shop", "`NOTHING`"),
            ("oracle://db/shop", "`oracle`"),
            ("bad", "`database.bad`"),
            ("postgres://ann:${PASSWORD@db/shop", "never closed"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.code(), refusal::USAGE, "{text}");
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    #[test]
    fn a_label_shows_the_name_and_no_secret() {
        assert_eq!(
            read("prod-db").unwrap().label(),
            "prod-db (production, postgres://ann@db/shop)"
        );
    }

    #[test]
    fn the_same_place_is_recognised_whoever_logs_in() {
        let same = |a: &str, b: &str| read(a).unwrap().is_same_place(&read(b).unwrap());
        assert!(same(
            "postgres://ann@db/shop",
            "postgresql://bob:x@db/shop?sslmode=require"
        ));
        assert!(!same("postgres://ann@db/shop", "postgres://ann@db/shop2"));
        assert!(!same("sqlite:a.db", "sqlite:b.db"));
        assert!(same("sqlite:/tmp", "sqlite:/tmp/../tmp"));
    }
}
