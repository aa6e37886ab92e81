//! `twinlock reset USER`: revokes all codes of a user at once and issues a set-up ticket.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use twinlock_core::{
    base::account::Account,
    notify::notification::NotificationKind,
    policy::AfterReset,
    ports::{Records, Snapshot},
    record::{enrollment, extras::Purpose},
};
use twinlock_host::programs;

use crate::{
    authorize::authorizer::{Authorized, Authorizer},
    cli::Reset,
    commands::list::on_host,
    context::Context,
    enrollment::{
        one_time, password, person,
        record_update::{active, put},
        ticket::{GeneratedTicket, TicketMessage, life_of},
    },
    error::exit::{CliError, Exit},
    terminal::{
        confirm::confirm,
        keyboard::{Keyboard, tell},
    },
    text::{WIDTH, count, instant, plain, wrap},
};

/// Asks for confirmation, then resets a user.
pub(crate) fn run(context: &Context, wanted: &Reset) -> Result<(), CliError> {
    context.need_root("reset users")?;
    let authorizer = Authorizer::of(context)?;
    let account = context.account(&wanted.user)?;
    if account.uid == 0 {
        return Err(root_has_no_ticket());
    }
    let found = context.machine.records.newest(&account)?;
    let Some(found) = active(found) else { return Err(not_set_up(&account.name)) };
    if wanted.expire_password {
        password::must_be_changeable(&account.name)?;
    }
    let mut keyboard = Keyboard::open()?;
    let said = announcement(context, &account, &found);
    confirm(&mut keyboard, &wanted.privileged, &account.name, &said, "changed")?;
    let by = authorizer.prove(context, &mut keyboard)?;
    let mail = found.record.extras.mail.as_deref();
    let drawn = put_an_end(context, &account, mail, &by)?;
    let sessions = wanted.end_sessions.then(|| end_sessions(&account));
    let password = wanted.expire_password.then(|| expire_password(&account.name));
    deliver(context, &account, mail, &drawn, &Requested { sessions, password })
}

/// Results of `--end-sessions` and `--expire-password`, as words for scripts; `None` if the option was not given.
struct Requested {
    sessions: Option<&'static str>,
    password: Option<&'static str>,
}

/// Mails or shows the ticket.
///
/// # Errors
/// [`CliError`] if the ticket could not be delivered, or `--end-sessions` or `--expire-password` failed. The reset
/// itself is done.
fn deliver(
    context: &Context,
    account: &Account,
    mail: Option<&str>,
    drawn: &GeneratedTicket,
    requested: &Requested,
) -> Result<(), CliError> {
    let Requested { sessions, password } = *requested;
    let user = plain(&account.name);
    let message = TicketMessage {
        done: &format!(
            "{user} is reset: old codes, backup codes, tickets, bypass codes and remembered devices no longer work. {}",
            without_a_ticket(context)
        ),
        todo: &format!("{user} logs in as usual, types it at the prompt, and sets up an app."),
        object: json!({
            "user": account.name,
            "state": "pending",
            "sessions": sessions.map_or(Value::Null, Into::into),
            "password": password.map_or(Value::Null, Into::into),
        }),
    };
    drawn
        .deliver(context, account, mail, &message)
        .map_err(|failure| unshown(&account.name, failure))?;
    let done = ["ended", "none", "expired"];
    if [sessions, password].into_iter().flatten().all(|word| done.contains(&word)) {
        Ok(())
    } else {
        Err(CliError::told(Exit::Refused))
    }
}

/// Returns a sentence that says which logins set up an app without a ticket after a reset.
fn without_a_ticket(context: &Context) -> &'static str {
    match context.policy.set_up.after_reset {
        AfterReset::Ticket => "A login with an ssh key sets up an app without a ticket.",
        AfterReset::Login => {
            "The next login sets up an app without a ticket (after_reset = \"login\")."
        }
    }
}

