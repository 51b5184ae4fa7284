//! What the detectors have found so far: of each kind as much as can be shown or can decide, and of the rest the number.

use std::collections::BTreeMap;

use super::evidence::{Engine, Evidence, Weight};

/// Pieces of one kind that are kept, of which some may turn out to be told twice.
const OF_A_KIND_MAX: usize = 200;

/// What makes pieces alike: the detector, the weight, the database and the tool.
type Kind = (&'static str, Weight, Option<Engine>, Option<&'static str>);

/// The evidence of all detectors.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) evidence: Vec<Evidence>,
    /// Pieces that were not kept.
    pub(super) more: usize,
    detector: &'static str,
    kinds: BTreeMap<Kind, usize>,
}

impl Found {
    /// Takes what follows as found by the detector.
    pub(super) fn by(&mut self, detector: &'static str) {
        self.detector = detector;
    }

    /// Adds what a file says.
    pub(super) fn add(&mut self, pieces: impl IntoIterator<Item = Evidence>) {
        for mut each in pieces {
            each.detector = self.detector;
            let of_kind = self.kinds.entry(kind(&each)).or_default();
            *of_kind += 1;
            if *of_kind <= OF_A_KIND_MAX {
                self.evidence.push(each);
            } else {
                self.more += 1;
            }
        }
    }
}

/// Returns what a piece has in common with others like it.
pub(super) fn kind(piece: &Evidence) -> Kind {
    (piece.detector, piece.weight, piece.database, piece.tool)
}
