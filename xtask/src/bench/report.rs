//! The report: goals, tables and conditions, as one text for a terminal and a file.

use twinlock_tests::MOST_STEPS;

use super::contestants::{Contestant, Ending};
use super::counts::float;
use super::figures::{Figures, What};
use super::goals::{Goal, grouped, judge, times};
use crate::command::Done;

/// Marker before and after the sentences that README.md quotes.
pub(super) const QUOTE: &str = "<!-- quoted in README.md -->\n";

const COMPARED: &str = "
## What was compared

Each call is one `pam_authenticate` in a process that is to the module what sshd is (`tests/host/pam_host.c`), as root, in a
private machine with this one's system accounts and one person more. The first call of a process counts, behind the look-up
of the account that sshd, sudo and su make before. All modules take the same key and look one period to each side.

| column | line |
|---|---|
";
const NOTES: &str = "
- Instructions are those of user mode, taken one at a time by ptrace; a repeated string instruction counts once, as in the
  processor. callgrind counts each repetition, and does not know openat2, in whose place it sees a walk.
- google was set up by `google-authenticator` with its recommended answers: each code once, three tries in 30 seconds. It
  looks for a clock that is off at each wrong code, in 3,000 periods. Its state lies in the home.
- oath keeps all people in one file, which is written anew at each accepted login. It has no throttle, and looks no account up.
- twinlock charges each try before it is judged, and asks again after a wrong code; the second question was answered with
  nothing. Its records lie where the column says, its ledger in memory, as shipped.
- Time is the median of rounds in which every stack has its turn, in a process that has loaded everything. The wait after a
  refusal is left out. Before each login the state is put back, and is on the disk.
- Memory is the most that is resident between loading the modules and the answer, less what libpam alone takes.
";

/// Returns the report as Markdown.
pub(super) fn report(figures: &Figures, about: &[String]) -> String {
    let goals = judge(figures);
    let mut text = format!(
        "# What a login costs\n\nMade by `cargo xtask bench`; not written by hand. {}\n\n",
        about.join(" ")
    );
    text += &format!("{QUOTE}{}{QUOTE}\n", quote(figures, &goals));
    text += "## Goals\n\n| goal | measured | |\n|---|---|---|\n";
    for goal in &goals {
        let measured = goal.measured.as_deref().unwrap_or("–");
        text += &format!("| {} | {measured} | {} |\n", goal.promise, goal.judgement());
    }
    text += &floor(figures);
    for ending in Ending::ALL {
        text += &table(figures, ending);
    }
    text += &ssh(figures);
    text += &crowd(figures);
    text += COMPARED;
    for contestant in Contestant::ALL {
        text += &format!("| {} | `{}` |\n", contestant.name(), contestant.line());
    }
    aligned(&(text + NOTES))
}

/// Returns the report as JSON.
pub(super) fn json(figures: &Figures, about: &[String]) -> String {
    let about = about.join(" ").replace('\\', "").replace('"', "'");
    format!("{{\n  \"about\": \"{about}\",\n  \"figures\": [\n{}\n  ]\n}}\n", figures.json())
}

/// Checks that README.md contains each line that the report marks as quoted.
pub(super) fn repeated(report: &str, readme: &str) -> Done {
    let quote = report.split(QUOTE).nth(1).ok_or("The report of the bench quotes nothing.")?;
    match quote.lines().find(|line| !readme.lines().any(|own| own == *line)) {
        None => Ok(()),
        Some(line) => {
            Err(format!("README.md does not have this line of the bench's report:\n  {line}"))
        }
    }
}

/// Replaces the quoted sentences in README.md.
pub(super) fn renewed(readme: &str, old: &str, new: &str) -> String {
    let quote = |report: &str| report.split(QUOTE).nth(1).map(str::to_owned);
    match (quote(old), quote(new)) {
        (Some(old), Some(new)) => readme.replacen(&old, &new, 1),
        _ => readme.to_owned(),
    }
}

/// Pads the cells of each table, so that the source is readable.
fn aligned(text: &str) -> String {
    let mut all = String::new();
    let mut table: Vec<Vec<String>> = Vec::new();
    for line in text.lines().chain([""]) {
        if let Some(row) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) {
            table.push(row.split('|').map(|cell| cell.trim().to_owned()).collect());
            continue;
        }
        all += &padded(&std::mem::take(&mut table));
        all = all + line + "\n";
    }
    all.trim_end().to_owned() + "\n"
}

