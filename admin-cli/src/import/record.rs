//! `twinlock import record USER`: imports a user's record from another host. Codes that were used on either host then
//! count as used.

use serde_json::Value;
use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::{CommitError, StoreError},
        time::UnixTime,
    },
    ledger::{Used, names},
    notify::notification::NotificationKind,
    ports::{CodeSets, Creation, Ledger, LedgerKey, Snapshot},
    record::{MovingFactor, Record, SetId, State, enrollment::ChangeStamp},
};
use twinlock_host::{create_store, store::exported_state};
use twinlock_migrate::{
    export as form,
    export::{CarriedCodes, EXPORT_MAX, Export, ExportError},
    merge::{self, Arrival, Carried, MergeError, Wanted},
    merge_bounds::{self, Claims, ImplausibleError},
};
use zeroize::Zeroizing;

use crate::{
    authorize::authorizer::{Authorized, Authorizer},
    context::Context,
    enrollment::record_update::place,
    error::exit::{CliError, Exit},
    import::import_text,
    terminal::piped::{Piped, PipedError},
    text::{instant, plain},
};

/// Maximum number of attempts, if other processes keep changing the record.
const ROUNDS: usize = 8;

/// What the import of a record has changed.
enum RecordImport {
    /// The import has changed nothing, because the local record already contains everything that the export contains.
    Nothing,
    /// The import has moved the counters of tokens forward.
    MovedOn,
    /// The record was replaced by the imported one, in which the user has this state.
    Imported(State),
    /// The record was replaced by the imported one, but without backup codes. The next login shows new ones.
    WithoutCodes,
}

/// Reads an export from standard input and imports it for `user`. `wanted` tells whether a newer local record may be
/// overwritten.
pub(crate) fn run(context: &Context, user: Option<&str>, wanted: Wanted) -> Result<(), CliError> {
    context.need_root("enroll users")?;
    let account = context.account(user.ok_or_else(no_user)?)?;
    let authorizer = Authorizer::of(context)?;
    let piped = standard_input(&account.name)?;
    let text = &text_of(&piped.data);
    let export = form::read(text).map_err(|fault| {
        import_text::of_other_verb(text, &account.name).unwrap_or_else(|| no_export(fault))
    })?;
    if account.name != export.record.user {
        return Err(of_another(&export.record.user, &account.name));
    }
    create_store::prepare_store(&context.machine)
        .map_err(|fault| CliError::from(fault).unchanged())?;
    let by = authorizer.prove(context, &mut piped.keyboard()?)?;
    by.is_still_first(context)?;
    let was = mail_of(context, &account)?;
    // A mail address in the local record is kept.
    let mail = was.clone().or_else(|| export.record.extras.mail.clone());
    for _ in 0..ROUNDS {
        let export = form::read(text).map_err(no_export)?;
        if let Ok(done) = once(context, &account, export, wanted)? {
            if matches!(done, RecordImport::Imported(_) | RecordImport::WithoutCodes) {
                by.write_to(
                    context,
                    &account.name,
                    NotificationKind::RecordImported,
                    context.now()?.unix,
                );
                by.write_to_old(context, &account.name, was.as_deref(), mail.as_deref());
            }
            return report(context, &by, &account, &done);
        }
    }
    Err(CommitError::Overtaken.into())
}

fn of_another(exported: &str, user: &str) -> CliError {
    CliError::new(
        Exit::Refused,
        format!(
            "the export is for {}, not for {}; nothing was changed",
            plain(exported),
            plain(user)
        ),
        "Export the right user. The account must have the same name on both hosts.",
    )
}

/// Returns the mail address in the local record; `None` if there is no record or no address.
fn mail_of(context: &Context, account: &Account) -> Result<Option<String>, CliError> {
    Ok(before(context, account)?.and_then(|here| here.record.extras.mail))
}

fn before(context: &Context, account: &Account) -> Result<Option<Snapshot>, CliError> {
    let here = context.machine.records.before_enrollment(account);
    here.map_err(|fault| CliError::from(fault).unchanged())
}

/// Error: another process has changed the record during the import.
struct Overtaken;

