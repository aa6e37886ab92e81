//! Finds the invoking user: the user who runs the command as root through sudo, doas or pkexec. Runs jobs with the
//! rights of that user.

use std::{
    ffi::{CString, OsString},
    fmt, thread,
};

use nix::unistd::{User, getgrouplist};
use rustix::{
    io::Errno,
    process::{Gid, Uid, geteuid},
    thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};

/// Variables that contain a user id.
const UID_VARIABLES: [&str; 2] = ["SUDO_UID", "PKEXEC_UID"];
/// The variable of doas, which contains a user name.
const NAME_VARIABLE: &str = "DOAS_USER";
/// The user id that means "unchanged" to setresuid(2). Accepting it would keep root's rights.
const NO_ID: u32 = u32::MAX;

/// The user who called the command through sudo, doas or pkexec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokingUser {
    name: String,
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
}

/// Why the invoking user cannot be determined. The caller of [`InvokingUser::find`] must then open no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvokingUserError {
    /// A variable contains something other than a user id.
    NotAnId {
        /// The name of the variable.
        variable: &'static str,
    },
    /// A variable names an account that does not exist.
    NoAccount,
    /// The variables name two different users other than root.
    TwoUsers,
    /// NSS did not answer.
    Lookup,
}

impl fmt::Display for InvokingUserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAnId { variable } => write!(f, "{variable} holds no user id"),
            Self::NoAccount => {
                write!(f, "SUDO_UID, PKEXEC_UID or DOAS_USER names an account that does not exist")
            }
            Self::TwoUsers => {
                write!(f, "SUDO_UID, PKEXEC_UID and DOAS_USER name different users")
            }
            Self::Lookup => write!(f, "the invoking user's account could not be looked up"),
        }
    }
}

impl std::error::Error for InvokingUserError {}

impl InvokingUser {
    /// Returns the invoking user; `None` if the process is not root or was started by root itself.
    ///
    /// # Errors
    /// [`InvokingUserError`] if the variables contradict each other or name no user, or if NSS does not answer.
    pub fn find() -> Result<Option<Self>, InvokingUserError> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let Some(uid) = named(|variable| std::env::var_os(variable), uid_of)? else {
            return Ok(None);
        };
        Self::of_uid(uid)
    }

    fn of_uid(uid: u32) -> Result<Option<Self>, InvokingUserError> {
        let user = User::from_uid(nix::unistd::Uid::from_raw(uid));
        let user = user.map_err(|_| InvokingUserError::Lookup)?;
        let user = user.ok_or(InvokingUserError::NoAccount)?;
        let name = CString::new(user.name.as_str()).map_err(|_| InvokingUserError::Lookup)?;
        // If NSS fails, only the primary group is returned: fewer rights, never more.
        let groups = getgrouplist(&name, user.gid).map_err(|_| InvokingUserError::Lookup)?;
        let groups = groups.into_iter().map(nix::unistd::Gid::as_raw).collect();
        Ok(Some(Self { name: user.name, uid, gid: user.gid.as_raw(), groups }))
    }

    /// Returns the account name of the invoking user.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the user id of the invoking user, which is never 0.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Returns the primary group id of the invoking user.
    #[must_use]
    pub fn gid(&self) -> u32 {
        self.gid
    }

    /// Replaces root's rights by those of this user, permanently and in the calling thread only.
    ///
    /// # Errors
    /// The errno if the kernel refuses, or `EINVAL` if the user is root. The thread must not continue then, because
    /// only a part of the rights may have been dropped.
    pub fn become_in_this_thread(&self) -> Result<(), Errno> {
        if self.uid == 0 || [self.uid, self.gid].contains(&NO_ID) || self.groups.contains(&NO_ID) {
            return Err(Errno::INVAL);
        }
        let groups: Vec<Gid> = self.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        set_thread_groups(&groups)?;
        set_thread_res_gid(gid, gid, gid)?;
        // The last step: changing the user id drops all capabilities.
        set_thread_res_uid(uid, uid, uid)
    }
}

/// Runs `job` with the rights of `user`. The job runs in a thread that drops root's rights permanently, so that nothing
/// has to be restored. File descriptors that the job opens belong to the whole process. If `user` is `None`, the job
/// runs with the rights of the caller.
///
/// # Errors
/// The errno if the thread cannot be created or the rights cannot be dropped; the job has not run then.
pub fn run_as<T: Send>(
    user: Option<&InvokingUser>,
    job: impl FnOnce() -> T + Send,
) -> Result<T, Errno> {
    let Some(user) = user else { return Ok(job()) };
    let in_thread = || user.become_in_this_thread().map(|()| job());
    thread::scope(|scope| {
        let worker = thread::Builder::new().spawn_scoped(scope, in_thread);
        let worker =
            worker.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::AGAIN))?;
        worker.join().unwrap_or(Err(Errno::IO))
    })
}

