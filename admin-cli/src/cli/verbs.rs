//! Verbs and their arguments: the source of help texts, manual page and completions.

use clap::{Args, Parser, Subcommand};

pub(crate) use crate::cli::picture::FromPicture;
pub(crate) use crate::cli::recovery::{
    BackupCodesArgs, BypassArgs, ChangeArgs, ExportArgs, Forget, Grounds, Invite, PrivilegedArgs,
    QrArgs, Remove, Reset, ShowKey, Unlock,
};
pub(crate) use crate::cli::rollout::{GroupInvite, List, Many};

/// A second lock on Linux logins: codes from an authenticator app.
#[derive(Parser)]
#[command(name = "twinlock", version, max_term_width = 78)]
pub(crate) struct Command {
    /// Settings file [default: /etc/twinlock/twinlock.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<String>,
    /// Print JSON for scripts
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to do
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Enroll a user: show the QR code, verify one code, then enable it
    ///
    /// A user who enrolls at a terminal sees the backup codes at once; a user whom an administrator enrolls sees them at the first login.
    Enroll(Enroll),
    /// Take over a key that an app or a token already has
    #[command(subcommand)]
    Import(Import),
    /// One person for another host: twinlock export USER | ssh HOST twinlock import record USER
    Export(ExportArgs),
    /// Whether somebody is enrolled, since when, and when a code was last used
    Status {
        /// Whose; root has to say
        user: Option<String>,
    },
    /// Everybody who is or was enrolled; or who is not
    List(List),
    /// Try a code as a login would: it is charged, and used up where it is right
    Verify {
        /// User name
        user: String,
        /// Why, and by which right
        #[command(flatten)]
        grounds: Grounds,
    },
    /// Give a ticket, with which somebody sets up an app at a login: nobody else sees the key
    Invite(Invite),
    /// End all that lets somebody in by a code, and give a ticket to begin anew: for a lost phone
    Reset(Reset),
    /// New backup codes; the old ones are dead at once
    BackupCodes(BackupCodesArgs),
    /// Set up another app of one's own; the old one stops once the new one is proven
    Change(ChangeArgs),
    /// Show a key once more, to hand it over; its owner is then asked to change it
    #[command(visible_alias = "qr")]
    ShowKey(ShowKey),
    /// Give a pass of nine digits, which stands for a code for some hours
    Bypass(BypassArgs),
    /// Forget wrong codes, so that somebody may try again at once
    Unlock(Unlock),
    /// The devices that stand for a code of somebody's, and until when
    Devices {
        /// Whose
        user: String,
    },
    /// Have a device asked for a code again
    Forget(Forget),
    /// Why somebody was refused lately, and what to do about it
    Why {
        /// Who was refused; a name without an account will do
        user: String,
    },
    /// What would become of a login, step by step: account, sshd, rules, record, throttle
    Explain {
        /// Whose login, and from which address: ada@203.0.113.7; without an address for su, sudo and consoles
        #[arg(value_name = "USER@ADDRESS")]
        login: String,
        /// By which PAM service
        #[arg(long, value_name = "SERVICE", default_value = "sshd")]
        service: String,
    },
    /// Remove a user's enrollment
    Remove(Remove),
    /// The settings in force, and whether a file may replace them
    #[command(subcommand)]
    Settings(Settings),
    /// The ledger's memory: since when used codes are known
    #[command(subcommand)]
    Epoch(EpochVerb),
    /// Find a way in without a code, or a lock-out
    #[command(subcommand)]
    Doctor(twinlock_doctor::Doctor),
    /// Send the letters that wait in the outbox (a unit runs this)
    #[command(hide = true)]
    Deliver {
        /// How long the program that takes mail may take for each
        #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
        patience: u64,
    },
    /// Print a completion script for a shell
    #[command(hide = true)]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    #[command(hide = true)]
    Man,
}

impl Verb {
    /// Reports whether the verb changes stored state. Work on the outbox and the epoch's folders is resumed after a
    /// failure, so those verbs do not count.
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
            | Self::Settings(Settings::Apply(_))
            | Self::Epoch(EpochVerb::Now(_)) => true,
            Self::Export(_)
            | Self::Status { .. }
            | Self::List(_)
            | Self::Verify { .. }
            | Self::Devices { .. }
            | Self::Why { .. }
            | Self::Explain { .. }
            | Self::Settings(Settings::Check { .. } | Settings::Show)
            | Self::Epoch(EpochVerb::Ensure | EpochVerb::Show | EpochVerb::Sweep)
            | Self::Doctor(_)
            | Self::Deliver { .. }
            | Self::Completions { .. }
            | Self::Man => false,
        }
    }
}

