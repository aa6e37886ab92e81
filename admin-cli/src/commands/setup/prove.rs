//! Tries logins with the new files: with the account and the address of the administrator, and with accounts and
//! addresses that log in without a code.

use std::net::IpAddr;

use nix::unistd::User;
use twinlock_core::{base::account::Account, policy::Action};
use twinlock_host::invoking_user::InvokingUser;
use twinlock_setup::{
    plan::FileChange,
    proof::{ChangeProof, Login, ProofError, trials::LoginRole},
    wishes::Wishes,
};

use crate::{
    authorize::logind,
    commands::setup::{matched, people::People},
    context::Context,
    error::exit::{CliError, Exit},
    terminal::keyboard::tell,
    text::plain,
};

/// Client address that is used if the address of the administrator is not known.
const LOCAL: &str = "127.0.0.1";
/// Addresses of three networks for documentation (RFC 5737), which no host has. They are used if a test login needs an
/// address for which the rules decide otherwise than for the address of the administrator.
const EXAMPLES: [&str; 3] = ["203.0.113.7", "198.51.100.7", "192.0.2.7"];

/// Tries logins with the new files and returns their number.
///
/// # Errors
/// [`CliError`] if a login succeeds that must fail, or fails that must succeed, or if no login can be tried here.
pub(super) fn run(
    context: &Context,
    wishes: &Wishes,
    changes: &[FileChange],
    people: &People,
) -> Result<usize, CliError> {
    let account =
        account(people).ok_or_else(|| impossible("no user who is asked for a code is enrolled"))?;
    let elsewhere = TestLoginFinder { wishes, people };
    let login = Login {
        source: elsewhere.source(account),
        role: LoginRole::Asked,
        home: home(&account.name),
        account: account.clone(),
        matched: None,
    };
    let mut others = elsewhere.others(&login);
    if wishes.service.is_ssh() {
        others.extend(matched::logins(wishes, changes, people)?);
    }
    let proof =
        ChangeProof { wishes, changes, login: &login, others: &others, policy: &context.policy };
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

/// Returns the account for the test logins: the account of the user who called sudo, if it is enrolled and must give a
/// code; otherwise another such account, preferably not root. Returns `None` if there is no such account.
fn account(people: &People) -> Option<&Account> {
    let user = InvokingUser::find().ok().flatten();
    let own = user.and_then(|user| people.enrolled.iter().find(|one| one.uid == user.uid()));
    own.or_else(|| people.enrolled.iter().find(|one| one.uid != 0)).or(people.enrolled.first())
}

fn home(user: &str) -> String {
    let user = User::from_name(user).ok().flatten();
    user.map(|user| user.dir.display().to_string()).unwrap_or_default()
}

/// Finds the accounts and addresses for the test logins.
struct TestLoginFinder<'a> {
    wishes: &'a Wishes,
    people: &'a People,
}

impl TestLoginFinder<'_> {
    /// Returns the first of [`addresses`] from which the account must give a code. If there is none, returns the
    /// address of the administrator.
    fn source(&self, account: &Account) -> String {
        let asked = |address: &IpAddr| {
            let action = self.people.decisions.action(account, Some(*address));
            action != Action::Exempt
        };
        let found = addresses().into_iter().find(asked);
        found.map_or_else(source, |address| address.to_string())
    }

    /// Returns the test logins that need no code: logins from exempt networks, of a user outside the group, and of
    /// robots. `asked` is the test login that needs a code.
    fn others(&self, asked: &Login) -> Vec<Login> {
        let Wishes { scope, .. } = self.wishes;
        let mut all = Vec::new();
        for network in &scope.networks {
            let source = network.example().to_string();
            all.push(Login { source, role: LoginRole::NotAsked, ..asked.clone() });
        }
        let outside = &self.people.not_asked;
        let outsider = outside.iter().find(|one| one.uid != 0).or(outside.first());
        if let Some(account) = outsider.filter(|_| scope.group.is_some()) {
            all.push(Login { role: LoginRole::NotAsked, ..as_account(asked, account) });
        }
        for robot in &scope.robots {
            let Ok(Some(user)) = User::from_name(&robot.user) else { continue };
            let account = Account {
                name: user.name,
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
                full_name: String::new(),
            };
            let from = |source: String, role| Login { source, role, ..as_account(asked, &account) };
            for network in &robot.networks {
                all.push(from(network.example().to_string(), LoginRole::Robot));
            }
            let is_outside =
                |address: &IpAddr| !robot.networks.iter().any(|one| one.holds(*address));
            match addresses().into_iter().find(is_outside) {
                _ if robot.networks.is_empty() => {
                    all.push(from(asked.source.clone(), LoginRole::Robot))
                }
                Some(address) => all.push(from(address.to_string(), LoginRole::RobotElsewhere)),
                None => {}
            }
        }
        all
    }
}

fn as_account(login: &Login, account: &Account) -> Login {
    Login { home: home(&account.name), account: account.clone(), ..login.clone() }
}

/// Returns the addresses for test logins in the order in which they are considered: that of the administrator,
/// [`LOCAL`], and [`EXAMPLES`].
fn addresses() -> Vec<IpAddr> {
    [&*source(), LOCAL].into_iter().chain(EXAMPLES).filter_map(|text| text.parse().ok()).collect()
}

/// Returns the address from which the administrator has logged in; [`LOCAL`] if it is not known.
fn source() -> String {
    let text = logind::text_of_session().unwrap_or_default();
    let host = text.lines().find_map(|line| line.strip_prefix("REMOTE_HOST="));
    let address = host.and_then(|host| host.parse::<std::net::IpAddr>().ok());
    address.map_or_else(|| LOCAL.to_owned(), |address| address.to_string())
}
