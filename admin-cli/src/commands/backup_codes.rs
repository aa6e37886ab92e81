//! `twinlock backup-codes USER`: revokes a user's backup codes and issues new ones, which the next login shows or which
//! are handed over on paper.

use std::cell::Cell;

use serde_json::json;
use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::{CommitError, StoreError},
    },
    notify::notification::NotificationKind,
    ports::{CodeSets, Records, Snapshot},
    record::{code_set::Shape, enrollment, extras::Purpose},
    verify::{code_match, generate},
};
use twinlock_host::entropy::KernelEntropy;
use zeroize::Zeroizing;

use crate::{
    authorize::authorizer::{Authorized, Authorizer},
    cli::BackupCodesArgs,
    context::Context,
    enrollment::{
        one_time::{self, CodesLeft},
        own_codes,
        record_update::{active, failed, put},
        ticket::{GeneratedTicket, TicketMessage, life_of},
    },
    error::exit::{CliError, Exit},
    terminal::{
        confirm::confirm,
        keyboard::Keyboard,
        qr_image::{self, Pictures},
    },
    text::{WIDTH, count, plain, wrap},
};

/// Asks for confirmation, then replaces a user's backup codes.
pub(crate) fn run(context: &Context, wanted: &BackupCodesArgs) -> Result<(), CliError> {
    context.need_root("replace backup codes")?;
    wanted.save.as_deref().map(qr_image::must_be_free).transpose()?;
    let mut authorizer = Authorizer::of(context)?;
    let account = context.account(&wanted.user)?;
    let found = context.machine.records.newest(&account)?;
    let Some(found) = active(found) else { return Err(not_set_up(&account.name)) };
    if !wanted.print
        && wanted.save.is_none()
        && let Some((account, found)) = authorizer.own_record(&account.name)
    {
        return own_codes::renew(context, account, found);
    }
    let mut keyboard = Keyboard::open()?;
    let said = announcement(context, &account, &found, wanted);
    confirm(&mut keyboard, &wanted.privileged, &account.name, &said, "changed")?;
    let by = authorizer.prove(context, &mut keyboard)?;
    if wanted.print || wanted.save.is_some() {
        hand_over(context, &account, wanted, &by)
    } else {
        owe(context, &account, found.record.extras.mail.as_deref(), &by)
    }
}

fn announcement(
    context: &Context,
    account: &Account,
    found: &Snapshot,
    wanted: &BackupCodesArgs,
) -> String {
    let user = plain(&account.name);
    let dead = match one_time::left(&context.machine.records, &found.record) {
        Ok(Some(CodesLeft { left: 0, .. }) | None) => format!("{user} has no backup codes left."),
        Ok(Some(CodesLeft { left, .. })) => {
            format!("{} of {user} will stop working at once.", count(left.into(), "backup code"))
        }
        Err(_) => {
            format!("The backup codes of {user} (their file is damaged) will stop working at once.")
        }
    };
    let next = if wanted.print || wanted.save.is_some() {
        "You will see the new ones: hand them over, and keep no copy.".into()
    } else {
        format!("{user} gets new ones with a ticket, or at the next login.")
    };
    format!("{dead} {next}")
}

/// Revokes the backup codes and issues a ticket for new ones, which only the user sees, at the next login. `mail` is
/// the user's mail address in the record.
fn owe(
    context: &Context,
    account: &Account,
    mail: Option<&str>,
    by: &Authorized,
) -> Result<(), CliError> {
    let stamp = context.stamp()?;
    let audit = by.audit(stamp.at);
    let life = life_of(context, &account.name, mail);
    let drawn = GeneratedTicket::new(context, Purpose::Codes, audit.clone(), life)?;
    let mut decide = |found: Option<Snapshot>| {
        let found = active(found).ok_or_else(|| not_set_up(&account.name))?;
        let mut record = enrollment::owing_codes(found.record, audit.clone(), stamp);
        drawn.give(&mut record.extras);
        Ok(record)
    };
    put(context, account, &mut decide, &|record| record.generation == stamp.generation)?;
    by.log(context, "codes_ended", &[("user", &account.name)]);
    by.write_to(context, &account.name, NotificationKind::CodesRenewed, stamp.at);
    let user = plain(&account.name);
    let message = TicketMessage {
        done: &format!(
            "The backup codes of {user} no longer work. New ones are shown at the next login."
        ),
        todo: &format!(
            "If the app is not at hand, {user} types the ticket in place of a code, and gets the new backup codes."
        ),
        object: json!({ "user": account.name, "codes": null }),
    };
    drawn.deliver(context, account, mail, &message).map_err(|failure| {
        let what = format!("{}; the backup codes of {user} no longer work", failure.what);
        CliError::new(failure.exit, what, "New ones are shown at the next login.")
    })
}

