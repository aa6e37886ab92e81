//! `twinlock export USER`: prints a user's record, backup codes and used steps, for another host.

use std::{cmp::Reverse, io::IsTerminal};

use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::StoreError,
        time::UnixTime,
    },
    ledger::{Used, names},
    notify::notification::NotificationKind,
    ports::{CodeSets, Ledger, LedgerKey, Records, Snapshot},
    record::{State, enrollment::ChangeStamp, extras::KeyDisclosure},
    verify::history,
};
use twinlock_host::store::exported_state;
use twinlock_migrate::{
    export as form,
    export::{CarriedCodes, Export, USED_MAX},
};

use zeroize::Zeroizing;

use crate::{
    authorize::authorizer::{Authorized, Authorizer},
    cli,
    context::Context,
    enrollment::record_update::put,
    error::exit::{CliError, Exit},
    terminal::keyboard::Keyboard,
    text::{Notation, harmless, plain},
};

/// Maximum number of attempts to read all data without a change of the record in between.
const ROUNDS: usize = 4;

/// Exports a user. Asks the acting user for a code, if one is required, marks the keys as disclosed, and then prints
/// them.
pub(crate) fn run(context: &Context, wanted: &cli::ExportArgs) -> Result<(), CliError> {
    let user = &wanted.user;
    if !wanted.yes && std::io::stdout().is_terminal() {
        return Err(CliError::new(
            Exit::Usage,
            "an export holds keys, and standard output is a terminal",
            format!(
                "Send it to the other host: twinlock export {user} | ssh HOST twinlock import record {user}",
                user = plain(user)
            ),
        ));
    }
    context.need_root("read keys")?;
    let authorizer = Authorizer::of(context)?;
    let account = context.account(user)?;
    read(context, &account)?;
    let by = authorizer.prove(context, &mut Keyboard::open()?)?;
    mark(context, &account, &by)?;
    let export =
        read(context, &account).map_err(|failure| failure.but("the keys count as disclosed"))?;
    // Escapes control characters as JSON does. TOML accepts these escapes, so another host reads the same text.
    let text = form::write(&export);
    let text = harmless(&text, Notation::Json);
    let printed = if context.json {
        let object = serde_json::json!({ "user": account.name, "export": text });
        let object = Zeroizing::new(format!("{object}\n"));
        context.print_exactly(&object)
    } else {
        context.print_exactly(&text)
    };
    printed.map_err(|failure| failure.but("the keys count as disclosed"))
}

/// Marks all keys as seen by the acting user, durably, before the first of them is printed. Does not change the record
/// if all keys are marked already, or if the acting user is the user of `account`.
fn mark(context: &Context, account: &Account, by: &Authorized) -> Result<(), CliError> {
    let ChangeStamp { generation, at: now } = context.stamp()?;
    let own = by.is(&account.name);
    let found = context.machine.records.newest(account)?;
    let is_due =
        |found: &Snapshot| !own && found.record.authenticators.iter().any(|one| one.seen.is_none());
    if found.as_ref().is_some_and(is_due) {
        let mut decide = |found: Option<Snapshot>| {
            let mut record = found.ok_or_else(|| not_enrolled(&account.name))?.record;
            for one in record.authenticators.iter_mut().filter(|one| one.seen.is_none()) {
                one.seen = Some(KeyDisclosure { audit: by.audit(now), postponed: 0 });
            }
            record.generation = generation;
            Ok(record)
        };
        put(context, account, &mut decide, &|record| record.generation == generation)?;
    }
    by.log(context, "exported", &[("user", &account.name)]);
    by.write_to(context, &account.name, NotificationKind::KeyExported, now);
    Ok(())
}

fn not_enrolled(user: &str) -> CliError {
    let user = plain(user);
    CliError::new(
        Exit::NotInState,
        format!("{user} is not enrolled"),
        format!("To enroll: twinlock enroll {user}"),
    )
}

