//! Checks that commands that work on many users do not take more memory if there are more users.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use twinlock_tests::{Machine, thorough};

const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// Maximum memory of any run, in KiB.
const MOST: u64 = 100 * 1024;
/// Difference in KiB that the memory of two equal runs may have.
const UNREST: u64 = 1024;
/// Memory in bytes that a command may take for each user name that it stores, with the overhead of the heap.
const NAME: u64 = 250;
const FEW: u64 = 1_000;
/// Timeout of a command, longer than a hundred thousand users take on a busy host.
const PATIENCE: Duration = Duration::from_secs(1800);
/// Script that runs a command of twinlock and stores its exit status and the peak of its memory, which the kernel
/// reports while the process runs.
const WATCH: &str = "\
twinlock $1 >/root/out 2>/root/err & P=$!
while N=; while read -r K V R; do [ $K = VmHWM: ] && N=$V; done </proc/$P/status; [ -n \"$N\" ]; do M=$N; done
wait $P; echo $? $M >/root/peak.new; mv /root/peak.new /root/peak
";

/// Creates a machine with `people` users in the group dev.
fn machine(people: u64) -> Machine {
    let m = Machine::new();
    m.twinlock();
    m.file("/etc/group").append("dev:x:3000:\n");
    let lines: String = (0..people).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "u{number:07}:x:{}:3000::/home/u:/bin/sh", 1_000_000 + number);
        text
    });
    m.file("/etc/passwd").append(lines);
    m
}

/// Runs `twinlock WORDS`. Returns the peak of its memory in KiB.
#[track_caller]
fn peak(m: &Machine, words: &str) -> u64 {
    m.run(["rm", "-f", "/root/peak", "/root/report.csv"]).ok();
    m.run(["sh", "-c", &format!("setsid sh -c '{WATCH}' sh '{words}' >/dev/null 2>&1 &")]).ok();
    let began = Instant::now();
    while !m.file("/root/peak").exists() {
        assert!(began.elapsed() < PATIENCE, "{words} does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = m.file("/root/peak").read();
    let (code, peak) = text.trim().split_once(' ').expect("a status and a number");
    assert_eq!(code, "0", "{words}: {}", m.file("/root/err").read());
    let peak = peak.parse().expect("KiB");
    assert!(peak < MOST, "{words} took {peak} KiB");
    peak
}

/// Writes a list with `rows` rows, in which the users repeat.
fn list(m: &Machine, rows: u64, people: u64) {
    let rows = (0..rows).fold("user,key\n".to_owned(), |mut text, row| {
        let person = row % people;
        // Each user has a different key.
        let [first, second] = [person / 26, person % 26].map(letter);
        let _ = writeln!(text, "u{person:07},{}{first}{second}", &KEY[..30]);
        text
    });
    m.file("/root/people.csv").write(rows).mode(0o600);
}

/// Returns the letter with this number, from 0 for `A`. Every letter is valid in a key.
fn letter(digit: u64) -> char {
    char::from(b'A' + u8::try_from(digit).expect("below 26"))
}

/// Returns the number of users in the larger of the two runs that a test compares.
fn many() -> u64 {
    if thorough() { 100_000 } else { 10_000 }
}

/// Checks that a command takes about the same memory in a small and in a large run. `few` and `more` are the peaks in
/// KiB, `people` is the number of users in the large run, and `held` the bytes that the command may store for each of
/// them.
#[track_caller]
fn is_as_small(few: u64, more: u64, words: &str, people: u64, held: u64) {
    let most = few + UNREST + people * held / 1024;
    assert!(more < most, "{words}: {few} KiB, and {more} KiB for {people}");
}

#[test]
fn people_of_a_directory_stream() {
    let (few, more) = (machine(FEW), machine(many()));
    let last = format!("u{:07}", many() - 1);
    for words in [
        "list --not-enrolled",
        "list --not-enrolled --csv",
        "list --not-enrolled --json",
        "list --group dev",
        "invite --group dev --until 2099-01-31 --report /root/report.csv",
        "list --group dev --csv",
    ] {
        is_as_small(peak(&few, words), peak(&more, words), words, many(), 0);
        assert!(more.file("/root/out").read().contains(&last), "{words} leaves {last} out");
    }
}

#[test]
fn records_stream_behind_their_names() {
    let (few, more) = (machine(1), machine(1));
    for (m, people) in [(&few, FEW), (&more, many())] {
        m.enrolled("u0000000", KEY).crowd("u0000000", 1..people);
    }
    let last = format!("u{:07}", many() - 1);
    for words in ["list", "list --csv", "list --json"] {
        is_as_small(peak(&few, words), peak(&more, words), words, many(), NAME);
        assert!(more.file("/root/out").read().contains(&last), "{words} leaves {last} out");
    }
}

#[test]
fn rows_of_a_list_stream() {
    let m = machine(100);
    for words in ["enroll --from /root/people.csv", "enroll --from /root/people.csv --json"] {
        list(&m, FEW, 100);
        let few = peak(&m, words);
        list(&m, many(), 100);
        is_as_small(few, peak(&m, words), words, many(), 0);
    }
    assert!(m.file("/root/out").read().contains(&format!("\"line\":{}", many() + 1)));
}

#[test]
fn files_of_people_stream_behind_their_names() {
    // Each look-up reads /etc/passwd from its beginning, so many users take very long, and this test has fewer.
    let people = many() / 10;
    let (few, more) = (machine(people / 10), machine(people));
    let words = "import google --all";
    is_as_small(peak(&few, words), peak(&more, words), words, people, NAME);
}
