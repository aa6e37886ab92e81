//! Finds Debian packages that are missing, and installs them if the user agrees.

use std::io::{Write, stderr, stdin};
use std::path::Path;

use crate::command::{Done, command, output, person, run};
use crate::machine::{becoming_root, debian, repository};

/// Whether the user has agreed that packages are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// The user has agreed by `--yes` or `CI=1`.
    Given,
    /// The user has not been asked yet.
    Ask,
}

/// Packages that are needed to build the module.
pub(crate) const TO_BUILD: &[&str] = &["gcc", "libc6-dev", "libpam0g-dev"];
/// Packages that are needed to run the demo.
pub(crate) const TO_SHOW: &[&str] = &["openssh-server", "openssh-client", "oathtool", "util-linux"];
/// Packages that are needed, beside those of the demo, to run the demo of a fleet.
const TO_SHOW_A_FLEET: &[&str] = &["faketime", "iproute2", "openssl"];
/// Packages that are needed for the bench. They include the other modules that it measures.
const TO_BENCH: &[&str] = &[
    "libpam-google-authenticator",
    "libpam-oath",
    "oathtool",
    "openssh-client",
    "openssh-server",
    "strace",
    "util-linux",
    "valgrind",
];
/// Packages that are needed to build the .deb and the .rpm. man-db checks the manual pages; checkpolicy and
/// semodule-utils compile the SELinux policy.
pub(crate) const TO_PACKAGE: &[&str] =
    &["dpkg-dev", "man-db", "rpm", "checkpolicy", "semodule-utils"];
/// Packages that are needed to create a fresh Debian system in a private network namespace.
pub(crate) const TO_DEBOOTSTRAP: &[&str] = &["debootstrap", "iproute2"];
/// Packages that are needed to build a Debian system that boots, and to boot it.
const TO_BOOT: &[&str] = &["debootstrap", "systemd-container", "oathtool"];
/// Packages that are needed to build libFuzzer.
const TO_FUZZ: &[&str] = &["g++"];

/// Packages whose servers start when Debian installs them.
const SERVERS: [&str; 3] = ["openssh-server", "openvpn", "freeradius"];

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// A task that needs packages of Debian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chore {
    /// `cargo xtask demo`.
    Demo,
    /// `cargo xtask demo --fleet`.
    DemoFleet,
    /// `cargo xtask test`.
    Test,
    /// `cargo xtask test --all`.
    TestAll,
    /// `cargo xtask wirings`.
    Wirings,
    /// `cargo xtask bench`.
    Bench,
}

/// Returns the packages that a task needs, each package once.
pub(crate) fn of(chore: Chore) -> Done<Vec<String>> {
    let test = [TO_BUILD, TO_SHOW, TO_PACKAGE].concat();
    let (tests, ours) = match chore {
        Chore::Demo => (false, [TO_BUILD, TO_SHOW].concat()),
        Chore::DemoFleet => (false, [TO_BUILD, TO_SHOW, TO_SHOW_A_FLEET].concat()),
        Chore::Test => (true, test),
        Chore::TestAll => (true, [&test, TO_DEBOOTSTRAP, TO_BOOT, TO_FUZZ].concat()),
        Chore::Wirings => (true, TO_BUILD.to_vec()),
        Chore::Bench => (false, [TO_BUILD, TO_BENCH].concat()),
    };
    let mut names = if tests { of_the_tests()? } else { Vec::new() };
    names.extend(ours.into_iter().map(str::to_owned));
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Returns the packages that are needed for the system tests.
fn of_the_tests() -> Done<Vec<String>> {
    let list = repository().join("tests/packages.txt");
    let text = std::fs::read_to_string(&list)
        .map_err(|error| format!("{} cannot be read: {error}.", list.display()))?;
    let names = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(names.filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// Installs those packages of `wanted` that are missing, if the user agrees. On a machine without apt, only prints the
/// names.
pub(crate) fn ensure<S: AsRef<str>>(wanted: &[S], consent: Consent) -> Done {
    let wanted: Vec<&str> = wanted.iter().map(AsRef::as_ref).collect();
    if !debian() {
        eprintln!("Not a Debian: these packages, or what they are called here, are needed:");
        eprintln!("  {}", wanted.join(" "));
        return Ok(());
    }
    let missing = missing(&wanted);
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("Missing Debian packages: {}", missing.join(" "));
    let by_hand = format!("apt-get install {}", missing.join(" "));
    let Ok(before) = becoming_root() else {
        return Err(format!("Neither root nor sudo is here. As root, run: {by_hand}"));
    };
    if consent == Consent::Ask && !agreed()? {
        return Err(format!("Nothing was installed. Install them yourself: {by_hand}"));
    }
    install(before, &missing)
}

fn missing<'name>(wanted: &[&'name str]) -> Vec<&'name str> {
    let mut missing = Vec::new();
    for name in wanted {
        let query = ["--show", "--showformat=${db:Status-Status}\n", name];
        let status = output(&mut command("dpkg-query", &query)).unwrap_or_default();
        let installed = status.lines().any(|line| line == "installed");
        if !installed && !missing.contains(name) {
            missing.push(*name);
        }
    }
    missing
}

