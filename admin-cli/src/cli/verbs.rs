//! Subcommands and their arguments: the source of help texts, manual page and completions.

use clap::{Args, Parser, Subcommand};

pub(crate) use crate::cli::fleet::FleetVerb;
pub(crate) use crate::cli::picture::FromPicture;
pub(crate) use crate::cli::recovery::{
    BackupCodesArgs, BypassArgs, ChangeArgs, ExportArgs, Forget, Grounds, Invite, PrivilegedArgs,
    QrArgs, Remove, Reset, ShowKey, Unlock,
};
pub(crate) use crate::cli::roles::RolesVerb;
pub(crate) use crate::cli::rollout::{GroupInvite, List, Many};
pub(crate) use crate::cli::setup::{Setup, SetupVerb, Teardown};

/// Manage the second factor of Linux logins: codes from an authenticator app.
#[derive(Parser)]
#[command(name = "twinlock", version, max_term_width = 78)]
pub(crate) struct Command {
    /// Settings file [default: /etc/twinlock/twinlock.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The subcommand to run.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// The subcommands of `twinlock`.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Enroll a user: show the QR code, verify one code, then enable it
    ///
    /// A user who enrolls at a terminal sees the backup codes at once; a user whom an administrator enrolls sees them at the first login.
    Enroll(Enroll),
    /// Import a key from an app, a token or another program
    #[command(subcommand)]
    Import(Import),
    /// Write a user's enrollment to standard output, for another host
    ///
    /// The other host reads it: twinlock export USER | ssh HOST twinlock import record USER. The output contains the keys in clear text.
    Export(ExportArgs),
    /// Show whether a user is enrolled, and with what
    Status {
        /// User name; required for root [default: the caller]
        user: Option<String>,
    },
    /// List enrolled users, or users who are not enrolled
    List(List),
    /// Check a user's code as a login would
    ///
    /// A right code is used up: no login accepts it afterwards. Wrong codes are rate limited, but do not delay logins.
    Verify {
        /// User name
        user: String,
        /// The options `--reason` and `--break-glass`.
        #[command(flatten)]
        grounds: Grounds,
    },
    /// Issue a set-up ticket, so that a user enrolls at a login
    ///
    /// The user types the ticket at a login and scans the QR code there. Only the user sees the key.
    Invite(Invite),
    /// Reset a user's second factor (lost phone) and issue a set-up ticket
    ///
    /// Authenticators, backup codes, tickets, bypass codes and remembered devices of the user stop working at once.
    Reset(Reset),
    /// Replace a user's backup codes; the old ones stop working at once
    BackupCodes(BackupCodesArgs),
    /// Replace your own authenticator
    ///
    /// The old authenticator works until you have typed a code of the new one.
    Change(ChangeArgs),
    /// Show a user's key and QR code again
    ///
    /// The user is asked to replace the key at the next logins, because it was shown to an administrator.
    #[command(visible_alias = "qr")]
    ShowKey(ShowKey),
    /// Issue a temporary bypass code
    ///
    /// A bypass code has nine digits. The user types it in place of a verification code, after the password or the key.
    Bypass(BypassArgs),
    /// Clear a user's failed attempts
    Unlock(Unlock),
    /// List a user's remembered devices
    Devices {
        /// User name [default: the caller, who must not be root]
        #[arg(default_value = "", hide_default_value = true)]
        user: String,
    },
    /// Forget a user's remembered devices
    ///
    /// The next login from a forgotten device asks for a code again.
    Forget(Forget),
    /// Show why a user's logins were refused, and what to do
    Why {
        /// User name; the account need not exist [default: the caller, who must not be root]
        #[arg(default_value = "", hide_default_value = true)]
        user: String,
    },
    /// Explain step by step what would happen at a login
    ///
    /// The steps are account, sshd, PAM, rules, record and throttle. Nothing is changed.
    Explain {
        /// User name and client address, such as ada@203.0.113.7; only the user name for su, sudo and consoles
        #[arg(value_name = "USER@ADDRESS")]
        login: String,
        /// PAM service of the login
        #[arg(long, value_name = "SERVICE", default_value = "sshd")]
        service: String,
    },
    /// Remove a user's enrollment
    Remove(Remove),
    /// Show, check and install settings
    #[command(subcommand)]
    Settings(SettingsVerb),
    /// Manage the replay-protection epoch
    ///
    /// Used codes are known since the epoch. Older codes are refused, because they may have been used before.
    #[command(subcommand)]
    Epoch(EpochVerb),
    /// Check the PAM and sshd configuration for bypasses and lockouts
    ///
    /// Exit status: 0 if every login needs a code and no user is
    /// locked out, 7 if not, 8 if something is not known.
    Doctor(twinlock_doctor::Doctor),
    /// Change the files of a service so that its logins need a code
    ///
    /// The new files are judged as by doctor and tried in private namespaces before they are written. A change that nobody confirms in time is put back.
    Setup(Setup),
    /// Undo what `setup` has changed in the files of a service
    Teardown(Teardown),
    /// Manage roles: who may help other users without being root
    #[command(subcommand)]
    Roles(RolesVerb),
    /// List the requests that wait for a second member of your role
    Requests,
    /// Approve the request of another member of your role
    ///
    /// The agent asks for your password and a code of your app.
    Approve {
        /// Word of the request, as `twinlock requests` shows it
        id: String,
    },
    /// Share records and used codes with other hosts through etcd: twinlock-fleet(8)
    #[command(subcommand)]
    Fleet(FleetVerb),
    /// Send queued mail (run by a systemd timer)
    #[command(hide = true)]
    Deliver {
        /// Time limit of the mail program for each mail, 1 to 600 seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
        patience: u64,
    },
    /// Print a completion script for a shell
    #[command(hide = true)]
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page twinlock(1)
    #[command(hide = true)]
    Man,
}

