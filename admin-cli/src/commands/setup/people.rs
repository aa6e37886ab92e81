//! Finds the users who must give a code after a change, those who log in without one, and those whom the change would
//! lock out because they have no code.

use std::fs;

use nix::unistd::User;
use twinlock_core::{
    base::account::Account,
    policy::{Action, Network, NotEnrolled, Rule},
};
use twinlock_host::directory::{Directory, Whose};
use twinlock_setup::{
    scope::{Robot, Scope},
    wishes::Wishes,
};

use crate::{
    commands::{
        doctor::machine::other_root_terminal,
        list,
        setup::{decisions::Decisions, future_rules::FutureRules},
    },
    context::Context,
    enrollment::person::{self, EnrollmentStatus},
    error::exit::{CliError, Exit},
    text::plain,
};

/// Maximum number of names in a message.
const NAMED: usize = 5;

/// Maximum number of exempt accounts that are kept for test logins.
const OUTSIDERS: usize = 16;

/// A kind of login without a code that an option of setup allows.
#[derive(PartialEq, Eq)]
pub(super) struct OpenWay {
    /// The option that allows these logins, such as `--group admins`.
    pub(super) option: String,
    /// The condition under which the accounts log in without a code, such as ` from 10.0.0.0/8`; `None` if there is
    /// none.
    pub(super) condition: Option<String>,
    /// Number of accounts that can log in in this way.
    pub(super) count: usize,
    /// Names of the first accounts, at most five.
    pub(super) names: Vec<String>,
}

impl OpenWay {
    /// Returns a kind of login without a code that no account can use yet.
    pub(super) fn new(option: String, condition: Option<String>) -> Self {
        Self { option, condition, count: 0, names: Vec::new() }
    }

    /// Counts an account that can log in in this way.
    pub(super) fn add(&mut self, name: &str) {
        self.count += 1;
        if self.names.len() < NAMED {
            self.names.push(name.to_owned());
        }
    }
}

/// The accounts with a login shell, and what a change means for their logins. For ssh, root is left out if it has no
/// key.
#[derive(Default)]
pub(super) struct People {
    /// Number of accounts that must give a code.
    asked: usize,
    /// Names of the users who would be refused: they must give a code, and have neither a code nor a valid ticket.
    without: Vec<String>,
    /// The enrolled users who must give a code. Test logins can use their accounts.
    pub(super) enrolled: Vec<Account>,
    /// Some of the users who log in without a code from every address. Test logins can use their accounts.
    pub(super) not_asked: Vec<Account>,
    /// The kinds of logins without a code that the options of setup allow.
    pub(super) open: Vec<OpenWay>,
    /// The rules of rules.toml after the change.
    pub(super) rules_of_command: Vec<Rule>,
    /// What the rules require of each account after the change.
    pub(super) decisions: Decisions,
}

impl People {
    /// Reads the accounts with a login shell and their records. `rules` are the rules after the change.
    ///
    /// # Errors
    /// [`CliError`] if the accounts or the members of a group cannot be listed.
    pub(super) fn read(
        context: &Context,
        wishes: &Wishes,
        rules: &FutureRules,
    ) -> Result<Self, CliError> {
        let whose = Whose::WithShell;
        let mut directory =
            Directory::open(&whose).map_err(|fault| list::no_directory(&whose, fault))?;
        let now = context.now()?.unix;
        let decisions = Decisions::new(wishes, rules, now)?;
        let rules_of_command = rules.of_command.clone();
        let mut people = Self { decisions, rules_of_command, ..Self::default() };
        let scope = &wishes.scope;
        let mut ways = OpenWays::of(scope);
        while let Some(account) = directory.next_account()? {
            if account.uid == 0 && wishes.service.is_ssh() && !root_has_keys() {
                continue;
            }
            ways.of_networks(scope, &account, &people.decisions);
            let action = people.decisions.action(&account, None);
            if action == Action::Exempt {
                ways.group.iter_mut().for_each(|way| way.add(&account.name));
                if people.not_asked.len() < OUTSIDERS {
                    people.not_asked.push(account);
                }
                continue;
            }
            if scope.robots.iter().any(|robot| robot.user == account.name) {
                // A robot has no code, and needs none in its networks.
                continue;
            }
            people.asked += 1;
            match has_code(context, &account) {
                CodeState::Enrolled => people.enrolled.push(account),
                CodeState::AtNextLogin => {}
                CodeState::None => match &mut ways.reminds {
                    Some(way) => way.add(&account.name),
                    None if action == Action::Remind => {}
                    None => people.without.push(account.name),
                },
            }
        }
        people.open = ways.all();
        Ok(people)
    }

    /// Returns whether an account is a member of a group that a rule or an option names.
    pub(super) fn is_member(&self, user: &str, group: &str) -> bool {
        self.decisions.is_member(user, group)
    }

