//! Decides whether a client may run the operation that it asks for, and runs it.

use twinlock_core::{
    base::{account::Folder, request::Source},
    dialogue::final_message::FinalMessage,
    message::own_account::OwnAccount,
    ports::{Ledger, LedgerKey, UserLedger},
    wire::{AgentVerb, Begin},
};

use crate::{
    client::{Client, OperationEnd},
    locker,
    roles::{self, Delegated},
    self_service::OwnUser,
    status,
};

/// Runs the operation that a client asks for.
pub(crate) fn serve(client: &Client<'_>, begin: &Begin<'_>) -> OperationEnd {
    if let Some(wanted) = Delegated::of(begin, &client.account.name) {
        return delegated(client, begin, &wanted);
    }
    match begin.verb {
        AgentVerb::Status
        | AgentVerb::Devices
        | AgentVerb::Why
        | AgentVerb::Forget
        | AgentVerb::BackupCodes
        | AgentVerb::Change
        | AgentVerb::Remove
        | AgentVerb::Enroll => {
            refusal(client, begin).unwrap_or_else(|| self_service(client, begin))
        }
        AgentVerb::Locker => locker::unlock(client, begin),
        AgentVerb::Unlock
        | AgentVerb::Reset
        | AgentVerb::Bypass
        | AgentVerb::Requests
        | AgentVerb::Approve => client.end(status::NOT_PERMITTED, &OwnAccount::Disabled),
    }
}

/// Returns the refusal of an operation on an account that the caller may not run; `None` if the caller may run it.
fn refusal(client: &Client<'_>, begin: &Begin<'_>) -> Option<OperationEnd> {
    let account = client.account;
    let target = begin.word(0);
    let is_own = target.is_empty() || target == account.name;
    // Root uses the command `twinlock` in place of the agent.
    if !is_own || (account.uid == 0 && begin.verb != AgentVerb::Status) {
        return Some(client.end(status::NOT_PERMITTED, &OwnAccount::NotPermitted));
    }
    let allowed = client.policy.agent.allows(begin.verb.word());
    (!allowed).then(|| client.end(status::NOT_PERMITTED, &OwnAccount::Disabled))
}

/// Runs an operation for which the caller needs a role.
fn delegated(client: &Client<'_>, begin: &Begin<'_>, wanted: &Delegated<'_>) -> OperationEnd {
    // Root uses the command `twinlock` in place of the agent.
    if client.account.uid == 0 {
        return client.end(status::NOT_PERMITTED, &OwnAccount::NotPermitted);
    }
    as_user(client, begin, &|own| roles::serve(own, wanted))
}

/// Runs an operation on the caller's own account.
fn self_service(client: &Client<'_>, begin: &Begin<'_>) -> OperationEnd {
    as_user(client, begin, &|own| own_verb(own, begin))
}

/// Opens the caller's entries in the ledger, and calls `run` with them.
fn as_user(
    client: &Client<'_>,
    begin: &Begin<'_>,
    run: &dyn Fn(&OwnUser<'_>) -> OperationEnd,
) -> OperationEnd {
    let account = client.account;
    let Ok(folder) = Folder::of(&account.name) else { return client.fault("name_too_long") };
    let opened = client.machine.ledger.open(&LedgerKey::of(Some(account), &account.name));
    let user_ledger: Box<dyn UserLedger + '_> = match opened {
        Ok(opened) => opened,
        Err(fault) => return client.fault(fault.reason()),
    };
    run(&OwnUser {
        client,
        folder: &folder,
        user_ledger: user_ledger.as_ref(),
        source: Source::Agent(account.uid),
        json: begin.json,
        final_message: FinalMessage::default(),
    })
}

fn own_verb(own: &OwnUser<'_>, begin: &Begin<'_>) -> OperationEnd {
    match begin.verb {
        AgentVerb::Status => own.status(),
        AgentVerb::Devices => own.devices(),
        AgentVerb::Why => own.why(),
        AgentVerb::Forget => own.forget(begin.word(1)),
        AgentVerb::BackupCodes => own.backup_codes(),
        AgentVerb::Change => own.change(),
        AgentVerb::Remove => own.remove(begin.word(1)),
        AgentVerb::Enroll => own.enroll(),
        AgentVerb::Locker
        | AgentVerb::Unlock
        | AgentVerb::Reset
        | AgentVerb::Bypass
        | AgentVerb::Requests
        | AgentVerb::Approve => own.client.end(status::NOT_PERMITTED, &OwnAccount::Disabled),
    }
}
