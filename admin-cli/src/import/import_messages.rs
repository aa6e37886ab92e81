//! Messages of an import about a source file. They never quote the file.

use twinlock_migrate::user_file::UserFileError;
use twinlock_migrate::{
    google::GoogleError,
    oath::{OathLineError, PassedOver, Unread},
    source::Remark,
};

use crate::{
    error::exit::{CliError, Exit},
    text::count,
};

/// A message about a line of an imported file.
pub(crate) struct Worded {
    /// Number of the line, from 1; 0 if the message is about the whole file.
    pub(crate) line: u32,
    /// Word that identifies the message for scripts. It is the same in every version and language.
    pub(crate) word: &'static str,
    /// Text for people.
    pub(crate) text: String,
    /// Whether the source file must not be deleted, because a part of it could not be read or imported.
    pub(crate) keeps_source: bool,
}

impl Worded {
    /// Returns whether the message is about the configuration of the other PAM module. Such a message concerns every
    /// user, so it is shown once and not in the report about each user.
    pub(crate) fn is_of_module(&self) -> bool {
        ["rate_limit", "last_logins", "window", "look_ahead"].contains(&self.word)
    }
}

/// Returns the message for a remark of an import plan.
#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(crate) fn worded(remark: Remark) -> Worded {
    let now = "protection against replay begins now: codes shown so far count as used";
    let (line, word, text) = match remark {
        Remark::Window { line, each_way: each_way @ 0..=10 } => (
            line,
            "window",
            format!("WINDOW_SIZE is not imported; `window = {each_way}` in twinlock.toml is as wide, for all users"),
        ),
        Remark::Window { line, .. } => (
            line,
            "window",
            "WINDOW_SIZE is not imported; `window = 10` in twinlock.toml is the maximum, for all users".into(),
        ),
        Remark::LookAhead { line, counters } => (
            line,
            "look_ahead",
            format!("WINDOW_SIZE is not imported: {counters} counters ahead are more than twinlock checks"),
        ),
        Remark::DeadCodes { line, count: 0 } => {
            (line, "odd_line", "no scratch code; Google's module stops reading here".into())
        }
        Remark::DeadCodes { line, count: below } => (
            line,
            "dead_codes",
            format!(
                "no scratch code; Google's module stops reading here, so {} below never worked, and are not imported",
                count(below, "code")
            ),
        ),
        Remark::TooManyCodes { count: more } => (
            0,
            "too_many_codes",
            format!("{} beyond the 64 that a set holds are left out", count(more, "backup code")),
        ),
        Remark::ReuseAllowed => (0, "reuse_allowed", format!("DISALLOW_REUSE was not set; {now}")),
        Remark::ReuseUnreadable { line } => {
            (line, "reuse_unreadable", format!("DISALLOW_REUSE cannot be read; {now}"))
        }
        Remark::FutureSteps { line, count: future } => (
            line,
            "future_steps",
            format!("{} of DISALLOW_REUSE are in the future and are left out: they cannot have been used", count(future, "step")),
        ),
        Remark::ShortKey { bits } => (
            0,
            "short_key",
            format!("the key has {bits} bits; RFC 4226 requires at least 128: enroll the user again when convenient"),
        ),
        Remark::Padding => (
            1,
            "padding",
            "the key ends in =, for which Google's module refuses the file; it is imported without the =".into(),
        ),
        Remark::RateLimit { line } => (
            line,
            "rate_limit",
            "RATE_LIMIT is not imported: twinlock counts wrong codes itself (throttle in twinlock.toml)".into(),
        ),
        Remark::LastLogins { line } => (
            line,
            "last_logins",
            "LAST0 to LAST9 are not imported: every login is asked for a code".into(),
        ),
        Remark::SkewUnderWay { line } => (
            line,
            "skew_under_way",
            "RESETTING_TIME_SKEW is not imported: the phone's clock is learned again".into(),
        ),
        Remark::Fork { line } => {
            (line, "fork", "an option of a fork, which Google's module does not read; imported as the fork reads it".into())
        }
        Remark::UnknownOption { line } => {
            (line, "unknown_option", "an option that twinlock does not know; left out".into())
        }
        Remark::UnreadableOption { line } => {
            (line, "unreadable_option", "a value that cannot be read; left out".into())
        }
        Remark::Password { line } => (
            line,
            "clear_text_password",
            "a password in clear text is not imported: anyone who has read this file knows it".into(),
        ),
        Remark::PinElsewhere { line } => (
            line,
            "password_elsewhere",
            "the password that goes before the code (+) stays with the module that checks it".into(),
        ),
        Remark::LastCodeTooOld { line } => (
            line,
            "last_code_old",
            "the last code is not recent, so it need not be recorded as used".into(),
        ),
        Remark::SameKey { line, first } => {
            (line, "same_key", format!("the same key as line {first}; left out"))
        }
        Remark::SameKeyOther { line, first } => (
            line,
            "same_key_other",
            format!("the same key as line {first}, for codes of another kind or length; left out"),
        ),
        Remark::RepeatedOption { line } => {
            (line, "repeated_option", "an option that was set above already; left out".into())
        }
        Remark::TooMany { line } => {
            (line, "too_many", "more authenticators than a user can have (16); left out".into())
        }
    };
    Worded { line, word, text, keeps_source: remark.keeps_source() }
}

