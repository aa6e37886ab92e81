//! The report as one text for terminal and file: goals, tables and conditions.

use super::contestants::{Contestant, Ending};
use super::figures::{Figures, What};

const COMPARED: &str = "
## What was compared

Each figure is one `pam_authenticate` in a process that is to the module what sshd is (`tests/host/pam_host.c`), as root, in a
private machine with the system accounts of this one and one user more, after a look-up of the account. All modules have the
same key and accept one period to each side.

";
const NOTES: &str = "
- Instructions are those of user mode as callgrind counts them. The valgrind of Debian 12 does not know openat2, so a path
  walk is counted in its place (decision 0014). System calls are counted by strace.
- google was set up by `google-authenticator` with its recommended answers: each code once, three tries in 30 seconds. At a
  wrong code it searches 3,000 periods for a wrong clock.
- oath keeps all users in one file, which is rewritten at each accepted login. It has no throttle and looks up no account.
- floor is a module in C that decides nothing and makes only the system calls which the promises of twinlock need: the least
  that can be reached.
- twinlock charges each attempt before it is checked, and asks again after a wrong code; the second question was answered
  with nothing. Its records lie where the row says, its ledger in memory, as shipped.
- Time is the median of rounds in which every stack has its turn. The wait after a refusal is left out. Before each login the
  state is restored, and is on the disk.
- Memory is what the first login of a process adds, less what it adds with libpam alone.
";

const ROWS: [(What, &str); 9] = [
    (What::Instructions, "instructions"),
    (What::SystemCalls, "system calls"),
    (What::Syncs, "syncs"),
    (What::OnTmpfs, "µs, state in memory"),
    (What::OnDisk, "µs, state on disk"),
    (What::Ssh, "µs, whole login by ssh, state on disk"),
    (What::OwnMemory, "KiB of its own"),
    (What::AllMemory, "KiB with shared pages"),
    (What::Size, "bytes of the module's file"),
];

/// Returns the report as Markdown. `about` describes the machine, and `sizes` are the measured numbers of records.
pub(super) fn report(figures: &Figures, about: &str, sizes: &[u64]) -> String {
    let mut text =
        format!("# What a login costs\n\nMade by `cargo xtask bench`. {about}\n\n## Goals\n\n");
    text += "| goal | measured | |\n|---|---|---|\n";
    for goal in goals(figures, sizes) {
        text += &goal.row();
    }
    for ending in Ending::ALL {
        text += &table(figures, ending);
    }
    text += "\n## Accepted login among many records, state in memory\n\n";
    text += "| records | instructions | µs | µs of oath |\n|---:|---:|---:|---:|\n";
    for &size in sizes {
        let oath = figures.get(What::TimeAmong(size), Ending::Accepted, Contestant::Oath);
        let own =
            [What::InstructionsAmong(size), What::TimeAmong(size)].map(|what| figures.own(what));
        let [instructions, took, oath] = [own[0], own[1], oath].map(shown);
        text += &format!("| {size} | {instructions} | {took} | {oath} |\n");
    }
    text += COMPARED;
    for contestant in Contestant::ALL {
        text += &format!("- {}: `{}`\n", contestant.name(), contestant.line());
    }
    text + NOTES
}

/// Returns the table of one kind of login: twinlock's figures, and the ratio of these to the figures of each other
/// module.
fn table(figures: &Figures, ending: Ending) -> String {
    let who: Vec<_> = Contestant::ALL.into_iter().filter(|one| one.has(ending)).collect();
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
        // Memory that libpam itself takes is subtracted.
        let of_memory = matches!(what, What::OwnMemory | What::AllMemory);
        let base = figures.get(what, ending, Contestant::Libpam).filter(|_| of_memory);
        let of = |one: &Contestant| {
            figures.get(what, ending, *one).map(|value| value - base.unwrap_or_default())
        };
        let ratios = Contestant::PEERS
            .map(|peer| figures.ratio(what, ending, peer).filter(|_| base.is_none()));
        let ratios =
            ratios.map(|ratio| ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}")));
        let cells: Vec<String> = who.iter().map(|one| shown(of(one))).chain(ratios).collect();
        text += &format!("| {name} | {} |\n", cells.join(" | "));
    }
    text
}

