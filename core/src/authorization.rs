//! Says who may run each subcommand of `twinlock`, and which proof the user must give for it.
//!
//! May use: `notify`, `policy`.

mod login;
mod operation;
mod reason;
mod ruling;

pub use login::{Actor, Doubt, LoginTraces};
pub use operation::{OPERATIONS, Operation};
pub use reason::{REASON_MAX, reason};
pub use ruling::{
    ActorFactor, AuthorizationError, AuthorizationRuling, Ground, Population, Situation, Target,
    rule,
};

use crate::notify::notification::NotificationKind;

/// The users who may start an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Every user may start the operation. The permissions of the files decide what is shown.
    Anyone,
    /// Only root may start the operation, or a user whom a sudoers rule allows to run the subcommand as root.
    Root,
    /// Only root in a systemd unit may start the operation. There is no user to ask for a code.
    Unit,
    /// Only a user to whom `roles.toml` gives the right may start the operation, through the agent. Root may not.
    Member,
}

/// The proof that an operation requires of the acting user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// No proof, because the operation reads nothing secret, or only creates missing files and folders.
    Nothing,
    /// A code of the acting user; two codes if the acting user is the target.
    OwnCode,
    /// A code of the acting user; two codes if the acting user is the target. No code if the acting user enrolls their
    /// own account and is not enrolled, or if no account of the host was ever enrolled.
    OwnCodeUnlessFirst,
    /// A code of the acting user if another user is the target. No code if the acting user is the target.
    OwnCodeForAnother,
    /// Two codes of the acting user, who is the target. The operation asks for them itself.
    Dialogue,
    /// The password of the acting user and a code of their app. The agent asks for them.
    PasswordAndCode,
    /// A login with a code in another session, after the change, through the service that was changed.
    SecondLogin,
}

/// Who may run an operation, with which proof, and what is logged and mailed about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// The operation as an administrator types it.
    pub verb: &'static str,
    /// The users who may start the operation.
    pub caller: Caller,
    /// The proof that the acting user must give.
    pub proof: Proof,
    /// The values of `event=` in the log lines of the operation. Each log line also has `own_code=` and `actor=`.
    pub logged: &'static [&'static str],
    /// The kinds of mail that the operation sends: to the target user, or to root if it affects the whole host.
    pub mailed: &'static [NotificationKind],
}

/// The log events of changes by members of a role. A change that must first be approved is logged as `role_requested`.
const ROLE_LOGGED: &[&str] = &["unlocked", "reset", "bypass_given", "role_requested"];
const ROLE_MAILED: &[NotificationKind] =
    &[NotificationKind::RoleUsed, NotificationKind::RoleReport];

