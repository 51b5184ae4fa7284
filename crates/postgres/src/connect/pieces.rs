//! What has been read of a stream and not yet been taken: the system is asked for large pieces, the driver takes small ones, and makes
//! several objects of each message. Rows of COPY that came together therefore go on as one message, which holds theirs: a letter, a length,
//! and the rows with their own letters and lengths. [`next_row`] takes them apart.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// What the system is asked for at once.
const READ_BYTES: usize = 64 << 10;

/// The letter and the length of a message.
const HEAD_BYTES: usize = 5;

/// The letter of a row of COPY. No row begins with it: that would be the number of its columns, and there are at most 1,664.
const ROW: u8 = b'd';

/// Bytes on their way to the driver.
#[derive(Debug)]
pub(super) struct Pieces {
    bytes: Box<[u8]>,
    waiting: Range<usize>,
    /// So many bytes of the message that was begun go on as they are.
    begun: usize,
}

impl Default for Pieces {
    fn default() -> Self {
        Self {
            bytes: vec![0; READ_BYTES].into(),
            waiting: 0..0,
            begun: 0,
        }
    }
}

impl Pieces {
    /// Tells whether more has to be read before anything goes on; `joining` when rows are to go together.
    pub(super) fn is_short(&self, joining: bool) -> bool {
        match joining && self.begun == 0 {
            true => self.waiting.len() < HEAD_BYTES,
            false => self.waiting.is_empty(),
        }
    }

    /// Reads what there is; returns it, nothing at the stream's end.
    pub(super) fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<&[u8]>> {
        self.bytes.copy_within(self.waiting.clone(), 0);
        self.waiting = 0..self.waiting.len();
        let end = self.waiting.end;
        let mut free = ReadBuf::new(&mut self.bytes[end..]);
        ready!(Pin::new(stream).poll_read(cx, &mut free))?;
        self.waiting.end += free.filled().len();
        Poll::Ready(Ok(&self.bytes[end..self.waiting.end]))
    }

    /// Gives as much as there is room for.
    pub(super) fn give(&mut self, out: &mut ReadBuf<'_>, joining: bool) {
        if joining && self.begun == 0 {
            let rows = self.rows(out.remaining());
            if rows > 0 {
                out.put_slice(&head(rows));
                self.pass(rows, out);
                return;
            }
            self.begun = message(&self.bytes[self.waiting.clone()]).unwrap_or(self.waiting.len());
        }
        let length = self.waiting.len().min(out.remaining());
        let length = match joining {
            true => length.min(self.begun),
            false => length,
        };
        self.begun = self.begun.saturating_sub(length);
        self.pass(length, out);
    }

    fn pass(&mut self, length: usize, out: &mut ReadBuf<'_>) {
        let start = self.waiting.start;
        out.put_slice(&self.bytes[start..start + length]);
        self.waiting.start += length;
    }

    /// The bytes of the whole rows that are next and have room with a head of their own; none when there are not two.
    fn rows(&self, room: usize) -> usize {
        let waiting = &self.bytes[self.waiting.clone()];
        let (mut length, mut count) = (0, 0);
        while let Some(row) = message(&waiting[length..])
            && waiting[length] == ROW
            && length + row <= waiting.len().min(room.saturating_sub(HEAD_BYTES))
        {
            (length, count) = (length + row, count + 1);
        }
        if count > 1 { length } else { 0 }
    }
}

/// The head of a message of rows.
fn head(rows: usize) -> [u8; HEAD_BYTES] {
    let length = u32::try_from(rows + HEAD_BYTES - 1).unwrap_or(u32::MAX);
    let [a, b, c, d] = length.to_be_bytes();
    [ROW, a, b, c, d]
}

/// The length of the message that the bytes begin with, its head included; none when its head is not complete or none.
fn message(bytes: &[u8]) -> Option<usize> {
    let [_, length @ ..] = bytes.first_chunk::<HEAD_BYTES>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?.checked_add(1);
    length.filter(|length| *length >= HEAD_BYTES)
}