/// Tries once to import the record. The inner result is [`Overtaken`] if another process has changed the record
/// meanwhile.
fn once(
    context: &Context,
    account: &Account,
    export: Export,
    wanted: Wanted,
) -> Result<Result<RecordImport, Overtaken>, CliError> {
    let folder = Folder::of(&account.name).map_err(|_| StoreError::NameTooLong)?;
    let here = before(context, account)?;
    let ChangeStamp { generation: fresh, at: now } = context.stamp()?;
    let local = here.as_ref().map(|here| &here.record);
    believe(&export, local, now)?;
    let Export { record, codes, mut used, .. } = export;
    merge_bounds::keep_known(&mut used, &record, local);
    let set = record.codes;
    let spends = local.is_some_and(|here| here.codes == set);
    let codes_since = codes.as_ref().map(|codes| codes.since);
    let came = Record { uid: account.uid, ..record };
    let arrival = Arrival { codes_since, now, fresh, wanted };
    let after = here.as_ref().map_or(0, |here| here.sequence);
    let carried = merge::onto(here.as_ref(), came, arrival);
    let carried = carried.map_err(|fault| conflict(fault, &account.name))?;
    // The import is decided, and is written from here on. Used steps come first, so that no code used on the other host
    // is accepted here.
    burn(context, account, &used).map_err(CliError::unchanged)?;
    if spends && let Some((id, codes)) = set.zip(codes.as_ref()) {
        spend(context, &folder, id, codes).map_err(CliError::unchanged)?;
    }
    let (record, done) = match carried {
        Carried::Nothing => return Ok(Ok(RecordImport::Nothing)),
        Carried::MovedOn(moving) => match here {
            Some(here) => (moved_on(here, &moving), RecordImport::MovedOn),
            None => return Ok(Ok(RecordImport::Nothing)),
        },
        Carried::Replaces(record) if record.codes != set => (*record, RecordImport::WithoutCodes),
        Carried::Replaces(record) => {
            if let (Some(id), Some(codes)) = (set, &codes) {
                bring(context, &folder, id, codes)?;
                spend(context, &folder, id, codes).map_err(CliError::unchanged)?;
            }
            let state = record.state;
            (*record, RecordImport::Imported(state))
        }
    };
    match place(context, account, after, &record) {
        Ok(()) => Ok(Ok(done)),
        Err(failure) if failure == CommitError::Overtaken.into() => Ok(Err(Overtaken)),
        Err(failure) => Err(failure),
    }
}

/// Stores the backup codes `codes` of an export as the code set `id` of the user. Call this before a record that names
/// the set is written.
fn bring(
    context: &Context,
    folder: &Folder,
    id: SetId,
    codes: &CarriedCodes,
) -> Result<(), CliError> {
    let brought =
        exported_state::bring(&context.machine.records, folder, id, &codes.set, codes.since);
    brought.map_err(|fault| match fault {
        CommitError::Overtaken => fault.into(),
        CommitError::Store(fault) => CliError::from(fault).unchanged(),
    })
}

fn moved_on(here: Snapshot, moving: &[MovingFactor]) -> Record {
    let mut record = here.record;
    for (one, moving) in record.authenticators.iter_mut().zip(moving) {
        one.moving = *moving;
    }
    record
}

/// Checks that the times, steps and counters of an export are plausible. `here` is the local record.
///
/// # Errors
/// [`CliError`] if one of them is not plausible.
fn believe(export: &Export, here: Option<&Record>, now: UnixTime) -> Result<(), CliError> {
    let claims = Claims {
        record: &export.record,
        written: export.at,
        codes_since: export.codes.as_ref().map(|codes| codes.since),
        spent: export.codes.as_ref().map_or(&[], |codes| &codes.spent),
        used: &export.used,
    };
    merge_bounds::check(&claims, here, now).map_err(implausible)
}

fn implausible(fault: ImplausibleError) -> CliError {
    let (what, remedy) = match fault {
        ImplausibleError::Time { at } | ImplausibleError::Step { at } => (
            format!("{fault} ({})", instant(at)),
            "Set the clocks of both hosts by the network, and export again.",
        ),
        ImplausibleError::Counter { .. } => (
            fault.to_string(),
            "Check the token and the other host. To start again here: twinlock remove USER, then twinlock enroll USER.",
        ),
    };
    CliError::new(Exit::Refused, what, remedy).but("nothing was changed")
}

fn burn(context: &Context, account: &Account, used: &[(Used, UnixTime)]) -> Result<(), CliError> {
    let user_ledger = context.machine.ledger.open(&LedgerKey::of(Some(account), &account.name))?;
    for (used, at) in used {
        match user_ledger.create(&names::used_name(used), &names::instant(*at))? {
            Creation::Made | Creation::Taken => {}
        }
    }
    Ok(())
}

/// Marks on this host the backup codes of the set `id` that were used on the other host, according to the export.
fn spend(
    context: &Context,
    folder: &Folder,
    id: SetId,
    codes: &CarriedCodes,
) -> Result<(), CliError> {
    for (place, at) in &codes.spent {
        match context.machine.records.spend(folder, id, *place, *at)? {
            Creation::Made | Creation::Taken => {}
        }
    }
    Ok(())
}