fn read(context: &Context, account: &Account) -> Result<Export, CliError> {
    let folder = Folder::of(&account.name).map_err(|_| StoreError::NameTooLong)?;
    for _ in 0..ROUNDS {
        let found = context.machine.records.newest(account)?;
        let begun = |found: &Snapshot| {
            found.record.state == State::Pending && found.record.extras.reset.is_none()
        };
        let Some(found) = found.filter(|found| !begun(found)) else {
            return Err(not_enrolled(&account.name));
        };
        let codes = codes(context, &folder, &found);
        let used = used(context, account)?;
        if context.machine.records.is_newest(&folder, &found)? {
            let (at, record) = (context.now()?.unix, form::carried(found.record));
            return Ok(Export { at, record, codes: codes?, used });
        }
    }
    Err(CliError::new(
        Exit::NotInState,
        format!("the record of {} keeps changing", plain(&account.name)),
        "Run it again when no other command changes the record.",
    ))
}

fn codes(
    context: &Context,
    folder: &Folder,
    found: &Snapshot,
) -> Result<Option<CarriedCodes>, StoreError> {
    let Some(id) = found.record.codes else { return Ok(None) };
    let records = &context.machine.records;
    let (set, since) = (records.set(folder, id)?, exported_state::made_at(records, folder, id)?);
    let mut spent = exported_state::spent_at(records, folder, id)?;
    spent.retain(|(place, _)| usize::from(*place) < set.hashes.len());
    Ok(Some(CarriedCodes { since, set, spent }))
}

/// Returns the used steps of the user's present and former keys, each with the time at which it was used.
fn used(context: &Context, account: &Account) -> Result<Vec<(Used, UnixTime)>, CliError> {
    let user_ledger = context.machine.ledger.open(&LedgerKey::of(Some(account), &account.name))?;
    let used = history::read(user_ledger.as_ref(), None)?.used;
    let with_instant = |used: Used| {
        let at = history::instant_of(user_ledger.as_ref(), &names::used_name(&used))?;
        Ok(at.map(|at| (used, at)))
    };
    let used: Result<Vec<_>, CliError> =
        used.into_iter().filter_map(|used| with_instant(used).transpose()).collect();
    Ok(newest(used?))
}

/// Returns the [`USED_MAX`] newest uses, in the order of key and step. Older uses need not be exported. At most a few
/// hundred codes of a user are valid at one time, so the codes of the older uses have expired on every host.
fn newest(mut used: Vec<(Used, UnixTime)>) -> Vec<(Used, UnixTime)> {
    used.sort_by_key(|(_, at)| Reverse(*at));
    used.truncate(USED_MAX);
    used.sort_by_key(|(used, _)| (used.mark.0, used.step));
    used
}

#[cfg(test)]
mod tests {
    use twinlock_core::{base::time::Step, ledger::KeyId};

    use super::*;

    fn uses(key: u8, steps: std::ops::Range<u64>, period: u64) -> Vec<(Used, UnixTime)> {
        let mark = KeyId([key; 16]);
        steps.map(|step| (Used { mark, step: Step(step) }, UnixTime(step * period))).collect()
    }

    #[test]
    fn the_newest_uses_are_exported_whatever_key_they_belong_to() {
        let many = u64::try_from(USED_MAX).expect("a small number");
        // The key that sorts first was used last, and has steps of twice the length.
        let last = uses(1, many..many + 10, 60);
        let earlier = uses(2, many..2 * many, 30);
        let kept = newest([last.clone(), earlier.clone()].concat());
        assert_eq!(kept.len(), USED_MAX);
        assert_eq!(kept[..10], last);
        assert_eq!(kept[10..], earlier[10..]);
    }

    #[test]
    fn few_uses_are_all_exported_in_the_order_of_key_and_step() {
        let (one, two) = (uses(1, 5..8, 30), uses(2, 1..3, 30));
        assert_eq!(newest([two.clone(), one.clone()].concat()), [one, two].concat());
    }
}
