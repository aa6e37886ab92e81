//! What one whole `pam_authenticate` costs, less what measuring it costs.

use super::steps::{MOST_STEPS, Steps};
use super::{Host, NOTHING};
use crate::machine::Machine;

/// The calls that wait for a disk.
const SYNCS: [&str; 5] = ["fsync", "fdatasync", "sync", "syncfs", "sync_file_range"];

/// The cost of one login, between the entry into libpam and the return from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// In user mode; nothing if there are more than are counted.
    pub instructions: Option<usize>,
    /// How often some of them were repeated: callgrind counts these as well.
    pub repeated: usize,
    /// All of them.
    pub system_calls: usize,
    /// Those that wait for a disk.
    pub syncs: usize,
}

/// What the marks take, to be subtracted from each cost.
#[derive(Debug, Clone, Copy)]
pub struct Ruler(Cost);

impl Machine {
    /// A ruler, tried on nothing first.
    #[track_caller]
    pub fn ruler(&self) -> Ruler {
        let mut host = self.host(NOTHING, &[]);
        // The first time, the dynamic linker looks up what is called.
        host.login("nobody", &[]);
        Ruler(Cost::of(&host.stepped("nobody", &[])))
    }
}

impl Ruler {
    /// One login of a host, with PAM's code.
    #[track_caller]
    pub fn measure(self, host: &mut Host<'_>, user: &str, answers: &[&str]) -> (u32, Cost) {
        let steps = host.stepped(user, answers);
        let all = Cost::of(&steps);
        let own = self.0.instructions.unwrap_or_default();
        let cost = Cost {
            instructions: all.instructions.map(|count| count - own),
            repeated: all.repeated - self.0.repeated,
            system_calls: all.system_calls - self.0.system_calls,
            syncs: all.syncs,
        };
        (steps.login.code, cost)
    }
}

impl Cost {
    fn of(steps: &Steps) -> Cost {
        let sync = |name: &str| SYNCS.contains(&name);
        Cost {
            instructions: Some(steps.trail.len()).filter(|count| *count < MOST_STEPS),
            repeated: steps.repeated,
            system_calls: steps.made.len(),
            syncs: steps.made.iter().filter(|made| sync(&made.name)).count(),
        }
    }
}