    /// Refuses a change that would lock out users who are not enrolled. The change is accepted if it locks out no user,
    /// if the administrator has asked for this (`wanted`, the value of `--not-enrolled`, is `deny`), or if the settings
    /// let users set up an authenticator at a login.
    ///
    /// # Errors
    /// [`CliError`] with number and names of the users who would be locked out. Also if `wanted` is `enroll`, but the
    /// settings do not enroll users at a login.
    pub(super) fn must_not_be_locked_out(
        &self,
        context: &Context,
        wanted: Option<&str>,
    ) -> Result<(), CliError> {
        let sets_up = context.policy.not_enrolled != NotEnrolled::Deny;
        if wanted == Some("enroll") && context.policy.not_enrolled != NotEnrolled::Enroll {
            return Err(CliError::new(
                Exit::NotInState,
                "--not-enrolled enroll needs `not_enrolled = \"enroll\"` in /etc/twinlock/twinlock.toml; nothing was changed",
                "Add the line, run `twinlock settings apply`, and run this again.",
            ));
        }
        if self.without.is_empty() || wanted == Some("deny") || sets_up {
            return Ok(());
        }
        let mut names: Vec<String> =
            self.without.iter().take(NAMED).map(|name| plain(name)).collect();
        if self.without.len() > NAMED {
            names.push("and others".to_owned());
        }
        let what = format!(
            "{} of {} users with a login shell{} are not enrolled and would be refused ({}){}; nothing was changed",
            self.without.len(),
            self.asked,
            if self.not_asked.is_empty() { "" } else { " who are asked for a code" },
            names.join(", "),
            if other_root_terminal() { "" } else { "; root has no shell on another terminal" },
        );
        Err(CliError::new(
            Exit::Refused,
            what,
            "Enroll or invite them first (twinlock list --not-enrolled), or refuse them on purpose: --not-enrolled deny",
        ))
    }
}

/// The kinds of logins without a code, for each option of setup.
struct OpenWays {
    group: Option<OpenWay>,
    networks: Vec<OpenWay>,
    robots: Vec<OpenWay>,
    reminds: Option<OpenWay>,
}

impl OpenWays {
    fn of(scope: &Scope) -> Self {
        let way = |option: String, condition: Option<&str>| {
            OpenWay::new(option, condition.map(str::to_owned))
        };
        let robot = |robot: &Robot| {
            let from = robot.addresses().unwrap_or_else(|| "everywhere".to_owned());
            let mut way = way("--robot".to_owned(), Some(&format!(" from {from}, with a key")));
            way.add(&robot.user);
            way
        };
        let network =
            |network: &Network| way("--network".to_owned(), Some(&format!(" from {network}")));
        Self {
            group: scope.group.as_ref().map(|group| way(format!("--group {group}"), None)),
            networks: scope.networks.iter().map(network).collect(),
            robots: scope.robots.iter().map(robot).collect(),
            reminds: scope.reminds.then(|| way("--not-enrolled remind".to_owned(), None)),
        }
    }

    /// Counts the account for each network from which it logs in without a code.
    fn of_networks(&mut self, scope: &Scope, account: &Account, decisions: &Decisions) {
        for (way, network) in self.networks.iter_mut().zip(&scope.networks) {
            if decisions.action(account, Some(network.example())) == Action::Exempt {
                way.add(&account.name);
            }
        }
    }

    fn all(self) -> Vec<OpenWay> {
        let Self { group, networks, robots, reminds } = self;
        group.into_iter().chain(networks).chain(robots).chain(reminds).collect()
    }
}

/// Whether a user has a code, or gets one at the next login.
enum CodeState {
    Enrolled,
    /// The user gets a code at the next login, because the user has a ticket. Also used for a record without an
    /// account, which needs no code.
    AtNextLogin,
    None,
}

fn has_code(context: &Context, account: &Account) -> CodeState {
    match person::of_account(context, account).status {
        EnrollmentStatus::Enrolled => CodeState::Enrolled,
        EnrollmentStatus::NoAccount => CodeState::AtNextLogin,
        EnrollmentStatus::Pending if has_ticket(context, account) => CodeState::AtNextLogin,
        EnrollmentStatus::Pending
        | EnrollmentStatus::Removed
        | EnrollmentStatus::NotEnrolled
        | EnrollmentStatus::Broken(_) => CodeState::None,
    }
}

/// Returns whether the user has a valid ticket, with which the next login sets up an app.
fn has_ticket(context: &Context, account: &Account) -> bool {
    use twinlock_core::ports::Records;
    let found = context.machine.records.newest(account).ok().flatten();
    let now = context.now().map(|now| now.unix).ok();
    found.is_some_and(|found| {
        found.record.extras.tickets.iter().any(|one| now.is_some_and(|now| now < one.voucher.until))
    })
}

/// Returns whether root has a key in ~/.ssh/authorized_keys, and so can log in by ssh with sshd's default settings.
fn root_has_keys() -> bool {
    let home = User::from_name("root").ok().flatten().map(|user| user.dir);
    home.is_some_and(|home| {
        let keys = fs::read_to_string(home.join(".ssh/authorized_keys")).unwrap_or_default();
        keys.lines().any(|line| !line.trim().is_empty() && !line.trim().starts_with('#'))
    })
}
