//! Compiles the test programs of the system tests once, and runs them in different environments, several at the same
//! time.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::apart::apart;
use crate::command::{Done, cargo, command, watched_quietly};
use crate::machine::{becoming_root, repository};
use crate::tally::Counts;
use crate::test::Extent;

/// Environment variable that makes tests try all cases, not only a sample of them.
pub(crate) const ALL: &str = "TWINLOCK_TEST_ALL";

/// Argument of a test program that sets how many of its tests run at the same time. Two run at the same time even on
/// one processor, because tests mostly wait.
const THREADS: &str = "--test-threads=2";

/// Environment in which test programs are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    /// Root starts the test programs. They get the environment of the caller.
    Usual,
    /// A user starts the test programs with sudo at a terminal.
    SudoAtATerminal,
    /// Root starts the test programs without a terminal, with the PATH of a user who is not root, and without core
    /// files.
    Bare,
}

/// Script that runs a program with sudo at a terminal of a new account. /etc is a private copy.
const SUDO_AT_A_TERMINAL: &str = r#"
mount -t tmpfs -o mode=0755 etc /mnt
cp -a /etc/. /mnt
mount --move /mnt /etc
echo 'tester:x:1999:1999::/tmp:/bin/sh' >>/etc/passwd
echo 'tester:x:1999:' >>/etc/group
echo 'tester:*:19000:0:99999:7:::' >>/etc/shadow
echo 'tester ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/tester
chmod 0440 /etc/sudoers.d/tester
touch /etc/tester.status
chown 1999 /etc/tester.status
line=
for word; do line="$line '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"; done
# The status of script itself is 1 in some runs of a program that ends with 0.
setpriv --reuid=1999 --regid=1999 --init-groups \
    env -i HOME=/tmp USER=tester SHELL=/bin/sh TERM=xterm PATH=/usr/local/bin:/usr/bin:/bin \
    script --quiet --flush --command "umask 027; sudo $line; echo \$? >/etc/tester.status" /dev/null </dev/null || :
exit "$(cat /etc/tester.status)"
"#;

const BARE: &str = "ulimit -c 0; PATH=/usr/bin:/bin; export PATH; exec \"$@\"";

/// A compiled test program.
pub(crate) struct Program {
    name: String,
    file: PathBuf,
    package: PathBuf,
}

/// Compiles the programs of the system tests and returns them.
pub(crate) fn programs() -> Done<Vec<Program>> {
    let words = ["test", "--locked", "--no-run", "--message-format=json-render-diagnostics"];
    let mut build =
        cargo(&[&words[..], &["--package", "twinlock-tests", "--lib", "--tests"]].concat());
    let child = build.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let output = child.and_then(std::process::Child::wait_with_output);
    let output = output.map_err(|error| format!("cargo could not be started: {error}."))?;
    if !output.status.success() {
        return Err("The system tests do not compile.".into());
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    let found: Vec<Program> = lines.lines().filter_map(program).collect();
    if found.is_empty() { Err("cargo names no system test.".into()) } else { Ok(found) }
}

/// Returns the test program that a line of cargo's JSON output names; `None` if it names none.
fn program(line: &str) -> Option<Program> {
    let said: Value = serde_json::from_str(line).ok()?;
    if said.pointer("/profile/test")? != &Value::Bool(true) {
        return None;
    }
    Some(Program {
        name: said.pointer("/target/name")?.as_str()?.to_owned(),
        file: said.get("executable")?.as_str()?.into(),
        package: Path::new(said.get("manifest_path")?.as_str()?).parent()?.to_owned(),
    })
}

/// Runs the test programs in the environment `way`, as many at the same time as there are processors. Returns the
/// numbers of passed and failed tests.
pub(crate) fn run(programs: &[Program], way: Environment, extent: Extent) -> Done<Counts> {
    let waiting = Mutex::new(programs.iter());
    let counts = Mutex::new(Counts::default());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(program) = next() {
            let (text, passed) = match one(program, way, extent) {
                Ok(done) => done,
                Err(error) => (error, false),
            };
            let mut all = counts.lock().unwrap_or_else(PoisonError::into_inner);
            // If the terminal is closed, the run continues.
            let _ = writeln!(std::io::stderr(), "\n--- {}\n{}", program.name, text.trim_end());
            all.add(Counts::of_a_run(&text, passed));
        }
    };
    let at_once = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(work);
        }
    });
    Ok(counts.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn one(program: &Program, way: Environment, extent: Extent) -> Done<(String, bool)> {
    let mut command = started(way)?;
    command.arg("env").arg("-u").arg(ALL);
    command.arg(format!("CARGO_MANIFEST_DIR={}", program.package.display()));
    if let Some(target) = std::env::var_os("CARGO_TARGET_DIR") {
        command.arg(format!("CARGO_TARGET_DIR={}", repository().join(target).display()));
    }
    command.args((extent == Extent::Everything).then(|| format!("{ALL}=1")));
    command.arg(&program.file).args([THREADS, "--color=never"]).current_dir(&program.package);
    let (status, text) = watched_quietly(&mut command)?;
    Ok((text, status.success()))
}

/// Returns the start of a command that runs a program as root in the environment `way`.
fn started(way: Environment) -> Done<Command> {
    let before = becoming_root()?;
    let line = match way {
        Environment::Usual => before.to_vec(),
        Environment::Bare => [before, &["setsid", "--wait", "sh", "-euc", BARE, "sh"]].concat(),
        Environment::SudoAtATerminal => {
            let mut command = apart(&[])?;
            command.args(["sh", "-euc", SUDO_AT_A_TERMINAL, "sh"]);
            return Ok(command);
        }
    };
    Ok(match line.split_first() {
        Some((program, arguments)) => command(program, arguments),
        None => command("env", &[""; 0]),
    })
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn programs_with_tests_are_read_from_cargo_s_messages() {
        let line = |test: bool, executable: &str| {
            format!(
                "{{\"reason\":\"compiler-artifact\",\"manifest_path\":\"/a b/tests/Cargo.toml\",\
                 \"target\":{{\"name\":\"sshd\"}},\"profile\":{{\"test\":{test}}},\"executable\":{executable}}}"
            )
        };
        let found = program(&line(true, "\"/a b/target/sshd-1\"")).expect("a program");
        assert_eq!((found.name.as_str(), found.package.to_str()), ("sshd", Some("/a b/tests")));
        assert!(program(&line(false, "\"/x\"")).is_none());
        assert!(program(&line(true, "null")).is_none());
        assert!(program("warning: no JSON").is_none());
    }
}
