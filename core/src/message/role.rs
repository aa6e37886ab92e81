//! Messages of the agent to members of a role, who act for other users.

use alloc::{string::String, vec::Vec};

use crate::message::own_account::{OwnStatus, PastRefusal};

/// One message to a member of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleMessage {
    /// Asks for the reason that is recorded in the log.
    AskReason,
    /// The reason is empty, too long or has several lines.
    OddReason {
        /// Maximum length in bytes.
        most: usize,
    },
    /// No role lets the caller do this for another user.
    NoRole,
    /// The roles file cannot be used, or a group that it names is not known.
    RolesUnusable,
    /// There is no account of the name that the caller gave.
    NoSuchUser,
    /// The caller named their own account.
    OwnAccount,
    /// The account is out of reach of every role: of the system, in a protected group, a member of a role, or with a
    /// second name.
    OutOfReach,
    /// The account is not in the group that the role is over.
    Elsewhere,
    /// The user has no mail address, so that nothing could be mailed.
    NoAddress,
    /// The user is not enrolled. Holds the account name.
    NotEnrolled(String),
    /// The user has no failed attempts. Holds the account name.
    NoAttempts(String),
    /// This was done for the user as often as it may be.
    TooOftenForUser {
        /// Seconds until it may be done again.
        wait: u64,
    },
    /// Shows the state of another user.
    Status(OwnStatus),
    /// Lists the last refusals of another user, newest first; the list may be empty.
    Why(Vec<PastRefusal>),
    /// The failed attempts of a user were cleared.
    Unlocked {
        /// The account name.
        user: String,
        /// The number of failed attempts.
        attempts: usize,
    },
    /// The user was reset, and a ticket will be mailed. Holds the account name.
    WasReset(String),
    /// A bypass code will be mailed.
    BypassMailed {
        /// The account name.
        user: String,
        /// Seconds for which the code is valid.
        life: u64,
    },
    /// Another member of the role must agree.
    Requested {
        /// The word that the other member types.
        id: String,
        /// Seconds until the request ends.
        left: u64,
    },
    /// Lists the open requests; the list may be empty.
    Requests(Vec<OpenRequest>),
    /// Shows the request that the caller is about to approve.
    Approving(OpenRequest),
    /// There is no open request of this word: it has ended, or another member has approved it.
    NoSuchRequest,
    /// The caller made the request.
    OwnRequest,
    /// The caller's session was begun by another user, or is the session in which the request was made.
    OtherSession,
}

/// A request of a member of a role that waits for the approval of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// The word that the other member types.
    pub id: String,
    /// What is asked for, as it is typed.
    pub verb: &'static str,
    /// The user it is for.
    pub user: String,
    /// The member who asks for it.
    pub by: String,
    /// The role.
    pub role: String,
    /// The reason that the member gave.
    pub reason: String,
    /// Seconds until the request ends.
    pub left: u64,
}
