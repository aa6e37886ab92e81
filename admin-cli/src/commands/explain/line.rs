//! Explains the PAM lines of a service: whether one of them calls twinlock's module, and with which arguments.

use std::path::PathBuf;

use serde_json::{Value, json};
use twinlock_core::{
    base::request::{Claim, PublicKey},
    policy::{
        Author, Field, NotEnrolled, Policy, Questions,
        pam_line::{self, Given, PamLine, Task},
    },
};
use twinlock_doctor::{
    machine::ExaminedMachine,
    pam::{
        load::load,
        stack::{Facility, Handler, Service, StackKind},
        twinlock::is_twinlock,
    },
};

use crate::commands::explain::{ExplainStep, ExplainedLogin};
use crate::{context::Context, text::plain};

/// The explanation of a service's PAM lines, and how a login goes on after them.
pub(crate) struct Stack {
    /// The explanation of this step.
    pub(crate) step: ExplainStep,
    /// How a login goes on after the PAM lines.
    pub(crate) comes: Comes,
}

/// How a login goes on after the PAM lines of a service.
pub(crate) enum Comes {
    /// A line verifies codes. The fields are the settings that apply to this line, and whether the line can offer
    /// set-up.
    ToJudge(Box<Policy>, Talks),
    /// The module refuses the login, because the arguments of a line are wrong.
    ToRefusal,
    /// No line verifies codes.
    Past,
}

/// Whether a PAM line can offer set-up to the user.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talks {
    /// The line can offer set-up.
    Freely,
    /// The line cannot offer set-up, because it asks only one question.
    OneCode,
    /// The line cannot offer set-up, because it asks only for a code.
    CodeOnly,
}

/// A twinlock line, and its parsed arguments or the reason why they are wrong.
struct Ours<'a> {
    handler: &'a Handler,
    line: Result<PamLine, String>,
}

/// Loads the PAM files of the service and explains its twinlock lines. `public_key` says whether sshd requires a key
/// before it calls PAM.
pub(crate) fn look(context: &Context, login: &ExplainedLogin<'_>, public_key: PublicKey) -> Stack {
    let service = match load(&ExaminedMachine::new(PathBuf::from("/"), None), login.service) {
        Ok(service) => service,
        Err(unreadable) => {
            let said = format!("PAM: {} cannot be read ({}).", unreadable.path, unreadable.error);
            let object = json!({ "file": null, "lines": [] });
            return Stack {
                step: ExplainStep { lines: vec![plain(&said)], object },
                comes: Comes::ToJudge(Box::new(context.policy.clone()), Talks::Freely),
            };
        }
    };
    let lines: Vec<Ours<'_>> = service.lines(Facility::Auth).iter().filter_map(ours).collect();
    let mut said: Vec<String> = lines.iter().map(|one| said(context, one)).collect();
    if lines.is_empty() {
        said.push(none(&service, login.service));
    }
    let objects: Vec<Value> = lines.iter().map(object).collect();
    Stack {
        step: ExplainStep {
            lines: said,
            object: json!({ "file": service.file, "lines": objects }),
        },
        comes: comes(context, login.service, &lines, public_key),
    }
}

fn ours(handler: &Handler) -> Option<Ours<'_>> {
    match &handler.kind {
        StackKind::Module { path, args } if is_twinlock(path) => {
            let line = pam_line::read(args.iter().map(String::as_str)).map_err(|fault| fault.0);
            Some(Ours { handler, line })
        }
        StackKind::Module { .. } | StackKind::Substack | StackKind::Broken => None,
    }
}

/// Services that local users call and whose programs run as root. They ask only for a code and offer no set-up.
const LOCAL: [&str; 6] = ["su", "su-l", "sudo", "sudo-i", "doas", "polkit-1"];