/// What enrollment needs to know.
#[derive(Args)]
#[command(
    override_usage = "twinlock enroll [OPTIONS] <USER>\n   or: twinlock enroll [OPTIONS] --from <FILE>"
)]
pub(crate) struct Enroll {
    /// The account that gets a key
    #[arg(required = true)]
    pub(crate) user: Option<String>,
    /// Many people at once
    #[command(flatten)]
    pub(crate) many: Many,
    /// How the key is shown
    #[command(flatten)]
    pub(crate) drawing: QrArgs,
    /// Read the key, in base32, from the first line of standard input
    #[arg(long)]
    pub(crate) secret_stdin: bool,
    /// What to call the authenticator
    #[arg(long, value_name = "NAME", default_value = "app")]
    pub(crate) name: String,
    /// Why, and by which right
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Where a key comes from.
#[derive(Subcommand)]
pub(crate) enum Import {
    /// An otpauth:// line on standard input; a token with a button has otpauth://hotp/ and counter=
    Uri {
        /// The account that it is for
        user: String,
        /// Why, and by which right
        #[command(flatten)]
        grounds: Grounds,
    },
    /// What Google's app exports: otpauth-migration:// lines, one a QR code, on standard input
    Migration {
        /// The account that it is for
        user: String,
        /// Which of several accounts in it, by the name that the app shows
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Which of several accounts of one name, by its number in the list that is shown
        #[arg(long, value_name = "N")]
        index: Option<usize>,
        /// Why, and by which right
        #[command(flatten)]
        grounds: Grounds,
    },
    /// A picture of a QR code, PNG or JPEG: of one key, or of an export of Google's app
    Qr(FromPicture),
    /// What `twinlock export` has written on another host, on standard input
    #[command(override_usage = "twinlock import record [OPTIONS] <USER>")]
    Record {
        /// The account that it is for
        #[arg(required = false)]
        user: Option<String>,
        /// Take it although the record here was changed later
        #[arg(long)]
        older: bool,
        /// Why, and by which right
        #[command(flatten)]
        grounds: Grounds,
    },
    /// The files of pam_google_authenticator: keys, counters, used codes and scratch codes
    Google(FromGoogle),
    /// The users file of pam_oath: keys, counters and used codes
    Oath(FromOath),
}

/// Files of pam_google_authenticator.
#[derive(Args)]
#[command(
    override_usage = "twinlock import google [OPTIONS] <USERS>...\n   or: twinlock import google [OPTIONS] --all"
)]
pub(crate) struct FromGoogle {
    /// Whose files
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) users: Vec<String>,
    /// Everybody whom the machine lists (getent passwd) and who has a file
    #[arg(long)]
    pub(crate) all: bool,
    /// Where each file stands, as in the module's `secret=`: ~, ${HOME} and ${USER} stand for the person's
    #[arg(long, value_name = "FILE", default_value = "~/.google_authenticator")]
    pub(crate) file: String,
    /// What is done beside importing
    #[command(flatten)]
    pub(crate) how: How,
    /// Why, and by which right
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// The users file of pam_oath.
#[derive(Args)]
pub(crate) struct FromOath {
    /// The file, /etc/users.oath as a rule
    pub(crate) file: String,
    /// Only this person; may be given several times
    #[arg(long = "user", value_name = "USER")]
    pub(crate) users: Vec<String>,
    /// What is done beside importing
    #[command(flatten)]
    pub(crate) how: How,
    /// Why, and by which right
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// What is done beside importing.
#[derive(Args, Clone, Copy)]
pub(crate) struct How {
    /// Tell what would be done, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Overwrite and delete a file as soon as all that it holds is imported
    #[arg(long)]
    pub(crate) remove_source: bool,
}

/// What to do with settings.
#[derive(Subcommand)]
pub(crate) enum Settings {
    /// Check a file for mistakes; only reads
    Check {
        /// Settings file [default: the one in use]
        file: Option<String>,
    },
    /// Install a file, and keep a copy that stands in while a later one has a mistake
    Apply(Apply),
    /// Print what is in force
    Show,
}

/// Settings to install.
#[derive(Args)]
pub(crate) struct Apply {
    /// Settings file [default: the one in use, which is checked and copied]
    pub(crate) file: Option<String>,
    /// Why, and by which right
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// What to do with the ledger's memory.
#[derive(Subcommand)]
pub(crate) enum EpochVerb {
    /// Make folders, store-id and epoch where they are missing (a unit runs this before sshd)
    Ensure,
    /// Begin a new epoch now: after a restored snapshot, or a clock that was ahead or set back
    Now(Grounds),
    /// Say since when used codes are known
    Show,
    /// Remove expired tries, used steps and devices from the ledger (a unit runs this)
    #[command(hide = true)]
    Sweep,
}
