//! Measures time and memory of `twinlock doctor` on a host with 150 services and 100,000 accounts.

use std::time::{Duration, Instant};

use super::{B, REST, row, wired};

/// Time limit for one run of doctor: ten times the time that it takes on a host that is not busy.
const DEADLINE: Duration = Duration::from_secs(50);
/// Limit for the resident memory of one run of doctor, in kilobytes: 100 MiB.
const MEMORY: u64 = 100 * 1024;

#[test]
#[expect(clippy::print_stderr, reason = "the figure belongs in the output of the run")]
fn many_services_and_accounts_cost_little() {
    let m = wired();
    for number in 0..150 {
        m.pam(&format!("service{number}"), &format!("{B}{REST}"));
    }
    let accounts = |line: fn(u32) -> String| (0..100_000).map(line).collect::<String>();
    m.file("/etc/passwd").append(accounts(|one| {
        format!("user{one}:x:{}:100::/home/user{one}:/bin/bash\n", 100_000 + one)
    }));
    m.file("/etc/shadow").append(accounts(|one| format!("user{one}:*:20000::::::\n")));
    let begun = Instant::now();
    let peak = "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL); print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let said = m.run(["/usr/bin/python3", "-c", peak, "twinlock", "--json", "doctor"]);
    let taken = begun.elapsed();
    let (code, memory) = said.stdout.trim().split_once(' ').expect("status and memory");
    eprintln!("doctor: {:.2} s, {memory} kB", taken.as_secs_f64());
    assert_eq!(code, "0", "{said:?}");
    assert!(memory.parse::<u64>().expect("a number") <= MEMORY, "{memory} kB");
    assert!(taken <= DEADLINE, "{taken:?}");
    let report = super::report(&m).1;
    assert_eq!(row(&report, "service149")["code"], "asked");
}
