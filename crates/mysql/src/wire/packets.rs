//! Packets of the protocol over any transport: framed when written, and read into one growing buffer in which each stays whole until the
//! next one is asked for. What they mean is `login.rs` and `wire.rs`.

use std::fmt;
use std::io::{Error as IoError, ErrorKind};
use std::ops::Range;
use std::pin::Pin;

use bytes::{Buf as _, BytesMut};
use mysql_async::{DriverError, Result, TlsError};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;

use crate::connect::Lookout;

/// What is read from the transport at once, at least.
const READ_BYTES: usize = 128 << 10;

/// A buffer that a large packet has grown beyond this goes with it.
const KEPT_BYTES: usize = 1 << 20;

/// A packet of this length goes on in the next frame.
const FRAME_MAX: usize = 0xFF_FFFF;

/// Length and number of a frame.
const HEADER: usize = 4;

/// What carries the bytes: TCP, a socket, or TLS.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Transport for T {}

/// Packets in both directions.
pub(super) struct Packets {
    transport: Pin<Box<dyn Transport>>,
    buffer: BytesMut,
    /// Where the next packet begins; the bytes before it were given out.
    at: usize,
    /// Bytes of the packet at hand that earlier frames brought, side by side behind its first header.
    joined: usize,
    /// Bytes that are known to be missing for the packet at hand.
    missing: usize,
    /// The number of the next frame that is sent.
    number: u8,
    lookout: Option<Lookout>,
}

impl fmt::Debug for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packets").finish_non_exhaustive()
    }
}

impl Packets {
    pub(super) fn new(transport: impl Transport + 'static) -> Self {
        Self {
            transport: Box::pin(transport),
            buffer: BytesMut::new(),
            at: 0,
            joined: 0,
            missing: 0,
            number: 0,
            lookout: None,
        }
    }

    /// Lets a dead connection be noticed while bytes are waited for.
    pub(super) fn look_after(&mut self, lookout: Lookout) {
        self.lookout = Some(lookout);
    }

    /// Goes on encrypted; frames are numbered on.
    pub(super) async fn encrypted(self, connector: &TlsConnector, host: &str) -> Result<Self> {
        let name = ServerName::try_from(host.to_owned()).map_err(TlsError::from)?;
        let transport = connector.connect(name, self.transport).await?;
        Ok(Self {
            number: self.number,
            ..Self::new(transport)
        })
    }

    /// Sends a command, which begins a new exchange.
    pub(super) async fn command(&mut self, command: u8, body: &[u8]) -> Result<()> {
        self.number = 0;
        let mut payload = Vec::with_capacity(body.len() + 1);
        payload.push(command);
        payload.extend_from_slice(body);
        self.send(&payload).await
    }

    /// Sends a packet within the exchange.
    pub(super) async fn send(&mut self, payload: &[u8]) -> Result<()> {
        let mut frames = Vec::with_capacity(payload.len() + 2 * HEADER);
        let mut rest = payload;
        loop {
            let (frame, after) = rest.split_at(rest.len().min(FRAME_MAX));
            let length = u32::try_from(frame.len()).map_err(|_| DriverError::PacketTooLarge)?;
            frames.extend_from_slice(&length.to_le_bytes()[..3]);
            frames.push(self.number);
            frames.extend_from_slice(frame);
            self.number = self.number.wrapping_add(1);
            rest = after;
            if frame.len() < FRAME_MAX {
                break;
            }
        }
        self.transport.write_all(&frames).await?;
        Ok(self.transport.flush().await?)
    }

    /// Returns the next packet. It stands in the buffer until the next one is asked for.
    pub(super) async fn packet(&mut self) -> Result<&[u8]> {
        loop {
            if let Some(range) = self.whole() {
                return Ok(&self.buffer[range]);
            }
            self.fill().await?;
        }
    }

    /// Returns the next packet when all of it is in the buffer.
    #[inline]
    pub(super) fn ready(&mut self) -> Option<&[u8]> {
        let range = self.whole()?;
        Some(&self.buffer[range])
    }

