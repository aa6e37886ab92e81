//! Derives findings from sshd's settings: ways to log in that bypass PAM, and ways that lock out users.
mod issue;
mod remedy;

use crate::finding::{Finding, Level};
use crate::judge::case::Reach;
use crate::judge::remedies::KEY_METHODS;
use crate::pam::table::CaseTable;
use crate::sshd::complete::MethodHindrance;
use crate::sshd::config::{Config, Directive, MatchBlock};
use crate::sshd::effective::Effective;
use crate::sshd::judge::issue::{Issue, issues, known_reach, somebody_gets_in};
pub use crate::sshd::judge::issue::{entries, passes_by_pam};
use crate::sshd::pattern::fits_list;
use crate::sshd::probe::{Probe, REMOTE, fits_from};

/// What doctor knows about sshd's settings.
pub struct SshdFacts {
    /// The settings and Match blocks of sshd's configuration files.
    pub config: Config,
    /// The base settings: the output of `sshd -T` without a user, to which no Match block applies.
    pub base: Effective,
    /// The settings that `sshd -T -C` prints for each probe (a user and a connection).
    pub asked: Vec<(Probe, Effective)>,
    /// Whether users are to reach PAM with a key, without one, or both, after the administrator has corrected the
    /// settings.
    wanted: Reach,
}

const ABOUT_WAYS: [&str; 8] = [
    "authenticationmethods",
    "kbdinteractiveauthentication",
    "challengeresponseauthentication",
    "passwordauthentication",
    "pubkeyauthentication",
    "gssapiauthentication",
    "hostbasedauthentication",
    "kerberosauthentication",
];

/// The Match block that causes an issue, and the setting in it.
#[derive(Clone, Copy)]
struct Origin<'a> {
    block: &'a MatchBlock,
    line: &'a Directive,
}

/// Minimum LoginGraceTime, in seconds. It gives a user time to fetch the telephone.
const FIND_PHONE: u64 = 120;
/// Minimum LoginGraceTime, in seconds, that lets a user install an app, scan a key and write down backup codes. With
/// any settings, a user may have to do so at a login: after an administrator has reset the second factor, or with a
/// set-up ticket.
const SET_UP: u64 = 300;

/// Returns whether users reach PAM with a key, without one, or both. If no user reaches PAM, returns [`Reach::EVERY`].
#[must_use]
pub fn reach(facts: &SshdFacts) -> Reach {
    let reach = known_reach(facts);
    if reach.with_key || reach.without_key { reach } else { Reach::EVERY }
}

/// Returns all findings about sshd's settings. `table` is the truth table of the stack. If it is `None`, the stack is
/// assumed to accept.
#[must_use]
pub fn judge(facts: &SshdFacts, table: Option<&CaseTable>) -> Vec<Finding> {
    let base = issues("", &facts.base, table);
    let each: Vec<(&Probe, Vec<Issue>)> = facts
        .asked
        .iter()
        .map(|(probe, effective)| (probe, issues(&probe.user, effective, table)))
        .collect();
    let mut kinds: Vec<Issue> =
        base.iter().cloned().chain(each.iter().flat_map(|(_, found)| found.clone())).collect();
    kinds.sort();
    kinds.dedup();
    if !somebody_gets_in(facts, table) {
        // The findings about the stack report that the stack refuses every user.
        kinds.retain(|kind| !matches!(kind, Issue::Hindered(_, MethodHindrance::Stack, _)));
    }
    let mut found: Vec<Finding> = Vec::new();
    for kind in kinds {
        let holders: Vec<&Probe> =
            each.iter().filter(|(_, has)| has.contains(&kind)).map(|(probe, _)| *probe).collect();
        if base.contains(&kind) {
            if !holders.is_empty() || each.is_empty() {
                found.push(facts.general(&kind, table));
            }
        } else {
            found.extend(facts.by_match(&kind, &holders, table));
        }
    }
    found.extend(facts.grace());
    found
}

impl SshdFacts {
    /// Combines the settings. Also derives from them whether users are to reach PAM with a key, without one, or both.
    #[must_use]
    pub fn new(config: Config, base: Effective, asked: Vec<(Probe, Effective)>) -> Self {
        let mut facts = Self { config, base, asked, wanted: Reach::EVERY };
        facts.wanted = facts.meant();
        facts
    }

    fn general(&self, kind: &Issue, table: Option<&CaseTable>) -> Finding {
        let (id, level, what) = kind.words();
        Finding {
            level,
            id,
            place: match kind.pam_line() {
                Some(place) => place.to_string(),
                None => self.config.place(kind.keywords()),
            },
            what,
            remedy: self.remedy(kind, table),
        }
    }

