//! Reads the client's option file (`~/.my.cnf`): the groups that every client reads, and of them what says who logs in where.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use whimbrel_core::Secret;

/// What the option file says.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) socket: Option<String>,
}

impl Client {
    /// Reads the file in the home folder; one that anybody may write to is not used, as every client does.
    pub(super) fn read(home: Option<&str>) -> Self {
        let Some(file) = home.map(|home| Path::new(home).join(".my.cnf")) else {
            return Self::default();
        };
        let trusted = std::fs::metadata(&file).is_ok_and(|meta| meta.permissions().mode() & 0o002 == 0);
        match std::fs::read_to_string(&file) {
            Ok(text) if trusted => Self::parse(&text),
            _ => Self::default(),
        }
    }

    fn parse(text: &str) -> Self {
        let mut client = Self::default();
        let mut wanted = false;
        for line in text.lines().map(str::trim) {
            if let Some(group) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                wanted = matches!(group.trim(), "client" | "client-server" | "client-mariadb");
            } else if wanted && !line.starts_with(['#', ';', '!']) {
                let (name, value) = line.split_once('=').unwrap_or((line, ""));
                client.set(name.trim(), unquoted(value.trim()));
            }
        }
        client
    }

    fn set(&mut self, name: &str, value: String) {
        match name {
            "user" => self.user = Some(value),
            "password" => self.password = Some(Secret::new(value)),
            "host" => self.host = Some(value),
            "port" => self.port = value.parse().ok(),
            "socket" => self.socket = Some(value),
            _ => {}
        }
    }
}

/// The value without quotes; an escape is one of those that option files know, and a comment ends a value that is not quoted.
fn unquoted(value: &str) -> String {
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    let inner = match quote {
        Some(quote) => value[1..]
            .rsplit_once(quote)
            .map_or(&value[1..], |(inner, _)| inner),
        None => value.split(" #").next().unwrap_or(value).trim_end(),
    };
    let mut plain = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('b') => plain.push('\u{8}'),
            Some('s') => plain.push(' '),
            Some(same @ ('\\' | '"' | '\'')) => plain.push(same),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_group_is_read_and_others_are_not() {
        let client = Client::parse(
            "# ours\n[mysqld]\nport=1\n[client]\nuser = ann\npassword=\"a#b \\\" c\"\nport=3307\n[mysqldump]\nuser=bob\n",
        );
        assert_eq!(client.user.as_deref(), Some("ann"));
        assert_eq!(client.password.unwrap().reveal(), "a#b \" c");
        assert_eq!(client.port, Some(3307));
        assert_eq!(client.host, None);
    }

    #[test]
    fn a_comment_ends_a_value_without_quotes() {
        let client = Client::parse("[client]\nhost=db # the main one\npassword=a#b\n");
        assert_eq!(client.host.as_deref(), Some("db"));
        assert_eq!(client.password.unwrap().reveal(), "a#b");
    }
}
