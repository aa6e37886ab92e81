//! Wall time, in rounds of all stacks, so that noise affects them equally.

use std::collections::BTreeMap;

use twinlock_tests::{Host, Machine};

use super::contestants::{App, Contestant, Ending};
use super::figures::{Figures, What, median};
use super::progress::Progress;
use super::room::Medium;
use crate::command::Done;

/// Times every stack on every machine.
pub(super) fn time(rooms: &[(Medium, Machine)], rounds: u64, figures: &mut Figures) -> Done {
    let mut app = App::new();
    let mut hosts: Vec<(Medium, &Machine, Contestant, Host<'_>)> = Vec::new();
    for (medium, m) in rooms {
        for contestant in Contestant::ALL {
            hosts.push((*medium, m, contestant, m.host(contestant.name(), &[])));
        }
    }
    let mut samples: BTreeMap<(What, Ending, Contestant), Vec<f64>> = BTreeMap::new();
    let mut progress = Progress::new("timing", rounds + 1);
    for round in 0..=rounds {
        progress.step();
        for ending in Ending::ALL {
            for (medium, m, contestant, host) in
                hosts.iter_mut().filter(|(_, _, contestant, _)| contestant.has(ending))
            {
                contestant.reset(m);
                let (user, code) = app.typed(ending);
                let login = host.login(user, &[&code]);
                if !ending.is(*contestant, login.code) {
                    let (who, ending) = (contestant.name(), ending.name());
                    return Err(format!("{who} ended the {ending} with {}.", login.code));
                }
                // The first round fills the processor's caches.
                if round > 0 {
                    let key = (what(*medium), ending, *contestant);
                    samples.entry(key).or_default().push(login.took.as_secs_f64() * 1e6);
                }
            }
        }
    }
    for ((what, ending, contestant), values) in samples {
        if let Some(middle) = median(values) {
            figures.put(what, ending, contestant, middle);
        }
    }
    Ok(())
}

fn what(medium: Medium) -> What {
    match medium {
        Medium::Tmpfs => What::OnTmpfs,
        Medium::Disk => What::OnDisk,
    }
}
