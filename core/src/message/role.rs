//! Messages of the agent to members of a role, who manage the accounts of other users.

use alloc::{string::String, vec::Vec};

use crate::message::own_account::{OwnStatus, PastRefusal};

/// One message to a member of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleMessage {
    /// Asks for the reason that is recorded in the log.
    AskReason,
    /// The reason is empty, too long or has several lines.
    OddReason {
        /// Maximum length of a reason in bytes.
        most: usize,
    },
    /// No role permits the caller to run this operation on another user.
    NoRole,
    /// The roles file cannot be used, or a group that it names is not known.
    RolesUnusable,
    /// There is no account of the name that the caller gave.
    NoSuchUser,
    /// The caller named their own account.
    OwnAccount,
    /// No role may act on the account: it is a system account, is in a protected group, is a member of a role, or has a
    /// second name for its user id.
    OutOfReach,
    /// The account is not in the group whose members the role manages.
    Elsewhere,
    /// The user has no mail address, so nothing could be mailed to the user.
    NoAddress,
    /// The user is not enrolled. Holds the account name.
    NotEnrolled(String),
    /// The user has no failed attempts. Holds the account name.
    NoAttempts(String),
    /// The operation was run on this user as often as the limit permits.
    TooOftenForUser {
        /// Seconds until the operation is permitted again.
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
        /// The number of failed attempts that were cleared.
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
    /// The operation was requested, and another member of the role must approve it.
    Requested {
        /// The id of the request, which the other member types to approve it.
        id: String,
        /// Seconds until the request expires.
        left: u64,
    },
    /// Lists the open requests; the list may be empty.
    Requests(Vec<OpenRequest>),
    /// Shows the request that the caller is about to approve.
    Approving(OpenRequest),
    /// There is no open request with this id. It may have expired, or another member has approved it.
    NoSuchRequest,
    /// The caller made the request, and so cannot approve it.
    OwnRequest,
    /// The caller cannot approve the request in this login session. Either another user began the session, or the
    /// request was made in this same session.
    OtherSession,
}

/// A request of a member of a role for an operation that another member must approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// The id of the request, which the other member types to approve it.
    pub id: String,
    /// The requested subcommand, as a user types it.
    pub verb: &'static str,
    /// The user on whom the operation acts.
    pub user: String,
    /// The member who made the request.
    pub by: String,
    /// The name of the role.
    pub role: String,
    /// The reason that the member gave.
    pub reason: String,
    /// Seconds until the request expires.
    pub left: u64,
}
