//! Error messages for an acting user whose operation is refused. They say why it is refused, and what the user can do.

use twinlock_core::authorization::{AuthorizationError, Doubt};

use crate::{
    authorize::actor::ActingLogin,
    error::exit::{CliError, Exit},
    text::plain,
};

/// What to do if no login identifies the acting user.
const GLASS: &str = "If that is not possible (service, container), give --break-glass REASON: it is logged and mailed.";

/// Returns the error for an operation that is refused. `name` is the acting user.
pub(crate) fn refused(denial: AuthorizationError, name: &str, login: &ActingLogin) -> CliError {
    let name = plain(name);
    let (what, remedy) = match denial {
        AuthorizationError::NothingToBreak => {
            (format!("{denial} ({name})"), "Leave it out, and type your own code.".into())
        }
        AuthorizationError::Unproven(Doubt::NoLogin) => (
            denial.to_string(),
            format!(
                "Log in and use sudo, or use the machine's console. {GLASS} A robot that logs in can be named in own_code_exempt."
            ),
        ),
        AuthorizationError::Unproven(Doubt::Invoker(_)) => (
            format!("the acting user is unknown: {} logged in, but {denial}", login.word()),
            format!("Log in as yourself, and call sudo only once. {GLASS}"),
        ),
        AuthorizationError::Unproven(Doubt::Session(_)) => (
            format!("the acting user is unknown: {} logged in, but {denial}", login.word()),
            format!("Log in as yourself. {GLASS}"),
        ),
        AuthorizationError::NoSecondFactor => (
            format!("this needs your own code, but {name} has no second factor"),
            format!(
                "Enroll yourself first: twinlock enroll {name}. If {name} is a robot, name it in own_code_exempt."
            ),
        ),
        AuthorizationError::Reset => (
            format!("this needs your own code, but {name} was reset"),
            format!(
                "Log in as {name} with the set-up ticket, and set up an app there. Without a ticket, ask another administrator to run twinlock invite {name}."
            ),
        ),
        AuthorizationError::NoAccount => (
            format!("{denial} ({})", login.word()),
            "Log in with an account that exists (getent passwd), and try again.".into(),
        ),
    };
    CliError::new(Exit::NotAllowed, what, remedy)
}

/// Returns the error for a run that began as the first enrollment of the host, if another run has enrolled an account
/// meanwhile.
pub(crate) fn first_is_over() -> CliError {
    CliError::new(
        Exit::NotAllowed,
        "another account of this host was enrolled in the meantime, so this needs your own code; nothing was changed",
        "Run it again, and type your own code.",
    )
}