/// Returns the message for a line of pam_oath's file that was skipped.
pub(crate) fn passed_over(one: PassedOver) -> Worded {
    let (word, text) = match one.what {
        Unread::Comment => ("comment", "a comment; left out"),
        Unread::Rest => ("rest_of_line", "text after the entry; left out"),
    };
    Worded { line: one.line, word, text: text.into(), keeps_source: true }
}

/// Returns the error for a file of Google's module that cannot be imported.
pub(crate) fn google_failure(path: &str, fault: GoogleError) -> CliError {
    let line = match fault {
        GoogleError::Empty | GoogleError::TooLarge | GoogleError::NoMode => 0,
        GoogleError::Secret(_) => 1,
        GoogleError::Nul { line }
        | GoogleError::Step { line }
        | GoogleError::Skew { line }
        | GoogleError::Fork { line } => line,
    };
    let remedy = match fault {
        GoogleError::Skew { .. } => "Set the phone's clock, delete the line, and import again.",
        GoogleError::Empty
        | GoogleError::TooLarge
        | GoogleError::Nul { .. }
        | GoogleError::Secret(_)
        | GoogleError::NoMode
        | GoogleError::Step { .. }
        | GoogleError::Fork { .. } => "Correct the file, or enroll the user again.",
    };
    CliError::new(Exit::Refused, at_line(path, line, &fault), remedy)
}

/// Returns the error for a line of pam_oath's file that cannot be imported.
pub(crate) fn oath_failure(path: &str, line: u32, mistake: OathLineError) -> CliError {
    let remedy = "Correct the line, or enroll the user again.";
    CliError::new(Exit::Refused, at_line(path, line, &mistake), remedy)
}

fn at_line(path: &str, line: u32, what: &impl std::fmt::Display) -> String {
    if line == 0 { format!("{path}: {what}") } else { format!("{path}, line {line}: {what}") }
}

/// Returns the error for a source file that cannot be read.
pub(crate) fn source_failure(path: &str, fault: UserFileError) -> CliError {
    let (exit, remedy) = match fault {
        UserFileError::Absent | UserFileError::NoPath => {
            (Exit::NotInState, "Name it with --file, or enroll the user again.")
        }
        UserFileError::Link => (Exit::Refused, "Put the file itself there, and import again."),
        UserFileError::Kind => (Exit::Refused, "Check what it is: ls -l."),
        UserFileError::Owner => (
            Exit::Refused,
            "Check the owner (ls -l), then run chown. If several accounts share a home, import only its owner.",
        ),
        UserFileError::TooOpen => (
            Exit::Refused,
            "Run chmod 600 on the file. Users who could read it may know the key, so enrolling again is safer.",
        ),
        UserFileError::HardLink => {
            (Exit::Refused, "Find the other hard link with find -samefile, and delete it.")
        }
        UserFileError::TooLarge => {
            (Exit::Refused, "Check what it is: such a file is never that large.")
        }
        UserFileError::Stuck => {
            (Exit::Refused, "Check the file system that it is on, and import again.")
        }
        UserFileError::Changed => (Exit::Refused, "Import again."),
        UserFileError::Io { .. } => {
            (Exit::Refused, "Check the permissions of the folders above it, and the disk (dmesg).")
        }
    };
    CliError::new(exit, format!("{path}: {fault}"), remedy)
}
