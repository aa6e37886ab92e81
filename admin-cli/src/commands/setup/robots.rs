//! Checks that an account can be used as a robot: it is not root, is not in the group whose members must give a code,
//! and has a key.

use std::path::Path;

use nix::unistd::User;
use twinlock_doctor::{
    machine::ExaminedMachine,
    pam::load::Files,
    sshd::{effective::Effective, probe::Probe},
};
use twinlock_setup::{scope::Robot, wishes::Wishes};

use crate::{
    commands::setup::people::People,
    error::exit::{CliError, Exit},
    text::plain,
};

/// Checks each robot that the options name. `machine` is this host as it will be after the change.
///
/// # Errors
/// [`CliError`] for the first account that cannot be used as a robot.
pub(super) fn check(
    wishes: &Wishes,
    machine: &ExaminedMachine,
    people: &People,
) -> Result<(), CliError> {
    let scope = &wishes.scope;
    for robot in &scope.robots {
        let name = plain(&robot.user);
        let refused = |why: String, remedy: &str| {
            CliError::new(Exit::Refused, format!("--robot {why}; nothing was changed"), remedy)
        };
        let Some(user) = User::from_name(&robot.user).ok().flatten() else {
            return Err(refused(
                format!("{name}: there is no such account"),
                "Create the account, and give it a key.",
            ));
        };
        if user.uid.is_root() {
            return Err(refused(
                format!("{name}: root would log in with a key alone"),
                "Give the robot an account of its own, and a line in sudoers for its commands.",
            ));
        }
        if scope.group.as_ref().is_some_and(|group| people.is_member(&robot.user, group)) {
            return Err(refused(
                format!("{name}: it is a member of the group whose members are asked for a code"),
                "Remove the account from the group, or leave out --robot.",
            ));
        }
        if !may_have_key(robot, &user, machine) {
            return Err(refused(
                format!("{name}: it has no key, so it could not log in"),
                "Write its public key to the file that `sshd -T` shows as authorizedkeysfile.",
            ));
        }
    }
    Ok(())
}

/// Returns whether sshd accepts a key of the robot. If sshd asks another source than files, returns `true`.
fn may_have_key(robot: &Robot, user: &User, machine: &ExaminedMachine) -> bool {
    let mut probe = Probe::of(&robot.user);
    if let Some(network) = robot.networks.first() {
        probe.from.addr = network.example().to_string();
    }
    let Ok(said) = machine.effective(Some(&probe.argument())) else { return true };
    let said = Effective::read(&said);
    let elsewhere = ["authorizedkeyscommand", "trustedusercakeys"];
    if elsewhere.iter().any(|key| said.value(key).is_some_and(|value| value != "none")) {
        return true;
    }
    let files = said.value("authorizedkeysfile").unwrap_or_default();
    files.split_whitespace().any(|pattern| has_key(machine, &file(pattern, user)))
}

/// Returns the path that `pattern`, a value of AuthorizedKeysFile, means for the user. The pattern may contain tokens
/// such as `%h`, and may be relative to the home folder.
fn file(pattern: &str, user: &User) -> String {
    let home = user.dir.display().to_string();
    let uid = user.uid.as_raw().to_string();
    let path = pattern
        .replace("%h", &home)
        .replace("%u", &user.name)
        .replace("%U", &uid)
        .replace("%%", "%");
    Path::new(&home).join(path).display().to_string()
}

fn has_key(machine: &ExaminedMachine, path: &str) -> bool {
    // Another kind of file, which the user may have made, holds no key and is not opened.
    let text = machine.text(path).unwrap_or_default();
    text.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with('#'))
}
