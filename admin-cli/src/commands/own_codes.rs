//! `twinlock backup-codes` for the acting user: needs a code of the app and a second one; the codes are shown once and
//! confirmed.

use std::io::IsTerminal;

use serde_json::json;
use twinlock_core::{
    account::{Account, Folder},
    attempt::Trial,
    dialogue::{
        parting::Parting,
        self_service::{self, Served},
        talk::{Judge, Stop, Talk},
    },
    event::Reason,
    fault::StoreFault,
    ports::{Ports, Records, Snapshot},
    record::Record,
};

use crate::{
    actor,
    desk::Desk,
    exit::{Exit, Failure},
    keyboard::Keyboard,
    own_code::{self, Question, Ways},
    reasons,
    successor::failed,
    terminal::Terminal,
    wording::plain,
};

/// Renews the acting user's own backup codes.
pub fn renew(desk: &Desk, oneself: (Account, Snapshot)) -> Result<(), Failure> {
    let name = oneself.0.name.clone();
    let mut serve = |talk: &Talk<'_>, record: &Record, judge: Judge<'_>| {
        self_service::codes(talk, record, judge)
    };
    talk_about_oneself(desk, oneself, (Ways::App, &mut serve))?;
    actor::log(desk, "codes_renewed", &[("user", &name), ("shown", "owner")]);
    let said = format!("The old backup codes of {} are dead.", plain(&name));
    desk.say(&said, json!({ "user": name }));
    Ok(())
}

/// A login dialogue, at the terminal.
pub type Serve<'a> = &'a mut dyn FnMut(&Talk<'_>, &Record, Judge<'_>) -> Result<Served, Stop>;

/// Asks the acting user for a code and continues with a login dialogue; returns what was changed.
pub fn talk_about_oneself(
    desk: &Desk,
    (account, found): (Account, Snapshot),
    (ways, serve): (Ways, Serve<'_>),
) -> Result<Served, Failure> {
    if !std::io::stdin().is_terminal() || desk.json {
        return Err(Failure::new(
            Exit::Usage,
            "changes about oneself are shown on a terminal, and confirmed there",
            "Run it at a terminal, without --json.",
        ));
    }
    let mut keyboard = Keyboard::open()?;
    let mut served = Served::Nothing;
    let mut then = |trial: &mut Trial<'_>, keyboard: &mut Keyboard| {
        served = shown_and_confirmed(desk, &account, (trial, keyboard), serve)?;
        Ok(())
    };
    let question = Question { codes: 1, ways, then: &mut then };
    own_code::ask(desk, &mut keyboard, (&account, found), question)?;
    Ok(served)
}

fn shown_and_confirmed(
    desk: &Desk,
    account: &Account,
    (trial, keyboard): (&mut Trial<'_>, &mut Keyboard),
    serve: Serve<'_>,
) -> Result<Served, Failure> {
    let folder = Folder::of(&account.name).map_err(|_| StoreFault::NameTooLong)?;
    let terminal = Terminal::new(keyboard);
    let parting = Parting::default();
    let talk = Talk {
        policy: trial.policy,
        ports: Ports { conversation: &terminal, ..trial.ports },
        account,
        folder: &folder,
        shelf: trial.shelf,
        service: "twinlock",
        source: trial.source,
        fingerprint: None,
        parting: &parting,
    };
    let Some(found) = desk.own.machine.records.newest(account)? else {
        return Err(stopped(Stop::Declined(Reason::RecordChanging), &account.name));
    };
    let done = serve(&talk, &found.record, &mut |code| trial.attempt(code));
    parting.tell(&terminal);
    done.map_err(|stop| match stop {
        Stop::Broken(Reason::Unwritten(fault)) => {
            let newest = desk.own.machine.records.newest(account);
            let is_other = |now: Snapshot| now.record.generation != found.record.generation;
            failed(&account.name, fault, newest.map(|now| now.is_some_and(is_other)))
        }
        stop => stopped(stop, &account.name),
    })
}

fn stopped(stop: Stop, user: &str) -> Failure {
    let user = plain(user);
    let (exit, reason) = match stop {
        Stop::CutOff | Stop::Declined(Reason::Stopped) => {
            let what = "stopped; what was in force still is";
            return Failure::new(Exit::Interrupted, what, "Nothing was changed.");
        }
        Stop::Declined(reason @ (Reason::Throttled | Reason::Locked)) => (Exit::Throttled, reason),
        Stop::Declined(reason) => (Exit::Refused, reason),
        Stop::Broken(reason) => (Exit::StoreUnreachable, reason),
    };
    let explained = reasons::explain(reason.word(), &user);
    let what = format!("what was in force still is: {}", explained.meaning);
    Failure::new(exit, what, explained.remedy)
}
