//! The operations of the command `twinlock`: its subcommands, and their forms that need different rights.

/// One operation of the command `twinlock`: a subcommand, or one form of it if the forms of that subcommand require
/// different rights.
///
/// The command maps each parsed subcommand to an operation in a `match` without a wildcard, so a new subcommand does
/// not compile until its rights are defined here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `enroll USER`.
    Enroll,
    /// `enroll --from FILE`, for the users of a list.
    EnrollList,
    /// `import uri USER`.
    ImportUri,
    /// `import migration USER`.
    ImportMigration,
    /// `import qr USER FILE`.
    ImportQr,
    /// `import record`, which imports a user from another host.
    ImportRecord,
    /// `import google USER` and `import oath --user USER`, which import one user.
    ImportFile,
    /// `import google` and `import oath` for several users.
    ImportFiles,
    /// `import google` and `import oath` with `--dry-run`, which import nothing.
    ImportPreview,
    /// `export USER`, which prints a user's record for another host.
    Export,
    /// `status`, which says whether a user is enrolled.
    Status,
    /// `list`, which lists users with a record.
    List,
    /// `verify USER`, which says whether a code of the user is correct.
    Verify,
    /// `invite USER`, which issues a ticket for set-up.
    Invite,
    /// `invite --group GROUP`, which issues tickets to the members of a group.
    InviteGroup,
    /// `reset USER`, which revokes all codes of a user.
    Reset,
    /// `backup-codes USER`, which replaces backup codes.
    BackupCodes,
    /// `change USER`, by which users replace their own authenticator.
    Change,
    /// `show-key USER`, which shows the user's key again.
    ShowKey,
    /// `bypass USER`, which issues a temporary code.
    Bypass,
    /// `unlock USER`, which clears failed attempts.
    Unlock,
    /// `devices USER`, which lists devices whose logins need no code.
    Devices,
    /// `forget USER`, after which a device needs a code again.
    Forget,
    /// `why USER`, which says why logins were refused.
    Why,
    /// `explain USER@ADDRESS`, which says how a login would go.
    Explain,
    /// `remove USER`, which ends the user's enrollment.
    Remove,
    /// `remove USER --authenticator NAME`.
    RemoveAuthenticator,
    /// `settings check`, which reports errors of a settings file.
    SettingsCheck,
    /// `settings apply`, which installs a settings file.
    SettingsApply,
    /// `settings show`, which prints the settings in force.
    SettingsShow,
    /// `epoch ensure`, which creates missing folders.
    EpochEnsure,
    /// `epoch sweep`, by which a systemd unit removes expired ledger entries.
    EpochSweep,
    /// `epoch now`, after which codes of earlier times count as used.
    EpochNow,
    /// `epoch show`, which prints the time before which codes count as used.
    EpochShow,
    /// `doctor`, and `doctor SERVICE`.
    Doctor,
    /// `doctor ssh`.
    DoctorSsh,
    /// `setup SERVICE`, which changes the files of a service.
    Setup,
    /// `setup SERVICE` with `--dry-run`, `--print` or `--check`, which change nothing.
    SetupPreview,
    /// `setup confirm WORD`, which keeps a change that `setup` made.
    SetupConfirm,
    /// `setup undo`, by which systemd units restore the old files of a change that nobody has confirmed.
    SetupUndo,
    /// `teardown SERVICE`, which removes what `setup` wrote.
    Teardown,
    /// `roles init`, which writes a new roles file.
    RolesInit,
    /// `roles check`, which reports errors of the roles file.
    RolesCheck,
    /// `roles show`, which prints the roles in force.
    RolesShow,
    /// `status USER` and `why USER` by a member of a role, through the agent.
    RoleLook,
    /// `unlock USER`, `reset USER` and `bypass USER` by a member of a role, through the agent.
    RoleChange,
    /// `requests`, through the agent: lists the changes that wait for approval.
    Requests,
    /// `approve ID`, through the agent: approves a change that another member of a role has requested.
    Approve,
    /// `fleet etcd-config`, which prints how etcd is set up.
    FleetEtcdConfig,
    /// `fleet init`, which begins a fleet.
    FleetInit,
    /// `fleet init --dry-run`, which only shows what `fleet init` would do.
    FleetInitPreview,
    /// `fleet join`, by which this host joins a fleet.
    FleetJoin,
    /// `fleet join --check`, which says whether this host could join.
    FleetJoinCheck,
    /// `fleet status`, which shows the servers of the store and the hosts.
    FleetStatus,
    /// `fleet leave`, by which this host leaves its fleet.
    FleetLeave,
    /// `fleet leave --stolen`, which removes another host from the fleet and marks all keys as disclosed.
    FleetLeaveStolen,
    /// `fleet rotate`, which replaces the key with which the entries of the store are sealed.
    FleetRotate,
    /// `fleet recover`, which repairs the fleet after the store was restored from a backup.
    FleetRecover,
    /// `fleet rejoin`, which lets this host log in users again after the host was restored from a backup.
    FleetRejoin,
    /// `fleet throttle`, which sets the limits of all hosts.
    FleetThrottle,
    /// `fleet upgrade`, which raises the version of the format of the store's entries.
    FleetUpgrade,
    /// `deliver`, which a systemd unit runs to send queued mail.
    Deliver,
    /// `completions`, which prints a shell completion script.
    Completions,
    /// `man`, which prints a manual page.
    Man,
}

/// All operations.
pub const OPERATIONS: [Operation; 64] = [
    Operation::Enroll,
    Operation::EnrollList,
    Operation::ImportUri,
    Operation::ImportMigration,
    Operation::ImportQr,
    Operation::ImportRecord,
    Operation::ImportFile,
    Operation::ImportFiles,
    Operation::ImportPreview,
    Operation::Export,
    Operation::Status,
    Operation::List,
    Operation::Verify,
    Operation::Invite,
    Operation::InviteGroup,
    Operation::Reset,
    Operation::BackupCodes,
    Operation::Change,
    Operation::ShowKey,
    Operation::Bypass,
    Operation::Unlock,
    Operation::Devices,
    Operation::Forget,
    Operation::Why,
    Operation::Explain,
    Operation::Remove,
    Operation::RemoveAuthenticator,
    Operation::SettingsCheck,
    Operation::SettingsApply,
    Operation::SettingsShow,
    Operation::EpochEnsure,
    Operation::EpochSweep,
    Operation::EpochNow,
    Operation::EpochShow,
    Operation::Doctor,
    Operation::DoctorSsh,
    Operation::Setup,
    Operation::SetupPreview,
    Operation::SetupConfirm,
    Operation::SetupUndo,
    Operation::Teardown,
    Operation::RolesInit,
    Operation::RolesCheck,
    Operation::RolesShow,
    Operation::RoleLook,
    Operation::RoleChange,
    Operation::Requests,
    Operation::Approve,
    Operation::FleetEtcdConfig,
    Operation::FleetInit,
    Operation::FleetInitPreview,
    Operation::FleetJoin,
    Operation::FleetJoinCheck,
    Operation::FleetStatus,
    Operation::FleetLeave,
    Operation::FleetLeaveStolen,
    Operation::FleetRotate,
    Operation::FleetRecover,
    Operation::FleetRejoin,
    Operation::FleetThrottle,
    Operation::FleetUpgrade,
    Operation::Deliver,
    Operation::Completions,
    Operation::Man,
];
