//! Arguments of the verbs that revoke or issue credentials.

use clap::Args;

use crate::cli::GroupInvite;

/// What every verb takes that asks for a code of the acting user.
#[derive(Args, Clone, Default)]
pub(crate) struct Grounds {
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Where it cannot be told who acts (a service, a container): go without a code of your own; logged and mailed
    #[arg(long, value_name = "REASON")]
    pub(crate) break_glass: Option<String>,
}

/// What every grave verb takes.
#[derive(Args)]
pub(crate) struct PrivilegedArgs {
    /// Do not ask for the name
    #[arg(long)]
    pub(crate) yes: bool,
    /// Why, and by which right
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// What clearing wrong codes needs to know.
#[derive(Args)]
pub(crate) struct Unlock {
    /// Who is to try again
    pub(crate) user: String,
    /// Why, and by which right
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// What an export needs to know.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Whose record, codes and used steps
    pub(crate) user: String,
    /// Print the keys on a terminal, too
    #[arg(long)]
    pub(crate) yes: bool,
    /// Why, and by which right
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// What a removal needs to know.
#[derive(Args)]
pub(crate) struct Remove {
    /// Whose; the account may be gone already
    pub(crate) user: String,
    /// Remove this authenticator alone, one of several; the others work on
    #[arg(long, value_name = "NAME")]
    pub(crate) authenticator: Option<String>,
    /// How it is done
    #[command(flatten)]
    pub(crate) privileged: PrivilegedArgs,
}

/// What a reset needs to know.
#[derive(Args)]
pub(crate) struct Reset {
    /// Whose
    pub(crate) user: String,
    /// End the person's sessions too (loginctl terminate-user)
    #[arg(long)]
    pub(crate) end_sessions: bool,
    /// Have a new password chosen at the next login too (chage -d 0); refused for an account without a password
    #[arg(long)]
    pub(crate) expire_password: bool,
    /// How it is done
    #[command(flatten)]
    pub(crate) privileged: PrivilegedArgs,
}

/// What a change of one's own authenticator needs to know.
#[derive(Args)]
pub(crate) struct ChangeArgs {
    /// Your own user name
    pub(crate) user: String,
}

/// What new backup codes need to know.
#[derive(Args)]
pub(crate) struct BackupCodesArgs {
    /// Whose
    pub(crate) user: String,
    /// Show the new codes here, to be handed over on paper (logged)
    #[arg(long)]
    pub(crate) print: bool,
    /// Write the new codes to a file (mode 0600, never overwritten; logged)
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<String>,
    /// How it is done
    #[command(flatten)]
    pub(crate) privileged: PrivilegedArgs,
}

/// What showing a key needs to know.
#[derive(Args)]
pub(crate) struct ShowKey {
    /// Whose
    pub(crate) user: String,
    /// Which authenticator, where there are several
    #[arg(long, value_name = "NAME")]
    pub(crate) authenticator: Option<String>,
    /// How the key is shown
    #[command(flatten)]
    pub(crate) drawing: QrArgs,
    /// How it is done
    #[command(flatten)]
    pub(crate) privileged: PrivilegedArgs,
}

/// How a key is shown.
#[derive(Args)]
pub(crate) struct QrArgs {
    /// Draw the QR code with # instead of blocks
    #[arg(long)]
    pub(crate) ascii: bool,
    /// Swap dark and light, for a screen on which the code does not scan
    #[arg(long)]
    pub(crate) invert: bool,
    /// Write the QR code as a PNG picture too (mode 0600, never overwritten)
    #[arg(long, value_name = "FILE")]
    pub(crate) png: Option<String>,
    /// Write the QR code as an SVG picture too (mode 0600, never overwritten)
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<String>,
}

/// What a bypass needs to know.
#[derive(Args)]
pub(crate) struct BypassArgs {
    /// Whose
    pub(crate) user: String,
    /// How long it works: 30m, 8h; 24h at most
    #[arg(long = "for", value_name = "TIME", default_value = "1h")]
    pub(crate) time: String,
    /// How often it works: 1 to 10
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=10))]
    pub(crate) uses: u8,
    /// How it is done; --reason has to be given
    #[command(flatten)]
    pub(crate) privileged: PrivilegedArgs,
}

/// What an invitation needs to know.
#[derive(Args)]
#[command(
    override_usage = "twinlock invite [OPTIONS] <USER>\n   or: twinlock invite [OPTIONS] --group <GROUP> --until <DATE>"
)]
pub(crate) struct Invite {
    /// Who is to set up an app
    #[arg(required_unless_present = "group")]
    pub(crate) user: Option<String>,
    /// A whole group
    #[command(flatten)]
    pub(crate) many: GroupInvite,
    /// Where mail for the person goes from now on
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mail: Option<String>,
    /// Why, and by which right
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Which devices are forgotten.
#[derive(Args)]
#[command(
    override_usage = "twinlock forget [OPTIONS] <USER> <NUMBER>\n   or: twinlock forget [OPTIONS] <USER> --all"
)]
pub(crate) struct Forget {
    /// Whose
    pub(crate) user: String,
    /// Which of `twinlock devices`
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) number: Option<usize>,
    /// All of them
    #[arg(long)]
    pub(crate) all: bool,
    /// Why, and by which right
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}
