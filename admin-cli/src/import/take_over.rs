//! Imports one user by a plan: writes the used steps, then the backup codes, then the record. The import takes effect
//! with the record.

use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::StoreError,
        time::UnixTime,
    },
    ledger::names,
    ports::{CodeSets, Creation, Ledger, LedgerKey, Records},
    record::{Authenticator, MovingFactor, Snapshot, code_set::Shape, enrollment},
};
use twinlock_host::create_store;
use twinlock_migrate::plan::ImportPlan;

use crate::{
    authorize::authorizer::Authorized, context::Context, enrollment::record_update::place,
    error::exit::CliError, import::uri::already,
};

/// Time that is stored for a code used on another host. It is 0, since `twinlock status` reports only logins to this
/// host.
const NOT_HERE: UnixTime = UnixTime(0);

/// Outcome of an import without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImportOutcome {
    /// The user was enrolled, or in a preview is going to be enrolled.
    Imported,
    /// The user is enrolled with these keys already.
    Already,
    /// The user is enrolled with these keys already, and the counter of a token was moved forward.
    MovedOn,
    /// The user is enrolled with another key, which stays.
    OtherKey,
}

/// Imports a user by a plan. If `by` is `None`, changes nothing and returns what the import would do.
///
/// If the process is killed, the user has either the old or the new record. What is written before the record does no
/// harm without the new record: used steps only refuse codes, and no record refers to the backup codes.
pub(crate) fn take_over(
    context: &Context,
    by: Option<&Authorized>,
    account: &Account,
    takeover: ImportPlan,
) -> Result<ImportOutcome, CliError> {
    let folder = Folder::of(&account.name).map_err(|_| StoreError::NameTooLong)?;
    if by.is_some() {
        create_store::prepare_store(&context.machine)
            .map_err(|fault| CliError::from(fault).unchanged())?;
    }
    let before = context.machine.records.before_enrollment(account);
    let before = before.map_err(|fault| CliError::from(fault).unchanged())?;
    match before {
        Some(found) if enrollment::is_enrolled(&found) => {
            if by.is_some() {
                context.machine.records.finish_first(account);
            }
            if !has_all(&found, &takeover.authenticators) {
                return Ok(ImportOutcome::OtherKey);
            }
            // Codes that were used at the source count as used here too. Apart from these and from counters, importing
            // a file again changes nothing.
            if by.is_some() {
                burn(context, &folder, &takeover).map_err(CliError::unchanged)?;
            }
            move_on(context, by, account, found, &takeover)
        }
        before => {
            if let Some(by) = by {
                by.is_still_first(context)?;
                burn(context, &folder, &takeover).map_err(CliError::unchanged)?;
                enroll(context, by, account, before.as_ref(), takeover)?;
            }
            Ok(ImportOutcome::Imported)
        }
    }
}

/// Moves the token counters in the record `found` forward to those of the plan. A counter is never moved back. If `by`
/// is `None`, only returns what would be done.
fn move_on(
    context: &Context,
    by: Option<&Authorized>,
    account: &Account,
    mut found: Snapshot,
    takeover: &ImportPlan,
) -> Result<ImportOutcome, CliError> {
    let mut outcome = ImportOutcome::Already;
    for here in &mut found.record.authenticators {
        let there = takeover.authenticators.iter().find(|there| there.key == here.key);
        let there = there.map(|there| there.moving);
        if let (MovingFactor::Counter { next }, Some(MovingFactor::Counter { next: further })) =
            (here.moving, there)
            && further > next
        {
            here.moving = MovingFactor::Counter { next: further };
            outcome = ImportOutcome::MovedOn;
        }
    }
    if outcome == ImportOutcome::MovedOn && by.is_some() {
        found.record.generation = context.stamp()?.generation;
        place(context, account, found.sequence, &found.record)?;
    }
    Ok(outcome)
}

fn has_all(found: &Snapshot, keys: &[Authenticator]) -> bool {
    let here = &found.record.authenticators;
    // The same key with other digits, period or hash generates other codes.
    let same = |one: &Authenticator, wanted: &Authenticator| {
        one.key == wanted.key && one.parameters == wanted.parameters
    };
    keys.iter().all(|wanted| here.iter().any(|one| same(one, wanted)))
}

/// Records the used steps of the plan in the ledger, as a login does for an accepted code.
fn burn(context: &Context, folder: &Folder, takeover: &ImportPlan) -> Result<(), CliError> {
    let user_ledger = context.machine.ledger.open(&LedgerKey::Account(folder.clone()))?;
    let now = context.now()?;
    for used in &takeover.used {
        match user_ledger.create(&names::used_name(used), &names::instant(NOT_HERE))? {
            Creation::Made | Creation::Taken => {}
        }
    }
    context.machine.records.mark_clock(now);
    Ok(())
}

fn enroll(
    context: &Context,
    by: &Authorized,
    account: &Account,
    before: Option<&Snapshot>,
    takeover: ImportPlan,
) -> Result<(), CliError> {
    let mut authenticators = takeover.authenticators.into_iter();
    let Some(first) = authenticators.next() else { return Ok(()) };
    let records = &context.machine.records;
    let mut successor = enrollment::enroll(account, before, first, context.stamp()?)
        .map_err(|_| already(&account.name))?;
    successor.record.authenticators.extend(authenticators);
    let mail = successor.record.extras.mail.take();
    successor.record.extras.mail = takeover.mail.or_else(|| mail.clone());
    if let Some(by) = takeover.promised_by {
        enrollment::promise_first_codes(&mut successor.record, by);
    }
    if !takeover.scratch.is_empty() {
        let folder = Folder::of(&account.name).map_err(|_| StoreError::NameTooLong)?;
        let laid = records.lay_down(&folder, Shape::Digits8, &takeover.scratch);
        successor.record.codes = Some(laid.map_err(|fault| CliError::from(fault).unchanged())?);
    }
    place(context, account, successor.after, &successor.record)?;
    by.has_enrolled(&account.name);
    for one in &successor.record.authenticators {
        by.log(context, "enrolled", &[("user", &account.name), ("authenticator", &one.name)]);
    }
    by.write_set_up(
        context,
        &account.name,
        successor.record.extras.mail.as_deref(),
        successor.record.since,
    );
    by.write_to_old(
        context,
        &account.name,
        mail.as_deref(),
        successor.record.extras.mail.as_deref(),
    );
    Ok(())
}
