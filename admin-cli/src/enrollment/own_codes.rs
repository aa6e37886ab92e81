//! Renews the acting user's own backup codes. The user types a code of the app, sees the new codes once, and types one
//! of them.

use std::io::IsTerminal;

use serde_json::json;
use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::StoreError,
    },
    dialogue::{
        context::{DialogueContext, DialogueError, Judge},
        final_message::FinalMessage,
        self_service::{self, Served},
    },
    event::Reason,
    ports::{Ports, Records, Snapshot},
    record::Record,
    verify::attempt::Attempt,
};

use crate::{
    authorize::{
        actor,
        own_code::{self, OwnCodeWays, Question},
    },
    context::Context,
    enrollment::record_update::failed,
    error::{
        exit::{CliError, Exit},
        refusal_messages,
    },
    terminal::{conversation::Terminal, keyboard::Keyboard},
    text::plain,
};

/// Renews the acting user's own backup codes at the terminal.
pub(crate) fn renew(context: &Context, account: Account, found: Snapshot) -> Result<(), CliError> {
    let name = account.name.clone();
    let mut serve = |talk: &DialogueContext<'_>, record: &Record, judge: Judge<'_>| {
        self_service::codes(talk, record, judge)
    };
    change_own(context, account, found, OwnCodeWays::App, &mut serve)?;
    actor::log(context, "codes_renewed", &[("user", &name), ("shown", "owner")]);
    let said = format!("The old backup codes of {} no longer work.", plain(&name));
    context.say(&said, json!({ "user": name }));
    Ok(())
}

/// A dialogue that logins also offer. It runs at the terminal after the user has typed a correct code, and returns what
/// the user has changed.
pub(crate) type Serve<'a> =
    &'a mut dyn FnMut(&DialogueContext<'_>, &Record, Judge<'_>) -> Result<Served, DialogueError>;

/// Asks the acting user for one code of the kinds `ways`, then runs the dialogue `serve`. Returns what the user has
/// changed in it.
pub(crate) fn change_own(
    context: &Context,
    account: Account,
    found: Snapshot,
    ways: OwnCodeWays,
    serve: Serve<'_>,
) -> Result<Served, CliError> {
    if !std::io::stdin().is_terminal() || context.json {
        return Err(CliError::new(
            Exit::Usage,
            "your own codes and keys are shown only at a terminal",
            "Run it at a terminal, without --json.",
        ));
    }
    let mut keyboard = Keyboard::open()?;
    let mut served = Served::Nothing;
    let mut then = |attempt: &mut Attempt<'_>, keyboard: &mut Keyboard| {
        served = shown_and_confirmed(context, &account, attempt, keyboard, serve)?;
        Ok(())
    };
    let question = Question { codes: 1, ways, then: &mut then };
    own_code::ask(context, &mut keyboard, &account, found, question)?;
    Ok(served)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other case is treated the same")]
fn shown_and_confirmed(
    context: &Context,
    account: &Account,
    attempt: &mut Attempt<'_>,
    keyboard: &mut Keyboard,
    serve: Serve<'_>,
) -> Result<Served, CliError> {
    let folder = Folder::of(&account.name).map_err(|_| StoreError::NameTooLong)?;
    let terminal = Terminal::new(keyboard);
    let final_message = FinalMessage::default();
    let talk = DialogueContext {
        policy: attempt.policy,
        ports: Ports { conversation: &terminal, ..attempt.ports },
        account,
        folder: &folder,
        user_ledger: attempt.user_ledger,
        service: "twinlock",
        source: attempt.source,
        fingerprint: None,
        final_message: &final_message,
    };
    let Some(found) = context.own.machine.records.newest(account)? else {
        return Err(stopped(DialogueError::Declined(Reason::RecordChanging), &account.name));
    };
    let done = serve(&talk, &found.record, &mut |code| attempt.verify(code));
    final_message.tell(&terminal);
    done.map_err(|stop| match stop {
        DialogueError::Broken(Reason::Unwritten(fault)) => {
            let newest = context.own.machine.records.newest(account);
            let is_other = |now: Snapshot| now.record.generation != found.record.generation;
            failed(&account.name, fault, newest.map(|now| now.is_some_and(is_other)))
        }
        stop => stopped(stop, &account.name),
    })
}

fn stopped(stop: DialogueError, user: &str) -> CliError {
    let user = plain(user);
    let (exit, reason) = match stop {
        DialogueError::CutOff | DialogueError::Declined(Reason::Stopped) => {
            let what = "stopped; nothing was changed";
            return CliError::new(Exit::Interrupted, what, "The old codes and keys still work.");
        }
        DialogueError::Declined(reason @ (Reason::Throttled | Reason::Locked)) => {
            (Exit::Throttled, reason)
        }
        DialogueError::Declined(reason) => (Exit::Refused, reason),
        DialogueError::Broken(reason) => (Exit::StoreUnreachable, reason),
    };
    let explained = refusal_messages::explain(reason.word(), &user);
    let what = format!("nothing was changed: {}", explained.meaning);
    CliError::new(exit, what, explained.remedy)
}
