//! The kinds of logins in which the tests inject faults.

use twinlock_tests::{Machine, Otp, Scratch, Token};

use super::harmless::{AHEAD, CHANGE, EVERYWHERE, FIRST, Row, SET};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const BEHIND: &str =
    "auth required pam_permit.so\nauth required pam_twinlock.so first_factor=stack\n";
const FOLLOWS: &str =
    "auth required pam_twinlock.so first_factor=follows\nauth required pam_permit.so\n";

/// A kind of login of ada.
pub struct Scenario {
    /// The auth lines of the service.
    pub stack: &'static str,
    /// The text of the settings file.
    pub settings: &'static str,
    /// Enrolls ada.
    pub enroll: fn(&Machine),
    /// Returns the answers for one login of a series; `Turn` is its number in the series. The answers log ada in,
    /// whatever happened in the earlier logins.
    pub typed: fn(&Machine, Turn) -> String,
    /// Returns a wrong code.
    pub wrong: fn(&Machine) -> String,
    /// Prefix of the ledger name that a login creates to reserve a code for itself (to claim it).
    pub claim: &'static str,
    /// Texts in the log for refusals whose attempt stays counted.
    pub charged: &'static [&'static str],
    /// Faults after which a correct code is still accepted.
    pub harmless: &'static [&'static [Row]],
    /// What the login does to ada's record.
    pub record: RecordUse,
}

/// Number of a login in a series of logins, from 0.
pub type Turn = u8;

/// What a login does to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordUse {
    /// The login only reads the record.
    Reads,
    /// The login writes the next version of the record.
    Moves,
}

/// A login with a code of the app after a first factor.
pub const PROVEN: Scenario = Scenario {
    stack: BEHIND,
    // If a fault made ada count as not enrolled, `allow` would let her in, which the test notices.
    settings: "tries = 1\nwindow = 10\nnot_enrolled = \"allow\"\n",
    enroll: app,
    typed: code,
    wrong: |m| m.wrong_code("ada"),
    claim: "used.",
    charged: &[],
    harmless: &[EVERYWHERE],
    record: RecordUse::Reads,
};

/// A login with a code of the app before the password.
pub const CODE_FIRST: Scenario =
    Scenario { stack: FOLLOWS, charged: &[], harmless: &[AHEAD, EVERYWHERE], ..PROVEN };

/// A login with a code that is required only for members of a group.
pub const DEMANDED: Scenario = Scenario {
    settings: "tries = 1\nwindow = 10\n\
               [[rule]]\ngroup = \"staff\"\naction = \"require\"\n\
               [[rule]]\nservice = \"bare\"\naction = \"exempt\"\n",
    enroll: app_of_staff,
    ..PROVEN
};

/// A login with a backup code.
pub const SCRATCH: Scenario = Scenario {
    enroll: app_and_set,
    typed: code_of_set,
    wrong: |_| Scratch::WRONG.to_owned(),
    claim: "spent.",
    // These refusals keep the charge: the code was compared with the app, but not with the set.
    charged: &["reason=codes_", "reason=code_not_spent", "reason=record_"],
    harmless: &[SET, EVERYWHERE],
    ..PROVEN
};

/// A login with a code of a token, which advances a counter.
pub const TOKEN: Scenario = Scenario {
    enroll: token,
    typed: |_, turn| Token::new(KEY).at(u64::from(turn)),
    wrong: |_| wrong_for_token(),
    harmless: &[CHANGE, EVERYWHERE],
    record: RecordUse::Moves,
    ..PROVEN
};

/// A login with two adjacent codes of a phone whose clock is wrong, so that the login learns the error of the clock.
pub const TWO_CODES: Scenario = Scenario {
    // The first code of each pair counts as wrong; the throttle is tested elsewhere.
    settings: "not_enrolled = \"allow\"\n[throttle]\nfree = 50\n",
    enroll: slow_app,
    typed: |m, turn| {
        let first = 5 + 3 * i64::from(turn);
        format!("{}\n{}", m.code_in("ada", first), m.code_in("ada", first + 1))
    },
    harmless: &[FIRST, CHANGE, EVERYWHERE],
    // The first of the two codes is refused as wrong, and keeps its charge.
    charged: &["reason=wrong_code"],
    record: RecordUse::Moves,
    ..PROVEN
};

/// Enrolls an app that shows a new code each second, so that the next one comes soon.
fn app(m: &Machine) {
    m.enrolled_with("ada", &Otp { period: 1, ..Otp::new(KEY) });
}

fn code(m: &Machine, turn: Turn) -> String {
    m.code_in("ada", 4 * i64::from(turn))
}

fn app_of_staff(m: &Machine) {
    app(m);
    m.run(["sed", "-i", "s/^staff:.*/staff:x:50:ada/", "/etc/group"]).ok();
}

/// Returns an answer for the login number `turn`: one of two backup codes, and then codes of the app. The last backup
/// code of a set works only with the renewal of the set, which another test covers.
fn code_of_set(m: &Machine, turn: Turn) -> String {
    let [first, second, _] = Scratch::CODES;
    match turn {
        0 => first.to_owned(),
        1 => second.to_owned(),
        later => code(m, later),
    }
}

fn app_and_set(m: &Machine) {
    app(m);
    m.scratch("ada", Scratch::FEW);
}

fn slow_app(m: &Machine) {
    m.enrolled_with("ada", &Otp::new(KEY)).epoch_minutes_ago(60);
}

fn token(m: &Machine) {
    let import = m.call(["twinlock", "import", "uri", "ada"]);
    import.input(Token::new(KEY).uri("ada", 0) + "\n").output().ok();
}

/// Returns a code that is not valid for any counter near the current one.
fn wrong_for_token() -> String {
    let near: Vec<String> = (0..100).map(|counter| Token::new(KEY).at(counter)).collect();
    let mut shapes = (0..10).map(|digit: u8| digit.to_string().repeat(6));
    shapes.find(|code| !near.contains(code)).expect("a code that is free")
}
