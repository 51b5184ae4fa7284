//! When a connection on which nothing moves is dead. Pure: who asks the server, and what its words mean, is the connector's.

use std::time::Duration;

/// Parts of the patience: after so many without a sign of life the server is asked, and so many answers must say the same.
const PARTS: u32 = 8;
const SILENT_PARTS: u32 = 2;
const STRIKES: u32 = 2;

/// What the server says a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It works, or we cannot tell.
    Works,
    /// It waits for us to speak or to listen, as we wait for it.
    WaitsForUs,
    /// The server has no such session.
    Gone,
    /// Nobody answers.
    NoAnswer,
}

/// How long nothing has moved, and what the server said about it. A sign of life is any number that changes with it; none while nobody
/// waits for an answer.
#[derive(Debug, Default)]
pub struct Silence {
    since: Option<u64>,
    parts: u32,
    strikes: u32,
}

impl Silence {
    /// Begins to listen when the last sign of life is known.
    pub fn since(sign: u64) -> Self {
        Self {
            since: Some(sign),
            ..Self::default()
        }
    }

    /// Returns the part of the patience that lies between two looks, and is given to a question; a death is noticed within the whole.
    pub fn part(patience: Duration) -> Duration {
        patience / PARTS
    }

    /// Tells whether there was no sign of life since the last look.
    pub fn is_still(&self, sign: Option<u64>) -> bool {
        sign.is_some() && sign == self.since
    }

    /// Counts a part of the patience; tells whether it is time to ask.
    pub fn goes_on(&mut self, sign: Option<u64>) -> bool {
        if !self.is_still(sign) {
            *self = Self {
                since: sign,
                ..Self::default()
            };
            return false;
        }
        self.parts += 1;
        self.parts >= SILENT_PARTS
    }

    /// Takes an answer in; tells whether the connection is dead.
    pub fn is_death(&mut self, doing: Doing) -> bool {
        match doing {
            Doing::Works => {
                (self.parts, self.strikes) = (0, 0);
                false
            }
            Doing::Gone => true,
            Doing::WaitsForUs | Doing::NoAnswer => {
                self.strikes += 1;
                self.strikes >= STRIKES
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_death_only_when_the_server_says_so_twice_and_no_byte_moved() {
        let mut silence = Silence::default();
        assert!(!silence.goes_on(Some(1)));
        assert!(!silence.goes_on(Some(1)));
        assert!(silence.goes_on(Some(1)));
        assert!(!silence.is_death(Doing::WaitsForUs));
        assert!(silence.goes_on(Some(1)));
        assert!(silence.is_death(Doing::NoAnswer));

        let mut silence = Silence::default();
        for _ in 0..3 {
            silence.goes_on(Some(1));
        }
        assert!(!silence.is_death(Doing::WaitsForUs));
        assert!(!silence.goes_on(Some(2)), "a byte moved");
        assert_eq!(silence.strikes, 0);

        let mut silence = Silence::default();
        for _ in 0..1000 {
            if silence.goes_on(Some(1)) {
                assert!(!silence.is_death(Doing::Works));
            }
        }
    }

    #[test]
    fn a_death_is_noticed_within_the_patience() {
        // Until the silence is seen (a look less for who knows the last sign of life), until the question is due, two questions with a part between them, and the session's end.
        const { assert!(1 + SILENT_PARTS + (STRIKES - 1) + STRIKES < PARTS) };
    }
}
