//! Verifies one code for a program that is not root, such as a screen locker.

use twinlock_core::{
    dialogue::locker::{Locker, LockerEnd},
    event::Reason,
    message::{Message, own_account::OwnAccount},
    policy::Field,
    ports::{Ledger, LedgerKey},
    text,
    wire::Begin,
};

use crate::{
    client::{Client, OperationEnd},
    status,
};

/// Maximum length of the name of a PAM service in bytes.
const SERVICE_MAX: usize = 64;

/// Asks the client's user for one answer, and verifies the app code in it. `begin` contains words, counted from 0. Word
/// 1 is the name of the client's PAM service. Word 2 says what the answer contains, such as a password and a code, in
/// the form that [`Field::read`] parses.
pub(crate) fn unlock(client: &Client<'_>, begin: &Begin<'_>) -> OperationEnd {
    let account = client.account;
    // Programs of root do not need the agent: the PAM module verifies codes there itself.
    if !begin.word(0).is_empty() || account.uid == 0 {
        return client.end(status::NOT_PERMITTED, &OwnAccount::NotPermitted);
    }
    if !client.policy.agent.lockers {
        return client.end(status::NOT_PERMITTED, &OwnAccount::Disabled);
    }
    let service = begin.word(1);
    let field = Field::read(begin.word(2));
    let Some(field) = field.filter(|_| !service.is_empty() && service.len() <= SERVICE_MAX) else {
        return OperationEnd { status: status::USAGE, text: String::new() };
    };
    let opened = client.machine.ledger.open(&LedgerKey::of(Some(account), &account.name));
    let user_ledger = match opened {
        Ok(opened) => opened,
        Err(fault) => return client.fault(fault.reason()),
    };
    let locker = Locker {
        policy: client.policy,
        ports: client.machine.ports(client.connection),
        account,
        user_ledger: user_ledger.as_ref(),
        service,
        field,
    };
    match locker.unlock() {
        LockerEnd::Accepted { digits } => {
            OperationEnd { status: status::DONE, text: digits.to_string() }
        }
        LockerEnd::NotNeeded => OperationEnd { status: status::DONE, text: String::new() },
        LockerEnd::Refused(message) => {
            let text = text::login(client.policy.language, &message);
            OperationEnd { status: status_of(&message), text }
        }
        LockerEnd::Unusable(Reason::NotEnrolled) => {
            client.end(status::WRONG_STATE, &OwnAccount::NotEnrolled)
        }
        LockerEnd::Unusable(reason) => client.fault(reason.word()),
    }
}

fn status_of(message: &Message) -> u8 {
    if matches!(message, Message::Throttled { .. }) { status::THROTTLED } else { status::REFUSED }
}