impl Operation {
    /// Returns who may run this operation, with which proof, and what is logged and mailed about it.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table: one row for each operation")]
    pub fn permission(self) -> Permission {
        use NotificationKind::{
            BypassGiven, CodesRenewed, HostChanged, KeyChanged, KeyExported, KeyShown, MailChanged,
            RecordImported, Removed, SetUpDone, Unlocked,
        };
        use Proof::{
            Dialogue, Nothing, OwnCode, OwnCodeForAnother, OwnCodeUnlessFirst, SecondLogin,
        };
        match self {
            Self::Enroll => changes("enroll", OwnCodeUnlessFirst, &["enrolled"], &[SetUpDone]),
            Self::EnrollList => {
                let (logged, mailed) = (&["enrolled", "invited"], &[SetUpDone, MailChanged]);
                changes("enroll --from", OwnCodeUnlessFirst, logged, mailed)
            }
            Self::ImportUri => {
                changes("import uri", OwnCodeUnlessFirst, &["enrolled"], &[SetUpDone])
            }
            Self::ImportMigration => {
                changes("import migration", OwnCodeUnlessFirst, &["enrolled"], &[SetUpDone])
            }
            Self::ImportQr => changes("import qr", OwnCodeUnlessFirst, &["enrolled"], &[SetUpDone]),
            Self::ImportRecord => {
                let mailed = &[RecordImported, MailChanged];
                changes("import record", OwnCodeUnlessFirst, &["record_imported"], mailed)
            }
            Self::ImportFile => {
                changes("import google|oath USER", OwnCodeUnlessFirst, &["enrolled"], &[SetUpDone])
            }
            Self::ImportFiles => {
                changes("import google|oath --all", OwnCodeUnlessFirst, &["enrolled"], &[SetUpDone])
            }
            Self::ImportPreview => reads("import google|oath --dry-run", Caller::Root, Nothing),
            Self::Export => changes("export", OwnCode, &["exported"], &[KeyExported]),
            Self::Status => reads("status", Caller::Anyone, Nothing),
            Self::List => reads("list", Caller::Root, Nothing),
            Self::Verify => Permission {
                logged: &["code_tried"],
                ..reads("verify", Caller::Root, OwnCodeForAnother)
            },
            Self::Invite => changes("invite", OwnCode, &["invited"], &[MailChanged]),
            Self::InviteGroup => {
                changes("invite --group", OwnCode, &["invited", "rule_written"], &[HostChanged])
            }
            Self::Reset => changes("reset", OwnCode, &["reset"], &[NotificationKind::Reset]),
            Self::BackupCodes => {
                changes("backup-codes", OwnCode, &["codes_ended", "codes_renewed"], &[CodesRenewed])
            }
            Self::Change => changes("change", Dialogue, &["key_changed"], &[KeyChanged]),
            Self::ShowKey => changes("show-key", OwnCode, &["key_shown"], &[KeyShown]),
            Self::Bypass => changes("bypass", OwnCode, &["bypass_given"], &[BypassGiven]),
            Self::Unlock => changes("unlock", OwnCode, &["unlocked"], &[Unlocked]),
            Self::Devices => reads("devices", Caller::Root, Nothing),
            // No mail: forgetting devices takes access away and grants none.
            Self::Forget => changes("forget", OwnCode, &["devices_forgotten"], &[]),
            Self::Why => reads("why", Caller::Root, Nothing),
            Self::Explain => reads("explain", Caller::Root, Nothing),
            Self::Remove => changes("remove", OwnCode, &["removed"], &[Removed]),
            Self::RemoveAuthenticator => {
                let logged = &["authenticator_removed"];
                changes("remove --authenticator", OwnCode, logged, &[KeyChanged])
            }
            Self::SettingsCheck => reads("settings check", Caller::Anyone, Nothing),
            Self::SettingsApply => {
                changes("settings apply", OwnCode, &["settings_applied"], &[HostChanged])
            }
            Self::SettingsShow => reads("settings show", Caller::Anyone, Nothing),
            Self::EpochEnsure => reads("epoch ensure", Caller::Unit, Nothing),
            Self::EpochSweep => reads("epoch sweep", Caller::Unit, Nothing),
            Self::EpochNow => changes("epoch now", OwnCode, &["epoch_begun"], &[HostChanged]),
            Self::EpochShow => reads("epoch show", Caller::Root, Nothing),
            Self::Doctor => reads("doctor", Caller::Anyone, Nothing),
            Self::DoctorSsh => reads("doctor ssh", Caller::Anyone, Nothing),
            Self::Setup => changes("setup", OwnCode, &["service_set_up"], &[HostChanged]),
            Self::SetupPreview => reads("setup --dry-run|--print|--check", Caller::Root, Nothing),
            Self::SetupConfirm => {
                changes("setup confirm", SecondLogin, &["service_confirmed"], &[])
            }
            // It acts for no user, so its log line has no actor.
            Self::SetupUndo => reads("setup undo", Caller::Unit, Nothing),
            Self::Teardown => changes("teardown", OwnCode, &["service_torn_down"], &[HostChanged]),
            Self::RolesInit => reads("roles init", Caller::Root, Nothing),
            Self::RolesCheck => reads("roles check", Caller::Root, Nothing),
            Self::RolesShow => reads("roles show", Caller::Root, Nothing),
            Self::RoleLook => delegated("status|why USER", &["role_looked"], &[]),
            Self::RoleChange => delegated("unlock|reset|bypass USER", ROLE_LOGGED, ROLE_MAILED),
            Self::Requests => reads("requests", Caller::Member, Nothing),
            Self::Approve => delegated("approve", ROLE_LOGGED, ROLE_MAILED),
            Self::FleetEtcdConfig => reads("fleet etcd-config", Caller::Root, Nothing),
            // A host on which nobody is enrolled yet joins, and its first administrator has no code there.
            Self::FleetInit => {
                changes("fleet init", OwnCodeUnlessFirst, &["fleet_begun"], &[HostChanged])
            }
            Self::FleetInitPreview => reads("fleet init --dry-run", Caller::Root, Nothing),
            Self::FleetJoin => {
                changes("fleet join", OwnCodeUnlessFirst, &["fleet_joined"], &[HostChanged])
            }
            Self::FleetJoinCheck => reads("fleet join --check", Caller::Root, Nothing),
            Self::FleetStatus => reads("fleet status", Caller::Root, Nothing),
            Self::FleetLeave => changes("fleet leave", OwnCode, &["fleet_left"], &[HostChanged]),
            Self::FleetLeaveStolen => {
                changes("fleet leave --stolen", OwnCode, &["fleet_host_stolen"], &[HostChanged])
            }
            Self::FleetRotate => {
                let logged = &["fleet_key_added", "fleet_key_in_force", "fleet_key_dropped"];
                changes("fleet rotate", OwnCode, logged, &[HostChanged])
            }
            Self::FleetRecover => {
                changes("fleet recover", OwnCode, &["fleet_recovered"], &[HostChanged])
            }
            Self::FleetRejoin => {
                changes("fleet rejoin", OwnCode, &["fleet_rejoined"], &[HostChanged])
            }
            Self::FleetThrottle => {
                changes("fleet throttle", OwnCode, &["fleet_throttle_set"], &[HostChanged])
            }
            // There is one format, so nothing is changed yet.
            Self::FleetUpgrade => reads("fleet upgrade", Caller::Root, Nothing),
            Self::Deliver => reads("deliver", Caller::Unit, Nothing),
            Self::Completions => reads("completions", Caller::Anyone, Nothing),
            Self::Man => reads("man", Caller::Anyone, Nothing),
        }
    }
}

