//! `twinlock backup-codes` about oneself: behind a code of the app and a second one, shown once and confirmed.

use std::io::IsTerminal;

use serde_json::json;
use twinlock_core::{
    account::{Account, Folder},
    attempt::Trial,
    dialogue::{
        self_service,
        talk::{Stop, Talk},
    },
    event::Reason,
    fault::StoreFault,
    ports::{Ports, Records, Snapshot},
};

use crate::{
    actor,
    desk::Desk,
    exit::{Exit, Failure},
    keyboard::Keyboard,
    own_code::{self, Question, Ways},
    reasons,
    terminal::Terminal,
    wording::plain,
};

/// Renews the acting person's own backup codes.
pub fn renew(desk: &Desk, (account, found): (Account, Snapshot)) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() || desk.json {
        return Err(Failure::new(
            Exit::Usage,
            "new backup codes of your own are shown on a terminal, and confirmed there",
            "Run it at a terminal, without --json.",
        ));
    }
    let mut keyboard = Keyboard::open()?;
    let mut then = |trial: &mut Trial<'_>, keyboard: &mut Keyboard| {
        shown_and_confirmed(desk, &account, (trial, keyboard))
    };
    let question = Question { codes: 1, ways: Ways::App, then: &mut then };
    own_code::ask(desk, &mut keyboard, (&account, found), question)?;
    actor::log(desk, "codes_renewed", &[("user", &account.name), ("shown", "owner")]);
    let said = format!("The old backup codes of {} are dead.", plain(&account.name));
    desk.say(&said, json!({ "user": account.name }));
    Ok(())
}

fn shown_and_confirmed(
    desk: &Desk,
    account: &Account,
    (trial, keyboard): (&mut Trial<'_>, &mut Keyboard),
) -> Result<(), Failure> {
    let folder = Folder::of(&account.name).map_err(|_| StoreFault::NameTooLong)?;
    let terminal = Terminal::new(keyboard);
    let talk = Talk {
        policy: trial.policy,
        ports: Ports { conversation: &terminal, ..trial.ports },
        account,
        folder: &folder,
        shelf: trial.shelf,
        service: "twinlock",
        source: trial.source,
        fingerprint: None,
    };
    let Some(found) = desk.machine.records.newest(account)? else {
        return Err(stopped(Stop::Declined(Reason::RecordChanging), &account.name));
    };
    let done = self_service::codes(&talk, &found.record, &mut |code| trial.attempt(code));
    done.map_err(|stop| stopped(stop, &account.name))
}

fn stopped(stop: Stop, user: &str) -> Failure {
    let user = plain(user);
    let (exit, reason) = match stop {
        Stop::CutOff | Stop::Declined(Reason::Stopped) => {
            let what = "stopped; the old backup codes are what they were";
            return Failure::new(Exit::Interrupted, what, "Nothing was changed.");
        }
        Stop::Declined(reason @ (Reason::Throttled | Reason::Locked)) => (Exit::Throttled, reason),
        Stop::Declined(reason) => (Exit::Refused, reason),
        Stop::Broken(reason) => (Exit::StoreUnreachable, reason),
    };
    let explained = reasons::explain(reason.word(), &user);
    let what = format!("the old backup codes are what they were: {}", explained.meaning);
    Failure::new(exit, what, explained.remedy)
}
