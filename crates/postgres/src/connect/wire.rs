//! A stream that knows whose turn it is: which side of the conversation the other waits for, and whether any byte has moved.
//! What follows from that is `liveness.rs`.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::pieces::Pieces;

/// What is known of a conversation with the server.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// True while the messages can be seen only above an encrypted stream.
    encrypted: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// True after the login, whose messages look different.
    begun: bool,
    /// Counts whatever moved.
    moved: u64,
    received: Messages,
    sent: Messages,
    /// Answers that the server has yet to complete: a question may be on its way before the last answer is.
    owed: u32,
    copy: CopyIn,
    /// The last attempt to read found nothing.
    reads: bool,
    /// The last attempt to write found no room.
    blocked: bool,
}

/// Rows that go to the server.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum CopyIn {
    #[default]
    No,
    /// They are wanted: it is our turn, and the server passes over a `Sync`.
    Rows,
    /// We have said that there are no more; a `Sync` right behind belongs to that.
    Ended,
}

impl State {
    fn hear(&mut self, kind: u8) {
        match kind {
            b'Z' => (self.owed, self.copy) = (self.owed.saturating_sub(1), CopyIn::No),
            b'G' => (self.owed, self.copy) = (0, CopyIn::Rows),
            _ => {}
        }
    }

    fn say(&mut self, kind: u8) {
        match (kind, self.copy) {
            (b'c' | b'f', CopyIn::Rows) => (self.owed, self.copy) = (1, CopyIn::Ended),
            (b'S', CopyIn::Ended) => self.copy = CopyIn::No,
            (b'Q' | b'F', _) | (b'S', CopyIn::No) => self.owed += 1,
            _ => {}
        }
    }
}

/// Finds the kinds of the messages in a stream of bytes: a letter, a length that counts itself, and the rest.
#[derive(Debug, Default)]
struct Messages {
    head: [u8; 5],
    known: usize,
    rest: usize,
}

impl Messages {
    /// Calls `seen` with the kind of each message whose head is complete.
    fn scan(&mut self, mut bytes: &[u8], mut seen: impl FnMut(u8)) {
        while !bytes.is_empty() {
            if self.rest > 0 {
                let skipped = self.rest.min(bytes.len());
                self.rest -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            let taken = (self.head.len() - self.known).min(bytes.len());
            self.head[self.known..self.known + taken].copy_from_slice(&bytes[..taken]);
            self.known += taken;
            bytes = &bytes[taken..];
            if self.known == self.head.len() {
                let [kind, length @ ..] = self.head;
                let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                self.rest = length.saturating_sub(4);
                self.known = 0;
                seen(kind);
            }
        }
    }
}

impl Talk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to look at messages; both sides are between two of them.
    pub(super) fn begin(&self) {
        self.state().begun = true;
    }

    fn has_begun(&self) -> bool {
        self.state().begun
    }

    /// When we wait for the server, a number that stays the same until a byte moves.
    pub(super) fn waiting(&self) -> Option<u64> {
        let state = self.state();
        let waits = state.blocked || (state.owed > 0 && state.reads);
        waits.then_some(state.moved)
    }

    /// Tells whether it is the server's turn.
    pub(super) fn is_awaited(&self) -> bool {
        self.state().owed > 0
    }

    fn received(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.moved += 1;
        state.reads = false;
        if !state.begun {
            return;
        }
        let mut messages = std::mem::take(&mut state.received);
        messages.scan(bytes, |kind| state.hear(kind));
        state.received = messages;
    }

    fn sent(&self, bytes: &[u8]) {
        let mut state = self.state();
        state.moved += 1;
        state.blocked = false;
        if !state.begun {
            return;
        }
        let mut messages = std::mem::take(&mut state.sent);
        messages.scan(bytes, |kind| state.say(kind));
        state.sent = messages;
    }
}

/// A stream under watch.
#[derive(Debug)]
pub(super) struct Watched<S> {
    inner: S,
    talk: Arc<Talk>,
    above_encryption: bool,
    read: Pieces,
}

impl<S> Watched<S> {
    pub(super) fn new(inner: S, talk: Arc<Talk>) -> Self {
        Self {
            inner,
            talk,
            above_encryption: false,
            read: Pieces::default(),
        }
    }

    fn sees(&self) -> bool {
        self.above_encryption || !self.talk.encrypted.load(Ordering::Relaxed)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let sees = this.sees();
        let joining = sees && this.talk.has_begun();
        while this.read.is_short(joining) {
            let filled = this.read.poll_fill(&mut this.inner, cx);
            if filled.is_pending() && sees {
                this.talk.state().reads = true;
            }
            let filled = ready!(filled)?;
            if sees {
                this.talk.received(filled);
            }
            if filled.is_empty() {
                break;
            }
        }
        this.read.give(buffer, joining);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(cx, bytes);
        if self.sees() {
            match &outcome {
                Poll::Pending => self.talk.state().blocked = true,
                Poll::Ready(Ok(length)) => self.talk.sent(&bytes[..*length]),
                Poll::Ready(Err(_)) => {}
            }
        }
        outcome
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Watched<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.inner.channel_binding()
    }
}