/// Returns how a login goes on after the twinlock lines. If several lines verify codes, the first one for the proven
/// first factor (a key, or no key) decides. If there is no line for this factor, the first line that verifies codes
/// decides.
fn comes(context: &Context, service: &str, lines: &[Ours<'_>], public_key: PublicKey) -> Comes {
    if lines.iter().any(|one| one.line.is_err()) {
        return Comes::ToRefusal;
    }
    let judging = || {
        let all = lines.iter().filter_map(|one| one.line.as_ref().ok());
        all.filter_map(|line| match line.task {
            Task::Ask(Claim::Failed) | Task::ProbePublickey => None,
            Task::Ask(claim) => Some((claim, line)),
        })
    };
    let behind_a_key = public_key == PublicKey::Verified;
    let fits = |(claim, _): &(Claim, &PamLine)| (*claim == Claim::Publickey) == behind_a_key;
    let Some((claim, line)) = judging().find(fits).or_else(|| judging().next()) else {
        return Comes::Past;
    };
    let mut policy = pam_line::over(line, Given::Nothing, context.policy.clone());
    if LOCAL.contains(&service) && policy.questions == Questions::All {
        policy.questions = Questions::Elsewhere;
    }
    let talks = match (claim, policy.field, policy.questions) {
        (Claim::Follows, ..) => Talks::OneCode,
        (_, Field::Code, Questions::All) => Talks::Freely,
        (_, Field::Code, Questions::CodeOnly | Questions::Elsewhere) => Talks::CodeOnly,
        (_, Field::Given | Field::PasswordAndCode | Field::Missing, _) => Talks::OneCode,
    };
    Comes::ToJudge(Box::new(policy), talks)
}

#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
fn said(context: &Context, one: &Ours<'_>) -> String {
    let place = plain(&one.handler.place.to_string());
    let line = match &one.line {
        Ok(line) => line,
        Err(fault) => {
            return format!(
                "PAM: {place} cannot be used, so it refuses every user: {}.",
                plain(fault)
            );
        }
    };
    let mut parts = vec![
        match line.task {
            Task::ProbePublickey => {
                "probe=publickey reports whether a key was verified; it asks nothing"
            }
            Task::Ask(Claim::Publickey) => "first_factor=publickey asks after a verified key",
            Task::Ask(Claim::Stack) => "first_factor=stack asks after the lines before it",
            Task::Ask(Claim::Follows) => {
                "first_factor=follows asks before the password, and offers no set-up"
            }
            Task::Ask(Claim::Failed) => {
                "first_factor=failed asks after a wrong first factor; it refuses every code"
            }
        }
        .to_owned(),
    ];
    if line.questions == Questions::CodeOnly {
        parts.push("code_only asks only for a code".into());
    }
    if line.not_enrolled == NotEnrolled::Allow {
        parts.push(match context.policy.not_enrolled_by {
            Author::Nobody => "nullok lets in users who are not enrolled".into(),
            Author::Settings => {
                "nullok has no effect, because the settings have not_enrolled".into()
            }
        });
    }
    if let Some(other) = line.config.as_ref().filter(|path| **path != context.config) {
        let other = plain(other);
        parts
            .push(format!("config= reads other settings: to explain those, give --config {other}"));
    }
    format!("PAM: {place}: {}.", parts.join("; "))
}

fn none(service: &Service, name: &str) -> String {
    match &service.file {
        Some(file) => format!("PAM: no auth line of {} reaches pam_twinlock.so.", plain(file)),
        None => format!(
            "PAM: there is no file for the service {}, and its replacement (other) does not reach pam_twinlock.so.",
            plain(name)
        ),
    }
}

fn object(one: &Ours<'_>) -> Value {
    let line = one.line.as_ref().ok();
    let first_factor = line.map(|line| match line.task {
        Task::ProbePublickey => "probe",
        Task::Ask(claim) => claim.word(),
    });
    json!({
        "place": one.handler.place.to_string(),
        "first_factor": first_factor,
        "nullok": line.is_some_and(|line| line.not_enrolled == NotEnrolled::Allow),
        "config": line.and_then(|line| line.config.as_deref()),
        "mistake": one.line.as_ref().err(),
    })
}