impl Verb {
    /// Returns whether the subcommand changes stored data and needs more than to be run again after a failure. Returns
    /// `false` for `setup` and `teardown`, because their messages say which files are in force. Also returns `false`
    /// for subcommands whose second run completes the work of the first.
    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Enroll(_)
            | Self::Import(_)
            | Self::Invite(_)
            | Self::Reset(_)
            | Self::BackupCodes(_)
            | Self::Change(_)
            | Self::ShowKey(_)
            | Self::Bypass(_)
            | Self::Unlock(_)
            | Self::Forget(_)
            | Self::Remove(_)
            | Self::Settings(SettingsVerb::Apply(_))
            | Self::Epoch(EpochVerb::Now(_)) => true,
            // The messages of these verbs say which files are in force.
            Self::Setup(_) | Self::Teardown(_) => false,
            // What they have done before an error stays, and running them again does the rest.
            Self::Fleet(_) => false,
            Self::Export(_)
            | Self::Status { .. }
            | Self::List(_)
            | Self::Verify { .. }
            | Self::Devices { .. }
            | Self::Why { .. }
            | Self::Explain { .. }
            | Self::Settings(SettingsVerb::Check { .. } | SettingsVerb::Show)
            | Self::Epoch(EpochVerb::Ensure | EpochVerb::Show | EpochVerb::Sweep)
            | Self::Doctor(_)
            | Self::Roles(_)
            | Self::Requests
            | Self::Approve { .. }
            | Self::Deliver { .. }
            | Self::Completions { .. }
            | Self::Man => false,
        }
    }
}