fn agreed() -> Done<bool> {
    if !person() {
        return Err("Nobody can be asked here. Say --yes to have them installed.".into());
    }
    eprint!("Install them now with apt-get? [Y/n] ");
    let _ = stderr().flush();
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|error| format!("No answer: {error}."))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

fn install(before: &[&str], names: &[&str]) -> Done {
    let names = names.join(" ");
    let apt = "env DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes";
    let install = format!("{apt} --no-install-recommends install {names}");
    // If the first attempt fails, the package lists are usually missing or old.
    let install = format!("{install} || {{ {apt} update && {install}; }}");
    let script = if starts_servers(&names) { quietly(POLICY, &install) } else { install };
    as_root(before, &script).map_err(|error| format!("{error} Install by hand: {names}"))
}

/// Returns whether installing these packages would start a server. Other machines could reach the server through the
/// network, which a user who only runs a demo does not expect.
fn starts_servers(names: &str) -> bool {
    let booted = Path::new("/run/systemd/system").exists();
    let is_named = |server: &&str| names.split(' ').any(|name| name == *server);
    let servers: Vec<&str> = SERVERS.into_iter().filter(is_named).collect();
    if !booted || servers.is_empty() || Path::new(POLICY).exists() {
        return false;
    }
    eprintln!("({} will be installed, but neither started nor enabled.)", servers.join(", "));
    true
}

/// Returns a script that runs the script `install` while the file `policy` prevents servers from starting. The script
/// then removes `policy`, even after Ctrl-C. One shell does both, because Ctrl-C ends this program earlier than the
/// shell.
fn quietly(policy: &str, install: &str) -> String {
    // Each unit is disabled by a command of its own. In one command, a unit that is not installed would keep the others
    // enabled.
    let units = "ssh.service ssh.socket openvpn.service freeradius.service";
    format!(
        "trap 'rm -f {policy}' EXIT; trap 'exit 130' INT TERM HUP
         printf '#!/bin/sh\\nexit 101\\n' >{policy} && chmod 755 {policy} || exit 1
         {install}
         status=$?
         for unit in {units}; do systemctl disable --quiet $unit 2>/dev/null || true; done
         exit $status"
    )
}

fn as_root(before: &[&str], script: &str) -> Done {
    let mut line = before.to_vec();
    line.extend(["sh", "-c", script]);
    let (program, arguments) = line.split_first().ok_or("Nothing to run.")?;
    run(&mut command(program, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::USAGE;

    #[test]
    fn stated_numbers_of_packages_are_true() {
        let readme = std::fs::read_to_string(repository().join("README.md")).expect("README.md");
        for (chore, name, in_readme) in [
            (Chore::Demo, "demo", true),
            (Chore::DemoFleet, "demo --fleet", false),
            (Chore::Test, "test", true),
            (Chore::TestAll, "test --all", false),
            (Chore::Wirings, "wirings", false),
            (Chore::Bench, "bench", false),
        ] {
            let number = of(chore).expect("a list").len().to_string();
            let rows = USAGE.lines().filter_map(|line| line.trim_start().strip_prefix(name));
            let mut firsts = rows.filter_map(|rest| rest.split_whitespace().next());
            assert!(firsts.any(|first| *first == number), "cargo xtask help: {name} {number}");
            let said = format!(" {number} packages (it asks first)");
            assert!(!in_readme || readme.contains(&said), "README.md: {name}{said}");
        }
    }

    #[test]
    fn policy_is_removed_however_the_installation_ends() {
        let policy = std::env::temp_dir().join(format!("policy-rc.d.{}", std::process::id()));
        let path = policy.to_str().expect("a plain path");
        // No unit of this machine is changed, because `systemctl` is a shell function in this test.
        let there = format!("test -x {path}");
        for (install, code) in [
            (there.clone(), 0),
            (format!("{there} && false"), 1),
            (format!("{there} && kill -INT $$"), 130),
            (format!("{there} && kill -TERM $$"), 130),
        ] {
            let script = format!("systemctl() {{ :; }}\n{}", quietly(path, &install));
            // If the test runs in the background, it ignores the signals of Ctrl-C. A shell cannot undo that, so env(1)
            // does it.
            let shell = ["--default-signal=INT,TERM", "sh", "-c", &script];
            let ended = command("env", &shell).status().expect("sh");
            assert_eq!(ended.code(), Some(code), "{install}");
            assert!(!policy.exists(), "{install}");
        }
    }
}
