//! The client of a conversation, and how an operation that the client asked for ends.

use twinlock_core::{
    base::account::Account,
    dialogue::context::DialogueError,
    event::Reason,
    message::{own_account::OwnAccount, role::RoleMessage},
    policy::Policy,
    text,
};
use twinlock_host::machine::Machine;

use crate::{connection::Connection, status};

/// The client of a conversation.
pub(crate) struct Client<'a> {
    /// The settings of the host.
    pub(crate) policy: &'a Policy,
    /// The records, the ledger and the other parts of the host.
    pub(crate) machine: &'a Machine,
    /// The account of the caller.
    pub(crate) account: &'a Account,
    /// The connection to the client.
    pub(crate) connection: &'a Connection,
}

/// How an operation ended: the last frame of the conversation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OperationEnd {
    /// The exit status with which the client ends.
    pub(crate) status: u8,
    /// The last text for the user; empty if there is nothing more to say.
    pub(crate) text: String,
}

impl Client<'_> {
    /// Returns the text of `message` in the language of the settings.
    pub(crate) fn text(&self, message: &OwnAccount) -> String {
        text::own_account(self.policy.language, message)
    }

    /// Returns the end of an operation with this exit status and message.
    pub(crate) fn end(&self, status: u8, message: &OwnAccount) -> OperationEnd {
        OperationEnd { status, text: self.text(message) }
    }

    /// Returns the end of an operation with this exit status and a message to a member of a role.
    pub(crate) fn end_role(&self, status: u8, message: &RoleMessage) -> OperationEnd {
        OperationEnd { status, text: text::role(self.policy.language, message) }
    }

    /// Returns the end of an operation that failed because of a fault of the host. `reason` is the word for the fault
    /// in the text, such as `lookup_failed`.
    pub(crate) fn fault(&self, reason: &'static str) -> OperationEnd {
        self.end(status::UNAVAILABLE, &OwnAccount::Fault(reason))
    }
}

/// Returns the end of an operation whose dialogue failed. The operation has changed nothing.
pub(crate) fn of_error(client: &Client<'_>, error: DialogueError) -> OperationEnd {
    match error {
        DialogueError::CutOff | DialogueError::Declined(Reason::Stopped) => {
            client.end(status::INTERRUPTED, &OwnAccount::Stopped)
        }
        DialogueError::Declined(Reason::Throttled | Reason::Locked) => {
            client.end(status::THROTTLED, &OwnAccount::Throttled)
        }
        DialogueError::Declined(Reason::RecordChanging) => {
            client.end(status::UNAVAILABLE, &OwnAccount::Fault("record_changing"))
        }
        // The dialogue has already shown its message after the last answer.
        DialogueError::Declined(_) => client.end(status::REFUSED, &OwnAccount::Stopped),
        DialogueError::Broken(reason) => client.fault(reason.word()),
    }
}
