//! The measured figures, by what was measured.

use std::collections::BTreeMap;

use super::contestants::{Contestant, Ending};

/// What a figure measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// Instructions in user mode of the first call in a process.
    Instructions,
    /// Instructions in user mode of the second call in the same process.
    SecondCall,
    /// Instructions of the first call with each repetition counted, as callgrind does.
    Repetitions,
    /// Instructions of the first call as callgrind counts them.
    Callgrind,
    /// System calls of the first call.
    SystemCalls,
    /// System calls of the first call that wait for a disk.
    Syncs,
    /// Private memory, in KiB.
    OwnMemory,
    /// Memory including library pages, in KiB.
    AllMemory,
    /// Time with the state in memory, in microseconds.
    OnTmpfs,
    /// Time with the state on a disk, in microseconds.
    OnDisk,
    /// Time of a whole ssh login, in milliseconds.
    Ssh,
    /// Size of the module's file, in bytes.
    Size,
    /// Instructions with that many records.
    Among(u64),
    /// System calls with that many records.
    CallsAmong(u64),
    /// Time with that many records, in microseconds.
    TimeAmong(u64),
}

/// The figures.
#[derive(Debug, Default)]
pub(super) struct Figures(BTreeMap<(What, Ending, Contestant), f64>);

impl Figures {
    pub(super) fn put(&mut self, what: What, ending: Ending, contestant: Contestant, value: f64) {
        self.0.insert((what, ending, contestant), value);
    }

    pub(super) fn get(&self, what: What, ending: Ending, contestant: Contestant) -> Option<f64> {
        self.0.get(&(what, ending, contestant)).copied()
    }

    /// Returns our figure divided by a peer's.
    pub(super) fn ratio(&self, what: What, ending: Ending, peer: Contestant) -> Option<f64> {
        let ours = self.get(what, ending, Contestant::Twinlock)?;
        Some(ours / self.get(what, ending, peer)?).filter(|ratio| ratio.is_finite())
    }

    /// Returns the numbers of records that were measured.
    pub(super) fn crowds(&self) -> Vec<u64> {
        let mut crowds: Vec<u64> = self.0.keys().filter_map(|(what, ..)| what.crowd()).collect();
        crowds.dedup();
        crowds.sort_unstable();
        crowds.dedup();
        crowds
    }

    pub(super) fn json(&self) -> String {
        let line = |(key, value): (&(What, Ending, Contestant), &f64)| {
            let (what, ending, contestant) = key;
            format!(
                "    {{\"what\": \"{}\", \"ending\": \"{}\", \"stack\": \"{}\", \"value\": {value}}}",
                what.key(),
                ending.name(),
                contestant.name()
            )
        };
        self.0.iter().map(line).collect::<Vec<_>>().join(",\n")
    }
}

impl What {
    fn crowd(self) -> Option<u64> {
        if let Self::Among(records) = self { Some(records) } else { None }
    }

    /// Returns the name in JSON.
    fn key(self) -> String {
        match self {
            Self::Instructions => "instructions".into(),
            Self::SecondCall => "instructions_second_call".into(),
            Self::Repetitions => "instructions_with_repetitions".into(),
            Self::Callgrind => "instructions_callgrind".into(),
            Self::SystemCalls => "system_calls".into(),
            Self::Syncs => "syncs".into(),
            Self::OwnMemory => "memory_own_kib".into(),
            Self::AllMemory => "memory_resident_kib".into(),
            Self::OnTmpfs => "tmpfs_microseconds".into(),
            Self::OnDisk => "disk_microseconds".into(),
            Self::Ssh => "ssh_milliseconds".into(),
            Self::Size => "size_bytes".into(),
            Self::Among(records) => format!("instructions_among_{records}"),
            Self::CallsAmong(records) => format!("system_calls_among_{records}"),
            Self::TimeAmong(records) => format!("microseconds_among_{records}"),
        }
    }
}

/// Returns the median, or `None` without values.
pub(super) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::{Figures, What, median};
    use crate::bench::contestants::{Contestant, Ending};

    #[test]
    fn one_slow_round_moves_no_median() {
        assert_eq!(median(vec![3.0, 900.0, 1.0, 2.0, 4.0]), Some(3.0));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn a_ratio_needs_both() {
        let mut figures = Figures::default();
        figures.put(What::OnDisk, Ending::Accepted, Contestant::Twinlock, 50.0);
        assert_eq!(figures.ratio(What::OnDisk, Ending::Accepted, Contestant::Google), None);
        figures.put(What::OnDisk, Ending::Accepted, Contestant::Google, 1000.0);
        assert_eq!(figures.ratio(What::OnDisk, Ending::Accepted, Contestant::Google), Some(0.05));
    }
}