/// Replaces the backup codes and prints or saves the new ones, to be handed over to the user.
fn hand_over(
    context: &Context,
    account: &Account,
    wanted: &BackupCodesArgs,
    by: &Authorized,
) -> Result<(), CliError> {
    let folder = Folder::of(&account.name).map_err(|_| StoreError::NameTooLong)?;
    let codes = generate::codes(context.policy.backup_codes.count, &KernelEntropy)?;
    let list = listed(&codes);
    let mut files = Pictures::default();
    if let Some(path) = &wanted.save {
        let added = files.add(path, list.as_bytes());
        added.map_err(|failure| failure.but("nothing was changed"))?;
    }
    let stamp = context.stamp()?;
    let set = Cell::new(None);
    let mut decide = |found: Option<Snapshot>| {
        let found = active(found).ok_or_else(|| not_set_up(&account.name))?;
        // Each call stores a new set, because a concurrent change may have removed the set of the previous call.
        let laid = context.machine.records.lay_down(&folder, Shape::Letters20, &codes);
        let laid = laid.map_err(|fault| match fault {
            CommitError::Store(fault) => failed(&account.name, fault, Ok(false)),
            CommitError::Overtaken => fault.into(),
        })?;
        set.set(Some(laid));
        Ok(enrollment::with_codes(found.record, laid, stamp))
    };
    put(context, account, &mut decide, &|record| {
        record.codes.is_some() && record.codes == set.get()
    })?;
    files.keep();
    let to = if wanted.print { "screen" } else { "file" };
    by.log(context, "codes_renewed", &[("user", &account.name), ("shown", to)]);
    by.write_to(context, &account.name, NotificationKind::CodesRenewed, stamp.at);
    show(context, account, wanted, &list)
}

fn show(
    context: &Context,
    account: &Account,
    wanted: &BackupCodesArgs,
    list: &str,
) -> Result<(), CliError> {
    let user = plain(&account.name);
    let codes: Vec<&str> = list.lines().filter(|_| wanted.print).collect();
    let text = if context.json {
        Zeroizing::new(format!("{}\n", json!({ "user": account.name, "codes": codes })))
    } else {
        let place = match (&wanted.save, wanted.print) {
            (Some(path), false) => format!("are in {}", plain(path)),
            _ => "are shown only now".into(),
        };
        let said = format!(
            "The old backup codes of {user} no longer work. The new ones, each of which works once, {place}."
        );
        let mut text = Zeroizing::new(format!("{}\n", wrap(&said, WIDTH, 0)));
        if wanted.print {
            text.push('\n');
            for code in codes {
                text.push_str("    ");
                text.push_str(code);
                text.push('\n');
            }
        }
        text
    };
    context.print(&text).map_err(|failure| {
        let what = format!("{}; the old backup codes of {user} no longer work", failure.what);
        CliError::new(failure.exit, what, format!("Run it again: twinlock backup-codes {user}"))
    })
}

/// Returns the codes as text, one on each line, in groups of characters.
fn listed(codes: &[Zeroizing<String>]) -> Zeroizing<String> {
    let mut list = Zeroizing::new(String::with_capacity(codes.len() * 32));
    for code in codes {
        list.push_str(&code_match::written(code));
        list.push('\n');
    }
    list
}

fn not_set_up(user: &str) -> CliError {
    let user = plain(user);
    CliError::new(
        Exit::NotInState,
        format!("{user} is not enrolled, so there are no backup codes to replace"),
        format!("To invite {user}: twinlock invite {user}"),
    )
}
