//! The settings of a host, with their defaults.

use alloc::{borrow::Cow, string::String, vec::Vec};

pub use crate::policy::{
    network::Network,
    questions::{Field, Questions},
};
use crate::{
    base::time::{DAY, UnixTime},
    record::Parameters,
};

/// All settings of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The issuer shown in the app; `None` for the host name.
    pub issuer: Option<String>,
    /// The language of all users on this host.
    pub language: Language,
    /// How to treat a user who is not enrolled.
    pub not_enrolled: NotEnrolled,
    /// Where `not_enrolled` was set: if in the settings, no PAM argument may be more permissive.
    pub not_enrolled_by: Author,
    /// How users are set up, and the reason that they are given.
    pub set_up: SetUpRules,
    /// How often a user may postpone replacing a key that others have seen: 0 to 10.
    pub handover_logins: u8,
    /// The number of backup codes, and when to warn about it.
    pub backup_codes: BackupCodes,
    /// Seconds for which a device is remembered; 0 disables the feature.
    pub remember_for: u64,
    /// Steps accepted on each side of now: 0 to 10.
    pub window: u8,
    /// Answers accepted per call: 1 to 10.
    pub tries: u8,
    /// The first prompt; `None` for the built-in text.
    pub prompt: Option<String>,
    /// Whether the answer is shown while it is typed.
    pub echo: Echo,
    /// What one answer contains, as set by the PAM line.
    pub field: Field,
    /// What may be asked in addition to a code, as set by the PAM line and the calling program.
    pub questions: Questions,
    /// The rate limit.
    pub throttle: Limits,
    /// Whether a large clock drift is learned from two adjacent codes.
    pub resync: Resync,
    /// The parameters of new keys.
    pub new_keys: Parameters,
    /// Which logins need a code; the first rule that matches decides.
    pub rules: Vec<Rule>,
    /// Whether administrators must enter their own verification code.
    pub own_code: OwnCode,
    /// How mail is sent.
    pub mail: Mail,
    /// Folders of the records and the ledger.
    pub places: Places,
}

/// How users are set up during a login.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetUpRules {
    /// Whether a user who was never enrolled needs a ticket.
    pub ticket: TicketNeed,
    /// The reason shown to the user; `None` for the built-in text.
    pub reason: Option<String>,
    /// What a user needs whose authenticators were reset.
    pub after_reset: AfterReset,
    /// How long tickets are valid.
    pub ticket_lives: TicketLives,
}

/// How long a ticket is valid, by delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketLives {
    /// Seconds for a mailed ticket (NIST SP 800-63B-4 section 4.2.1.2: at most 24 hours).
    pub mail: u64,
    /// Seconds for a ticket that is handed over.
    pub paper: u64,
}

impl Default for TicketLives {
    fn default() -> Self {
        Self { mail: DAY, paper: 7 * DAY }
    }
}

/// Whether set-up needs a ticket, so that a stolen password is not enough to enroll.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TicketNeed {
    /// A ticket is required.
    #[default]
    Needed,
    /// The first user to log in to the account sets it up.
    Free,
}

/// What set-up after a reset requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterReset {
    /// A ticket, or a verified public key.
    #[default]
    Ticket,
    /// The first factor only.
    Login,
}

/// The number of backup codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupCodes {
    /// Codes in a new set: 1 to 20.
    pub count: u8,
    /// The user is warned when this many or fewer are left.
    pub warn_below: u8,
    /// Whether a backup code is shown while it is typed at its own prompt. It works once, and twenty letters are hard
    /// to type blind.
    pub echo: Echo,
}

impl Default for BackupCodes {
    fn default() -> Self {
        Self { count: 10, warn_below: 3, echo: Echo::Shown }
    }
}

/// Whether administrators must enter their own verification code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCode {
    /// Whether a code is required.
    pub need: OwnCodeNeed,
    /// Accounts that are exempt.
    pub exempt: Vec<String>,
}

/// Whether administrators must enter their own code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnCodeNeed {
    /// A code is required.
    Asked,
    /// Being root is enough.
    NotAsked,
}

impl Default for OwnCode {
    fn default() -> Self {
        Self { need: OwnCodeNeed::Asked, exempt: Vec::new() }
    }
}

/// How mail is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The domain of users without a mail address on record; `None` if they get no mail.
    pub domain: Option<String>,
    /// The sender address.
    pub from: Cow<'static, str>,
    /// Absolute path of the program that sends mail.
    pub sendmail: Cow<'static, str>,
}

impl Default for Mail {
    fn default() -> Self {
        Self { domain: None, from: "root".into(), sendmail: "/usr/sbin/sendmail".into() }
    }
}

/// The languages of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Swedish.
    Swedish,
}

/// How to treat a user who is not enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotEnrolled {
    /// Refuse the login.
    #[default]
    Deny,
    /// Set up the user during the login.
    Enroll,
    /// Offer set-up, then grant access without a code.
    Remind,
    /// Grant access without a code.
    Allow,
}