/// Returns where the first row lies in what came as one message of COPY.
#[inline]
pub(crate) fn next_row(rows: &[u8]) -> Range<usize> {
    match message(rows) {
        Some(end) if rows[0] == ROW && end <= rows.len() => HEAD_BYTES..end,
        _ => 0..rows.len(),
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn message_of(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], &length[..], body].concat()
    }

    /// A stream that gives as many bytes as its next length says, and its end when none is left.
    struct Lengths<'a>(&'a [u8], std::iter::Cycle<std::slice::Iter<'a, usize>>);

    impl AsyncRead for Lengths<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            out: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let length = *self.1.next().unwrap();
            let (now, later) = self.0.split_at(length.min(self.0.len()).min(out.remaining()));
            out.put_slice(now);
            self.0 = later;
            Poll::Ready(Ok(()))
        }
    }

    /// What comes out of the pieces, read into room of the given lengths.
    fn given(bytes: &[u8], lengths: &[usize], rooms: &[usize], joining: bool) -> Vec<u8> {
        let mut pieces = Pieces::default();
        let mut stream = Lengths(bytes, lengths.iter().cycle());
        let mut cx = Context::from_waker(Waker::noop());
        let (mut all, mut rooms, mut ended) = (Vec::new(), rooms.iter().cycle(), false);
        loop {
            while !ended && pieces.is_short(joining) {
                let Poll::Ready(Ok(filled)) = pieces.poll_fill(&mut stream, &mut cx) else {
                    panic!("the stream always has an answer");
                };
                ended = filled.is_empty();
            }
            let mut room = vec![0; *rooms.next().unwrap()];
            let mut out = ReadBuf::new(&mut room);
            pieces.give(&mut out, joining);
            if out.filled().is_empty() {
                return all;
            }
            all.extend_from_slice(out.filled());
        }
    }

    /// Kinds and bodies of messages, rows taken apart.
    fn apart(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let length = message(bytes).expect("a whole message");
            let (kind, mut body) = (bytes[0], &bytes[HEAD_BYTES..length]);
            bytes = &bytes[length..];
            if kind != ROW {
                found.push((kind, body.to_vec()));
                continue;
            }
            while !body.is_empty() {
                let row = next_row(body);
                found.push((ROW, body[row.clone()].to_vec()));
                body = &body[row.end..];
            }
        }
        found
    }

    proptest! {
        #[test]
        fn every_message_arrives_however_the_bytes_are_cut(
            messages in vec((prop_oneof![4 => Just(ROW), 1 => Just(b'D'), 1 => Just(b'Z')], vec(0_u8..4, 2..60)), 0..40),
            lengths in vec(1_usize..200, 1..5),
            rooms in vec(1_usize..300, 1..5),
        ) {
            let bytes: Vec<u8> = messages.iter().flat_map(|(kind, body)| message_of(*kind, body)).collect();
            prop_assert_eq!(apart(&given(&bytes, &lengths, &rooms, true)), messages);
            prop_assert_eq!(given(&bytes, &lengths, &rooms, false), bytes);
        }
    }

    #[test]
    fn rows_that_came_together_go_on_as_one_message() {
        let rows: Vec<u8> = (0..10).flat_map(|_| message_of(ROW, b"\0\x01row")).collect();
        let bytes = [rows.clone(), message_of(b'c', b"")].concat();
        let together = [message_of(ROW, &rows), message_of(b'c', b"")].concat();
        assert_eq!(given(&bytes, &[READ_BYTES], &[8192], true), together);
    }

    #[test]
    fn what_is_no_message_goes_on_as_it_is() {
        for bytes in [&b"d\0\0\0\0and more"[..], b"d\0"] {
            assert_eq!(given(bytes, &[READ_BYTES], &[8192], true), bytes);
        }
    }
}
