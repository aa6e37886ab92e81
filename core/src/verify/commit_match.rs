//! Reads the record again after a code was made unusable for other logins, and stores a moved HOTP counter or learned
//! clock error before access is granted.

use crate::{
    base::{
        account::{Account, Folder},
        error::{CommitError, StoreError},
    },
    event::{Accepted, Reason, Resynced},
    ports::{Records, Snapshot},
    record::{Authenticator, MovingFactor, State},
    verify::ruling::Match,
};

/// Number of times that the record may change during a commit before the code is compared again.
const ROUNDS: usize = 4;

/// The result of reading the record again after the step of a code was claimed.
pub enum Settled {
    /// The record is unchanged, or the moved counter or learned clock error is stored in it. Access is granted.
    Granted(Accepted),
    /// Another login has moved the counter past the code, so the code is used up.
    Burned,
    /// Another process has changed the record. The caller must compare the code with the new record.
    Changed,
}

/// Whether the new moving factor was committed.
enum FactorCommit {
    Done(Settled),
    Overtaken,
}

/// Grants access if the record is still the one that the code was compared with, and stores a moved counter or learned
/// clock error. If the record has changed, replaces `person` by the new record.
///
/// # Errors
/// [`Reason`] if the record cannot be read again or cannot be written.
pub fn settle(
    records: &dyn Records,
    person: &mut Option<(&Account, Snapshot)>,
    found: Match,
) -> Result<Settled, Reason> {
    let Some((account, snapshot)) = person else {
        return Ok(Settled::Changed);
    };
    let folder = Folder::of(&account.name).map_err(|_| Reason::Store(StoreError::NameTooLong))?;
    for _ in 0..ROUNDS {
        if records.is_newest(&folder, snapshot).map_err(Reason::Store)? {
            match write_down(records, &folder, snapshot, found)? {
                FactorCommit::Done(settled) => return Ok(settled),
                FactorCommit::Overtaken => {}
            }
        }
        let fresh = match records.newest(account).map_err(Reason::Store)? {
            Some(fresh) if fresh.record.state == State::Active => fresh,
            Some(_) | None => {
                *person = None;
                return Ok(Settled::Changed);
            }
        };
        let same = gives_the_same(&fresh, snapshot, found);
        *snapshot = fresh;
        if !same {
            return Ok(Settled::Changed);
        }
    }
    Ok(Settled::Changed)
}

/// Returns whether a code that matched the record `judged` also matches `fresh`, the record as read again: the
/// generation (id of its state), the key and the parameters are equal. Compares the keys too, because a manual edit may
/// keep the generation. If two adjacent codes were needed, the moving factor must be equal, too.
fn gives_the_same(fresh: &Snapshot, judged: &Snapshot, found: Match) -> bool {
    let pair = fresh.record.authenticators.get(found.authenticator);
    let pair = pair.zip(judged.record.authenticators.get(found.authenticator));
    fresh.record.generation == judged.record.generation
        && pair.is_some_and(|(one, other)| {
            one.key == other.key
                && one.parameters == other.parameters
                && (found.first.is_none() || one.moving == other.moving)
        })
}

/// Stores the moved counter or learned clock error in the record, if the code requires one before access is granted.
fn write_down(
    records: &dyn Records,
    folder: &Folder,
    snapshot: &mut Snapshot,
    found: Match,
) -> Result<FactorCommit, Reason> {
    let Some(authenticator) = snapshot.record.authenticators.get_mut(found.authenticator) else {
        return Ok(FactorCommit::Done(Settled::Burned));
    };
    let accepted = Accepted::App {
        authenticator: authenticator.name.clone(),
        step: found.step,
        resynced: resynced(authenticator, found),
        length: usize::from(authenticator.parameters.digits.get()),
    };
    let Some(moves) = found.moves else {
        return Ok(FactorCommit::Done(Settled::Granted(accepted)));
    };
    if let MovingFactor::Counter { next } = authenticator.moving
        && next > found.lowest().0
    {
        return Ok(FactorCommit::Done(Settled::Burned));
    }
    let stood = core::mem::replace(&mut authenticator.moving, moves);
    let committed = records.commit(folder, snapshot.sequence, &snapshot.record);
    if committed.is_err()
        && let Some(authenticator) = snapshot.record.authenticators.get_mut(found.authenticator)
    {
        authenticator.moving = stood;
    }
    match committed {
        Ok(()) => Ok(FactorCommit::Done(Settled::Granted(accepted))),
        Err(CommitError::Overtaken) => Ok(FactorCommit::Overtaken),
        Err(CommitError::Store(fault)) => Err(Reason::Unwritten(fault)),
    }
}

/// Returns what two adjacent codes revealed about the authenticator; `None` if one code was enough.
fn resynced(authenticator: &Authenticator, found: Match) -> Option<Resynced> {
    let first = found.first?;
    Some(match (authenticator.moving, found.moves?) {
        (MovingFactor::Counter { next }, _) => {
            Resynced::Counter { skipped: first.0.saturating_sub(next) }
        }
        (MovingFactor::Clock { .. }, MovingFactor::Clock { drift: steps }) => {
            let period = i64::try_from(authenticator.parameters.period.seconds());
            let seconds = i64::from(steps).saturating_mul(period.unwrap_or(i64::MAX));
            Resynced::Clock { steps, seconds }
        }
        (MovingFactor::Clock { .. }, MovingFactor::Counter { .. }) => return None,
    })
}