/// Returns the text of an export. If the input is JSON, as `export --json` prints it, takes the text out of the object.
fn text_of(data: &Zeroizing<String>) -> Zeroizing<String> {
    let object = data.starts_with('{').then(|| serde_json::from_str::<Value>(data));
    match object {
        Some(Ok(Value::Object(mut object))) => match object.remove("export") {
            Some(Value::String(export)) => Zeroizing::new(export),
            Some(_) | None => data.clone(),
        },
        Some(_) | None => data.clone(),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other case is treated the same")]
fn standard_input(user: &str) -> Result<Piped, CliError> {
    let most = u64::try_from(EXPORT_MAX).unwrap_or(u64::MAX);
    Piped::read(most + 1).map_err(|error| match error {
        PipedError::TooLong | PipedError::Io => no_export(ExportError::Head),
        error => import_text::unreadable(error, user),
    })
}

fn report(
    context: &Context,
    by: &Authorized,
    account: &Account,
    done: &RecordImport,
) -> Result<(), CliError> {
    let user = plain(&account.name);
    let (state, said) = match done {
        RecordImport::Nothing => ("already", "is the same here already; nothing was changed"),
        RecordImport::MovedOn => {
            ("moved_on", "is the same here already; the counter stays where it is")
        }
        RecordImport::Imported(State::Active) => {
            ("imported", "is now enrolled as on the other host")
        }
        RecordImport::Imported(State::Pending) => {
            ("imported", "is now reset as on the other host: old codes no longer work")
        }
        RecordImport::Imported(State::Removed) => {
            ("imported", "is now removed as on the other host")
        }
        RecordImport::WithoutCodes => (
            "imported",
            "is now enrolled as on the other host; backup codes that may have been used here were \
             not imported, and the next login shows new ones",
        ),
    };
    if state != "already" {
        by.log(context, "record_imported", &[("user", &account.name)]);
    }
    let codes_owed = matches!(done, RecordImport::WithoutCodes);
    let object = serde_json::json!({
        "user": account.name, "state": state, "codes_owed": codes_owed,
    });
    context.say(&format!("{user} {said}."), object);
    Ok(())
}

fn conflict(conflict: MergeError, user: &str) -> CliError {
    let user = plain(user);
    let (exit, remedy) = match conflict {
        MergeError::ChangedLater { .. } | MergeError::SameInstant => (
            Exit::NotInState,
            format!(
                "Compare twinlock status on both hosts. To overwrite the record here: twinlock import record {user} --older"
            ),
        ),
        MergeError::EndsHere { state: State::Removed } => {
            (Exit::NotInState, format!("To do it here too: twinlock remove {user}"))
        }
        MergeError::EndsHere { .. } => {
            (Exit::NotInState, format!("To do it here too: twinlock reset {user}"))
        }
        MergeError::Edited => (
            Exit::Refused,
            "Remove the user here and import again with --older, or export from here.".into(),
        ),
        MergeError::Ahead { .. } => {
            (Exit::Refused, "Set the clocks of both hosts by the network.".into())
        }
        MergeError::NotSetUp => {
            (Exit::Refused, "Export again when set-up is finished on the other host.".into())
        }
    };
    let what = match conflict {
        MergeError::ChangedLater { here, there } => {
            format!("{conflict} (here {}, there {})", instant(here), instant(there))
        }
        MergeError::Ahead { there } => format!("{conflict} ({})", instant(there)),
        MergeError::SameInstant
        | MergeError::Edited
        | MergeError::NotSetUp
        | MergeError::EndsHere { .. } => conflict.to_string(),
    };
    CliError::new(exit, what, remedy)
}

fn no_export(fault: ExportError) -> CliError {
    let exit = match fault {
        ExportError::Head | ExportError::Malformed => Exit::Usage,
        ExportError::Newer { .. }
        | ExportError::Record(_)
        | ExportError::Codes(_)
        | ExportError::Set => Exit::Refused,
    };
    CliError::new(
        exit,
        fault.to_string(),
        "Export it again: twinlock export USER | ssh HOST twinlock import record USER",
    )
}

/// Returns the error for a command line without USER. Earlier versions took the user from the export, so that the other
/// host chose whose record was written.
fn no_user() -> CliError {
    CliError::new(
        Exit::Usage,
        "import record needs the name of the user",
        "Name the user on both sides: twinlock export ada | ssh HOST twinlock import record ada",
    )
}
