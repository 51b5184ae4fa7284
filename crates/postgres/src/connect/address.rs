//! Where a server is, and sockets to it that notice a peer that is gone. What is said on them is `wire.rs`.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

/// Parts of the patience: a peer that says nothing for two is asked up to three times, one after each further part.
const PARTS: u32 = 6;
const IDLE_PARTS: u32 = 2;
const PROBES: u32 = 3;

/// Where a server is.
#[derive(Debug, Clone)]
pub(super) enum Address {
    /// A host's name or number, its port, and how long a peer may be gone before that is noticed.
    Tcp(String, u16, Option<Duration>),
    /// A socket of this machine.
    Unix(PathBuf),
}

/// A connection to a server.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Address {
    pub(super) fn new(host: &str, port: u16, patience: Option<Duration>) -> Self {
        if host.starts_with('/') {
            Self::Unix(PathBuf::from(host).join(format!(".s.PGSQL.{port}")))
        } else {
            Self::Tcp(host.to_owned(), port, patience)
        }
    }

    /// Tells whether there is a network in between.
    pub(super) fn is_remote(&self) -> bool {
        matches!(self, Self::Tcp(..))
    }

    /// The name that the server's certificate is made out for.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Tcp(host, ..) => host,
            Self::Unix(_) => "",
        }
    }

    /// Connects to the first of the host's addresses that answers.
    pub(super) async fn reach(&self) -> io::Result<Stream> {
        let (host, port, patience) = match self {
            Self::Unix(path) => return UnixStream::connect(path).await.map(Stream::Unix),
            Self::Tcp(host, port, patience) => (host, *port, patience),
        };
        let stream = TcpStream::connect((host.as_str(), port)).await?;
        stream.set_nodelay(true)?;
        if let Some(patience) = patience {
            look_after(&stream, *patience)?;
        }
        Ok(Stream::Tcp(stream))
    }
}

/// Lets the system notice within the patience that the peer is gone, whether or not something was sent to it.
fn look_after(stream: &TcpStream, patience: Duration) -> io::Result<()> {
    let second = Duration::from_secs(1);
    let part = (patience / PARTS).max(second);
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time((part * IDLE_PARTS).max(second))
            .with_interval(part)
            .with_retries(PROBES),
    )?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(patience))?;
    Ok(())
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
