//! Runs other programs, and reports a failure as one sentence.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write, stderr, stdin};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

const SBIN: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Result of a task. The error is a sentence for the user.
pub(crate) type Done<T = ()> = Result<T, String>;

/// Returns a command that runs the program with these arguments and with [`path`] as its PATH.
pub(crate) fn command<S: AsRef<str>>(program: &str, arguments: &[S]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments.iter().map(AsRef::as_ref)).env("PATH", path());
    command
}

/// Returns the caller's PATH, followed by Debian's sbin folders, in which pivot_root, chroot and debootstrap are.
/// Without this, only the PATH of root would have these folders.
fn path() -> OsString {
    let given = std::env::var_os("PATH").unwrap_or_default();
    let named = std::env::split_paths(&given).filter(|folder| !folder.as_os_str().is_empty());
    let folders = named.chain(SBIN.map(PathBuf::from));
    std::env::join_paths(folders).unwrap_or(given)
}

/// Returns a command that runs the same cargo that started this program.
pub(crate) fn cargo<S: AsRef<str>>(arguments: &[S]) -> Command {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let mut command = command(&cargo, arguments);
    command.current_dir(crate::machine::repository());
    // Variables that cargo has set for this program must not reach another cargo.
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR")
        {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command in the foreground.
///
/// # Errors
/// A sentence if its exit status is not 0.
pub(crate) fn run(command: &mut Command) -> Done {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    judged(command, status)
}

/// Runs a command and returns its standard output.
///
/// # Errors
/// A sentence if its exit status is not 0.
pub(crate) fn output(command: &mut Command) -> Done<String> {
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| not_started(command, &error))?;
    judged(command, output.status).map_err(|error| {
        format!("{error}\n{}", String::from_utf8_lossy(&output.stderr).trim_end())
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command with empty input, and shows its output while it runs. Returns the exit status and the output.
pub(crate) fn watched(command: &mut Command) -> Done<(ExitStatus, String)> {
    let (reader, writer) = std::io::pipe().map_err(|error| format!("No pipe: {error}"))?;
    let twin = writer.try_clone().map_err(|error| format!("No pipe: {error}"))?;
    command.stdin(Stdio::null()).stdout(writer).stderr(twin);
    let mut child = command.spawn().map_err(|error| not_started(command, &error))?;
    // `command` still has the writing ends of the pipe. Until it drops them, reading the pipe does not end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut all = String::new();
    let mut screen = stderr();
    let mut lines = BufReader::new(reader);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        // If the terminal is closed, the run continues.
        let _ = screen.write_all(&line);
        all.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    let status = child.wait().map_err(|error| not_started(command, &error))?;
    Ok((status, all))
}

/// Runs a command with empty input, without showing its output. Returns the exit status and the output.
pub(crate) fn watched_quietly(command: &mut Command) -> Done<(ExitStatus, String)> {
    let (mut reader, writer) = std::io::pipe().map_err(|error| format!("No pipe: {error}"))?;
    let twin = writer.try_clone().map_err(|error| format!("No pipe: {error}"))?;
    command.stdin(Stdio::null()).stdout(writer).stderr(twin);
    let mut child = command.spawn().map_err(|error| not_started(command, &error))?;
    // `command` still has the writing ends of the pipe. Until it drops them, reading the pipe does not end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut all = Vec::new();
    reader.read_to_end(&mut all).map_err(|error| not_started(command, &error))?;
    let status = child.wait().map_err(|error| not_started(command, &error))?;
    Ok((status, String::from_utf8_lossy(&all).into_owned()))
}

/// Returns whether a folder of PATH contains a program with this name.
pub(crate) fn exists(program: &str) -> bool {
    std::env::split_paths(&path()).any(|folder| folder.join(program).is_file())
}

/// Returns whether a user can answer questions, because this program runs at a terminal.
pub(crate) fn person() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Returns an error that names the command, if `status` is a failure.
pub(crate) fn judged(command: &Command, status: ExitStatus) -> Done {
    if status.success() {
        return Ok(());
    }
    Err(format!("`{}` ended with {status}.", shown(command)))
}

/// Returns the command as a user would type it in a shell.
pub(crate) fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy();
    let words = command.get_args().map(|word| word.to_string_lossy());
    std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
}

fn not_started(command: &Command, error: &std::io::Error) -> String {
    format!("`{}` could not be started: {error}.", shown(command))
}
