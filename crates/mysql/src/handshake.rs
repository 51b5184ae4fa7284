//! How a server is known by its greeting: it speaks first.

use whimbrel_core::Handshake;

use crate::flavour::Flavour;

/// Both flavours greet alike, and either connector talks to both.
pub(crate) const HANDSHAKE: Handshake = Handshake {
    port: 3306,
    opening: &[],
    recognize,
};

/// Version of the protocol that servers have greeted with since MySQL 3.21.
const PROTOCOL: u8 = 10;

/// The greeting: three bytes of length, the packet's number, which is 0, the version of the protocol, the server's own.
fn recognize(greeting: &[u8]) -> Option<&'static str> {
    let (head, version) = greeting.split_at_checked(5)?;
    let is_ours = head[3] == 0 && head[4] == PROTOCOL;
    let is_mariadb = String::from_utf8_lossy(version).contains("MariaDB");
    let flavour = if is_mariadb {
        Flavour::MariaDb
    } else {
        Flavour::MySql
    };
    is_ours.then(|| flavour.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_names_the_flavour() {
        for (said, scheme) in [
            (&b"J\0\0\0\n8.4.0\0\x0b\0\0\0"[..], Some("mysql")),
            (b"m\0\0\0\n5.5.5-10.11.6-MariaDB-0+deb12u1\0", Some("mariadb")),
            (b"m\0\0\0\n11.8.2-MariaDB\0", Some("mariadb")),
            (b"m\0\0\x01\n8.4.0\0", None),
            (b"J\0\0\0", None),
            (b"", None),
            (b"SSH-2.0-OpenSSH_9.6", None),
        ] {
            assert_eq!(recognize(said), scheme, "{said:?}");
        }
    }
}
