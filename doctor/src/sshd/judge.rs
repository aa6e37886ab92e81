//! Derives findings from sshd's settings: ways that bypass PAM, and ways that lock out users.
use crate::finding::{Finding, Level};
use crate::judge::case::Reach;
use crate::judge::remedies::KEY_METHODS;
use crate::sshd::config::{Block, Config, Directive};
use crate::sshd::effective::{Effective, Gate, Way};
use crate::sshd::pattern::fits_list;
use crate::sshd::probe::{Probe, REMOTE};

/// All that is known about sshd.
pub struct SshdFacts {
    /// sshd's files.
    pub config: Config,
    /// `sshd -T` without a user: no Match block applies.
    pub base: Effective,
    /// `sshd -T -C` for each question.
    pub asked: Vec<(Probe, Effective)>,
    /// First factors with which users should reach PAM.
    wanted: Reach,
}

/// What is wrong with the settings for one user.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Issue {
    NoPamOpen,
    NoPamShut,
    NoPrompts,
    KeyAlone,
    OtherAlone(Way),
    OneText(Way),
    KeyAfterCode(Way),
    RootShutOut,
}

const ABOUT_WAYS: [&str; 7] = [
    "authenticationmethods",
    "kbdinteractiveauthentication",
    "challengeresponseauthentication",
    "passwordauthentication",
    "pubkeyauthentication",
    "gssapiauthentication",
    "hostbasedauthentication",
];

/// The Match block and the line in it that makes the difference.
#[derive(Clone, Copy)]
struct Origin<'a> {
    block: &'a Block,
    line: &'a Directive,
}

/// Shortest time in which a user can find the telephone, in seconds.
const FIND_PHONE: u64 = 120;
/// Shortest time in which a user can install an app, scan a key and write down backup codes, in seconds. Set-up can
/// happen at any login, whatever the settings: after a reset, and with a ticket.
const SET_UP: u64 = 300;

/// Returns the first factors with which users reach PAM.
#[must_use]
pub fn reach(facts: &SshdFacts) -> Reach {
    let reach = facts.known_reach();
    if reach.with_key || reach.without_key { reach } else { Reach::EVERY }
}

fn known_reach(facts: &SshdFacts) -> Reach {
    let mut reach = Reach { without_key: false, with_key: false };
    for (user, effective) in people(facts) {
        for way in open_ways(user, effective) {
            match way.gate() {
                Gate::Prompts if way.key_before_pam() => reach.with_key = true,
                Gate::Prompts | Gate::OneText if !way.asks("publickey") => reach.without_key = true,
                Gate::Prompts | Gate::OneText | Gate::None => {}
            }
        }
    }
    reach
}

/// Returns the settings of each user asked about; without any, the base settings.
fn people(facts: &SshdFacts) -> Vec<(&str, &Effective)> {
    if facts.asked.is_empty() {
        return vec![("", &facts.base)];
    }
    facts.asked.iter().map(|(probe, effective)| (probe.user.as_str(), effective)).collect()
}

/// Returns the ways that PermitRootLogin allows.
fn open_ways(user: &str, effective: &Effective) -> Vec<Way> {
    let permit =
        if user == "root" { effective.value("permitrootlogin").unwrap_or("yes") } else { "yes" };
    let mut ways = effective.ways();
    ways.retain(|way| match permit {
        "no" => false,
        "yes" => true,
        _ => way.gate() == Gate::None,
    });
    ways
}

