//! Finds a test login for each outcome of sshd's Match blocks.

use std::fs;

use nix::unistd::User;
use twinlock_core::{base::account::Account, policy::Action};
use twinlock_doctor::{
    examine::{self, MatchOutcome},
    finding::Level,
    report::Rows,
};
use twinlock_setup::{
    plan::FileChange,
    proof::{Login, trials::LoginRole},
    wishes::Wishes,
};

use crate::{
    commands::{
        doctor,
        setup::{future, people::People},
    },
    error::exit::{CliError, Exit},
    terminal::keyboard::tell,
    text::{WIDTH, plain, wrap},
};

/// Maximum number of outcomes that are tried. Each takes some seconds.
const MOST: usize = 16;

/// Returns a login for each outcome of the Match blocks with the new files: that of a real account from a fitting
/// address. Robots and exempt users have logins of their own. An outcome that lets users in without a code, and that the administrator
/// accepts in accepted.toml, is left out.
///
/// # Errors
/// [`CliError`] if sshd cannot be asked about its Match blocks.
pub(super) fn logins(
    wishes: &Wishes,
    changes: &[FileChange],
    people: &People,
) -> Result<Vec<Login>, CliError> {
    let machine = future(changes);
    let failed = |error: twinlock_doctor::hindrance::Hindrance| {
        let remedy = error.remedy.unwrap_or_else(|| "Correct this, and run it again.".to_owned());
        CliError::new(Exit::NotInState, format!("{} Nothing was changed", error.what), remedy)
    };
    let outcomes = examine::match_outcomes(&machine).map_err(failed)?;
    if outcomes.is_empty() {
        return Ok(Vec::new());
    }
    let settings = doctor::of_this_host_with(people.rules_of_command.clone());
    let report = examine::examine_all(&machine, Rows::Wrong, &settings).map_err(failed)?;
    let accepted: Vec<_> =
        report.findings.into_iter().filter(|one| one.level == Level::Exception).collect();
    let is_accepted = |outcome: &MatchOutcome| {
        let places = outcome.blocks.iter().filter_map(|block| block.split(' ').next());
        let mut places = places.filter(|place| !place.is_empty());
        places.any(|place| {
            let named = format!("{place} ");
            accepted.iter().any(|one| one.place == place || one.what.contains(&named))
        })
    };
    let mut all: Vec<Login> = outcomes
        .iter()
        .filter(|outcome| !is_accepted(outcome))
        .filter_map(|outcome| of_outcome(wishes, people, outcome))
        .collect();
    if all.len() > MOST {
        let said = format!(
            "Of {} outcomes of sshd's Match blocks, {MOST} are tried; doctor has judged all of them.",
            all.len()
        );
        tell(&format!("{}\n", wrap(&said, WIDTH, 0)));
        all.truncate(MOST);
    }
    Ok(all)
}

/// Returns the login for an outcome; `None` for a robot, for a user whom a rule exempts, and for an account that has no
/// line in /etc/shadow.
fn of_outcome(wishes: &Wishes, people: &People, outcome: &MatchOutcome) -> Option<Login> {
    let user = User::from_name(&outcome.user).ok().flatten()?;
    let is_robot = wishes.scope.robots.iter().any(|robot| robot.user == user.name);
    if is_robot || !has_shadow_line(&user.name) {
        return None;
    }
    let account = Account {
        name: user.name.clone(),
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
        full_name: String::new(),
    };
    let role = match people.decisions.action(&account, outcome.address.parse().ok()) {
        Action::Exempt => return None,
        Action::Require | Action::Remind if account.uid == 0 => LoginRole::Guarded,
        Action::Require | Action::Remind => LoginRole::Matched,
    };
    let blocks = outcome.blocks.iter().map(|block| plain(block)).collect::<Vec<_>>().join(", ");
    let source = outcome.address.clone();
    let home = user.dir.display().to_string();
    Some(Login { account, home, source, role, matched: Some(blocks) })
}

fn has_shadow_line(user: &str) -> bool {
    let text = fs::read_to_string("/etc/shadow").unwrap_or_default();
    text.lines().any(|line| line.split(':').next() == Some(user))
}
