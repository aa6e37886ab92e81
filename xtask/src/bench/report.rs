//! Writes the report as Markdown: goals, tables, and how the figures were measured.

use super::contestants::{Contestant, Ending};
use super::figures::{Figures, What};

const COMPARED: &str = "
## What was compared

Each login is one `pam_start`, `pam_authenticate` and `pam_end` in a process that is to the module what sshd is
(`tests/host/pam_host.c`), as root, in a private machine with the system accounts of this one and one user more, after a
look-up of the account. All modules have the same key and accept one period to each side.

";
const NOTES: &str = "
- *whole, first*: the three calls in a new process, which is what a login pays: the module is loaded for it. *authenticate,
  first*: `pam_authenticate` of the same login. *whole, steady*: the three calls in a process that has logged in before.
- Times are medians of rounds in which every stack has its turn. A ratio is the median of the ratios of the rounds, with the
  quartiles in parentheses: a round that was slow for both moves neither. The wait after a refusal is left out. Before each
  login the state is restored, and is on the disk.
- Instructions are those of `pam_authenticate` in user mode as callgrind counts them. The valgrind of Debian 12 does not know
  openat2, so a path walk is counted in its place, and each repetition of a string instruction counts (decision 0014). System
  calls are counted by strace. Those of libpam alone are subtracted where a goal speaks of the module.
- google was set up by `google-authenticator` with its recommended answers: each code once, three tries in 30 seconds. At a
  wrong code it searches 3,000 periods for a wrong clock.
- oath keeps all users in one file, which is rewritten at each accepted login. It has no throttle and looks up no account.
- floor is a module in C that decides nothing and makes only the system calls which the promises of twinlock need: the least
  that can be reached.
- twinlock charges each attempt before it is checked, and asks again after a wrong code; the second question was answered
  with nothing. Its records lie where the row says, its ledger in memory, as shipped.
- The agent is measured by a client that sends the frames of `status` and reads the answer. A status that starts the agent
  begins with its program, to which the socket is passed as systemd does. The 50 connections of 13 users are made at the same
  instant; refused are those of all rounds.
- Memory is what the first login of a process adds, less what it adds with libpam alone.
";

const ROWS: [(What, &str); 11] = [
    (What::Instructions, "instructions"),
    (What::SystemCalls, "system calls"),
    (What::Syncs, "syncs"),
    (What::First, "µs, whole, first, state in memory"),
    (What::FirstAlone, "µs, authenticate, first, state in memory"),
    (What::Steady, "µs, whole, steady, state in memory"),
    (What::OnDisk, "µs, whole, first, state on disk"),
    (What::Ssh, "µs, whole login by ssh, state on disk"),
    (What::OwnMemory, "KiB of its own"),
    (What::AllMemory, "KiB with shared pages"),
    (What::Size, "bytes of the module's file"),
];

/// Returns the report as Markdown. `about` describes the machine. `sizes` are the numbers of records with which a login
/// was measured. `profile` is the table of functions.
pub(super) fn report(figures: &Figures, about: &str, sizes: &[u64], profile: &str) -> String {
    let mut text =
        format!("# What a login costs\n\nMade by `cargo xtask bench`. {about}\n\n## Goals\n\n");
    text += "| goal | measured | floor | |\n|---|---:|---:|---|\n";
    for goal in goals(figures, sizes) {
        text += &goal.row();
    }
    for ending in Ending::ALL {
        text += &table(figures, ending);
    }
    text += &loaded(figures);
    text += "\n## Accepted login among many records, state in memory\n\n";
    text += "| records | instructions | µs | µs of oath |\n|---:|---:|---:|---:|\n";
    for &size in sizes {
        let oath = figures.get(What::TimeAmong(size), Ending::Accepted, Contestant::Oath);
        let own =
            [What::InstructionsAmong(size), What::TimeAmong(size)].map(|what| figures.own(what));
        let [instructions, took, oath] = [own[0], own[1], oath].map(shown);
        text += &format!("| {size} | {instructions} | {took} | {oath} |\n");
    }
    text += profile;
    text += COMPARED;
    for contestant in Contestant::ALL {
        text += &format!("- {}: `{}`\n", contestant.name(), contestant.line());
    }
    text + NOTES
}

