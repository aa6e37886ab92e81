//! Tries logins with the new files, with the account and the address of the administrator.

use nix::unistd::User;
use twinlock_core::base::account::Account;
use twinlock_host::invoking_user::InvokingUser;
use twinlock_setup::{
    plan::Change,
    proof::{Proof, ProofError},
    wishes::Wishes,
};

use crate::{
    authorize::logind,
    commands::setup::people::People,
    context::Context,
    error::exit::{CliError, Exit},
    terminal::keyboard::tell,
    text::plain,
};

/// Client address that is used if the administrator's is not known.
const LOCAL: &str = "127.0.0.1";

/// Tries logins with the new files and returns their number.
///
/// # Errors
/// [`CliError`] if a login succeeds that must fail, or fails that must succeed, or if no login can be tried here.
pub(super) fn run(
    context: &Context,
    wishes: &Wishes,
    changes: &[Change],
    people: &People,
) -> Result<usize, CliError> {
    if !Proof::knows(&wishes.service) {
        return Err(impossible(&format!("there is no way to try {}", wishes.service.as_str())));
    }
    let account =
        account(people).ok_or_else(|| impossible("no user is enrolled without an exemption"))?;
    let user = User::from_name(&account.name).ok().flatten();
    let home = user.map(|user| user.dir.display().to_string()).unwrap_or_default();
    let source = source();
    let proof =
        Proof { wishes, changes, account, home: &home, source: &source, policy: &context.policy };
    proof.run().map_err(|error| match error {
        ProofError::Impossible(why) => impossible(&why),
        ProofError::Differs { what, log } => {
            tell(&format!("{}\n", log.lines().map(plain).collect::<Vec<_>>().join("\n")));
            CliError::new(
                Exit::Refused,
                format!("{}; nothing was changed", plain(&what)),
                "The end of the log of the trial is above. Look for another line or module that decides first: twinlock doctor",
            )
        }
    })
}

fn impossible(why: &str) -> CliError {
    let what = format!("the new files cannot be tried here ({}); nothing was changed", plain(why));
    let remedy =
        "Run it where namespaces are allowed, or write the files without a trial: --unproven";
    CliError::new(Exit::NotInState, what, remedy)
}

/// Returns the account for the test logins: that of the user who called sudo; if it is not enrolled, another enrolled
/// one, preferably not root. `None` if no account is enrolled without an exemption.
fn account(people: &People) -> Option<&Account> {
    let user = InvokingUser::find().ok().flatten();
    let own = user.and_then(|user| people.enrolled.iter().find(|one| one.uid == user.uid()));
    own.or_else(|| people.enrolled.iter().find(|one| one.uid != 0)).or(people.enrolled.first())
}

/// Returns the address from which the administrator has logged in; [`LOCAL`] if it is not known.
fn source() -> String {
    let text = logind::text_of_session().unwrap_or_default();
    let host = text.lines().find_map(|line| line.strip_prefix("REMOTE_HOST="));
    let address = host.and_then(|host| host.parse::<std::net::IpAddr>().ok());
    address.map_or_else(|| LOCAL.to_owned(), |address| address.to_string())
}
