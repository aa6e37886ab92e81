//! The measured figures. Each figure is the median of the samples of a quantity; ratios compare two stacks.

use std::collections::BTreeMap;

use super::contestants::{Contestant, Ending};

/// A quantity that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// Number of instructions in user mode, counted by callgrind.
    Instructions,
    SystemCalls,
    /// Number of system calls that wait until data is on a disk.
    Syncs,
    /// Time in microseconds of `pam_start`, `pam_authenticate` and `pam_end` together in a new process, with the
    /// modules' data in memory.
    First,
    /// Time in microseconds of `pam_authenticate` alone in a new process, with the modules' data in memory.
    FirstAlone,
    /// Time in microseconds of `pam_start`, `pam_authenticate` and `pam_end` together in a process that has logged in
    /// before, with the modules' data in memory.
    Steady,
    /// Time in microseconds of `pam_start`, `pam_authenticate` and `pam_end` together in a new process, with the
    /// modules' data on a disk.
    OnDisk,
    /// Time in microseconds of a whole ssh login, with the modules' data on a disk.
    Ssh,
    /// Private memory of the process, in KiB.
    OwnMemory,
    /// Memory of the process, in KiB, with the pages of libraries that it shares with other processes.
    AllMemory,
    /// Size in bytes of the module's file.
    Size,
    /// Number of instructions of a login if this number of users have records.
    InstructionsAmong(u64),
    /// Time in microseconds of a login if this number of users have records.
    TimeAmong(u64),
    /// Time in milliseconds in which users get their own status from the agent, while its listener runs.
    AgentWarm,
    /// Time in milliseconds in which users get their own status from the agent, if their connection starts the agent's
    /// listener.
    AgentCold,
    /// Number of connections that get no answer, in all rounds together. Each round opens 50 connections at the same
    /// time.
    AgentRefused,
    /// Memory of the agent's listener in KiB, including the pages of libraries.
    AgentMemory,
}

/// The samples of each quantity, by the way in which the login ended and by the stack. The figure of a quantity is the
/// median of its samples.
#[derive(Debug, Default)]
pub(super) struct Figures(BTreeMap<(What, Ending, Contestant), Vec<f64>>);

impl Figures {
    /// Adds a sample.
    pub(super) fn put(&mut self, what: What, ending: Ending, contestant: Contestant, value: f64) {
        self.0.entry((what, ending, contestant)).or_default().push(value);
    }

    /// Returns the median of the samples; `None` if there are none.
    pub(super) fn get(&self, what: What, ending: Ending, contestant: Contestant) -> Option<f64> {
        let mut values = self.0.get(&(what, ending, contestant))?.clone();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// Returns the figure of an accepted login with [`Contestant::Twinlock`]; `None` if there are no samples.
    pub(super) fn own(&self, what: What) -> Option<f64> {
        self.get(what, Ending::Accepted, Contestant::Twinlock)
    }

    /// Returns the ratio of twinlock's figure to that of `peer`. [`Figures::paired`] says how it is computed, and when
    /// it is `None`.
    pub(super) fn ratio(&self, what: What, ending: Ending, peer: Contestant) -> Option<Ratio> {
        self.paired(what, ending, Contestant::Twinlock, peer)
    }

    /// Returns the ratio of the figure of `one` to that of `other`. One ratio is computed for each round, so a round
    /// that was slow for both stacks changes the median little. `None` if one of the stacks has no samples.
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

/// Median and quartiles of the ratios of two stacks, one ratio for each round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ratio {
    pub(super) median: f64,
    /// Lower quartile: a quarter of the rounds has a smaller ratio.
    pub(super) low: f64,
    /// Upper quartile: a quarter of the rounds has a greater ratio.
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
    /// Writes the median. If the quartiles differ, they follow in parentheses.
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
