//! What the demo of a fleet shows, step by step.

use super::scene::DemoHost;
use crate::demo::auto::PROMPT;

/// A step of the demo: a command, the answers to its questions, and its result.
pub(super) struct FleetStep {
    /// A sentence that is printed before the step; may be empty.
    pub(super) says: &'static str,
    /// The machine on which the command is typed.
    pub(super) on: DemoHost,
    /// What is done on the machine.
    pub(super) does: FleetAct,
    /// Texts that the command shows, in this order, each with the answer that is typed.
    pub(super) answers: &'static [(&'static str, Typed)],
    /// Text that the command shows after the last answer; may be empty.
    pub(super) shows: &'static str,
    /// Exit status of the command.
    pub(super) status: i32,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FleetAct {
    /// A shell of root, to which ada has logged in, runs this command line.
    Types(&'static str),
    /// A shell of a user who has logged in as root runs this command line.
    TypesAsRoot(&'static str),
    /// The daemon `twinlock-fleet` is started, as systemd would do it.
    StartsDaemon,
    /// The administrator copies the key file from the first host to the second.
    CopiesKey,
}

/// An answer that the demo types at a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Typed {
    /// The app's code for the new key. The runner first adds the key on the screen to the app, and keeps the app.
    EnrollmentCode,
    /// A code that was not typed before. The runner waits until the app shows one.
    NextCode,
    /// The same code that was typed last.
    SameCode,
    /// The text of this variant, as one line.
    Line(&'static str),
    /// An empty line, at a prompt that hides what is typed.
    Enter,
}

/// End of the prompt of a shell.
const IN_THE_SHELL: &str = "$ ";
const WHERE: Typed = Typed::Line("echo I am $(whoami) on $(uname -n)");

const LOGIN_TO_ONE: &[(&str, Typed)] =
    &[(PROMPT, Typed::NextCode), (IN_THE_SHELL, WHERE), ("I am ada on one", Typed::Line("exit"))];
const LOGIN_TO_TWO: &[(&str, Typed)] =
    &[(PROMPT, Typed::NextCode), (IN_THE_SHELL, WHERE), ("I am ada on two", Typed::Line("exit"))];

/// Command line that turns the fleet on in the settings of a host.
const ENABLE: &str = "printf '[fleet]\\nenabled = true\\n' >>/etc/twinlock/twinlock.toml";

/// All steps of the demo of a fleet.
pub(super) const STEPS: &[FleetStep] = &[
    FleetStep {
        says: "Each host has a certificate for etcd and /etc/twinlock/fleet.toml; `twinlock fleet etcd-config` prints how.",
        on: DemoHost::One,
        does: FleetAct::StartsDaemon,
        answers: &[],
        shows: "",
        status: 0,
    },
    FleetStep {
        says: "The first host makes the fleet and its key.",
        on: DemoHost::One,
        does: FleetAct::Types("twinlock fleet init"),
        answers: &[],
        shows: "",
        status: 0,
    },
    FleetStep {
        says: "",
        on: DemoHost::One,
        does: FleetAct::Types(ENABLE),
        answers: &[],
        shows: "",
        status: 0,
    },
    FleetStep {
        says: "The second host joins, with the key of the first one.",
        on: DemoHost::Two,
        does: FleetAct::CopiesKey,
        answers: &[],
        shows: "",
        status: 0,
    },
    FleetStep {
        says: "",
        on: DemoHost::Two,
        does: FleetAct::StartsDaemon,
        answers: &[],
        shows: "",
        status: 0,
    },
    FleetStep {
        says: "",
        on: DemoHost::Two,
        does: FleetAct::Types("twinlock fleet join --check --key fleet.key"),
        answers: &[],
        shows: "",
        status: 0,
    },
    FleetStep {
        says: "",
        on: DemoHost::Two,
        does: FleetAct::Types("twinlock fleet join --key fleet.key && rm fleet.key"),
        answers: &[],
        shows: "",
        status: 0,
    },
    FleetStep {
        says: "",
        on: DemoHost::Two,
        does: FleetAct::Types(ENABLE),
        answers: &[],
        shows: "",
        status: 0,
    },
    FleetStep {
        says: "",
        on: DemoHost::Two,
        does: FleetAct::Types("twinlock fleet status"),
        answers: &[],
        shows: "",
        status: 0,
    },
    FleetStep {
        says: "Ada is enrolled on one of them.",
        on: DemoHost::One,
        does: FleetAct::Types("twinlock enroll ada"),
        answers: &[("now shown in the app: ", Typed::EnrollmentCode)],
        shows: "is enrolled",
        status: 0,
    },
    FleetStep {
        says: "She logs in there.",
        on: DemoHost::Laptop,
        does: FleetAct::Types("ssh one"),
        answers: LOGIN_TO_ONE,
        shows: "",
        status: 0,
    },
    FleetStep {
        says: "She logs in to the other host with the same app.",
        on: DemoHost::Laptop,
        does: FleetAct::Types("ssh two"),
        answers: LOGIN_TO_TWO,
        shows: "",
        status: 0,
    },
    FleetStep {
        says: "The code that let her in there is refused here.",
        on: DemoHost::Laptop,
        does: FleetAct::Types("ssh one"),
        answers: &[
            (PROMPT, Typed::SameCode),
            // At the second prompt, an empty answer ends the login.
            (PROMPT, Typed::Enter),
        ],
        shows: "Permission denied",
        status: 255,
    },
    FleetStep {
        says: "Her phone is lost: a reset on one host ends its codes on both.",
        on: DemoHost::One,
        does: FleetAct::TypesAsRoot("twinlock reset ada --reason 'lost phone' --yes"),
        answers: &[],
        shows: "",
        status: 0,
    },
    FleetStep {
        says: "",
        on: DemoHost::Laptop,
        does: FleetAct::Types("ssh one"),
        answers: &[("Type start to begin", Typed::Enter)],
        shows: "Permission denied",
        status: 255,
    },
    FleetStep {
        says: "",
        on: DemoHost::Laptop,
        does: FleetAct::Types("ssh two"),
        answers: &[(PROMPT, Typed::NextCode)],
        shows: "Permission denied",
        status: 255,
    },
];