/// Where a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Author {
    /// The default.
    #[default]
    Nobody,
    /// The settings file.
    Settings,
}

/// Whether the answer is shown while it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Echo {
    /// Hidden, like a password.
    #[default]
    Hidden,
    /// Shown.
    Shown,
}

/// Whether two adjacent codes behind a proven first factor may correct the drift (RFC 6238 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resync {
    /// Two adjacent codes may correct the drift.
    #[default]
    Offered,
    /// Codes outside the window are always wrong.
    Off,
}

/// The rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wrong codes per source before the first delay.
    pub free: u32,
    /// Seconds of the first delay; each further delay is twice as long.
    pub delay: u64,
    /// Seconds of the longest delay.
    pub max_delay: u64,
    /// Wrong codes without a first factor per user and day, all sources together.
    pub per_day: u32,
    /// Consecutive wrong codes, all sources together, before unknown sources are locked out (NIST SP 800-63B section
    /// 5.2.2).
    pub in_a_row: u32,
}

/// Folders of the records and the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The records folder.
    pub records: Cow<'static, str>,
    /// The ledger folder.
    pub ledger: Cow<'static, str>,
    /// The file systems that may hold the ledger.
    pub ledger_kind: LedgerKind,
    /// Whether the ledger must be a mount point.
    pub ledger_mounted: bool,
}

/// The file systems that may hold the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LedgerKind {
    /// tmpfs only, which a restart empties.
    #[default]
    Tmpfs,
    /// Any: the administrator states that it survives restarts.
    Persistent,
}

/// One `[[rule]]`. All conditions that are set must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The canonical account name.
    pub user: Option<String>,
    /// A group name.
    pub group: Option<String>,
    /// The PAM service.
    pub service: Option<String>,
    /// The network of the source address.
    pub network: Option<Network>,
    /// The action if all conditions match.
    pub action: Action,
    /// From this time on, the action is [`Action::Require`].
    pub until: Option<UnixTime>,
}

/// The action of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Require a code.
    Require,
    /// Require no code.
    Exempt,
    /// Require a code from enrolled users; offer set-up to other users, then grant access.
    Remind,
}

impl Default for Limits {
    fn default() -> Self {
        Self { free: 5, delay: 30, max_delay: 900, per_day: 60, in_a_row: 100 }
    }
}

impl Default for Places {
    fn default() -> Self {
        Self {
            records: "/var/lib/twinlock".into(),
            ledger: "/run/twinlock".into(),
            ledger_kind: LedgerKind::default(),
            ledger_mounted: true,
        }
    }
}

impl Policy {
    /// Returns these settings with the command's own sections (own code, mail, mail language, ticket validity) taken
    /// from `command`.
    #[must_use]
    pub fn with_command_settings(self, command: &Self) -> Self {
        // Every field is named, so that a new field does not compile until it is handled here.
        let Self {
            own_code,
            mail,
            language,
            issuer: _,
            not_enrolled: _,
            not_enrolled_by: _,
            set_up: SetUpRules { ticket_lives, ticket: _, reason: _, after_reset: _ },
            handover_logins: _,
            backup_codes: _,
            remember_for: _,
            window: _,
            tries: _,
            prompt: _,
            echo: _,
            field: _,
            questions: _,
            throttle: _,
            resync: _,
            new_keys: _,
            rules: _,
            places: _,
        } = command;
        let set_up = SetUpRules { ticket_lives: *ticket_lives, ..self.set_up };
        Self { own_code: own_code.clone(), mail: mail.clone(), language: *language, set_up, ..self }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            issuer: None,
            language: Language::default(),
            not_enrolled: NotEnrolled::default(),
            not_enrolled_by: Author::default(),
            set_up: SetUpRules::default(),
            handover_logins: 3,
            backup_codes: BackupCodes::default(),
            remember_for: 0,
            window: 1,
            tries: 3,
            prompt: None,
            echo: Echo::default(),
            field: Field::default(),
            questions: Questions::default(),
            throttle: Limits::default(),
            resync: Resync::default(),
            new_keys: Parameters::default(),
            rules: Vec::new(),
            own_code: OwnCode::default(),
            mail: Mail::default(),
            places: Places::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_codes_and_mail_are_the_commands() {
        let named = Policy {
            window: 3,
            own_code: OwnCode { need: OwnCodeNeed::NotAsked, exempt: alloc::vec!["eve".into()] },
            mail: Mail { sendmail: "/home/eve/x".into(), ..Mail::default() },
            language: Language::Swedish,
            set_up: SetUpRules {
                ticket_lives: TicketLives { mail: 7 * DAY, paper: 90 * DAY },
                ..SetUpRules::default()
            },
            ..Policy::default()
        };
        let both = named.with_command_settings(&Policy::default());
        assert_eq!(both, Policy { window: 3, ..Policy::default() });
    }
}
