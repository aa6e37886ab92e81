//! Explains each reason of a refusal in plain words and says what to do.

use twinlock_core::base::error::{CodesError, FileError, LedgerError, StoreError};

use crate::error::exit::{ledger_remedy, store_remedy};

/// Explanation of a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explained {
    /// What it means.
    pub(crate) meaning: String,
    /// What to do.
    pub(crate) remedy: String,
}

/// One value per fault of the records, to find the fault of a word in the ledger.
const STORE_FAULTS: [StoreError; 17] = [
    StoreError::File(FileError::Missing),
    StoreError::StoreIdMissing,
    StoreError::StoreIdMismatch,
    StoreError::File(FileError::Symlink),
    StoreError::File(FileError::WrongKind),
    StoreError::File(FileError::WrongOwner),
    StoreError::File(FileError::TooOpen),
    StoreError::File(FileError::HardLink),
    StoreError::File(FileError::TooLarge),
    StoreError::Malformed { line: 0 },
    StoreError::Newer { version: 0 },
    StoreError::OtherUid,
    StoreError::UidOfAnother,
    StoreError::OtherName,
    StoreError::RecordLost,
    StoreError::NameTooLong,
    StoreError::File(FileError::Io { errno: 0 }),
];

/// One value per word for a fault of the ledger.
const LEDGER_FAULTS: [LedgerError; 5] = [
    LedgerError::NotMounted,
    LedgerError::NotTmpfs,
    LedgerError::Untrusted,
    LedgerError::Reserved,
    LedgerError::Io { errno: 0 },
];

/// One value per word for a fault of backup codes.
const CODES_FAULTS: [CodesError; 7] = [
    CodesError::Set(StoreError::File(FileError::Missing)),
    CodesError::Set(StoreError::Malformed { line: 0 }),
    CodesError::Set(StoreError::Newer { version: 0 }),
    CodesError::Set(StoreError::File(FileError::Io { errno: 0 })),
    CodesError::Set(StoreError::File(FileError::WrongOwner)),
    CodesError::Memory,
    CodesError::Spend(StoreError::File(FileError::Io { errno: 0 })),
];

/// Explains a reason's stable word.
pub(crate) fn explain(word: &str, user: &str) -> Explained {
    let of_records = STORE_FAULTS.into_iter().find(|fault| fault.reason() == word);
    let of_ledger = LEDGER_FAULTS.into_iter().find(|fault| fault.reason() == word);
    let of_codes = CODES_FAULTS.into_iter().find(|fault| fault.reason() == word);
    if let Some(fault) = of_records {
        return Explained { meaning: fault.to_string(), remedy: store_remedy(fault).into() };
    }
    let (meaning, remedy) = match (of_ledger, of_codes) {
        (Some(fault), _) => (fault.to_string(), ledger_remedy(fault)),
        (None, Some(fault)) => (fault.to_string(), codes_remedy(fault)),
        (None, None) => {
            let (meaning, remedy) = of_login(word);
            (meaning.into(), remedy)
        }
    };
    Explained { meaning, remedy: remedy.replace("USER", user) }
}

/// Returns the remedy for each fault of a user's backup codes.
fn codes_remedy(fault: CodesError) -> &'static str {
    match fault {
        CodesError::Set(StoreError::Newer { .. }) => {
            "Install that version; codes of the app still work."
        }
        CodesError::Set(StoreError::File(FileError::Missing)) => {
            "A backup has it (/var/lib/twinlock/users); codes of the app still work."
        }
        CodesError::Set(StoreError::Malformed { .. }) => {
            "Put it back from a backup; codes of the app still work."
        }
        CodesError::Set(StoreError::File(FileError::Io { .. })) => {
            "Look at the disk and at the kernel's log (dmesg)."
        }
        CodesError::Set(_) => "Look at its owner and mode (ls -la); codes of the app still work.",
        CodesError::Memory => {
            "Look at the limits of the calling program (ulimit -v) and at free memory."
        }
        CodesError::Record(fault) => store_remedy(fault),
        CodesError::Spend(_) => {
            "Look whether the disk is full (df -i) or read-only; the code still works then."
        }
    }
}

