//! Time steps of TOTP whose codes were used while the clock was fast. After the clock was corrected, these steps are in
//! the future. Their users cannot log in until the correct time has passed the steps, because no code of an earlier
//! step is accepted.

use twinlock_core::{
    base::{
        account::Folder,
        time::{Step, UnixTime},
    },
    ledger::{Stretch, Used, names},
    otp::{hotp::Keyed, totp},
    ports::{Ledger, LedgerKey},
    record::{Authenticator, MovingFactor},
    verify::{history, replay},
};

use crate::{machine::Machine, store::enrolled_users};

/// A used time step of a user that lies far in the future.
pub struct FarAhead {
    /// The account name.
    pub user: String,
    /// The period in which an authenticator with a correct clock shows the code of the step.
    pub time: Stretch,
    used: Used,
}

/// Returns the used time steps that lie far in the future, of all users with a record. Skips users whose records or
/// ledger cannot be read.
#[must_use]
pub fn all(machine: &Machine, now: UnixTime) -> Vec<FarAhead> {
    let mut found = Vec::new();
    for entry in enrolled_users::everybody(&machine.records).into_iter().flatten() {
        let Ok(Some(snapshot)) = &entry.found else { continue };
        let authenticators = &snapshot.record.authenticators;
        found.extend(of_person(machine, &entry.user, authenticators, now));
    }
    found
}

/// Returns the used time steps of the user that lie far in the future; none if the ledger of the user cannot be read.
#[must_use]
pub fn of_person(
    machine: &Machine,
    user: &str,
    authenticators: &[Authenticator],
    now: UnixTime,
) -> Vec<FarAhead> {
    let facts = Folder::of(user).ok().and_then(|folder| {
        let ledger_key = LedgerKey::Account(folder);
        let user_ledger =
            machine.ledger.has(&ledger_key).then(|| machine.ledger.open(&ledger_key).ok())??;
        history::read(user_ledger.as_ref(), None).ok()
    });
    let Some(facts) = facts else { return Vec::new() };
    let mut found = Vec::new();
    for one in authenticators.iter().filter(|one| matches!(one.moving, MovingFactor::Clock { .. }))
    {
        let Some(keyed) = Keyed::new(&one.key, one.parameters.algorithm) else { continue };
        let period = one.parameters.period;
        let far = replay::far_ahead(&facts.used, one, keyed.mark(one), totp::step_at(now, period));
        found.extend(far.map(|used| {
            let shown = used.step.0.saturating_add_signed(-i64::from(one.drift()));
            let from = totp::begin_of(Step(shown), period);
            FarAhead {
                user: user.to_owned(),
                time: Stretch { from, until: from.plus(period.seconds()) },
                used: *used,
            }
        }));
    }
    found
}

/// Removes these used time steps from the ledger. Best effort.
pub(crate) fn forget(machine: &Machine, far: &[FarAhead]) {
    for one in far {
        let Ok(folder) = Folder::of(&one.user) else { continue };
        let Ok(user_ledger) = machine.ledger.open(&LedgerKey::Account(folder)) else { continue };
        user_ledger.erase(&names::used_name(&one.used));
    }
}