fn padded(table: &[Vec<String>]) -> String {
    let wide = |cell: &String| cell.chars().count();
    let columns = table.first().map_or(0, Vec::len);
    let width = |at| table.iter().filter_map(|row| row.get(at).map(wide)).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let rule = table.get(1).cloned().unwrap_or_default();
    let mut text = String::new();
    for (number, row) in table.iter().enumerate() {
        for ((cell, width), rule) in row.iter().zip(&widths).zip(&rule) {
            let gap = " ".repeat(width - wide(cell));
            text += &match (number, rule.ends_with(':')) {
                (1, true) => format!("|-{}:", "-".repeat(*width)),
                (1, false) => format!("|-{}-", "-".repeat(*width)),
                (_, true) => format!("| {gap}{cell} "),
                (_, false) => format!("| {cell}{gap} "),
            };
        }
        text += "|\n";
    }
    text
}

/// Returns the sentences for README.md: our figures, and how many goals are met.
fn quote(figures: &Figures, goals: &[Goal]) -> String {
    let own = |what| figures.get(what, Ending::Accepted, Contestant::Twinlock);
    let show = |value: Option<f64>| value.map_or_else(|| "?".into(), grouped);
    let ratio = |what, peer| {
        let ratio = figures.ratio(what, Ending::Accepted, peer);
        ratio.map_or_else(|| "?".into(), |ratio| format!("{ratio:.2}"))
    };
    let met = goals.iter().filter(|goal| goal.judgement() == "met").count();
    format!(
        "An accepted login costs {} instructions, {} system calls and {} syncs. With its records on disk it takes {} and {} of\n\
         the time of pam_google_authenticator and pam_oath, in memory {} and {}. Met: {met} of {} goals.\n",
        show(own(What::Instructions)),
        show(own(What::SystemCalls)),
        show(own(What::Syncs)),
        ratio(What::OnDisk, Contestant::Google),
        ratio(What::OnDisk, Contestant::Oath),
        ratio(What::OnTmpfs, Contestant::Google),
        ratio(What::OnTmpfs, Contestant::Oath),
        goals.len(),
    )
}

/// Describes the lower bound of each goal.
fn floor(figures: &Figures) -> String {
    let of = |what, who| figures.get(what, Ending::Accepted, who);
    let own = |what| of(what, Contestant::Floor).map_or_else(|| "?".into(), grouped);
    let ratio = |what, peer| {
        let ratio = of(what, Contestant::Floor).zip(of(what, peer)).map(|(own, peer)| own / peer);
        ratio.map_or_else(|| "?".into(), times)
    };
    format!(
        "\nWhat can be reached: a module in C that decides nothing and makes the calls alone without which an accepted login would\n\
         break a promise (`tests/host/pam_floor.c`; column floor) takes {} instructions, {} system calls and, in memory, {}\n\
         what pam_google_authenticator and {} what pam_oath takes; on disk {} and {}.\n",
        own(What::Instructions),
        own(What::SystemCalls),
        ratio(What::OnTmpfs, Contestant::Google),
        ratio(What::OnTmpfs, Contestant::Oath),
        ratio(What::OnDisk, Contestant::Google),
        ratio(What::OnDisk, Contestant::Oath),
    )
}

const ROWS: [(What, &str); 11] = [
    (What::Instructions, "instructions"),
    (What::SecondCall, "instructions, second call"),
    (What::Repetitions, "instructions, repetitions counted"),
    (What::Callgrind, "instructions by callgrind"),
    (What::SystemCalls, "system calls"),
    (What::Syncs, "syncs"),
    (What::OnTmpfs, "µs, state in memory"),
    (What::OnDisk, "µs, state on disk"),
    (What::OwnMemory, "KiB of its own"),
    (What::AllMemory, "KiB with shared pages"),
    (What::Size, "bytes of the module's file"),
];

fn table(figures: &Figures, ending: Ending) -> String {
    let who: Vec<_> = Contestant::ALL.into_iter().filter(|one| one.has(ending)).collect();
    let mut text = format!("\n## {}\n\n", capitalized(ending.name())) + &heading(&who);
    for (what, name) in ROWS {
        let of = |contestant| figures.get(what, ending, contestant);
        if of(Contestant::Twinlock).is_none() {
            continue;
        }
        // Memory that libpam itself takes is subtracted.
        let over_libpam = matches!(what, What::OwnMemory | What::AllMemory);
        let base = if over_libpam { of(Contestant::Libpam).unwrap_or_default() } else { 0.0 };
        let cell = |contestant: &Contestant| match of(*contestant) {
            Some(value) => grouped(value - base),
            // There were more instructions than are counted.
            None if what == What::Instructions
                && figures.get(What::OwnMemory, ending, *contestant).is_some() =>
            {
                format!("> {}", grouped(float(MOST_STEPS)))
            }
            None => "–".into(),
        };
        let cells: Vec<String> = who.iter().map(cell).collect();
        let ratios = if over_libpam { "| ".into() } else { ratios(figures, what, ending) };
        text += &format!("| {name} | {} | {ratios} |\n", cells.join(" | "));
    }
    text
}

