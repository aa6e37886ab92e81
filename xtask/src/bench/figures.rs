//! The measured figures, each with what it measures.

use std::collections::BTreeMap;

use super::contestants::{Contestant, Ending};

/// What a figure measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// Instructions in user mode, counted by callgrind.
    Instructions,
    SystemCalls,
    /// Number of system calls that wait for a disk.
    Syncs,
    /// Time with the state in memory, in microseconds.
    OnTmpfs,
    /// Time with the state on a disk, in microseconds.
    OnDisk,
    /// Time of a whole ssh login with the state on a disk, in microseconds.
    Ssh,
    /// Private memory, in KiB.
    OwnMemory,
    /// Memory including library pages, in KiB.
    AllMemory,
    /// Size of the module's file, in bytes.
    Size,
    /// Instructions of a login among this number of records.
    InstructionsAmong(u64),
    /// Time of a login among this number of records, in microseconds.
    TimeAmong(u64),
}

/// The samples of each figure. A figure is the median of its samples.
#[derive(Debug, Default)]
pub(super) struct Figures(BTreeMap<(What, Ending, Contestant), Vec<f64>>);

impl Figures {
    /// Adds a sample of a figure.
    pub(super) fn put(&mut self, what: What, ending: Ending, contestant: Contestant, value: f64) {
        self.0.entry((what, ending, contestant)).or_default().push(value);
    }

    /// Returns a figure; `None` if it has no samples.
    pub(super) fn get(&self, what: What, ending: Ending, contestant: Contestant) -> Option<f64> {
        let mut values = self.0.get(&(what, ending, contestant))?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// Returns a figure of an accepted login with twinlock after a first factor.
    pub(super) fn own(&self, what: What) -> Option<f64> {
        self.get(what, Ending::Accepted, Contestant::Twinlock)
    }

    /// Returns twinlock's figure divided by that of `peer`.
    pub(super) fn ratio(&self, what: What, ending: Ending, peer: Contestant) -> Option<f64> {
        let ours = self.get(what, ending, Contestant::Twinlock)?;
        Some(ours / self.get(what, ending, peer)?).filter(|ratio| ratio.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::{Figures, What};
    use crate::bench::contestants::{Contestant, Ending};

    #[test]
    fn one_slow_round_moves_no_ratio() {
        let mut figures = Figures::default();
        for took in [50.0, 9000.0, 50.0] {
            figures.put(What::OnDisk, Ending::Accepted, Contestant::Twinlock, took);
        }
        let ratio =
            |figures: &Figures| figures.ratio(What::OnDisk, Ending::Accepted, Contestant::Google);
        assert_eq!(ratio(&figures), None);
        figures.put(What::OnDisk, Ending::Accepted, Contestant::Google, 1000.0);
        assert_eq!(ratio(&figures), Some(0.05));
    }
}