/// Revokes the user's authenticators, codes and tickets in one change of the record, and adds the new ticket. Logins in
/// progress fail.
fn put_an_end(
    context: &Context,
    account: &Account,
    mail: Option<&str>,
    by: &Authorized,
) -> Result<GeneratedTicket, CliError> {
    let stamp = context.stamp()?;
    let audit = by.audit(stamp.at);
    let life = life_of(context, &account.name, mail);
    let drawn = GeneratedTicket::new(context, Purpose::SetUp, audit.clone(), life)?;
    let mut decide = |found: Option<Snapshot>| {
        let found = active(found).ok_or_else(|| not_set_up(&account.name))?;
        let mut record = enrollment::reset(found.record, audit.clone(), stamp);
        drawn.give(&mut record.extras);
        Ok(record)
    };
    put(context, account, &mut decide, &|record| record.generation == stamp.generation)?;
    by.log(context, "reset", &[("user", &account.name)]);
    by.write_to(context, &account.name, NotificationKind::Reset, stamp.at);
    Ok(drawn)
}

fn announcement(context: &Context, account: &Account, found: &Snapshot) -> String {
    let person = person::of_account(context, account);
    let last = person.last_code.map_or_else(
        || "no code since this machine was started".into(),
        |at| format!("last code {}", on_host(instant(at), &person)),
    );
    let since = instant(found.record.since);
    let name = match account.full_name.trim() {
        "" => String::new(),
        name => format!("{}, ", plain(name)),
    };
    let names: Vec<String> = person.authenticators.iter().map(|name| plain(name)).collect();
    let mut parts = vec![format!("the authenticator {}", names.join(", "))];
    if let Ok(Some(left)) = one_time::left(&context.machine.records, &found.record) {
        parts.push(count(left.left.into(), "backup code"));
    }
    format!(
        "This resets {} ({name}set up {since}, {last}). These will stop working: codes of {}, tickets, bypass codes and remembered devices. A new set-up ticket is issued.",
        plain(&account.name),
        parts.join(", ")
    )
}

/// Ends the user's open sessions, which a reset leaves open. Returns a word for scripts: `ended`, `none` if there are
/// none, `no_systemd` or `failed`.
fn end_sessions(account: &Account) -> &'static str {
    let uid = account.uid.to_string();
    if !std::path::Path::new("/run/systemd/system").exists() {
        let said = format!(
            "Sessions stay open: this machine does not run systemd. To end them: pkill -KILL -u {}",
            uid
        );
        tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
        return "no_systemd";
    }
    // sd_uid_get_state(3) reads this file. Without it the user has no session, and loginctl would fail.
    if !std::path::Path::new("/run/systemd/users").join(&uid).exists() {
        return "none";
    }
    // Passes the uid, because loginctl reads a user name that consists of digits as the uid of another user.
    outcome(&["loginctl", "terminate-user", &uid], "ended")
}

fn expire_password(user: &str) -> &'static str {
    outcome(&["chage", "-d", "0", "--", user], "expired")
}

/// Runs a program and returns a word for scripts: `done` if it succeeds, otherwise `failed`. A failure is printed and
/// is no error, since the reset was done.
fn outcome(argv: &[&str], done: &'static str) -> &'static str {
    let mut command = Command::new(programs::whole_path(argv.first().unwrap_or(&"")));
    command.args(argv.iter().skip(1)).env_clear();
    command.env("PATH", programs::PATH).stdin(Stdio::null());
    match command.stdout(Stdio::null()).status() {
        Ok(status) if status.success() => done,
        failed => {
            let why = failed.map_or_else(|error| error.to_string(), |status| status.to_string());
            let said = format!("`{}` failed ({why}); the reset was done.", plain(&argv.join(" ")));
            tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
            "failed"
        }
    }
}

fn not_set_up(user: &str) -> CliError {
    let user = plain(user);
    CliError::new(
        Exit::NotInState,
        format!("{user} has not finished setting up. There is nothing to reset."),
        format!("To send a new invitation: twinlock invite {user}"),
    )
}

fn root_has_no_ticket() -> CliError {
    CliError::new(
        Exit::NotInState,
        "root cannot set up an app at a login, so a ticket would not work",
        "To start again: twinlock remove root, then twinlock enroll root.",
    )
}

fn unshown(user: &str, failure: CliError) -> CliError {
    let what = format!("{}; {} is reset", failure.what, plain(user));
    CliError::new(
        failure.exit,
        what,
        format!("For another ticket: twinlock invite {}", plain(user)),
    )
}