    /// Returns the findings about the issue `kind`, which only some users have. There is one finding for each Match
    /// block that causes it. `holders` are these users, each with a connection.
    fn by_match(
        &self,
        kind: &Issue,
        holders: &[&Probe],
        table: Option<&CaseTable>,
    ) -> Vec<Finding> {
        let mut groups: Vec<(Option<Origin<'_>>, Vec<&Probe>)> = Vec::new();
        for probe in holders {
            let origin = self.origin(kind, probe);
            let place = |of: Option<Origin<'_>>| of.map(|found| found.line.place.clone());
            match groups.iter_mut().find(|(other, _)| place(*other) == place(origin)) {
                Some((_, probes)) => probes.push(probe),
                None => groups.push((origin, vec![probe])),
            }
        }
        let found = |(origin, probes): (Option<Origin<'_>>, Vec<&Probe>)| {
            self.exception(self.general(kind, table), kind, origin, &probes)
        };
        groups.into_iter().map(found).collect()
    }

    fn exception(
        &self,
        mut finding: Finding,
        kind: &Issue,
        origin: Option<Origin<'_>>,
        probes: &[&Probe],
    ) -> Finding {
        let who = who(probes);
        let Some(Origin { block, line }) = origin else {
            finding.what = format!("For {who}{}: {}", whence(probes), finding.what);
            return finding;
        };
        finding.place = line.place.to_string();
        let place = block.place.to_string();
        let by = by_block(&place, &block.criteria());
        if finding.level == Level::WayIn && picks(block) {
            finding.id = WITHOUT_CODE;
            finding.what = if *kind == Issue::KeyAlone {
                key_alone(&who, &place, &block.criteria())
            } else {
                format!("{who} can log in with no code {by}.")
            };
            finding.remedy =
                format!("If that is not intended, remove the line or write `{KEY_METHODS}` there.");
        } else {
            finding.what = format!("For {who}, {by}: {}", finding.what);
            finding.remedy = format!("Correct the line at {}, or remove it.", line.place);
        }
        finding
    }

    /// Returns the Match block that causes the issue for the user and connection of `probe`, and the setting in it;
    /// `None` if there is no such block. A block whose value is in force is preferred. If there are several, returns
    /// the first.
    fn origin(&self, kind: &Issue, probe: &Probe) -> Option<Origin<'_>> {
        let effective =
            self.asked.iter().find(|(other, _)| other == probe).map(|(_, effective)| effective)?;
        let of = kind.keywords();
        let in_force = |line: &Directive| {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            effective.value(&line.keyword).map(words) == Some(words(&line.value))
        };
        let of_user = |block: &MatchBlock| {
            (block.criteria.iter().filter(|(word, _)| word == "user"))
                .all(|(_, list)| fits_list(list, &probe.user))
        };
        let fits = |block: &MatchBlock| {
            let mut others = block.criteria.iter();
            of_user(block) && others.all(|(word, list)| fits_from(word, list, &probe.from))
        };
        let all = || self.config.blocks_with(of).filter(|(block, _)| of_user(block));
        let fitting = || all().filter(|(block, _)| fits(block));
        let found = fitting().find(|(_, line)| in_force(line)).or_else(|| fitting().next());
        let found =
            found.or_else(|| all().find(|(_, line)| in_force(line))).or_else(|| all().next());
        found.map(|(block, line)| Origin { block, line })
    }

    fn grace(&self) -> Option<Finding> {
        let seconds = self.base.grace().filter(|seconds| *seconds < SET_UP)?;
        let cut_off = match seconds < FIND_PHONE {
            true => "a user who has to find the phone first is disconnected",
            false => "set-up at a login, as after a reset, takes minutes and would be interrupted",
        };
        Some(Finding {
            level: Level::Warning,
            id: "grace-short",
            place: self.config.place(&["logingracetime"]),
            what: format!("LoginGraceTime is {seconds} s: {cut_off}."),
            remedy: self.to_write(&[&format!("LoginGraceTime {SET_UP}")]),
        })
    }
}

/// Name of the finding that a Match block lets some users in without a code.
pub const WITHOUT_CODE: &str = "match-without-code";

/// Returns the text of the finding [`WITHOUT_CODE`] about a Match block that lets users in with a key alone. `who`
/// names the users, as in `user backup`; `place` and `criteria` are those of the block.
#[must_use]
pub fn key_alone(who: &str, place: &str, criteria: &str) -> String {
    format!("{who} can log in with a key alone {}.", by_block(place, criteria))
}

fn by_block(place: &str, criteria: &str) -> String {
    format!("by the Match block at {place} ({criteria})")
}

/// Reports whether the block applies to some users or connections, and not to all.
fn picks(block: &MatchBlock) -> bool {
    block.criteria.iter().any(|(word, list)| {
        let named = ["user", "group", "address", "host", "localport", "localaddress", "rdomain"]
            .contains(&word.as_str());
        // The routing domain is usually empty. The values of the other criteria are never empty, so `?*` matches all of
        // them.
        let not_empty = ["?*", "*?"].iter().filter(|_| word != "rdomain");
        let all = ["*", "0.0.0.0/0", "::/0"].iter().chain(not_empty).copied().collect::<Vec<_>>();
        let all = list.split(',').any(|one| all.contains(&one));
        named && !all
    })
}

/// Returns ` from ADDRESS` if all these logins have the same client address, otherwise an empty string.
fn whence(probes: &[&Probe]) -> String {
    let mut addresses: Vec<&str> = probes.iter().map(|probe| probe.from.addr.as_str()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    match addresses.as_slice() {
        [one] if *one == REMOTE => format!(" from {one} (an example address)"),
        [one] => format!(" from {one}"),
        [..] => String::new(),
    }
}

fn who(probes: &[&Probe]) -> String {
    let all = probes.iter().flat_map(|probe| [&probe.user].into_iter().chain(&probe.same));
    let mut users: Vec<&str> = all.map(String::as_str).collect();
    users.sort_unstable();
    users.dedup();
    let shown = users.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    let more = users.len().saturating_sub(5);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let user = if shown.contains(' ') && users.len() == 1 { "" } else { "user " };
    format!("{user}{shown}{more}")
}

#[cfg(test)]
mod tests;
