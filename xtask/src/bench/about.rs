//! Conditions of a measurement: the machine, the date, and the versions.

use std::fs;

use crate::command::{command, output};

/// Packages whose versions affect the comparison.
const PACKAGES: [&str; 5] =
    ["libpam0g", "libpam-google-authenticator", "libpam-oath", "openssh-server", "libc6"];

/// Returns sentences about this machine, the date and the versions.
pub(super) fn about(disk: Option<&str>) -> Vec<String> {
    let said = |program: &str, words: &[&str]| {
        output(&mut command(program, words)).unwrap_or_default().trim().to_owned()
    };
    let processors = field("/proc/cpuinfo", "model name");
    let hypervisor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default().contains("hypervisor");
    let kind = if hypervisor { "a virtual machine" } else { "real hardware" };
    let query = ["--show", "--showformat=${Package} ${Version}\n"];
    let versions = said("dpkg-query", &[&query[..], &PACKAGES[..]].concat());
    vec![
        format!(
            "Measured on {} on {kind} with {} processors ({}) under Linux {}.",
            said("date", &["--utc", "+%Y-%m-%d"]),
            std::thread::available_parallelism().map_or(1, usize::from),
            processors.unwrap_or_else(|| std::env::consts::ARCH.into()),
            said("uname", &["--kernel-release"]),
        ),
        format!(
            "twinlock {}, {}.",
            env!("CARGO_PKG_VERSION"),
            versions.lines().collect::<Vec<_>>().join(", ")
        ),
        match disk {
            Some(kind) => format!("The disk has {kind}."),
            None => {
                "The target folder lies in memory here, so nothing was measured on a disk.".into()
            }
        },
    ]
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