/// A goal of the design: what is measured, its limit and the measured value.
struct Goal {
    promise: String,
    measured: Option<f64>,
    limit: f64,
}

impl Goal {
    fn row(&self) -> String {
        let met = self.measured.map(|measured| measured <= self.limit);
        let verdict = met.map_or("not measured", |met| if met { "met" } else { "MISSED" });
        let measured = self.measured.map_or_else(
            || "–".to_owned(),
            |value| if self.limit <= 2.0 { format!("{value:.2}") } else { format!("{value:.0}") },
        );
        format!("| {} | {measured} | {verdict} |\n", self.promise)
    }
}

/// Returns the goals and what was measured.
fn goals(figures: &Figures, sizes: &[u64]) -> Vec<Goal> {
    let libpam = |what| figures.get(what, Ending::Accepted, Contestant::Libpam);
    let added = |what| figures.own(what).zip(libpam(what)).map(|(all, base)| all - base);
    let most = sizes.last().copied().unwrap_or_default();
    let growth = |what: fn(u64) -> What| Some(figures.own(what(most))? / figures.own(what(10))?);
    let in_memory = |ending| {
        let ratios = Contestant::PEERS.map(|peer| figures.ratio(What::OnTmpfs, ending, peer));
        ratios.into_iter().flatten().reduce(f64::max)
    };
    let on_disk = |peer| figures.ratio(What::OnDisk, Ending::Accepted, peer);
    let rows = [
        ("accepted login: at most 80,000 instructions", figures.own(What::Instructions), 80_000.0),
        ("accepted login: at most 40 system calls", figures.own(What::SystemCalls), 40.0),
        ("accepted login: no sync", figures.own(What::Syncs), 0.0),
        ("less than 512 KiB of memory of its own", added(What::OwnMemory), 512.0),
        ("less than 512 KiB, shared pages included", added(What::AllMemory), 512.0),
        ("accepted login, state in memory / faster peer", in_memory(Ending::Accepted), 1.0),
        ("wrong code, state in memory / faster peer", in_memory(Ending::Wrong), 1.0),
        ("unknown user, state in memory / faster peer", in_memory(Ending::Unknown), 1.0),
        ("accepted login, state on disk: 1/20 of google", on_disk(Contestant::Google), 0.05),
        ("accepted login, state on disk: 1/20 of oath", on_disk(Contestant::Oath), 0.05),
        ("instructions among the most records / among 10", growth(What::InstructionsAmong), 1.02),
        // The limit for the time is higher, because time also varies by noise.
        ("time among the most records / among 10", growth(What::TimeAmong), 1.2),
    ];
    rows.map(|(promise, measured, limit)| Goal { promise: promise.to_owned(), measured, limit })
        .into()
}

/// Formats a figure with commas between thousands; a dash for `None`.
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
        for (what, value) in [(What::SystemCalls, 40.0), (What::Syncs, 1.0)] {
            figures.put(what, Ending::Accepted, Contestant::Twinlock, value);
        }
        for (who, took) in
            [(Contestant::Twinlock, 30.0), (Contestant::Google, 60.0), (Contestant::Oath, 20.0)]
        {
            figures.put(What::OnTmpfs, Ending::Wrong, who, took);
        }
        let rows: Vec<String> = goals(&figures, &[]).iter().map(Goal::row).collect();
        for (row, end) in
            [(0, "| – | not measured |\n"), (1, "| 40 | met |\n"), (2, "| 1.00 | MISSED |\n")]
        {
            assert!(rows[row].ends_with(end), "{}", rows[row]);
        }
        assert!(rows[6].ends_with("| 1.50 | MISSED |\n"), "the faster peer counts: {}", rows[6]);
    }
}
