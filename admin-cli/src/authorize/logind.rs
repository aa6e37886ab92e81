//! Finds the logind session of this process, in files that only root can write.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Folder with logind's session files, from which sd_session_get_uid(3) also reads.
const SESSIONS: &str = "/run/systemd/sessions";
/// Permission bits that let the group or others write.
const WRITABLE: u32 = 0o022;

/// A login session as logind's file describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogindSession {
    /// User id of the user who logged in.
    pub(crate) uid: u32,
    /// Name below `/dev` of the session's terminal; `None` if it has none.
    terminal: Option<String>,
    /// Whether the user logged in from another host.
    remote: bool,
}

impl LogindSession {
    /// Returns whether root logged in locally on `terminal`, a name below `/dev`.
    pub(crate) fn is_roots_on(&self, terminal: &str) -> bool {
        self.uid == 0 && !self.remote && self.terminal.as_deref() == Some(terminal)
    }
}

/// Returns whether logind has run since the host was booted.
pub(crate) fn is_there() -> bool {
    Path::new(SESSIONS).exists()
}

/// Returns the login session to which this process belongs by its control group; `None` if it belongs to none. A
/// process cannot leave its control group without root's rights.
pub(crate) fn session() -> Option<LogindSession> {
    read(&session_of(&groups())?)
}

/// Returns the text of logind's file about the login session of this process; `None` if there is none.
pub(crate) fn text_of_session() -> Option<String> {
    text(&session_of(&groups())?)
}

/// Returns the uids of the users to whom this process belongs, according to its logind session, to its audit session
/// `audit`, and to the slice of its control group.
pub(crate) fn owners(session: Option<&LogindSession>, audit: Option<u32>) -> Vec<u32> {
    let by_audit = audit.filter(|id| *id != u32::MAX).and_then(|id| read(&id.to_string()));
    let slice = slice_of(&groups());
    let sessions = session.into_iter().chain(&by_audit).map(|session| session.uid);
    sessions.chain(slice).collect()
}

fn groups() -> String {
    fs::read_to_string("/proc/self/cgroup").unwrap_or_default()
}

/// Returns the path of the control group in systemd's hierarchy; empty if there is none. `groups` is the text of
/// `/proc/PID/cgroup`.
fn path_of(groups: &str) -> &str {
    let lines = groups.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
    let mut own = lines.filter(|(controllers, _)| matches!(*controllers, "" | "name=systemd"));
    own.next().map_or("", |(_, path)| path)
}

fn session_of(groups: &str) -> Option<String> {
    let id = path_of(groups).split('/').find_map(|part| {
        part.strip_prefix("session-").and_then(|part| part.strip_suffix(".scope"))
    })?;
    Some(id.to_owned())
}

fn slice_of(groups: &str) -> Option<u32> {
    let part = |part: &str| part.strip_prefix("user-")?.strip_suffix(".slice")?.parse().ok();
    path_of(groups).split('/').find_map(part)
}

fn read(id: &str) -> Option<LogindSession> {
    parsed(&text(id)?)
}

fn text(id: &str) -> Option<String> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let path = PathBuf::from(SESSIONS).join(id);
    let found = fs::symlink_metadata(&path).ok()?;
    let roots = found.is_file() && found.uid() == 0 && found.mode() & WRITABLE == 0;
    roots.then(|| fs::read_to_string(&path).ok())?
}

fn parsed(text: &str) -> Option<LogindSession> {
    let value = |key: &str| {
        text.lines().filter_map(|line| line.split_once('=')).find(|(name, _)| *name == key)
    };
    Some(LogindSession {
        uid: value("UID")?.1.parse().ok()?,
        terminal: value("TTY").map(|(_, terminal)| terminal.to_owned()),
        remote: value("REMOTE").is_some_and(|(_, remote)| remote != "0"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_is_found_in_both_hierarchies() {
        for (groups, session, uid) in [
            ("0::/user.slice/user-1000.slice/session-3.scope\n", Some("3"), Some(1000)),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n",
                None,
                Some(1000),
            ),
            (
                "4:cpu:/x\n1:name=systemd:/user.slice/user-0.slice/session-c1.scope\n",
                Some("c1"),
                Some(0),
            ),
            ("4:cpu:/user.slice/user-5.slice\n0::/system.slice/cron.service\n", None, None),
            ("0::/\n", None, None),
            ("", None, None),
        ] {
            assert_eq!(session_of(groups).as_deref(), session, "{groups}");
            assert_eq!(slice_of(groups), uid, "{groups}");
        }
    }

    #[test]
    fn session_file_is_read() {
        let text = "# This is private data. Do not parse.\nUID=0\nUSER=root\nACTIVE=1\nREMOTE=0\nTTY=tty1\n";
        let found = parsed(text).unwrap();
        assert!(found.is_roots_on("tty1") && !found.is_roots_on("tty2"));
        assert!(!parsed(&text.replace("UID=0", "UID=1000")).unwrap().is_roots_on("tty1"));
        assert!(!parsed(&text.replace("REMOTE=0", "REMOTE=1")).unwrap().is_roots_on("tty1"));
        assert!(!parsed(&text.replace("TTY=tty1\n", "")).unwrap().is_roots_on("tty1"));
        assert_eq!(parsed("TTY=tty1\n"), None);
        for odd in ["", "../../etc/passwd", "a/b", ".", "1\n"] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