    /// Reads what the transport has, and waits for at least one byte. Dropping the future loses nothing.
    pub(super) async fn fill(&mut self) -> Result<()> {
        self.forget();
        self.buffer.reserve(self.missing.max(READ_BYTES));
        let read = self.transport.read_buf(&mut self.buffer);
        let read = match &self.lookout {
            Some(lookout) => lookout.answer(read).await?,
            None => read.await?,
        };
        match read {
            0 => Err(IoError::new(ErrorKind::UnexpectedEof, "the server closed the connection").into()),
            _ => Ok(()),
        }
    }

    /// Lets go of the packets that were given out, and of a buffer that a large one has grown.
    pub(super) fn forget(&mut self) {
        self.buffer.advance(self.at);
        self.at = 0;
        let wanted = self.buffer.len() + self.missing.max(READ_BYTES);
        if self.buffer.capacity() > KEPT_BYTES && wanted <= KEPT_BYTES {
            let mut smaller = BytesMut::with_capacity(wanted);
            smaller.extend_from_slice(&self.buffer);
            self.buffer = smaller;
        }
    }

    /// Where the next packet stands, once it is whole. Frames of a longer one are joined in place.
    #[inline]
    fn whole(&mut self) -> Option<Range<usize>> {
        let begin = self.at + HEADER;
        loop {
            let header = match self.joined {
                0 => self.at,
                joined => begin + joined,
            };
            let Some(&[one, two, three, number]) = self.buffer.get(header..).and_then(<[u8]>::first_chunk)
            else {
                self.missing = HEADER;
                return None;
            };
            let length = usize::from(one) | usize::from(two) << 8 | usize::from(three) << 16;
            let missing = (header + HEADER + length).saturating_sub(self.buffer.len());
            if missing > 0 {
                self.missing = missing;
                return None;
            }
            self.number = number.wrapping_add(1);
            let mut end = header + HEADER + length;
            if self.joined > 0 {
                self.buffer.as_mut().copy_within(header + HEADER.., header);
                self.buffer.truncate(self.buffer.len() - HEADER);
                end -= HEADER;
            }
            if length == FRAME_MAX {
                self.joined = end - begin;
                continue;
            }
            (self.at, self.joined, self.missing) = (end, 0, 0);
            return Some(begin..end);
        }
    }
}

#[cfg(test)]
mod tests {
    use mysql_async::Error;

    use super::*;

    /// A packet of so many bytes as it is framed.
    fn framed(length: usize) -> Vec<u8> {
        let (mut frames, mut left, mut number) = (Vec::new(), length, 0);
        loop {
            let frame = left.min(FRAME_MAX);
            frames.extend_from_slice(&u32::try_from(frame).unwrap().to_le_bytes()[..3]);
            frames.push(number);
            frames.extend((0..frame).map(|at| u8::try_from((length - left + at) % 251).unwrap()));
            (left, number) = (left - frame, number + 1);
            if frame < FRAME_MAX {
                return frames;
            }
        }
    }

    #[tokio::test]
    async fn packets_of_any_length_arrive_whole_in_any_pieces() {
        let lengths = [
            0,
            1,
            70_000,
            FRAME_MAX - 1,
            FRAME_MAX,
            FRAME_MAX + 5,
            3 * FRAME_MAX,
            7,
        ];
        let (near, mut far) = tokio::io::duplex(50_001);
        let sender = async move {
            for length in lengths {
                far.write_all(&framed(length)).await.unwrap();
            }
        };
        let receiver = async {
            let mut packets = Packets::new(near);
            for length in lengths {
                let packet = packets.packet().await.unwrap();
                assert_eq!(packet.len(), length);
                assert!(
                    packet
                        .iter()
                        .enumerate()
                        .all(|(at, byte)| usize::from(*byte) == at % 251)
                );
            }
            let end = packets.packet().await.unwrap_err();
            assert!(matches!(end, Error::Io(_)), "{end}");
            assert!(packets.buffer.capacity() <= KEPT_BYTES + READ_BYTES);
        };
        tokio::join!(sender, receiver);
    }

    #[tokio::test]
    async fn what_is_sent_is_framed_and_numbered() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut packets = Packets::new(near);
        packets.command(3, b"ab").await.unwrap();
        packets.send(b"").await.unwrap();
        let mut sent = [0; 11];
        far.read_exact(&mut sent).await.unwrap();
        assert_eq!(sent, [3, 0, 0, 0, 3, b'a', b'b', 0, 0, 0, 1]);
    }
}
