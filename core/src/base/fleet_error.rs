//! Errors of the fleet's store, which all hosts share. After each of them, a login fails closed.

use core::{
    error::Error,
    fmt::{Display, Formatter, Result},
};

/// Why a request to the fleet's store failed, or why the answer was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FleetError {
    /// No server of the store answered in time. It is unknown whether a write took effect.
    Unreachable,
    /// The store was not asked, because it failed to answer a short time ago or too many requests wait. Or other hosts
    /// changed the same entry at every try.
    Busy,
    /// The database of the store is full.
    Full,
    /// The store does not accept this host's certificate, user or password.
    Denied,
    /// The store, or this host, was restored to an earlier state.
    RolledBack,
    /// Another machine uses the name of this host.
    Cloned,
    /// This host has not joined the fleet.
    NotJoined,
    /// The daemon `twinlock-fleet` does not run, or does not listen as root.
    NoDaemon,
    /// This process cannot open a connection, for example because it has no free file descriptor or memory.
    NoConnection,
    /// The daemon sent an answer that the protocol does not allow.
    Broken,
    /// The key file of the fleet is missing, damaged or not private to root.
    Key,
    /// A value is sealed with a key that this host's key file does not have.
    KeyMissing,
    /// A value was written by a newer version of twinlock.
    NewerFormat,
    /// A value of the store was changed without the fleet's key, or was copied from another key of the
    /// store.
    Unsealed,
    /// A value could not be sealed, because random bytes are missing or the value is too long.
    Seal,
    /// The store has no description of the fleet.
    MetaMissing,
    /// The store has an older record of a user than this host has seen.
    RecordOlder,
    /// The store has no record of a user, although this host has seen one.
    RecordGone,
    /// The store and this host have different records with the same sequence number.
    RecordDiffers,
    /// The record was changed on another host during this login.
    RecordChanged,
    /// The store no longer has the entry that charges this attempt.
    ChargeGone,
    /// The record belongs to another user id, although the fleet has the same ids on all hosts.
    OtherUid,
    /// The user is not enrolled, and the settings, a rule or the PAM line let such users in, which a fleet forbids.
    OpenWithoutRecord,
}

impl FleetError {
    /// Returns the stable name of this error in log lines and in `twinlock why`.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unreachable => "store_unreachable",
            Self::Busy => "store_busy",
            Self::Full => "store_full",
            Self::Denied => "store_denied",
            Self::RolledBack => "store_rolled_back",
            Self::Cloned => "host_cloned",
            Self::NotJoined => "fleet_not_joined",
            Self::NoDaemon => "fleet_no_daemon",
            Self::NoConnection => "fleet_no_connection",
            Self::Broken => "fleet_broken",
            Self::Key => "fleet_key",
            Self::KeyMissing => "fleet_key_missing",
            Self::NewerFormat => "fleet_newer_format",
            Self::Unsealed => "fleet_unsealed",
            Self::Seal => "fleet_seal",
            Self::MetaMissing => "fleet_meta_missing",
            Self::RecordOlder => "fleet_record_older",
            Self::RecordGone => "fleet_record_gone",
            Self::RecordDiffers => "fleet_record_differs",
            Self::RecordChanged => "fleet_record_changed",
            Self::ChargeGone => "fleet_charge_gone",
            Self::OtherUid => "fleet_other_uid",
            Self::OpenWithoutRecord => "fleet_open_without_record",
        }
    }
}

impl Display for FleetError {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Unreachable => "no server of the fleet's store answered in time",
            Self::Busy => "the fleet's store does not answer; it is tried again every half second",
            Self::Full => "the fleet's store has no room left",
            Self::Denied => "the fleet's store does not accept this host's certificate or password",
            Self::RolledBack => {
                "the fleet's store, or this host, was put back to an earlier state; see `twinlock fleet recover` and `rejoin`"
            }
            Self::Cloned => "another machine uses this host's name in the fleet",
            Self::NotJoined => "this host has not joined the fleet; see `twinlock fleet join`",
            Self::NoDaemon => "twinlock-fleet does not run; start twinlock-fleet.socket",
            Self::NoConnection => "this process cannot connect to twinlock-fleet",
            Self::Broken => "twinlock-fleet sent an answer that is not understood",
            Self::Key => "the key file of the fleet is missing, damaged or not private to root",
            Self::KeyMissing => {
                "the key file of the fleet lacks a key that another host uses; copy the file from there"
            }
            Self::NewerFormat => "a newer twinlock wrote this to the fleet's store; upgrade this host",
            Self::Unsealed => "a value in the fleet's store was changed without its key",
            Self::Seal => "a value for the fleet's store could not be encrypted",
            Self::MetaMissing => "the fleet's store does not describe the fleet any more",
            Self::RecordOlder => "the fleet's store has an older record than this host has seen",
            Self::RecordGone => "the fleet's store has lost the record of this user",
            Self::RecordDiffers => {
                "the fleet's store and this host have different records with the same number"
            }
            Self::RecordChanged => "the record was changed on another host during this login",
            Self::ChargeGone => "the fleet's store did not keep this attempt; try again",
            Self::OtherUid => "this user has another user id on the host that wrote the record",
            Self::OpenWithoutRecord => {
                "the user is not enrolled, and a setting or rule lets such users in, which a fleet forbids"
            }
        })
    }
}

impl Error for FleetError {}
