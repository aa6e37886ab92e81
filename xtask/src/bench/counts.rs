//! Reproducible measurements: instructions, system calls, memory, size.

use twinlock_tests::{Machine, Memory, Ruler};

use super::Extent;
use super::contestants::{App, Contestant, Ending};
use super::figures::{Figures, What};
use super::progress::Progress;
use super::room::module_of;
use crate::command::Done;

/// Counts everything for every stack.
pub(super) fn count(m: &Machine, extent: Extent, figures: &mut Figures) -> Done {
    let (ruler, mut app) = (m.ruler(), App::new());
    let mut turns = Vec::new();
    for ending in Ending::ALL {
        turns.extend(Contestant::ALL.map(|contestant| (ending, contestant)));
    }
    turns.retain(|(ending, who)| {
        who.has(*ending) && (extent == Extent::Full || *who != Contestant::Follows)
    });
    let mut progress = Progress::new("counting", turns.len() as u64);
    for (ending, contestant) in turns {
        progress.step();
        let mut counting = Counting { m, figures, app: &mut app, ending, contestant };
        counting.instructions(ruler, extent)?;
        counting.memory();
        if extent == Extent::Full {
            counting.callgrind()?;
        }
    }
    for contestant in Contestant::ALL {
        let size = m.file(&module_of(contestant)).bytes().len();
        figures.put(What::Size, Ending::Accepted, contestant, float(size));
    }
    Ok(())
}

struct Counting<'all> {
    m: &'all Machine,
    figures: &'all mut Figures,
    app: &'all mut App,
    ending: Ending,
    contestant: Contestant,
}

impl Counting<'_> {
    fn put(&mut self, what: What, value: usize) {
        self.figures.put(what, self.ending, self.contestant, float(value));
    }

    fn instructions(&mut self, ruler: Ruler, extent: Extent) -> Done {
        let mut host = self.m.host(self.contestant.name(), &[]);
        let rounds = match extent {
            Extent::Full => [What::Instructions, What::SecondCall].as_slice(),
            Extent::Quick => &[What::Instructions],
        };
        for what in rounds {
            self.contestant.reset(self.m);
            let (user, code) = self.app.typed(self.ending);
            let (said, cost) = ruler.measure(&mut host, user, &[&code]);
            if !self.ending.is(self.contestant, said) {
                return Err(self.otherwise(said));
            }
            if *what == What::Instructions {
                self.put(What::SystemCalls, cost.system_calls);
                self.put(What::Syncs, cost.syncs);
            }
            // If there are too many to count, the second call has as many.
            let Some(instructions) = cost.instructions else { return Ok(()) };
            self.put(*what, instructions);
            if *what == What::Instructions {
                self.put(What::Repetitions, instructions + cost.repeated);
            }
        }
        Ok(())
    }

    fn memory(&mut self) {
        let mut most = Memory::default();
        // The kernel maps a varying number of library pages around a fault.
        for _ in 0..3 {
            self.contestant.reset(self.m);
            let (user, code) = self.app.typed(self.ending);
            let peak = self.m.host(self.contestant.name(), &[]).peak(user, &[&code]);
            most.anonymous = most.anonymous.max(peak.anonymous);
            most.resident = most.resident.max(peak.resident);
        }
        self.put(What::OwnMemory, most.anonymous);
        self.put(What::AllMemory, most.resident);
    }

    /// Counts with callgrind as a cross-check; it does not know every system call.
    fn callgrind(&mut self) -> Done {
        self.contestant.reset(self.m);
        let (user, code) = self.app.typed(self.ending);
        let words = ["--tool=callgrind", "--toggle-collect=pam_authenticate"];
        let call = self.m.call(["valgrind"]).args(words);
        let call = call.args(["--callgrind-out-file=/tmp/callgrind", "pam_host"]);
        let call = call.args([self.contestant.name()]).input(format!("{user}\t{code}\n"));
        let said = call.output().stderr;
        let count =
            said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
        self.put(What::Callgrind, count.ok_or_else(|| format!("callgrind says:\n{said}"))?);
        Ok(())
    }

    fn otherwise(&self, said: u32) -> String {
        let (who, ending) = (self.contestant.name(), self.ending.name());
        format!("{who} ended the {ending} with PAM's code {said}:\n{}", self.m.log().join("\n"))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn float(count: usize) -> f64 {
    count as f64
}
