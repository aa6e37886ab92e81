//! Messages for an acting user who is refused: what is missing, and what to do.

use twinlock_core::authorization::{Denial, Doubt};

use crate::{
    authorize::actor::ActingLogin,
    error::exit::{Exit, Failure},
    text::plain,
};

/// Remedy where the acting user cannot be determined.
const GLASS: &str = "Where that cannot be (a service, a container), give --break-glass REASON: it is logged and mailed.";

/// Explains why an operation is refused.
#[expect(clippy::too_many_lines, reason = "a match whose arms are text")]
pub(crate) fn refused(denial: Denial, name: &str, login: &ActingLogin) -> Failure {
    let name = plain(name);
    let (what, remedy) = match denial {
        Denial::NothingToBreak => (
            format!("--break-glass is for where nobody has logged in, and {name} has"),
            "Leave it out, and give a code of your own.".into(),
        ),
        Denial::Unproven(Doubt::NoLogin) => (
            "nobody has logged in here, so nobody's own code can be asked for".into(),
            format!(
                "Log in and use sudo, or sit down at the machine's console. {GLASS} A robot that logs in can be named in own_code_exempt."
            ),
        ),
        Denial::Unproven(Doubt::Invoker(_)) => (
            format!(
                "it cannot be told who acts: the login is of {}, and sudo was called by another user",
                login.word()
            ),
            format!("Log in as yourself and call sudo once. {GLASS}"),
        ),
        Denial::Unproven(Doubt::Session(_)) => (
            format!(
                "it cannot be told who acts: the login is of {}, and the session is another user's",
                login.word()
            ),
            format!("Log in as yourself. {GLASS}"),
        ),
        Denial::NoSecondFactor => (
            format!("this takes a code of your own, and {name} has no second factor"),
            format!(
                "Enroll yourself first: twinlock enroll {name}. If {name} is a robot, name it in own_code_exempt."
            ),
        ),
        Denial::Reset => (
            format!("this takes a code of your own, and {name} was reset"),
            format!(
                "Log in as {name} with the ticket, and set up again there. Without it: have another administrator run twinlock invite {name}."
            ),
        ),
        Denial::NoAccount => (
            format!("whoever has logged in here has no account any more ({})", login.word()),
            "Log in by an account that exists (getent passwd), and try again.".into(),
        ),
    };
    Failure::new(Exit::NotAllowed, what, remedy)
}

/// Explains that another account of the host was enrolled meanwhile.
pub(crate) fn first_is_over() -> Failure {
    Failure::new(
        Exit::NotAllowed,
        "another account of this host was enrolled meanwhile, so this takes a code of your own; nothing was changed",
        "Do it again, and give a code of your own.",
    )
}
