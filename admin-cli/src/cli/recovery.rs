//! Arguments of the subcommands that revoke or issue credentials.

use clap::Args;

use crate::cli::GroupInvite;

/// Options of every subcommand that asks for a code of the acting user.
#[derive(Args, Clone, Default)]
pub(crate) struct Grounds {
    /// Reason recorded in the log
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Skip your own code where the acting user is unknown (service, container); logged, and mailed to root
    #[arg(long, value_name = "REASON")]
    pub(crate) break_glass: Option<String>,
}

/// Options of every subcommand that asks for confirmation.
#[derive(Args)]
pub(crate) struct PrivilegedArgs {
    /// Do not ask for confirmation
    #[arg(long)]
    pub(crate) yes: bool,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Arguments of `unlock`.
#[derive(Args)]
pub(crate) struct Unlock {
    /// User name
    pub(crate) user: String,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Arguments of `export`.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// User name
    pub(crate) user: String,
    /// Print the keys even if standard output is a terminal
    #[arg(long)]
    pub(crate) yes: bool,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Arguments of `remove`.
#[derive(Args)]
pub(crate) struct Remove {
    /// User name [default: the caller, who must not be root]
    #[arg(default_value = "", hide_default_value = true)]
    pub(crate) user: String,
    /// Remove only this authenticator; the user's others keep working
    #[arg(long, value_name = "NAME")]
    pub(crate) authenticator: Option<String>,
    /// The options `--yes`, `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) privileged: PrivilegedArgs,
}

/// Arguments of `reset`.
#[derive(Args)]
pub(crate) struct Reset {
    /// User name
    pub(crate) user: String,
    /// Also end the user's sessions (loginctl terminate-user)
    #[arg(long)]
    pub(crate) end_sessions: bool,
    /// Also expire the user's password (chage -d 0); refused for an account without a password
    #[arg(long)]
    pub(crate) expire_password: bool,
    /// The options `--yes`, `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) privileged: PrivilegedArgs,
}

/// Arguments of `change`.
#[derive(Args)]
pub(crate) struct ChangeArgs {
    /// User name [default: the caller, who must not be root]
    #[arg(default_value = "", hide_default_value = true)]
    pub(crate) user: String,
}

/// Arguments of `backup-codes`.
#[derive(Args)]
pub(crate) struct BackupCodesArgs {
    /// User name [default: the caller, who must not be root]
    #[arg(default_value = "", hide_default_value = true)]
    pub(crate) user: String,
    /// Print the new codes, to hand over on paper (logged)
    #[arg(long)]
    pub(crate) print: bool,
    /// Write the new codes to a new file, mode 0600 (logged)
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<String>,
    /// The options `--yes`, `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) privileged: PrivilegedArgs,
}

/// Arguments of `show-key`.
#[derive(Args)]
pub(crate) struct ShowKey {
    /// User name
    pub(crate) user: String,
    /// Authenticator to show; required if the user has several
    #[arg(long, value_name = "NAME")]
    pub(crate) authenticator: Option<String>,
    /// The options that say how the QR code is displayed.
    #[command(flatten)]
    pub(crate) drawing: QrArgs,
    /// The options `--yes`, `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) privileged: PrivilegedArgs,
}

/// Options that say how the QR code of a key is displayed.
#[derive(Args)]
pub(crate) struct QrArgs {
    /// Draw the QR code with # instead of block characters
    #[arg(long)]
    pub(crate) ascii: bool,
    /// Swap dark and light, if the QR code does not scan
    #[arg(long)]
    pub(crate) invert: bool,
    /// Also write the QR code to a new PNG file, mode 0600
    #[arg(long, value_name = "FILE")]
    pub(crate) png: Option<String>,
    /// Also write the QR code to a new SVG file, mode 0600
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<String>,
}

/// Arguments of `bypass`.
#[derive(Args)]
pub(crate) struct BypassArgs {
    /// User name
    pub(crate) user: String,
    /// Lifetime, such as 30m or 8h; 1m to 24h
    #[arg(long = "for", value_name = "TIME", default_value = "1h")]
    pub(crate) time: String,
    /// Number of logins, 1 to 10
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=10))]
    pub(crate) uses: u8,
    /// The options `--yes`, `--reason` and `--break-glass`. `--reason` is required.
    #[command(flatten)]
    pub(crate) privileged: PrivilegedArgs,
}

/// Arguments of `invite`.
#[derive(Args)]
#[command(
    override_usage = "twinlock invite [OPTIONS] <USER>\n   or: twinlock invite [OPTIONS] --group <GROUP> --until <DATE>"
)]
pub(crate) struct Invite {
    /// User name
    #[arg(required_unless_present = "group")]
    pub(crate) user: Option<String>,
    /// The options to invite the members of a group.
    #[command(flatten)]
    pub(crate) many: GroupInvite,
    /// Mail address of the user, kept for later mail
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mail: Option<String>,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

/// Arguments of `forget`.
#[derive(Args)]
#[command(
    override_usage = "twinlock forget [OPTIONS] [USER] <NUMBER>\n   or: twinlock forget [OPTIONS] [USER] --device <NUMBER>\n   or: twinlock forget [OPTIONS] [USER] --all"
)]
pub(crate) struct Forget {
    /// User name [default: the caller, who must not be root]
    #[arg(default_value = "", hide_default_value = true)]
    pub(crate) user: String,
    /// Number of the device in `twinlock devices`
    #[arg(required_unless_present_any = ["all", "device"], conflicts_with_all = ["all", "device"])]
    pub(crate) number: Option<usize>,
    /// Number of the device in `twinlock devices`
    #[arg(long, value_name = "NUMBER", conflicts_with = "all")]
    pub(crate) device: Option<usize>,
    /// Forget all devices
    #[arg(long)]
    pub(crate) all: bool,
    /// The options `--reason` and `--break-glass`.
    #[command(flatten)]
    pub(crate) grounds: Grounds,
}

impl Forget {
    /// Returns the number of the chosen device, from 1; `None` for all devices.
    pub(crate) fn chosen(&self) -> Option<usize> {
        self.number.or(self.device)
    }
}
