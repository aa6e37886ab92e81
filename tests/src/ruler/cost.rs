//! The cost of one `pam_authenticate`, less the cost of measuring.

use super::steps::{MOST_STEPS, Steps};
use super::{Host, NOTHING};
use crate::machine::Machine;

/// System calls that wait for a disk.
const SYNCS: [&str; 5] = ["fsync", "fdatasync", "sync", "syncfs", "sync_file_range"];

/// Cost of one login, from entering libpam to returning from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Instructions in user mode; `None` if there are more than are counted.
    pub instructions: Option<usize>,
    /// Repetitions of instructions, which callgrind counts too.
    pub repeated: usize,
    /// System calls.
    pub system_calls: usize,
    /// System calls that wait for a disk.
    pub syncs: usize,
}

/// Cost of the marks, subtracted from each cost.
#[derive(Debug, Clone, Copy)]
pub struct Ruler(Cost);

impl Machine {
    /// Returns a ruler, calibrated on an empty login.
    #[track_caller]
    pub fn ruler(&self) -> Ruler {
        let mut host = self.host(NOTHING, &[]);
        // The dynamic linker resolves symbols at the first call.
        host.login("nobody", &[]);
        Ruler(Cost::of(&host.stepped("nobody", &[])))
    }
}

impl Ruler {
    /// Measures one login of a host; returns PAM's code and the cost.
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
