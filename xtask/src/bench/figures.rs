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
    /// Time of `pam_start`, `pam_authenticate` and `pam_end` in a new process with the state in memory, in microseconds.
    First,
    /// Time of `pam_authenticate` in a new process with the state in memory, in microseconds.
    FirstAlone,
    /// Time of the three calls in a process that has logged in before, with the state in memory, in microseconds.
    Steady,
    /// Time of the three calls in a new process with the state on a disk, in microseconds.
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

    /// Returns twinlock's figure divided by that of `peer`: the median of the ratios of the rounds.
    pub(super) fn ratio(&self, what: What, ending: Ending, peer: Contestant) -> Option<Ratio> {
        self.paired(what, ending, Contestant::Twinlock, peer)
    }

    /// Returns the figure of `one` divided by that of `other`. A round that was slow for both moves neither the median
    /// nor the quartiles.
    pub(super) fn paired(
        &self,
        what: What,
        ending: Ending,
        one: Contestant,
        other: Contestant,
    ) -> Option<Ratio> {
        let samples = |who| self.0.get(&(what, ending, who));
        let rounds = samples(one)?.iter().zip(samples(other)?);
        Ratio::of(
            rounds.map(|(one, other)| one / other).filter(|ratio| ratio.is_finite()).collect(),
        )
    }
}

/// The ratios of the rounds of two contestants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ratio {
    pub(super) median: f64,
    /// A quarter of the rounds lie below.
    pub(super) low: f64,
    /// A quarter of the rounds lie above.
    pub(super) high: f64,
}

impl Ratio {
    fn of(mut ratios: Vec<f64>) -> Option<Self> {
        ratios.sort_by(f64::total_cmp);
        let at =
            |quarter: usize| ratios.get((ratios.len().saturating_sub(1)) * quarter / 4).copied();
        Some(Self { median: at(2)?, low: at(1)?, high: at(3)? })
    }
}

impl std::fmt::Display for Ratio {
    /// Writes the median, and the quartiles if they differ from it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2}", self.median)?;
        if self.low < self.high {
            write!(f, " ({:.2}–{:.2})", self.low, self.high)
        } else {
            Ok(())
        }
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
        assert_eq!(ratio(&figures).map(|ratio| ratio.median), Some(0.05));
    }

    #[test]
    fn a_round_that_is_slow_for_both_moves_no_ratio() {
        let mut figures = Figures::default();
        for slowness in [1.0, 1.0, 40.0, 1.0, 7.0] {
            for (who, took) in [(Contestant::Twinlock, 50.0), (Contestant::Google, 100.0)] {
                figures.put(What::First, Ending::Accepted, who, took * slowness);
            }
        }
        let ratio = figures.ratio(What::First, Ending::Accepted, Contestant::Google).unwrap();
        assert_eq!(ratio.to_string(), "0.50");
    }
}
