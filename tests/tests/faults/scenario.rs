//! The logins that are struck: each is one entry of a table.

use twinlock_tests::{Machine, Otp, Scratch};

use crate::harmless::{AHEAD, EVERYWHERE, Row};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const BEHIND: &str =
    "auth required pam_permit.so\nauth required pam_twinlock.so first_factor=stack\n";
const FOLLOWS: &str =
    "auth required pam_twinlock.so first_factor=follows\nauth required pam_permit.so\n";

/// A way in which ada logs in.
pub struct Scenario {
    /// The auth lines of the service.
    pub stack: &'static str,
    /// The settings, beside those that every scenario has.
    pub settings: &'static str,
    /// Enrols ada.
    pub enrol: fn(&Machine),
    /// The lines that get ada in; those of a later turn do, whatever became of the earlier.
    pub typed: fn(&Machine, Turn) -> String,
    /// A code that does not.
    pub wrong: fn(&Machine) -> String,
    /// How the name begins that is made when a code is claimed, which burns it.
    pub claim: &'static str,
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
}

/// A code of the app behind a first factor.
pub const PROVEN: Scenario = Scenario {
    stack: BEHIND,
    // Whoever counts as not enrolled would be let in.
    settings: "not_enrolled = \"allow\"\n",
    enrol: app,
    typed: code,
    wrong: |m| m.wrong_code("ada"),
    claim: "used.",
    harmless: &[EVERYWHERE],
    record: Record::Reads,
};

/// The same where the code comes first.
pub const CODE_FIRST: Scenario =
    Scenario { stack: FOLLOWS, harmless: &[AHEAD, EVERYWHERE], ..PROVEN };

/// Ada is asked for a code as a member of a group alone.
pub const DEMANDED: Scenario = Scenario {
    settings: "[[rule]]\ngroup = \"staff\"\naction = \"require\"\n\
               [[rule]]\nservice = \"bare\"\naction = \"exempt\"\n",
    enrol: app_of_staff,
    ..PROVEN
};

/// A code of a set, each of which works once.
pub const SCRATCH: Scenario = Scenario {
    enrol: app_and_set,
    typed: |_, turn| Scratch::CODES[usize::from(turn)].to_owned(),
    wrong: |_| Scratch::WRONG.to_owned(),
    claim: "spent.",
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

fn app_and_set(m: &Machine) {
    app(m);
    m.scratch("ada", Scratch::FEW);
}
