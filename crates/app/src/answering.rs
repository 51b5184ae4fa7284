//! Looks which engine's server answers at an address, where opening a database fails or waits. How each engine's servers are known is the
//! connectors' to say ([`whimbrel_core::Handshake`]).

use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use whimbrel_core::{DatabaseUrl, Error, Handshake, Result};

use crate::connectors::{connector, connectors};

/// How long a server is waited for before somebody looks what else is there.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a server that speaks first may take for its first word, and any for an answer.
const FIRST_WORD: Duration = Duration::from_secs(2);
/// The beginning of what is said, which is enough to know who says it.
const HEARD_BYTES: usize = 96;

/// Opens a database, unless a server of another engine answers at the address: some wait for the client's first word and some speak first, so
/// that a client of the one kind and a server of the other would wait for each other.
///
/// # Errors
/// Those of opening; and that another scheme must be written.
pub(crate) async fn unless_another<T>(
    url: &DatabaseUrl,
    opening: impl Future<Output = Result<T>>,
) -> Result<T> {
    let mut opening = pin!(opening);
    let error = match timeout(PATIENCE, &mut opening).await {
        Ok(Err(error)) if matches!(error.code(), "connection" | "tls") => Some(error),
        Ok(done) => return done,
        Err(_) => None,
    };
    match (another_at(url).await, error) {
        (Some(scheme), error) => Err(is_another(url, scheme, error)),
        (None, Some(error)) => Err(error),
        (None, None) => opening.await,
    }
}

fn is_another(url: &DatabaseUrl, scheme: &str, cause: Option<Error>) -> Error {
    let right = DatabaseUrl {
        scheme: scheme.to_owned(),
        ..url.clone()
    };
    let message = format!(
        "cannot connect to {}: the scheme is `{}`; must be `{scheme}`, as such a server answers there",
        url.masked(),
        url.scheme
    );
    let error = Error::invalid(message)
        .with_code("connection")
        .with_hint(format!("whimbrel inspect '{}'", right.masked()));
    match cause {
        Some(cause) => error.with_cause(cause),
        None => error,
    }
}

/// The scheme of the server at the address, when it is none that the URL's own engine could talk to.
async fn another_at(url: &DatabaseUrl) -> Option<&'static str> {
    let own = connector(&url.scheme).ok()?.handshake()?;
    let host = url.host.as_deref().filter(|host| !host.starts_with('/'))?;
    let address = (host, url.port.unwrap_or(own.port));
    let all = connectors();
    let handshakes: Vec<Handshake> = all.iter().filter_map(|each| each.handshake()).collect();
    let mut openings: Vec<&[u8]> = handshakes.iter().map(|each| each.opening).collect();
    // A server that speaks first is listened to before anything is said to it: the empty opening sorts first.
    openings.sort_unstable();
    openings.dedup();
    for opening in openings {
        let said = first_words(address, opening).await?;
        if (own.recognize)(&said).is_some() {
            return None;
        }
        let found = handshakes.iter().find_map(|each| (each.recognize)(&said));
        if found.is_some() {
            return found;
        }
    }
    None
}

/// What is said at the address, first or as the answer to the opening; nothing where all is silent, none where nobody is.
async fn first_words(address: (&str, u16), opening: &[u8]) -> Option<Vec<u8>> {
    let connecting = timeout(PATIENCE, TcpStream::connect(address));
    let mut stream = connecting.await.ok()?.ok()?;
    stream.write_all(opening).await.ok()?;
    let mut said = vec![0; HEARD_BYTES];
    let heard = match timeout(FIRST_WORD, stream.read(&mut said)).await {
        Ok(read) => read.ok()?,
        Err(_) => 0,
    };
    said.truncate(heard);
    Some(said)
}