/// Returns the table for logins that end as `ending` says: the figures of the stacks, and the ratios of twinlock's
/// figures to those of the peers.
fn table(figures: &Figures, ending: Ending) -> String {
    let who: Vec<_> = Contestant::COLUMNS.into_iter().filter(|one| one.has(ending)).collect();
    let names = who.iter().map(|one| one.name().to_owned());
    let peers = Contestant::PEERS.map(|peer| format!("twinlock / {}", peer.name()));
    let heading: Vec<String> = names.chain(peers).collect();
    let rule = "---:|".repeat(heading.len());
    let mut text =
        format!("\n## Ending: {}\n\n| | {} |\n|---|{rule}\n", ending.name(), heading.join(" | "));
    for (what, name) in ROWS {
        if figures.get(what, ending, Contestant::Twinlock).is_none() {
            continue;
        }
        // The memory that libpam itself needs is subtracted.
        let of_memory = matches!(what, What::OwnMemory | What::AllMemory);
        let base = figures.get(what, ending, Contestant::Libpam).filter(|_| of_memory);
        let of = |one: &Contestant| {
            figures.get(what, ending, *one).map(|value| value - base.unwrap_or_default())
        };
        let ratios = Contestant::PEERS
            .map(|peer| figures.ratio(what, ending, peer).filter(|_| base.is_none()));
        let ratios =
            ratios.map(|ratio| ratio.map_or_else(|| "–".to_owned(), |ratio| ratio.to_string()));
        let cells: Vec<String> = who.iter().map(|one| shown(of(one))).chain(ratios).collect();
        text += &format!("| {name} | {} |\n", cells.join(" | "));
    }
    text
}

/// Returns the table of accepted logins with more settings, used codes or authenticators than usual.
fn loaded(figures: &Figures) -> String {
    let mut text = "\n## Accepted login with more to read, state in memory\n\n\
                    | | instructions | µs, whole, first | / twinlock |\n|---|---:|---:|---:|\n"
        .to_owned();
    for (who, name) in Contestant::LOADED.into_iter().zip([
        "twenty settings in the file",
        "2,880 used codes: a login each half minute for a day",
        "sixteen authenticators, the last one used",
    ]) {
        let of = |what| shown(figures.get(what, Ending::Accepted, who));
        let ratio = figures.paired(What::First, Ending::Accepted, who, Contestant::Twinlock);
        let ratio = ratio.map_or_else(|| "–".to_owned(), |ratio| ratio.to_string());
        text +=
            &format!("| {name} | {} | {} | {ratio} |\n", of(What::Instructions), of(What::First));
    }
    text
}

/// A goal: the text of the promise, the limit, and the values that were measured for twinlock and for the minimal
/// module (`floor`). A value is `None` if it was not measured.
struct Goal {
    promise: &'static str,
    limit: f64,
    measured: Option<f64>,
    floor: Option<f64>,
}

impl Goal {
    fn row(&self) -> String {
        let met = self.measured.map(|measured| measured <= self.limit);
        let verdict = met.map_or("not measured", |met| if met { "met" } else { "MISSED" });
        let value = |value: Option<f64>| match value {
            Some(ratio) if self.limit > 0.0 && self.limit < 3.0 => format!("{ratio:.2}"),
            other => shown(other),
        };
        let (measured, floor) = (value(self.measured), value(self.floor));
        format!("| {} | {measured} | {floor} | {verdict} |\n", self.promise)
    }
}

/// Returns all goals with their measured values. `sizes` are the numbers of records with which a login was measured.
fn goals(figures: &Figures, sizes: &[u64]) -> Vec<Goal> {
    let mut all = against_peers(figures);
    all.extend(against_itself(figures, sizes));
    all.extend(of_the_module(figures));
    all.extend(of_the_agent(figures));
    all
}

fn against_peers(figures: &Figures) -> Vec<Goal> {
    use Contestant::{Floor, Google, Oath, Twinlock};
    let against = |who, what, ending, peer| Some(figures.paired(what, ending, who, peer)?.median);
    let goal = |promise, limit, what, ending, peers: &[Contestant]| {
        // The ratio to the faster peer is the greater one.
        let most = |who| {
            peers.iter().filter_map(|peer| against(who, what, ending, *peer)).reduce(f64::max)
        };
        Goal { promise, limit, measured: most(Twinlock), floor: most(Floor) }
    };
    use Ending::{Accepted, Wrong};
    let both = &Contestant::PEERS[..];
    vec![
        goal("whole first call / faster peer: at most 0.95", 0.95, What::First, Accepted, both),
        goal(
            "first pam_authenticate / google: at most 1",
            1.0,
            What::FirstAlone,
            Accepted,
            &[Google],
        ),
        goal("whole steady call / faster peer: at most 0.85", 0.85, What::Steady, Accepted, both),
        goal("state on disk / google: at most 0.5", 0.5, What::OnDisk, Accepted, &[Google]),
        goal("state on disk / oath: at most 0.5", 0.5, What::OnDisk, Accepted, &[Oath]),
        goal("wrong code / oath: at most 2.4", 2.4, What::First, Wrong, &[Oath]),
        goal("whole login by ssh / google: at most 1", 1.0, What::Ssh, Accepted, &[Google]),
    ]
}

