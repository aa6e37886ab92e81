//! `twinlock invite USER`: issues a set-up ticket. With it the user sets up an app at a login, so that only the user
//! sees the key.

use serde_json::json;
use twinlock_core::{
    base::{account::Account, address::Address},
    ports::Snapshot,
    record::{State, enrollment, extras::Purpose},
};
use twinlock_host::create_store;

use crate::{
    authorize::authorizer::{Authorized, Authorizer},
    cli::Invite,
    context::Context,
    enrollment::{
        record_update::{begin, failed},
        ticket::{GeneratedTicket, TicketMessage, life_of},
    },
    error::exit::{CliError, Exit},
    terminal::keyboard::Keyboard,
    text::plain,
};

/// Issues a ticket to a user who is not enrolled.
pub(crate) fn run(context: &Context, wanted: &Invite) -> Result<(), CliError> {
    context.need_root("invite users")?;
    let authorizer = Authorizer::of(context)?;
    wanted.mail.as_deref().map_or(Ok(()), check_address)?;
    let account = context.account(wanted.user.as_deref().unwrap_or_default())?;
    if account.uid == 0 {
        return Err(root_has_no_ticket());
    }
    let prepared = create_store::prepare_store(&context.machine);
    prepared.map_err(|fault| failed(&account.name, fault, Ok(false)))?;
    let before = context.machine.records.before_enrollment(&account)?.map(|found| found.record);
    if before.as_ref().is_some_and(|found| found.state == State::Active) {
        return Err(set_up_already(&account.name));
    }
    let on_record = before.and_then(|found| found.extras.mail);
    let mail = wanted.mail.clone().or_else(|| on_record.clone());
    let by = authorizer.prove(context, &mut Keyboard::open()?)?;
    let life = life_of(context, &account.name, mail.as_deref());
    let drawn = invite(context, &by, &account, wanted.mail.as_deref(), life)?;
    by.log(context, "invited", &[("user", &account.name)]);
    by.write_to_old(context, &account.name, on_record.as_deref(), mail.as_deref());
    let user = plain(&account.name);
    let message = TicketMessage {
        done: &format!("{user} is invited."),
        todo: &format!("{user} logs in as usual, types it at the prompt, and sets up an app."),
        object: json!({ "user": account.name, "state": "pending" }),
    };
    drawn.deliver(context, &account, mail.as_deref(), &message).map_err(|failure| {
        let what = format!("{}; {user} is invited", failure.what);
        CliError::new(failure.exit, what, "The ticket was not shown: invite again for a new one.")
    })
}

fn invite(
    context: &Context,
    by: &Authorized,
    account: &Account,
    mail: Option<&str>,
    life: u64,
) -> Result<GeneratedTicket, CliError> {
    let stamp = context.stamp()?;
    let drawn = GeneratedTicket::new(context, Purpose::SetUp, by.audit(stamp.at), life)?;
    let mut decide = |found: Option<Snapshot>| {
        let before = found.map(|found| found.record);
        let mut record = enrollment::begun(account, before, stamp);
        if record.generation != stamp.generation {
            return Err(set_up_already(&account.name));
        }
        if let Some(mail) = mail {
            record.extras.mail = Some(mail.to_owned());
        }
        drawn.give(&mut record.extras);
        Ok(record)
    };
    begin(context, account, &mut decide, &|record| drawn.is_in(record))?;
    Ok(drawn)
}

fn check_address(address: &str) -> Result<(), CliError> {
    Address::read(address).map(drop).ok_or_else(|| {
        CliError::new(
            Exit::Usage,
            format!("{} is not a mail address that can be used", plain(address)),
            "Give a plain address, such as ada@example.com.",
        )
    })
}

fn set_up_already(user: &str) -> CliError {
    let user = plain(user);
    CliError::new(
        Exit::NotInState,
        format!("{user} is enrolled already"),
        format!("If the phone is lost: twinlock reset {user}"),
    )
}

fn root_has_no_ticket() -> CliError {
    CliError::new(
        Exit::NotInState,
        "root cannot set up an app at a login, so a ticket would not work",
        "Enroll root here: twinlock enroll root",
    )
}
