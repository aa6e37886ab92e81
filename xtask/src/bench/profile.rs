//! Shows in which functions an accepted login spends its instructions. The functions are grouped. For each group, the
//! table says why it is needed.

use std::path::Path;

use twinlock_tests::Machine;

use super::contestants::{Contestant, ContestantApp, Ending};
use super::room::module_of;
use crate::command::Done;

/// A group of functions. A function belongs to the group if the name of its object (program or library) begins with one
/// of `objects` and its own name contains one of `functions`. An empty list of functions matches every name. `why` is
/// the reason why the group is needed.
struct Group {
    name: &'static str,
    objects: &'static [&'static str],
    functions: &'static [&'static str],
    why: &'static str,
}

/// The groups. A function is counted only in the first group to which it belongs.
const GROUPS: [Group; 9] = [
    Group {
        name: "libpam, libaudit and the dynamic linker",
        objects: &["libpam", "libaudit", "ld-linux"],
        functions: &[],
        why: "They run with any module.",
    },
    Group {
        name: "memory: malloc, free",
        objects: &["libc.so"],
        functions: &["malloc", "free", "calloc", "realloc"],
        why: "Names and texts of a login have lengths that are known only then, and half of it is libc's own look-up.",
    },
    Group {
        name: "copying, filling and comparing bytes",
        objects: &["libc.so"],
        functions: &["mem", "strlen", "strchr", "strcmp"],
        why: "Most of it is libaudit's message, which callgrind counts byte by byte.",
    },
    Group {
        name: "the rest of libc: the account in /etc/passwd",
        objects: &["libc.so"],
        functions: &[],
        why: "A record belongs to the account that NSS names now, not to the text that was typed; libc reads up to its line.",
    },
    Group {
        name: "SHA-1",
        objects: &["pam_twinlock.so"],
        functions: &["sha1"],
        why: "Two HMACs for two steps of the window and one for the ledger's name of the key. A processor with SHA instructions \
              needs a tenth; callgrind has none.",
    },
    Group {
        name: "HOTP, TOTP, base32, wiping",
        objects: &["pam_twinlock.so"],
        functions: &["::otp::", "hmac", "base32", "base16", "zeroize", "digest"],
        why: "The key is read from the record, used and wiped at each login.",
    },
    Group {
        name: "twinlock-host: files, ledger, log",
        objects: &["pam_twinlock.so"],
        functions: &["twinlock_host"],
        why: "Each path is walked without links, and owner and mode are checked, before a byte of it counts.",
    },
    Group {
        name: "twinlock-core: settings, record, throttle, verdict, log line",
        objects: &["pam_twinlock.so"],
        functions: &["twinlock_core"],
        why: "The decision itself.",
    },
    Group {
        name: "the rest of the module: PAM items, core and alloc of Rust",
        objects: &["pam_twinlock.so"],
        functions: &[],
        why: "Texts are checked to be UTF-8 where they enter, and copied out of libpam's memory.",
    },
];

/// Profiles an accepted login with the file `module`, which is twinlock's module with symbols. Returns a table that
/// shows, for each of [`GROUPS`], how many instructions its functions took.
pub(super) fn table(m: &Machine, module: &Path) -> Done<String> {
    let path = module_of(Contestant::Twinlock);
    let file = m.file(&path);
    let shipped = file.bytes();
    file.write(super::read(module)?);
    Contestant::Twinlock.reset(m);
    let (user, code) = ContestantApp::new().typed(Ending::Accepted);
    let mut host = m.counted_host(Contestant::Twinlock.service(), &["--compress-strings=no"]);
    let login = host.login(user, &code);
    file.write(shipped);
    Ending::Accepted.expect(Contestant::Twinlock, login.code)?;
    Ok(rows(&host.dump()))
}

fn rows(dump: &str) -> String {
    let mut counts = [0_u64; GROUPS.len()];
    let mut other = 0;
    for cost in costs(dump) {
        let place = GROUPS.iter().position(|group| group.has(&cost));
        *place.and_then(|place| counts.get_mut(place)).unwrap_or(&mut other) += cost.instructions;
    }
    let all = counts.iter().sum::<u64>() + other;
    let mut text = "\n## Where the instructions of an accepted login go\n\n\
                    | functions | instructions | share | why they cannot go |\n|---|---:|---:|---|\n"
        .to_owned();
    for (group, count) in GROUPS.iter().zip(counts) {
        let share = count * 100 / all.max(1);
        text += &format!("| {} | {count} | {share} % | {} |\n", group.name, group.why);
    }
    text + &format!("| other libraries | {other} | {} % | |\n", other * 100 / all.max(1))
}

impl Group {
    fn has(&self, cost: &Cost<'_>) -> bool {
        self.objects.iter().any(|object| cost.object.starts_with(object))
            && (self.functions.is_empty()
                || self.functions.iter().any(|part| cost.function.contains(part)))
    }
}

/// Number of instructions of one function, without those of the functions that it calls.
struct Cost<'a> {
    object: &'a str,
    function: &'a str,
    instructions: u64,
}

fn costs(dump: &str) -> Vec<Cost<'_>> {
    let (mut all, mut object, mut function, mut of_call) = (Vec::new(), "", "", false);
    for line in dump.lines() {
        if let Some(path) = line.strip_prefix("ob=") {
            object = path.rsplit('/').next().unwrap_or_default();
        } else if let Some(name) = line.strip_prefix("fn=") {
            function = name;
        } else if line.starts_with("calls=") {
            // The number in the next line is that of the called function.
            of_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let instructions = line.split(' ').nth(1).and_then(|count| count.parse().ok());
            if let Some(instructions) = instructions.filter(|_| !of_call) {
                all.push(Cost { object, function, instructions });
            }
            of_call = false;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn own_instructions_count_in_the_first_group_that_fits() {
        let dump = "ob=/lib/security/pam_twinlock.so\nfn=sha1::compress\n0 300\ncfn=malloc\ncalls=1 0\n0 999\n\
                    fn=twinlock_core::login\n+3 500\n0 100\nob=/lib/libc.so.6\nfn=malloc\n0 60\nfn=getpwnam\n* 40\n";
        let rows = rows(dump);
        for row in [
            "| SHA-1 | 300 | 30 % |",
            "log line | 600 | 60 % |",
            "malloc, free | 60 | 6 % |",
            "passwd | 40 | 4 % |",
        ] {
            assert!(rows.contains(row), "{row}: {rows}");
        }
    }
}