fn against_itself(figures: &Figures, sizes: &[u64]) -> Vec<Goal> {
    let goal = |promise, limit, measured| Goal { promise, limit, measured, floor: None };
    let loaded = |who| {
        let ratio = figures.paired(What::First, Ending::Accepted, who, Contestant::Twinlock);
        ratio.map(|ratio| ratio.median)
    };
    let most = sizes.last().copied().unwrap_or_default();
    let growth = |what: fn(u64) -> What| Some(figures.own(what(most))? / figures.own(what(10))?);
    vec![
        goal("twenty settings / none: at most 1.03", 1.03, loaded(Contestant::Settings)),
        goal("2,880 used codes / none: at most 1.1", 1.1, loaded(Contestant::Used)),
        goal("16 authenticators / one: at most 2", 2.0, loaded(Contestant::Sixteen)),
        goal(
            "instructions, most records / 10: at most 1.02",
            1.02,
            growth(What::InstructionsAmong),
        ),
        // The time also varies because of noise, so this limit is higher.
        goal("time, most records / 10: at most 1.05", 1.05, growth(What::TimeAmong)),
    ]
}

fn of_the_module(figures: &Figures) -> Vec<Goal> {
    let added = |what, who| {
        let of = |who| figures.get(what, Ending::Accepted, who);
        Some(of(who)? - of(Contestant::Libpam)?)
    };
    let goal = |promise, limit, what| Goal {
        promise,
        limit,
        measured: added(what, Contestant::Twinlock),
        floor: added(what, Contestant::Floor),
    };
    let size = |who| figures.get(What::Size, Ending::Accepted, who);
    vec![
        goal("instructions of the module: at most 80,000", 80_000.0, What::Instructions),
        goal("system calls of the module: at most 36", 36.0, What::SystemCalls),
        goal("syncs: none", 0.0, What::Syncs),
        goal("KiB over libpam, shared pages included: at most 400", 400.0, What::AllMemory),
        Goal {
            promise: "bytes of the module: at most 921,600",
            limit: 921_600.0,
            measured: size(Contestant::Twinlock),
            floor: size(Contestant::Floor),
        },
    ]
}

fn of_the_agent(figures: &Figures) -> Vec<Goal> {
    let goal =
        |promise, limit, what| Goal { promise, limit, measured: figures.own(what), floor: None };
    vec![
        goal("agent, a user's status, ms: at most 5", 5.0, What::AgentWarm),
        goal("agent, a status that starts it, ms: at most 60", 60.0, What::AgentCold),
        goal("agent, refused of 50 at once by 13 users: none", 0.0, What::AgentRefused),
        goal("agent, idle listener, KiB: at most 8,192", 8192.0, What::AgentMemory),
    ]
}

/// Formats a figure, with commas between thousands. `None` gives a dash.
fn shown(value: Option<f64>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (value, text) in [(0.0, "0"), (1_234_567.0, "1,234,567"), (-123.0, "-123")] {
            assert_eq!(shown(Some(value)), text);
        }
    }

    #[test]
    fn goals_are_judged_at_their_limits() {
        let mut figures = Figures::default();
        for (who, calls) in
            [(Contestant::Libpam, 15.0), (Contestant::Twinlock, 51.0), (Contestant::Floor, 40.0)]
        {
            figures.put(What::SystemCalls, Ending::Accepted, who, calls);
        }
        for (who, took) in
            [(Contestant::Twinlock, 30.0), (Contestant::Google, 60.0), (Contestant::Oath, 20.0)]
        {
            figures.put(What::First, Ending::Accepted, who, took);
        }
        let rows: Vec<String> = goals(&figures, &[]).iter().map(Goal::row).collect();
        let row = |start: &str| rows.iter().find(|row| row.starts_with(start)).expect("a goal");
        assert!(row("| system calls of").ends_with("| 36 | 25 | met |\n"), "{rows:?}");
        assert!(
            row("| whole first").ends_with("| 1.50 | – | MISSED |\n"),
            "the faster peer counts"
        );
        assert!(row("| syncs").ends_with("| – | – | not measured |\n"), "{rows:?}");
    }
}