/// Returns meaning and remedy of all other reasons.
#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
fn of_login(word: &str) -> (&'static str, &'static str) {
    match word {
        "wrong_code" => (
            "the code is of no authenticator on file",
            "Try a code with `twinlock verify USER`: it tells a wrong clock from a wrong key.",
        ),
        "replayed" => (
            "the code, or a later one, was used already",
            "Wait for the next code; one code opens one thing once. A program that repeats its text (mail, web, VPN) \
             needs a session or a cache: pam_twinlock(8), PROGRAMS.",
        ),
        "spent" => (
            "the backup code was used already",
            "Each of them works once; `twinlock status USER` says how many are left.",
        ),
        "before_epoch" => (
            "the code is older than the ledger: after a restart, or the clock was ahead",
            "After a restart wait for a newer code: `twinlock epoch show` says from when they count. Was the \
             clock ahead, and is it right now? Then run: twinlock epoch now",
        ),
        "clock_off" => (
            "two codes in a row were right, but for another time than now",
            "Let phone and machine take the time from the network (date shows the machine's). Was the \
             phone set right since? Then wait as long as the screen said, or as `twinlock verify USER` \
             says, and type two codes in a row at a login. At once: a backup code, or twinlock remove \
             USER and enroll.",
        ),
        "throttled" => (
            "too many wrong codes came from there lately",
            "Wait, or forget them: twinlock unlock USER",
        ),
        "locked" => (
            "too many wrong codes in a row, from all sources together",
            "See who that was, then: twinlock unlock USER",
        ),
        "not_a_code" => (
            "what was typed has not the shape of a code; it was not looked at",
            "Type the 6 to 8 digits of the app; where one field takes both, the password, then the code, in one \
             answer. A password typed here is not kept anywhere.",
        ),
        "caller_not_root" => (
            "the program that asked does not run as root, and only root can read records",
            "The log has its user id (uid=). Run it as root, or exempt its service by a [[rule]] of twinlock.toml.",
        ),
        "stopped" => ("nothing was typed, or the person chose to stop", "Nothing is wrong."),
        "conversation_failed" => (
            "the line was cut, or the program cannot ask questions",
            "Robots need a key and a rule that exempts them; people a client that can ask.",
        ),
        "no_first_pass" => (
            "the PAM line says use_first_pass, and no line before has asked for anything",
            "Write try_first_pass or forward_pass, or put the line that asks before it.",
        ),
        "not_enrolled" => ("no authenticator is set up", "To enroll: twinlock enroll USER"),
        "not_set_up" => (
            "set-up was offered and not finished",
            "Log in again: set-up goes on where it was, for a quarter of an hour from the same place.",
        ),
        "no_ticket" => (
            "set-up begins with a ticket, and none was typed that works",
            "Send one: twinlock invite USER. A ticket works once, by mail for a day and on paper for a week unless the settings say otherwise.",
        ),
        "key_not_changed" => (
            "somebody else has seen the key, and its owner did not change it",
            "Log in once more and set up a new key when asked; `twinlock status USER` says who saw it.",
        ),
        "codes_not_confirmed" => (
            "new backup codes were shown, and not confirmed",
            "Log in once more: the screen shows others, and asks for the last group of one.",
        ),
        "reminded" => (
            "let through without a code, after the offer to set one up",
            "Set up before the reminder ends; `twinlock explain USER@ADDRESS` says when.",
        ),
        "unknown_user" => (
            "there is no such account",
            "Look at the spelling, and at the name service (getent passwd USER).",
        ),
        "no_public_key" => (
            "the PAM line says first_factor=publickey, and no key was verified",
            "Let sshd ask for the key first (AuthenticationMethods), or correct the line.",
        ),
        "first_factor_failed" => (
            "the first factor was wrong, so no code was looked at",
            "Look at the password or key; the code has nothing to do with it.",
        ),
        "lookup_failed" => (
            "the account or a group of a rule could not be looked up",
            "Look at the name service (getent passwd USER; getent group).",
        ),
        "clock_failed" => ("a clock did not answer", "Look at the clock (date)."),
        "rule" => ("a rule decided", "Look at the rules: twinlock settings show"),
        "record_not_written" => (
            "the code was right, but the record could not be written",
            "Make room for the records, or mount them writable (df, mount); the next code is good.",
        ),
        "record_changing" => (
            "the record changed again and again while the code was judged",
            "Try again; see which program changes it.",
        ),
        _ => ("a reason that this version does not know", "Install the twinlock that wrote it."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::event::Reason;

    const OF_LOGINS: [Reason; 26] = [
        Reason::WrongCode,
        Reason::Replayed,
        Reason::BeforeEpoch,
        Reason::ClockOff,
        Reason::Throttled,
        Reason::Locked,
        Reason::NotACode,
        Reason::Stopped,
        Reason::Conversation,
        Reason::NoFirstPass,
        Reason::NotEnrolled,
        Reason::NotSetUp,
        Reason::NoTicket,
        Reason::NotHandedOver,
        Reason::Unconfirmed,
        Reason::Reminded,
        Reason::UnknownUser,
        Reason::NoPublicKey,
        Reason::FirstFactorFailed,
        Reason::LookupFailed,
        Reason::Clock,
        Reason::Rule(1),
        Reason::CallerNotRoot { uid: 1000 },
        Reason::Unwritten(StoreError::File(FileError::Io { errno: 28 })),
        Reason::RecordChanging,
        Reason::Spent,
    ];

    #[test]
    fn every_reason_is_explained() {
        let of_records = STORE_FAULTS.map(Reason::Store);
        let of_ledger = LEDGER_FAULTS.map(Reason::Ledger);
        let of_codes = CODES_FAULTS.map(Reason::Codes);
        let reasons = OF_LOGINS.into_iter().chain(of_records).chain(of_ledger).chain(of_codes);
        for reason in reasons {
            let explained = explain(reason.word(), "ada");
            assert!(!explained.meaning.contains("does not know"), "{}", reason.word());
            assert!(!explained.remedy.contains("USER") || reason.word() == "name_too_long");
            assert!(explained.meaning.len() < 76, "{}", explained.meaning);
        }
        assert!(explain("brand_new", "ada").meaning.contains("does not know"));
    }
}
