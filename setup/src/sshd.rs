//! Computes setup's drop-in file for sshd, and checks that sshd uses its values.

use twinlock_doctor::sshd::{
    config::{Config, Directive},
    effective::Effective,
};

use crate::{scope::Robot, wishes::With};

/// Name of the drop-in file. sshd reads the files of the folder in the order of their names and uses the first value of
/// a setting, so the name begins with a low number.
pub const NAME: &str = "10-twinlock.conf";
/// Start of the first line of a drop-in file that setup has written.
const MARK: &str = "# twinlock setup:";
/// LoginGraceTime in seconds. sshd's default of two minutes is too short to set up an app during a login.
const GRACE: &str = "300";

/// Returns keyword and value of each setting of the drop-in file, in the order of the file.
#[must_use]
pub fn settings(with: With) -> Vec<[&'static str; 2]> {
    let methods = match with {
        With::Publickey | With::KeyAndPassword => "publickey,keyboard-interactive:pam",
        With::Password => "keyboard-interactive:pam",
        With::Both => "publickey,keyboard-interactive:pam keyboard-interactive:pam",
    };
    let mut all = vec![
        ["UsePAM", "yes"],
        ["KbdInteractiveAuthentication", "yes"],
        // The password method answers every prompt of PAM with the one text that the user has typed. Without this
        // method, PAM still asks for the password.
        ["PasswordAuthentication", "no"],
    ];
    if with != With::Password {
        all.push(["PubkeyAuthentication", "yes"]);
    }
    all.extend([["AuthenticationMethods", methods], ["LoginGraceTime", GRACE]]);
    all
}

/// Returns the text of the drop-in file. `by` is the command that writes it, which the first line names.
#[must_use]
pub fn drop_in(with: With, robots: &[Robot], by: &str) -> String {
    let lines = settings(with).into_iter().map(|[keyword, value]| format!("{keyword} {value}\n"));
    let head = format!(
        "{MARK} {by}\n# `twinlock teardown ssh` removes this file. sshd uses the first value that it reads.\n"
    );
    // sshd has no dialogue with a client that no person uses (BatchMode), so sshd would refuse it before twinlock's
    // rules decide.
    let block = |robot: &Robot| {
        format!(
            "\n# A robot: its key is enough, and nothing else is.\nMatch {}\n    PubkeyAuthentication yes\n    AuthenticationMethods publickey\n",
            robot.criteria()
        )
    };
    head + &lines.collect::<String>() + &robots.iter().map(block).collect::<String>()
}

/// Returns whether setup has written the drop-in file that has this text.
#[must_use]
pub fn is_ours(text: &str) -> bool {
    text.starts_with(MARK)
}

/// A setting of the drop-in file that has no effect, because sshd uses another value of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overridden {
    /// Keyword of the setting, spelled as in sshd_config(5).
    pub keyword: &'static str,
    /// Value of the setting in the drop-in file.
    pub wished: &'static str,
    /// Value of the setting that sshd uses.
    pub used: String,
    /// `file:line` of the setting whose value sshd uses.
    pub place: String,
}

/// Returns the settings of the drop-in file for which sshd uses another value. `said` is the output of `sshd -T` for
/// the new files, and `config` contains the settings of these files.
#[must_use]
pub fn overridden(with: With, said: &Effective, config: &Config) -> Vec<Overridden> {
    let mut found = Vec::new();
    for [keyword, wished] in settings(with) {
        let lower = keyword.to_ascii_lowercase();
        let used = said.values(&lower).collect::<Vec<_>>().join(" ");
        if used.eq_ignore_ascii_case(wished) || keyword == "LoginGraceTime" && is_longer(&used) {
            continue;
        }
        let place = place(config, &lower, &used);
        found.push(Overridden { keyword, wished, used, place });
    }
    found
}

/// Returns those settings of the drop-in file that have no effect, because an earlier line outside of Match blocks sets
/// another value. Looks only at the files and does not run sshd, because with some combinations of settings sshd does
/// not start and prints no values.
#[must_use]
pub fn overridden_in_files(with: With, config: &Config) -> Vec<Overridden> {
    let first = |[keyword, wished]: [&'static str; 2]| {
        let lower = keyword.to_ascii_lowercase();
        let all = names(&lower);
        let outside =
            |line: &&Directive| line.block.is_none() && all.contains(&line.keyword.as_str());
        let line = config.directives.iter().find(outside)?;
        let used = words(&line.value);
        let same = used.eq_ignore_ascii_case(wished) || keyword == "LoginGraceTime";
        (!same).then(|| Overridden { keyword, wished, used, place: line.place.to_string() })
    };
    settings(with).into_iter().filter_map(first).collect()
}

/// Returns `file:line` of the first setting, in or outside of a Match block, that gives the keyword the value `used`.
/// If there is none, returns the place of the first setting of the keyword outside of Match blocks.
fn place(config: &Config, keyword: &str, used: &str) -> String {
    let all = names(keyword);
    let sets = |line: &&Directive| {
        all.contains(&line.keyword.as_str()) && words(&line.value).eq_ignore_ascii_case(used)
    };
    let found = config.directives.iter().find(sets);
    found.map_or_else(|| config.place(&all), |line| line.place.to_string())
}

fn words(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reports whether a LoginGraceTime in seconds is at least [`GRACE`]; 0 stands for no limit.
fn is_longer(used: &str) -> bool {
    let least = GRACE.parse::<u64>().unwrap_or(0);
    used.parse::<u64>().is_ok_and(|seconds| seconds == 0 || seconds >= least)
}

/// Returns the keyword, followed by its older name if it has one.
fn names(keyword: &str) -> Vec<&str> {
    match keyword {
        "kbdinteractiveauthentication" => vec![keyword, "challengeresponseauthentication"],
        other => vec![other],
    }
}