/// Returns the user id that the variables of sudo, doas and pkexec contain; `None` if none of them is set, or if all of
/// them name root. A variable that names root is ignored if another variable names a user: doas or sudo may have been
/// told to keep such a variable of an outer call. `variable` reads the environment. `uid_of` returns the user id of a
/// name.
fn named(
    variable: impl Fn(&str) -> Option<OsString>,
    uid_of: impl Fn(&str) -> Result<u32, InvokingUserError>,
) -> Result<Option<u32>, InvokingUserError> {
    let mut named = None;
    let of_digits = UID_VARIABLES.into_iter().filter_map(|name| {
        let value = variable(name)?;
        Some(user_id(&value).ok_or(InvokingUserError::NotAnId { variable: name }))
    });
    let of_name = variable(NAME_VARIABLE).map(|value| match value.to_str() {
        Some(name) => uid_of(name),
        None => Err(InvokingUserError::NoAccount),
    });
    for uid in of_digits.chain(of_name) {
        match (uid?, named) {
            (0, _) => {}
            (uid, Some(other)) if uid != other => return Err(InvokingUserError::TwoUsers),
            (uid, _) => named = Some(uid),
        }
    }
    Ok(named)
}

/// Parses a user id in the form in which sudo writes it: digits without a leading zero. `None` for any other text.
fn user_id(value: &OsString) -> Option<u32> {
    let text = value.to_str()?;
    let uid: u32 = text.parse().ok()?;
    (uid != NO_ID && uid.to_string() == text).then_some(uid)
}

fn uid_of(name: &str) -> Result<u32, InvokingUserError> {
    let user = User::from_name(name).map_err(|_| InvokingUserError::Lookup)?;
    let user = user.ok_or(InvokingUserError::NoAccount)?;
    Ok(user.uid.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(set: &[(&str, &str)]) -> Result<Option<u32>, InvokingUserError> {
        let value = |name: &str| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(*value))
        };
        let account = |name: &str| match name {
            "ada" => Ok(1000),
            "root" => Ok(0),
            _ => Err(InvokingUserError::NoAccount),
        };
        named(value, account)
    }

    #[test]
    fn variables_name_one_user() {
        for (set, uid) in [
            (&[][..], None),
            (&[("SUDO_UID", "1000")], Some(1000)),
            (&[("SUDO_UID", "0")], None),
            (&[("SUDO_UID", "4294967294")], Some(NO_ID - 1)),
            (&[("PKEXEC_UID", "1000")], Some(1000)),
            (&[("DOAS_USER", "ada")], Some(1000)),
            (&[("DOAS_USER", "root")], None),
            (&[("SUDO_UID", "0"), ("DOAS_USER", "ada")], Some(1000)),
            (&[("SUDO_UID", "1000"), ("DOAS_USER", "ada")], Some(1000)),
            (&[("SUDO_UID", "1000"), ("PKEXEC_UID", "0")], Some(1000)),
        ] {
            assert_eq!(found(set), Ok(uid), "{set:?}");
        }
        let two = [("SUDO_UID", "1001"), ("DOAS_USER", "ada")];
        assert_eq!(found(&two), Err(InvokingUserError::TwoUsers));
        assert_eq!(found(&[("DOAS_USER", "bob")]), Err(InvokingUserError::NoAccount));
    }

    #[test]
    fn malformed_user_ids_name_nobody() {
        for odd in
            ["", " 1000", "1000 ", "+1000", "-1", "01000", "0x0", "4294967295", "4294967296", "ada"]
        {
            let expected = Err(InvokingUserError::NotAnId { variable: "SUDO_UID" });
            assert_eq!(found(&[("SUDO_UID", odd)]), expected, "{odd}");
        }
    }

    #[test]
    fn ids_that_would_keep_root_are_refused() {
        let user =
            |uid, gid, group| InvokingUser { name: "ada".into(), uid, gid, groups: vec![group] };
        for user in [user(NO_ID, 1, 1), user(1, NO_ID, 1), user(1, 1, NO_ID), user(0, 1, 1)] {
            assert_eq!(run_as(Some(&user), || ()), Err(Errno::INVAL), "{user:?}");
        }
    }

    #[test]
    fn jobs_without_an_invoking_user_run_in_place() {
        let here = thread::current().id();
        assert_eq!(run_as(None, || thread::current().id()), Ok(here));
    }
}