/// Encrypts a stream and goes on watching above the encryption, where messages can be seen.
pub(super) struct Encrypting<C> {
    pub(super) connector: C,
    pub(super) talk: Arc<Talk>,
}

impl<S, C> TlsConnect<S> for Encrypting<C>
where
    C: TlsConnect<S>,
    C::Future: Send + 'static,
    C::Error: 'static,
    C::Stream: 'static,
{
    type Stream = Watched<C::Stream>;
    type Error = C::Error;
    type Future = BoxFuture<'static, Result<Self::Stream, Self::Error>>;

    fn connect(self, stream: S) -> Self::Future {
        let Self { connector, talk } = self;
        talk.encrypted.store(true, Ordering::Relaxed);
        let watch = |inner| Watched {
            inner,
            talk,
            above_encryption: true,
            read: Pieces::default(),
        };
        connector.connect(stream).map(|made| made.map(watch)).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], &length[..], body].concat()
    }

    fn talk() -> Talk {
        let talk = Talk::default();
        talk.begin();
        talk.state().reads = true;
        talk
    }

    #[test]
    fn messages_are_found_however_the_bytes_are_cut() {
        let bytes = [message(b'T', b"abc"), message(b'D', b""), message(b'Z', b"I")].concat();
        for piece in 1..bytes.len() {
            let mut messages = Messages::default();
            let mut kinds = Vec::new();
            for part in bytes.chunks(piece) {
                messages.scan(part, |kind| kinds.push(kind));
            }
            assert_eq!(kinds, b"TDZ", "in pieces of {piece}");
        }
    }

    #[test]
    fn it_is_the_servers_turn_after_a_question_until_its_answer_is_complete() {
        let talk = talk();
        assert_eq!(talk.waiting(), None);
        talk.sent(&message(b'Q', b"select 1"));
        assert!(talk.waiting().is_some());
        talk.received(&message(b'D', b"1"));
        talk.state().reads = true;
        assert!(talk.waiting().is_some());
        talk.received(&message(b'Z', b"I"));
        talk.state().reads = true;
        assert_eq!(talk.waiting(), None);
    }

    #[test]
    fn rows_that_are_slow_to_come_from_us_do_not_count_as_the_servers_silence() {
        let talk = talk();
        talk.sent(&message(b'Q', b"copy t from stdin"));
        talk.received(&message(b'G', b""));
        talk.state().reads = true;
        assert_eq!(talk.waiting(), None);
        talk.sent(&message(b'd', b"row"));
        assert_eq!(talk.waiting(), None);
        talk.sent(&message(b'c', b""));
        assert!(talk.waiting().is_some());
    }

    #[test]
    fn an_answer_to_an_earlier_question_does_not_settle_a_later_one() {
        let talk = talk();
        // A statement is closed, and the next question follows at once.
        talk.sent(&[message(b'C', b"S1"), message(b'S', b"")].concat());
        talk.sent(&message(b'Q', b"select 1"));
        talk.received(&[message(b'3', b""), message(b'Z', b"I")].concat());
        talk.state().reads = true;
        assert!(talk.waiting().is_some());
        talk.received(&message(b'Z', b"I"));
        talk.state().reads = true;
        assert_eq!(talk.waiting(), None);
    }

    #[test]
    fn a_copy_of_a_prepared_statement_owes_one_answer() {
        let talk = talk();
        talk.sent(&[message(b'B', b""), message(b'E', b""), message(b'S', b"")].concat());
        talk.received(&message(b'G', b""));
        talk.sent(&message(b'd', b"row"));
        talk.state().reads = true;
        assert_eq!(talk.waiting(), None);
        talk.sent(&[message(b'c', b""), message(b'S', b"")].concat());
        assert!(talk.waiting().is_some());
        talk.received(&message(b'Z', b"I"));
        talk.state().reads = true;
        assert_eq!(talk.waiting(), None);
        // The server refuses the rows, and we say that there are no more.
        talk.sent(&message(b'Q', b"copy t from stdin"));
        talk.received(&[message(b'G', b""), message(b'E', b""), message(b'Z', b"E")].concat());
        talk.sent(&[message(b'f', b""), message(b'S', b"")].concat());
        talk.received(&message(b'Z', b"E"));
        talk.state().reads = true;
        assert_eq!(talk.waiting(), None);
    }

    #[test]
    fn rows_that_we_are_slow_to_take_do_not_count_either() {
        let talk = talk();
        talk.sent(&message(b'Q', b"copy t to stdout"));
        talk.received(&message(b'd', b"row"));
        assert_eq!(talk.waiting(), None);
    }
}
