//! Checks the password of a caller. A child process asks libpam. If a PAM module hangs or crashes, this ends only the
//! check.

use std::{
    ffi::CString,
    fs,
    io::{Read, Write},
    os::{fd::AsFd, unix::fs::MetadataExt},
    process::{Child, Command, ExitCode, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use twinlock_core::{base::account::Account, verify::allowance::Allowance};
use zeroize::Zeroizing;

use crate::{
    pam_application,
    turn::{self, Turn},
};

/// The argument with which the worker program runs as the child process that asks libpam.
pub(crate) const CHECK: &str = "check-password";
/// Limit of wrong passwords of one user: five in 15 minutes. When it is reached, libpam is not asked.
pub(crate) const WRONG: Allowance = Allowance { word: "password", most: 5, seconds: 15 * 60 };
/// Maximum duration of a check.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
/// The file of the PAM service. It must exist: otherwise libpam would use `other`, which may accept an empty password.
const SERVICE: &str = "/etc/pam.d/twinlock";
/// Maximum length of a password in bytes (`PAM_MAX_RESP_SIZE`).
const PASSWORD_MAX: usize = 512;

/// Result of the check of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    /// The password is right, and the account may log in now.
    Accepted,
    /// The password is wrong, or the account may not log in.
    Refused,
    /// The account has no password, or a locked one.
    NoPassword,
    /// The password was not checked, because another check of this user or eight checks of other users are running.
    Busy,
    /// The password could not be checked: the service file is missing or unsafe, or the child process failed.
    Unavailable,
}

/// Returns why the password of the account cannot be checked; `None` if it can be checked. This must be called before
/// the user is asked for the password.
pub(crate) fn obstacle(account: &Account) -> Option<Checked> {
    if !is_safe_service() {
        return Some(Checked::Unavailable);
    }
    let shadow = Zeroizing::new(fs::read("/etc/shadow").unwrap_or_default());
    (!may_have_password(&shadow, &account.name)).then_some(Checked::NoPassword)
}

/// Returns whether the file of the PAM service exists, and whether only root may write to it.
fn is_safe_service() -> bool {
    fs::symlink_metadata(SERVICE)
        .is_ok_and(|found| found.is_file() && found.uid() == 0 && found.mode() & 0o022 == 0)
}

/// Returns whether an account may have a password, by `shadow`, the content of the file shadow(5). The account may have
/// one if its line in the file contains a hash that is not locked. It may also have one if the file has no line for it,
/// as for accounts of a directory service.
fn may_have_password(shadow: &[u8], user: &str) -> bool {
    let mut lines = shadow.split(|byte| *byte == b'\n');
    let hash = lines.find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        (fields.next() == Some(user.as_bytes())).then(|| fields.next())
    });
    hash.flatten().is_none_or(|hash| !matches!(hash.first(), None | Some(b'!' | b'*')))
}

/// Asks libpam, in a child process, whether `password` is the password of the account.
pub(crate) fn check(account: &Account, password: &str) -> Checked {
    if let Some(obstacle) = obstacle(account) {
        return obstacle;
    }
    let Some(_turn) = Turn::take(turn::PASSWORD, account.uid) else { return Checked::Busy };
    let Ok(program) = std::env::current_exe() else { return Checked::Unavailable };
    let mut child = Command::new(program);
    child.arg(CHECK).env_clear().current_dir("/");
    child.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = child.spawn() else { return Checked::Unavailable };
    if !is_passed(&mut child, &account.name, password) {
        let _ = child.kill();
    }
    ended(&mut child)
}

fn is_passed(child: &mut Child, user: &str, password: &str) -> bool {
    // The text is wiped when it is dropped. It fits in the pipe, so a child process that does not read cannot block the
    // worker.
    let mut text = Zeroizing::new(String::with_capacity(user.len() + password.len() + 1));
    text.push_str(user);
    text.push('\0');
    text.push_str(password);
    let stdin = child.stdin.take();
    password.len() <= PASSWORD_MAX
        && stdin.is_some_and(|mut stdin| stdin.write_all(text.as_bytes()).is_ok())
}

/// Waits for the child, and kills it after 30 seconds.
fn ended(child: &mut Child) -> Checked {
    let ended = pidfd_open(Pid::from_child(child), PidfdFlags::empty());
    let is_done = ended.is_ok_and(|ended| {
        let mut one = [PollFd::new(&ended, PollFlags::IN)];
        let limit = Timespec::try_from(LIMIT).unwrap_or_default();
        poll(&mut one, Some(&limit)).is_ok_and(|ready| ready > 0)
    });
    if !is_done {
        let _ = child.kill();
    }
    match child.wait().ok().and_then(|status| status.code()) {
        Some(0) if is_done => Checked::Accepted,
        Some(1) if is_done => Checked::Refused,
        _ => Checked::Unavailable,
    }
}

/// Runs as the child process. Reads the user name and the password from standard input, separated by a NUL byte. Exits
/// with 0 if libpam accepts them, otherwise with 1.
pub(crate) fn run_check() -> ExitCode {
    let mut text = Zeroizing::new(Vec::with_capacity(2048));
    let read = std::io::stdin().as_fd().try_clone_to_owned().is_ok_and(|stdin| {
        let mut stdin = fs::File::from(stdin).take(2048);
        stdin.read_to_end(&mut text).is_ok()
    });
    let mut parts = text.splitn(2, |byte| *byte == 0);
    let (user, password) = (parts.next(), parts.next());
    let texts = user.and_then(pam_application::text).zip(password.and_then(secret));
    let accepted =
        read && texts.is_some_and(|(user, password)| pam_application::accepts(&user, &password.0));
    ExitCode::from(u8::from(!accepted))
}

/// A password for libpam, wiped when dropped.
struct PasswordCString(CString);

impl Drop for PasswordCString {
    fn drop(&mut self) {
        drop(Zeroizing::new(std::mem::take(&mut self.0).into_bytes()));
    }
}

fn secret(password: &[u8]) -> Option<PasswordCString> {
    pam_application::text(password).map(PasswordCString)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_without_a_password_are_not_asked() {
        let shadow = b"root:*:1:::::::\nada:$y$j9T$x:1:::::::\nbob:!$y$x:1:::::::\neve::1:::::::\n\xf6:\nodd\n";
        let may = ["root", "ada", "bob", "eve", "carl"].map(|user| may_have_password(shadow, user));
        assert_eq!(may, [false, true, false, false, true]);
    }
}
