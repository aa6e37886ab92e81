//! Messages of the agent to users who look at or change their own account without logging in.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

/// One message to a user about their own account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnAccount {
    /// Asks for the password of the account.
    AskPassword,
    /// The password is wrong, or the account may not log in.
    PasswordRefused {
        /// Number of further answers that are accepted.
        left: u8,
    },
    /// The account has no password that can be checked.
    NoPassword,
    /// The password cannot be checked on this host, because the file of the PAM service is missing or unsafe.
    PasswordUnavailable,
    /// Asks for a code of an app.
    AskCode,
    /// The code is wrong.
    WrongCode {
        /// Number of further answers that are accepted.
        left: u8,
    },
    /// The code was used already.
    UsedCode {
        /// Seconds until the app shows the next code.
        wait: u64,
    },
    /// The answer is not a code of an app.
    NotACode,
    /// Shows the state of the account.
    Status(OwnStatus),
    /// Lists the remembered devices, oldest first; the list may be empty.
    Devices(Vec<RememberedDevice>),
    /// There is no device with the number that the user gave.
    NoSuchDevice {
        /// Number of remembered devices.
        devices: usize,
    },
    /// Remembered devices were forgotten.
    Forgotten {
        /// Number of forgotten devices.
        devices: usize,
    },
    /// Lists the last refusals, newest first; the list may be empty.
    Why(Vec<PastRefusal>),
    /// The user is not enrolled, so there is nothing to change.
    NotEnrolled,
    /// The user is enrolled, so there is nothing to enroll.
    AlreadyEnrolled,
    /// The user has no ticket, which the agent needs for enrollment.
    NoTicket,
    /// There is no authenticator with the name that the user gave.
    NoSuchAuthenticator {
        /// The names of the user's authenticators.
        names: Vec<String>,
    },
    /// The user has only one authenticator, which only `reset` removes.
    LastAuthenticator,
    /// The user has run the operation as often as the limit permits.
    TooOften {
        /// Seconds until the operation is permitted again.
        wait: u64,
    },
    /// The settings do not allow the operation.
    Disabled,
    /// The caller named another user, and no role permits the caller to run this operation on that user.
    NotPermitted,
    /// The user cancelled, or gave no correct answer.
    Stopped,
    /// Too many wrong codes were typed.
    Throttled,
    /// A fault of the host ended the operation. Holds the word that names the fault in the log (`Reason::word`).
    Fault(&'static str),
}

/// What users may know about their own accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnStatus {
    /// The account name.
    pub user: String,
    /// Whether a code is required of the user.
    pub enrollment: OwnEnrollment,
    /// Seconds since the record was last changed.
    pub changed: u64,
    /// The names of the authenticators.
    pub authenticators: Vec<String>,
    /// Number of unused backup codes; `None` if there are none or they cannot be counted.
    pub codes: Option<u8>,
    /// Whether the next login shows new backup codes.
    pub codes_due: bool,
    /// Number of remembered devices.
    pub devices: usize,
    /// Number of failed attempts that still count.
    pub failed: usize,
}

/// Whether a code is required of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnEnrollment {
    /// A code is required.
    Enrolled,
    /// Set-up was begun or a ticket was issued.
    Pending,
    /// The user has no authenticator.
    NotEnrolled,
}

/// A remembered device: logins from it need no code for a limited time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedDevice {
    /// Seconds since the device was remembered.
    pub age: u64,
    /// Seconds until the device is forgotten.
    pub left: u64,
    /// The address of the device.
    pub address: IpAddr,
    /// The start of the fingerprint of the ssh key with which the user logged in.
    pub key: String,
}

/// A login that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRefusal {
    /// Seconds since the refusal.
    pub ago: u64,
    /// The word that names the reason in the log (`Reason::word`).
    pub reason: String,
    /// The PAM service.
    pub service: String,
    /// The source of the login.
    pub source: String,
}
