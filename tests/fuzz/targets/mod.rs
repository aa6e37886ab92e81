//! Guarantees of each parser for arbitrary bytes. There is one function for each parser. It panics if a guarantee is
//! broken.

mod carried;
mod forms;
mod imports;
mod names;
mod wiring;

/// One parser, and the name of the folder that contains seeds (example inputs) for it.
pub struct Target {
    /// The name of the parser and of its folder with seeds.
    pub name: &'static str,
    /// Passes bytes to the parser, and panics if the parser breaks one of its guarantees.
    pub run: fn(&[u8]),
    /// Number of inputs that the test of the fuzz targets gives to the parser; a thorough run gives it 100 times as
    /// many. The number is lower for slow parsers.
    pub rounds: u32,
}

/// Every parser of external text.
pub const TARGETS: &[Target] = &[
    Target { name: "record", run: forms::record, rounds: 3000 },
    Target { name: "codes", run: forms::codes, rounds: 5000 },
    Target { name: "settings", run: forms::settings, rounds: 1500 },
    Target { name: "roles", run: forms::roles, rounds: 1500 },
    Target { name: "pam-line", run: forms::pam_line, rounds: 10_000 },
    Target { name: "otpauth", run: forms::otpauth, rounds: 10_000 },
    Target { name: "base32", run: forms::base32, rounds: 20_000 },
    Target { name: "answer", run: forms::answer, rounds: 20_000 },
    Target { name: "log-line", run: forms::log_line, rounds: 10_000 },
    Target { name: "ledger-name", run: names::ledger_name, rounds: 20_000 },
    Target { name: "epoch", run: names::epoch, rounds: 20_000 },
    Target { name: "folder", run: names::folder, rounds: 20_000 },
    Target { name: "network", run: names::network, rounds: 20_000 },
    Target { name: "google", run: imports::google, rounds: 5000 },
    Target { name: "oath", run: imports::oath, rounds: 5000 },
    Target { name: "migration", run: imports::migration, rounds: 10_000 },
    Target { name: "export", run: carried::export, rounds: 2000 },
    Target { name: "people", run: carried::people, rounds: 5000 },
    Target { name: "letter", run: carried::letter, rounds: 10_000 },
    Target { name: "device", run: carried::device, rounds: 10_000 },
    Target { name: "wire", run: carried::wire, rounds: 20_000 },
    Target { name: "fleet", run: carried::fleet, rounds: 20_000 },
    Target { name: "pam.d", run: wiring::pam_d, rounds: 3000 },
    Target { name: "sshd_config", run: wiring::sshd_config, rounds: 3000 },
    Target { name: "sshd-t", run: wiring::sshd_t, rounds: 10_000 },
];

/// Returns the target with this name; `None` if there is none.
pub fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Converts bytes to the text that a parser receives.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Checks that a text is one line without characters that a terminal would interpret.
fn is_one_harmless_line(text: &str) {
    assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{text:?}");
}