fn issues(user: &str, effective: &Effective) -> Vec<Issue> {
    let ways = open_ways(user, effective);
    let mut found = Vec::new();
    let root_is_barred = user == "root" && effective.value("permitrootlogin") == Some("no");
    if root_is_barred {
        return found;
    }
    if !effective.yes("usepam") {
        let shut = ways.iter().all(|way| way.gate() == Gate::Prompts);
        found.push(if shut { Issue::NoPamShut } else { Issue::NoPamOpen });
    } else if !effective.prompts()
        && !ways.iter().any(|way| effective.names_ways() && way.gate() == Gate::None)
    {
        found.push(Issue::NoPrompts);
    }
    if ways.is_empty() && user == "root" {
        found.push(Issue::RootShutOut);
    }
    found.extend(ways.into_iter().filter_map(|way| match way.gate() {
        Gate::None if way.0.iter().all(|method| method == "publickey") => Some(Issue::KeyAlone),
        Gate::None => Some(Issue::OtherAlone(way)),
        Gate::OneText => Some(Issue::OneText(way)),
        Gate::Prompts if way.asks("publickey") && !way.key_before_pam() => {
            Some(Issue::KeyAfterCode(way))
        }
        Gate::Prompts => None,
    }));
    found
}

/// Returns all findings about sshd's settings.
#[must_use]
pub fn judge(facts: &SshdFacts) -> Vec<Finding> {
    let base = issues("", &facts.base);
    let each: Vec<(&Probe, Vec<Issue>)> = facts
        .asked
        .iter()
        .map(|(probe, effective)| (probe, issues(&probe.user, effective)))
        .collect();
    let mut kinds: Vec<Issue> =
        base.iter().cloned().chain(each.iter().flat_map(|(_, found)| found.clone())).collect();
    kinds.sort();
    kinds.dedup();
    let mut found: Vec<Finding> = Vec::new();
    for kind in kinds {
        let holders: Vec<&Probe> =
            each.iter().filter(|(_, has)| has.contains(&kind)).map(|(probe, _)| *probe).collect();
        if base.contains(&kind) {
            if !holders.is_empty() || each.is_empty() {
                found.push(facts.general(&kind));
            }
        } else {
            found.extend(facts.by_match(&kind, &holders));
        }
    }
    found.extend(facts.grace());
    found
}

impl SshdFacts {
    /// Combines sshd's settings and derives how users reach PAM.
    #[must_use]
    pub fn new(config: Config, base: Effective, asked: Vec<(Probe, Effective)>) -> Self {
        let mut facts = Self { config, base, asked, wanted: Reach::EVERY };
        facts.wanted = facts.meant();
        facts
    }

    fn known_reach(&self) -> Reach {
        known_reach(self)
    }

    fn general(&self, kind: &Issue) -> Finding {
        let (id, level, what) = words(kind);
        Finding {
            level,
            id,
            place: self.config.place(keywords(kind)),
            what,
            remedy: self.remedy(kind),
        }
    }