/// Returns the permission of an operation that grants access, shows a key, sends mail or changes records or settings.
/// Only root may start such an operation.
const fn changes(
    verb: &'static str,
    proof: Proof,
    logged: &'static [&'static str],
    mailed: &'static [NotificationKind],
) -> Permission {
    Permission { verb, caller: Caller::Root, proof, logged, mailed }
}

/// Returns the permission of an operation that a member of a role runs through the agent.
const fn delegated(
    verb: &'static str,
    logged: &'static [&'static str],
    mailed: &'static [NotificationKind],
) -> Permission {
    Permission { verb, caller: Caller::Member, proof: Proof::PasswordAndCode, logged, mailed }
}

/// Returns the permission of an operation that writes no log line and sends no mail: it grants no access, shows no key
/// and changes no setting that is in force.
const fn reads(verb: &'static str, caller: Caller, proof: Proof) -> Permission {
    Permission { verb, caller, proof, logged: &[], mailed: &[] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_one_row() {
        for (place, one) in OPERATIONS.iter().enumerate() {
            let others = OPERATIONS.iter().skip(place + 1);
            let (row, mut rest) = (one.permission(), others.clone());
            assert!(others.clone().all(|other| other != one), "{one:?}");
            assert!(rest.all(|other| other.permission().verb != row.verb), "{one:?}");
        }
    }

    #[test]
    fn what_changes_something_takes_a_proof_and_is_logged() {
        for one in OPERATIONS {
            let row = one.permission();
            let harmless = matches!(row.proof, Proof::Nothing | Proof::OwnCodeForAnother);
            assert_eq!(row.logged.is_empty(), row.proof == Proof::Nothing, "{one:?}");
            assert!(harmless || matches!(row.caller, Caller::Root | Caller::Member), "{one:?}");
            assert!(row.mailed.is_empty() || !row.logged.is_empty(), "{one:?}");
            assert!(row.caller != Caller::Unit || row.proof == Proof::Nothing, "{one:?}");
        }
    }

    #[test]
    fn named_holes_take_a_code() {
        use Operation::{
            EnrollList, EpochNow, Export, Forget, ImportFiles, Invite, InviteGroup, SettingsApply,
            Unlock,
        };
        for one in [Export, Invite, InviteGroup, EpochNow, Unlock, Forget, SettingsApply] {
            assert_eq!(one.permission().proof, Proof::OwnCode, "{one:?}");
        }
        for one in [EnrollList, ImportFiles] {
            assert_eq!(one.permission().proof, Proof::OwnCodeUnlessFirst, "{one:?}");
        }
    }
}