/// Returns our figure divided by each peer's.
fn ratios(figures: &Figures, what: What, ending: Ending) -> String {
    let ratio = |peer| {
        let ratio = figures.ratio(what, ending, peer);
        ratio.map_or_else(|| "–".into(), |ratio| format!("{ratio:.2}"))
    };
    Contestant::PEERS.map(ratio).join(" | ")
}

fn heading(who: &[Contestant]) -> String {
    let names: Vec<&str> = who.iter().map(|one| one.name()).collect();
    let peers = Contestant::PEERS.map(|peer| format!("twinlock / {}", peer.name()));
    let columns = names.len() + peers.len();
    format!(
        "| | {} | {} |\n|---|{}\n",
        names.join(" | "),
        peers.join(" | "),
        "---:|".repeat(columns)
    )
}

fn ssh(figures: &Figures) -> String {
    let of = |who| figures.get(What::Ssh, Ending::Accepted, who);
    if of(Contestant::Twinlock).is_none() {
        return String::new();
    }
    let who = [Contestant::Libpam, Contestant::Twinlock, Contestant::Google, Contestant::Oath];
    let cells = who.map(|one| of(one).map_or_else(|| "–".into(), grouped));
    let ratios = ratios(figures, What::Ssh, Ending::Accepted);
    format!(
        "\n## Login by ssh, key and code, state on disk\n\n{}| ms, client's start to end | {} | {ratios} |\n",
        heading(&who),
        cells.join(" | ")
    )
}

fn crowd(figures: &Figures) -> String {
    let crowds = figures.crowds();
    if crowds.is_empty() {
        return String::new();
    }
    let of = |what, who| figures.get(what, Ending::Accepted, who);
    let own = |what| of(what, Contestant::Twinlock).map_or_else(|| "–".into(), grouped);
    let mut text = "\n## Accepted login among many records, state in memory\n\n\
                    | records | instructions | system calls | µs | µs, to that among 10 | µs of oath |\n\
                    |---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for size in crowds {
        let took = of(What::TimeAmong(size), Contestant::Twinlock);
        let first = of(What::TimeAmong(10), Contestant::Twinlock);
        let growth = took.zip(first).map_or_else(|| "–".into(), |(now, ten)| times(now / ten));
        let oath = of(What::TimeAmong(size), Contestant::Oath);
        #[expect(clippy::cast_precision_loss, reason = "at most a million")]
        let records = grouped(size as f64);
        text += &format!(
            "| {records} | {} | {} | {} | {growth} | {} |\n",
            own(What::Among(size)),
            own(What::CallsAmong(size)),
            own(What::TimeAmong(size)),
            oath.map_or_else(|| "–".into(), grouped)
        );
    }
    text
}

fn capitalized(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

#[cfg(test)]
mod tests {
    use super::{QUOTE, aligned, renewed, repeated};

    #[test]
    fn tables_are_padded_and_the_rest_is_left_alone() {
        let text = "a|b\n\n| what | n |\n|---|---:|\n| x | 1,000 |\n";
        let wanted = "a|b\n\n| what |     n |\n|------|------:|\n| x    | 1,000 |\n";
        assert_eq!(aligned(text), wanted);
    }

    #[test]
    fn readme_has_the_sentences_of_the_report_word_for_word() {
        let report = format!("# A\n{QUOTE}It costs 7.\nAnd 8.\n{QUOTE}rest\n");
        assert_eq!(repeated(&report, "x\nIt costs 7.\nAnd 8.\n"), Ok(()));
        assert!(repeated(&report, "It costs 7.\nAnd 9.\n").is_err());
        assert!(repeated("# A\n", "It costs 7.\n").is_err());
    }

    #[test]
    fn a_new_report_renews_the_sentences_in_readme() {
        let report = |cost| format!("# A\n{QUOTE}It costs {cost}.\n{QUOTE}rest\n");
        let readme = renewed("x\nIt costs 8.\ny\n", &report(8), &report(7));
        assert_eq!(readme, "x\nIt costs 7.\ny\n");
    }
}