    /// Reports an issue once for each Match block that causes it.
    fn by_match(&self, kind: &Issue, holders: &[&Probe]) -> Vec<Finding> {
        let mut groups: Vec<(Option<Origin<'_>>, Vec<&Probe>)> = Vec::new();
        for probe in holders {
            let origin = self.origin(kind, probe);
            let place = |of: Option<Origin<'_>>| of.map(|found| found.line.place.clone());
            match groups.iter_mut().find(|(other, _)| place(*other) == place(origin)) {
                Some((_, probes)) => probes.push(probe),
                None => groups.push((origin, vec![probe])),
            }
        }
        groups.into_iter().map(|(origin, probes)| self.exception(kind, origin, &probes)).collect()
    }

    fn exception(&self, kind: &Issue, origin: Option<Origin<'_>>, probes: &[&Probe]) -> Finding {
        let mut finding = self.general(kind);
        let who = who(probes);
        let Some(Origin { block, line }) = origin else {
            finding.what = format!("For {who}: {}", finding.what);
            return finding;
        };
        finding.place = line.place.to_string();
        let by = format!("by the Match block at {}", block.place);
        if finding.level == Level::WayIn && picks(block) {
            finding.level = Level::Exception;
            finding.id = "match-without-code";
            let with = if *kind == Issue::KeyAlone { "a key alone" } else { "no code" };
            finding.what = format!("{who} can log in with {with} {by}.");
            finding.remedy =
                format!("If that is not intended, remove the line or write `{KEY_METHODS}` there.");
        } else {
            finding.what = format!("For {who}, {by}: {}", finding.what);
            finding.remedy = format!("Correct the line at {}, or remove it.", line.place);
        }
        finding
    }

    /// Returns the Match block whose value is in force; of several matching blocks, the first counts.
    fn origin(&self, kind: &Issue, probe: &Probe) -> Option<Origin<'_>> {
        let effective =
            self.asked.iter().find(|(other, _)| other == probe).map(|(_, effective)| effective)?;
        let of = keywords(kind);
        let in_force = |line: &Directive| {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            effective.value(&line.keyword).map(words) == Some(words(&line.value))
        };
        let fits = |block: &Block| {
            (block.criteria.iter().filter(|(word, _)| word == "user"))
                .all(|(_, list)| fits_list(list, &probe.user))
        };
        let candidates = || self.config.blocks_with(of).filter(|(block, _)| fits(block));
        let found = candidates().find(|(_, line)| in_force(line)).or_else(|| candidates().next());
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

fn keywords(kind: &Issue) -> &'static [&'static str] {
    match kind {
        Issue::NoPamOpen | Issue::NoPamShut => &["usepam"],
        Issue::NoPrompts => &["kbdinteractiveauthentication", "challengeresponseauthentication"],
        Issue::RootShutOut => &["permitrootlogin"],
        Issue::KeyAlone | Issue::OtherAlone(_) | Issue::OneText(_) | Issue::KeyAfterCode(_) => {
            &ABOUT_WAYS
        }
    }
}

fn words(kind: &Issue) -> (&'static str, Level, String) {
    match kind {
        Issue::NoPamOpen => ("usepam-no", Level::WayIn, "UsePAM is off: no user is asked for a code.".to_owned()),
        Issue::NoPamShut => ("usepam-no", Level::LockOut, "UsePAM is off, but every authentication method needs PAM: no login is possible.".to_owned()),
        Issue::NoPrompts => ("prompts-off", Level::LockOut, "KbdInteractiveAuthentication is off: sshd cannot ask for a code.".to_owned()),
        Issue::KeyAlone => ("key-alone", Level::WayIn, "A key alone is enough for a login: sshd does not call PAM after it.".to_owned()),
        Issue::OtherAlone(way) => (other_id(way), Level::WayIn, format!("`{way}` allows a login without PAM: no code is asked for.")),
        Issue::OneText(way) => ("password-method", Level::Warning, format!("The method `{way}` gives the same answer to every hidden prompt: a password and a code cannot both be typed, and a code typed there is treated as a password.")),
        Issue::KeyAfterCode(way) => ("key-after-code", Level::Warning, format!("The method `{way}` asks for the key last, so the module cannot see the key and refuses.")),
        Issue::RootShutOut => ("root-shut-out", Level::Note, "root cannot log in by ssh: PermitRootLogin forbids the prompts that every method needs.".to_owned()),
    }
}

fn other_id(way: &Way) -> &'static str {
    if way.asks("hostbased") {
        "hostbased-alone"
    } else if way.asks("gssapi-with-mic") {
        "gssapi-alone"
    } else {
        "way-without-pam"
    }
}

/// Reports whether the block selects some users or addresses, not all of them.
fn picks(block: &Block) -> bool {
    block.criteria.iter().any(|(word, list)| {
        let named = ["user", "group", "address", "host", "localport", "localaddress"]
            .contains(&word.as_str());
        let all = list.split(',').any(|one| ["*", "0.0.0.0/0", "::/0"].contains(&one));
        named && !all
    })
}

fn who(probes: &[&Probe]) -> String {
    let mut users: Vec<&str> = probes.iter().map(|probe| probe.user.as_str()).collect();
    users.sort_unstable();
    users.dedup();
    let mut addresses: Vec<&str> = probes.iter().map(|probe| probe.from.addr.as_str()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let shown = users.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    let more = users.len().saturating_sub(5);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let from = match addresses.as_slice() {
        [one] if *one == REMOTE => format!(" from {one} (an example address)"),
        [one] => format!(" from {one}"),
        [..] => String::new(),
    };
    format!("user {shown}{more}{from}")
}

mod remedy;
#[cfg(test)]
mod tests;
