//! `twinlock backup-codes USER`: revokes a user's backup codes and issues new ones, at the next login or on paper.

use std::cell::Cell;

use serde_json::json;
use twinlock_core::{
    account::{Account, Folder},
    backup_code,
    beside::Purpose,
    code_set::Shape,
    draw, enrolment,
    fault::{CommitFault, StoreFault},
    letter::LetterKind,
    ports::{Codes, Records, Snapshot},
};
use twinlock_host::entropy::KernelEntropy;
use zeroize::Zeroizing;

use crate::{
    acting::{Acting, Proven},
    commands::own_codes,
    confirm::confirm,
    desk::Desk,
    exit::{Exit, Failure},
    keyboard::Keyboard,
    one_time::{self, Left},
    picture::{self, Pictures},
    successor::{active, failed, put},
    ticket::{Drawn, Message, life_of},
    verbs::BackupCodes,
    wording::{WIDTH, count, plain, wrap},
};

/// Replaces a user's backup codes after confirmation.
pub fn run(desk: &Desk, wanted: &BackupCodes) -> Result<(), Failure> {
    desk.need_root("renew backup codes")?;
    wanted.save.as_deref().map(picture::must_be_free).transpose()?;
    let mut acting = Acting::of(desk)?;
    let account = desk.account(&wanted.user)?;
    let found = desk.machine.records.newest(&account)?;
    let Some(found) = active(found) else { return Err(not_set_up(&account.name)) };
    if !wanted.print
        && wanted.save.is_none()
        && let Some(oneself) = acting.oneself(&account.name)
    {
        return own_codes::renew(desk, oneself);
    }
    let mut keyboard = Keyboard::open()?;
    let said = announcement(desk, &account, &found, wanted);
    confirm(&mut keyboard, &wanted.deed, &account.name, (&said, "changed"))?;
    let by = acting.prove(desk, &mut keyboard)?;
    if wanted.print || wanted.save.is_some() {
        hand_over(desk, &account, wanted, &by)
    } else {
        owe(desk, (&account, found.record.beside.mail.as_deref()), &by)
    }
}

fn announcement(desk: &Desk, account: &Account, found: &Snapshot, wanted: &BackupCodes) -> String {
    let user = plain(&account.name);
    let dead = match one_time::left(&desk.machine.records, &found.record) {
        Ok(Some(Left { left: 0, .. }) | None) => format!("{user} has no backup codes left."),
        Ok(Some(Left { left, .. })) => {
            format!("{} of {user} will be dead at once.", count(left.into(), "backup code"))
        }
        Err(_) => format!("{user}'s backup codes, whose file is damaged, will be dead at once."),
    };
    let next = if wanted.print || wanted.save.is_some() {
        "You will see the new ones, so hand them over, and keep no copy.".into()
    } else {
        format!("{user} gets new ones by a ticket, or at the next login.")
    };
    format!("{dead} {next}")
}

/// Revokes the codes; the user's next login shows new ones, which nobody else sees.
fn owe(desk: &Desk, (account, mail): (&Account, Option<&str>), by: &Proven) -> Result<(), Failure> {
    let stamp = desk.stamp()?;
    let trace = by.trace(stamp.1);
    let life = life_of(desk, &account.name, mail);
    let drawn = Drawn::new(desk, Purpose::Codes, trace.clone(), life)?;
    let mut decide = |found: Option<Snapshot>| {
        let found = active(found).ok_or_else(|| not_set_up(&account.name))?;
        let mut record = enrolment::owing_codes(found.record, trace.clone(), stamp);
        drawn.give(&mut record.beside);
        Ok(record)
    };
    put(desk, account, &mut decide, &|record| record.generation == stamp.0)?;
    by.log(desk, "codes_ended", &[("user", &account.name)]);
    by.write_to(desk, &account.name, LetterKind::CodesRenewed, stamp.1);
    let user = plain(&account.name);
    let message = Message {
        done: &format!(
            "The backup codes of {user} are dead. New ones are shown at the next login."
        ),
        todo: &format!(
            "Where the app is not at hand, {user} types the ticket in its place, and gets the new codes."
        ),
        object: json!({ "user": account.name, "codes": null }),
    };
    drawn.deliver(desk, (account, mail), &message).map_err(|failure| {
        let what = format!("{}; the backup codes of {user} are dead", failure.what);
        Failure::new(failure.exit, what, "New ones are shown at the next login.")
    })
}

/// Generates the new codes here, to be printed.
fn hand_over(
    desk: &Desk,
    account: &Account,
    wanted: &BackupCodes,
    by: &Proven,
) -> Result<(), Failure> {
    let folder = Folder::of(&account.name).map_err(|_| StoreFault::NameTooLong)?;
    let codes = draw::codes(desk.policy.backup_codes.count, &KernelEntropy)?;
    let list = listed(&codes);
    let mut files = Pictures::default();
    if let Some(path) = &wanted.save {
        let added = files.add(path, list.as_bytes());
        added.map_err(|failure| failure.but("nothing was changed"))?;
    }
    let stamp = desk.stamp()?;
    let set = Cell::new(None);
    let mut decide = |found: Option<Snapshot>| {
        let found = active(found).ok_or_else(|| not_set_up(&account.name))?;
        // A new set for each attempt: a concurrent change may have removed the set of the last one.
        let laid = desk.machine.records.lay_down(&folder, Shape::Letters20, &codes);
        let laid = laid.map_err(|fault| match fault {
            CommitFault::Store(fault) => failed(&account.name, fault, Ok(false)),
            CommitFault::Overtaken => fault.into(),
        })?;
        set.set(Some(laid));
        Ok(enrolment::with_codes(found.record, laid, stamp))
    };
    put(desk, account, &mut decide, &|record| record.codes.is_some() && record.codes == set.get())?;
    files.keep();
    let to = if wanted.print { "screen" } else { "file" };
    by.log(desk, "codes_renewed", &[("user", &account.name), ("shown", to)]);
    by.write_to(desk, &account.name, LetterKind::CodesRenewed, stamp.1);
    show(desk, account, wanted, &list)
}

fn show(desk: &Desk, account: &Account, wanted: &BackupCodes, list: &str) -> Result<(), Failure> {
    let user = plain(&account.name);
    let codes: Vec<&str> = list.lines().filter(|_| wanted.print).collect();
    let text = if desk.json {
        Zeroizing::new(format!("{}\n", json!({ "user": account.name, "codes": codes })))
    } else {
        let place = match (&wanted.save, wanted.print) {
            (Some(path), false) => format!("stand in {}", plain(path)),
            _ => "are shown only now".into(),
        };
        let said = format!(
            "The old backup codes of {user} are dead. The new ones, each of which works once, {place}."
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
    desk.print(&text).map_err(|failure| {
        let what =
            format!("{}; the old backup codes of {user} are dead all the same", failure.what);
        Failure::new(failure.exit, what, format!("Do it again: twinlock backup-codes {user}"))
    })
}

/// Lists the codes in groups, one per line.
fn listed(codes: &[Zeroizing<String>]) -> Zeroizing<String> {
    let mut list = Zeroizing::new(String::with_capacity(codes.len() * 32));
    for code in codes {
        list.push_str(&backup_code::written(code));
        list.push('\n');
    }
    list
}

fn not_set_up(user: &str) -> Failure {
    let user = plain(user);
    Failure::new(
        Exit::NotInState,
        format!("{user} is not set up, so there are no backup codes to renew"),
        format!("To have {user} set up: twinlock invite {user}"),
    )
}
