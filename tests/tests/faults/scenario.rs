//! The logins that are struck: each is one entry of a table.

use twinlock_tests::{Machine, Otp, Scratch, Token};

use crate::harmless::{AHEAD, CHANGE, EVERYWHERE, FIRST, Row, SET};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const BEHIND: &str =
    "auth required pam_permit.so\nauth required pam_twinlock.so first_factor=stack\n";
const FOLLOWS: &str =
    "auth required pam_twinlock.so first_factor=follows\nauth required pam_permit.so\n";

/// A way in which ada logs in.
pub struct Scenario {
    /// The auth lines of the service.
    pub stack: &'static str,
    /// The settings.
    pub settings: &'static str,
    /// Enrols ada.
    pub enrol: fn(&Machine),
    /// The lines that get ada in; those of a later turn do, whatever became of the earlier.
    pub typed: fn(&Machine, Turn) -> String,
    /// A code that does not.
    pub wrong: fn(&Machine) -> String,
    /// How the name begins that is made when a code is claimed, which burns it.
    pub claim: &'static str,
    /// Refusals in the log that keep their charge.
    pub charged: &'static [&'static str],
    /// The faults that leave a right code right.
    pub harmless: &'static [&'static [Row]],
    /// What the login does to her record.
    pub record: Record,
}

/// Which of several logins in a row, from 0.
pub type Turn = u8;

/// What a login does to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// It reads it.
    Reads,
    /// It writes another.
    Moves,
}

/// A code of the app behind a first factor.
pub const PROVEN: Scenario = Scenario {
    stack: BEHIND,
    // Whoever counts as not enrolled would be let in.
    settings: "tries = 1\nwindow = 10\nnot_enrolled = \"allow\"\n",
    enrol: app,
    typed: code,
    wrong: |m| m.wrong_code("ada"),
    claim: "used.",
    charged: &[],
    harmless: &[EVERYWHERE],
    record: Record::Reads,
};

/// The same where the code comes first.
pub const CODE_FIRST: Scenario =
    Scenario { stack: FOLLOWS, charged: &[], harmless: &[AHEAD, EVERYWHERE], ..PROVEN };

/// Ada is asked for a code as a member of a group alone.
pub const DEMANDED: Scenario = Scenario {
    settings: "tries = 1\nwindow = 10\n\
               [[rule]]\ngroup = \"staff\"\naction = \"require\"\n\
               [[rule]]\nservice = \"bare\"\naction = \"exempt\"\n",
    enrol: app_of_staff,
    ..PROVEN
};

/// A code of a set, each of which works once.
pub const SCRATCH: Scenario = Scenario {
    enrol: app_and_set,
    typed: code_of_set,
    wrong: |_| Scratch::WRONG.to_owned(),
    claim: "spent.",
    // What was held against the app and not against the set is half judged.
    charged: &["reason=codes_", "reason=code_not_spent", "reason=record_"],
    harmless: &[SET, EVERYWHERE],
    ..PROVEN
};

/// A code of a token, which moves a counter.
pub const TOKEN: Scenario = Scenario {
    enrol: token,
    typed: |_, turn| Token::new(KEY).at(u64::from(turn)),
    wrong: |_| wrong_for_token(),
    harmless: &[CHANGE, EVERYWHERE],
    record: Record::Moves,
    ..PROVEN
};

/// Two codes in a row of a phone whose clock is off.
pub const TWO_CODES: Scenario = Scenario {
    // A first code of each pair counts as wrong; what slows those down is for other tests.
    settings: "not_enrolled = \"allow\"\n[throttle]\nfree = 50\n",
    enrol: slow_app,
    typed: |m, turn| {
        let first = 5 + 3 * i64::from(turn);
        format!("{}\n{}", m.code_in("ada", first), m.code_in("ada", first + 1))
    },
    harmless: &[FIRST, CHANGE, EVERYWHERE],
    // The first of the two.
    charged: &["reason=wrong_code"],
    record: Record::Moves,
    ..PROVEN
};

/// An app that shows a new code each second, so that the next one is soon there.
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

/// The last code of a set opens by its successor alone, which is for other tests: a third login is one by the app.
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

/// No code of any counter near.
fn wrong_for_token() -> String {
    let near: Vec<String> = (0..100).map(|counter| Token::new(KEY).at(counter)).collect();
    let mut shapes = (0..10).map(|digit: u8| digit.to_string().repeat(6));
    shapes.find(|code| !near.contains(code)).expect("a code that is free")
}
