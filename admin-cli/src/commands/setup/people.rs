//! Finds users whom a change would lock out, because they have no code.

use std::fs;

use nix::unistd::User;
use twinlock_core::{base::account::Account, policy::NotEnrolled};
use twinlock_host::directory::{Directory, Whose};
use twinlock_setup::wishes::Wishes;

use crate::{
    commands::{doctor::machine::other_root_terminal, list},
    context::Context,
    enrollment::{
        exemption::{self, ExemptionReach},
        person::{self, EnrollmentStatus},
    },
    error::exit::{CliError, Exit},
    text::plain,
};

/// Maximum number of names in the error message.
const NAMED: usize = 5;

/// The accounts with a login shell. For ssh, root is left out if it has no key.
#[derive(Default)]
pub(super) struct People {
    all: usize,
    /// Names of the users who would be refused: they have neither a code nor a valid ticket, and are not exempt.
    without: Vec<String>,
    /// The enrolled users without an exemption. Logins can be tried with their names.
    pub(super) enrolled: Vec<Account>,
}

impl People {
    /// Reads the accounts with a login shell and their records.
    pub(super) fn read(context: &Context, wishes: &Wishes) -> Result<Self, CliError> {
        let whose = Whose::WithShell;
        let mut directory =
            Directory::open(&whose).map_err(|fault| list::no_directory(&whose, fault))?;
        let now = context.now()?.unix;
        let mut people = Self::default();
        while let Some(account) = directory.next_account()? {
            if account.uid == 0 && wishes.service.is_ssh() && !root_has_keys() {
                continue;
            }
            people.all += 1;
            let exempt = exemption::of(context, &account, now);
            match person::of_account(context, &account).status {
                EnrollmentStatus::Enrolled if exempt.is_none() => people.enrolled.push(account),
                EnrollmentStatus::Enrolled | EnrollmentStatus::NoAccount => {}
                EnrollmentStatus::Pending if has_ticket(context, &account) => {}
                EnrollmentStatus::Pending
                | EnrollmentStatus::Removed
                | EnrollmentStatus::NotEnrolled
                | EnrollmentStatus::Broken(_) => {
                    let everywhere = |reach| reach == ExemptionReach::Everywhere;
                    if !exempt.is_some_and(|exempt| everywhere(exempt.reach)) {
                        people.without.push(account.name);
                    }
                }
            }
        }
        Ok(people)
    }

    /// Checks that the change locks out no user. The check passes if the administrator accepts that: `wanted`, the
    /// value of `--not-enrolled`, is `deny`, or the settings let users set up an app at a login.
    ///
    /// # Errors
    /// [`CliError`] with number and names of the users who would be locked out.
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
            "{} of {} users with a login shell are not enrolled and would be refused ({}){}; nothing was changed",
            self.without.len(),
            self.all,
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