/// Arguments of `enroll`.
#[derive(Args)]
#[command(
    override_usage = "twinlock enroll [OPTIONS] [USER]\n   or: twinlock enroll [OPTIONS] --from <FILE>"
)]
pub(crate) struct Enroll {
    /// User name [default: the caller, who must not be root and has a ticket]
    pub(crate) user: Option<String>,
    /// The options to enroll the users of a list.
    #[command(flatten)]
    pub(crate) many: Many,
    /// The options that say how the QR code is displayed.
    #[command(flatten)]
    pub(crate) drawing: QrArgs,
    /// Read the key (base32, 10 to 128 bytes) from the first line of standard input
    #[arg(long)]
    pub(crate) secret_stdin: bool,
    /// Name of the authenticator, 1 to 64 characters
    #[arg(long, value_name = "NAME", default_value = "app")]
    pub(crate) name: String,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// The subcommands of `twinlock import`, one for each kind of source.
#[derive(Subcommand)]
pub(crate) enum Import {
    /// Import an otpauth:// URI from standard input
    ///
    /// A time-based key is otpauth://totp/; a counter-based token is otpauth://hotp/ with counter=.
    Uri {
        /// User name
        user: String,
        /// The options `--reason` and `--break-glass`.
        #[command(flatten)]
        grounds: Grounds,
    },
    /// Import a Google Authenticator export from standard input
    ///
    /// Standard input has one otpauth-migration:// line for each QR code of the export.
    Migration {
        /// User name
        user: String,
        /// Account to import, by the name shown in the app
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Account to import, by its number in the printed list (from 1)
        #[arg(long, value_name = "N")]
        index: Option<usize>,
        /// The options `--reason` and `--break-glass`.
        #[command(flatten)]
        grounds: Grounds,
    },
    /// Import a key from a picture of a QR code (PNG or JPEG)
    ///
    /// The QR code holds one otpauth:// key or a Google Authenticator export.
    Qr(FromPicture),
    /// Import the output of `twinlock export` from standard input
    #[command(override_usage = "twinlock import record [OPTIONS] <USER>")]
    Record {
        /// User name
        #[arg(required = false)]
        user: Option<String>,
        /// Overwrite a newer local record
        #[arg(long)]
        older: bool,
        /// The options `--reason` and `--break-glass`.
        #[command(flatten)]
        grounds: Grounds,
    },
    /// Import users from pam_google_authenticator files
    ///
    /// Keys, counters, used codes and scratch codes are imported.
    Google(FromGoogle),
    /// Import users from a pam_oath users file
    ///
    /// Keys, counters and used codes are imported.
    Oath(FromOath),
}

/// Arguments of `import google`.
#[derive(Args)]
#[command(
    override_usage = "twinlock import google [OPTIONS] <USERS>...\n   or: twinlock import google [OPTIONS] --all"
)]
pub(crate) struct FromGoogle {
    /// User names
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) users: Vec<String>,
    /// Import every user that getent passwd lists and that has a file
    #[arg(long)]
    pub(crate) all: bool,
    /// Path of each user's file, as in the module's `secret=`; ~, ${HOME} and ${USER} are expanded
    #[arg(long, value_name = "FILE", default_value = "~/.google_authenticator")]
    pub(crate) file: String,
    /// The options `--dry-run` and `--remove-source`.
    #[command(flatten)]
    pub(crate) how: How,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Arguments of `import oath`.
#[derive(Args)]
pub(crate) struct FromOath {
    /// Users file, usually /etc/users.oath
    pub(crate) file: String,
    /// Import only this user (repeatable)
    #[arg(long = "user", value_name = "USER")]
    pub(crate) users: Vec<String>,
    /// The options `--dry-run` and `--remove-source`.
    #[command(flatten)]
    pub(crate) how: How,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Options of imports from the files of other PAM modules.
#[derive(Args, Clone, Copy)]
pub(crate) struct How {
    /// Show what would be imported, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Overwrite and delete each file once everything in it is imported
    #[arg(long)]
    pub(crate) remove_source: bool,
}

/// The subcommands of `twinlock settings`.
#[derive(Subcommand)]
pub(crate) enum SettingsVerb {
    /// Check a settings file for mistakes
    Check {
        /// Settings file [default: the file in use]
        file: Option<String>,
    },
    /// Check and install a settings file
    ///
    /// A copy is kept as settings.good. Logins use the copy while the settings file has a mistake.
    Apply(Apply),
    /// Print the settings in force
    Show,
}

/// Arguments of `settings apply`.
#[derive(Args)]
pub(crate) struct Apply {
    /// Settings file [default: the file in use, which is checked and copied]
    pub(crate) file: Option<String>,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// The subcommands of `twinlock epoch`.
#[derive(Subcommand)]
pub(crate) enum EpochVerb {
    /// Create missing folders, store-id and epoch (run by systemd before sshd)
    Ensure,
    /// Begin a new epoch
    ///
    /// Needed after a snapshot was restored, and after the clock was ahead or was set back. Codes shown until now are then refused.
    Now(Grounds),
    /// Show when the epoch began
    Show,
    /// Remove expired entries from the ledger (run by a systemd timer)
    #[command(hide = true)]
    Sweep,
}
