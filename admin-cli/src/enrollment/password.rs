//! Checks whether the user of an account has a password on this host, and so can change it.

use std::{fs, io};

use zeroize::Zeroizing;

use crate::{
    error::exit::{CliError, Exit},
    text::plain,
};

/// Path of this host's password file.
const SHADOW: &str = "/etc/shadow";
/// Length in characters of a traditional DES hash: 2 of salt and 11 of hash.
const DES: usize = 13;
/// Length in characters of a BSD extended DES hash.
const EXTENDED_DES: usize = 20;

/// What the password file of this host says about an account's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HostPassword {
    /// The account has a password hash, so that some password is accepted.
    Usable,
    /// The account has no password hash: the password is locked or empty, or the field is not valid.
    Unusable,
    /// The password file has no line for the account, whose password another service stores.
    Elsewhere,
}

/// Checks that an account has a password on this host. A user without a password could not change an expired one,
/// because the change asks for the old password.
///
/// # Errors
/// [`CliError`] if the account has no such password, or if the password file cannot be read.
pub(crate) fn must_be_changeable(user: &str) -> Result<(), CliError> {
    let found = fs::read(SHADOW).map(Zeroizing::new).map_err(|error| unreadable(&error))?;
    match password_of(&found, user.as_bytes()) {
        HostPassword::Usable => Ok(()),
        HostPassword::Unusable => Err(refused(user, "has no password to log in with")),
        HostPassword::Elsewhere => Err(refused(user, "has no password on this host")),
    }
}

/// Returns what the text of /etc/shadow says about an account's password. Of several lines for the account, the first
/// is used, as libc and chage do.
fn password_of(shadow: &[u8], user: &[u8]) -> HostPassword {
    let mut lines = shadow.split(|byte| *byte == b'\n');
    let hash = lines.find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        fields.next().filter(|name| *name == user).map(|_| fields.next().unwrap_or_default())
    });
    match hash {
        None => HostPassword::Elsewhere,
        Some(hash) if is_hash(hash) => HostPassword::Usable,
        Some(_) => HostPassword::Unusable,
    }
}

/// Returns whether the field is a crypt(3) hash. A field that begins with `!` or `*`, which locks the password, is no
/// hash.
fn is_hash(field: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
    match field {
        [b'$', rest @ ..] => {
            let parts: Vec<&[u8]> = rest.split(|byte| *byte == b'$').collect();
            parts.len() > 2 && parts.last().is_some_and(|hash| !hash.is_empty())
        }
        [b'_', rest @ ..] => field.len() == EXTENDED_DES && rest.iter().all(letter),
        field => field.len() == DES && field.iter().all(letter),
    }
}

fn refused(user: &str, why: &str) -> CliError {
    let user = plain(user);
    CliError::new(
        Exit::NotInState,
        format!("{user} {why}: an expired password would lock {user} out; nothing was changed"),
        "Leave --expire-password out.",
    )
}

fn unreadable(error: &io::Error) -> CliError {
    CliError::new(
        Exit::StoreUnreachable,
        format!("{SHADOW} cannot be read ({error}); nothing was changed"),
        "Check that file, or leave --expire-password out.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(field: &str) -> HostPassword {
        let shadow = format!("root:*:1::::::\nadam:$6$a$b:1::::::\nada:{field}:1::::::\n");
        password_of(shadow.as_bytes(), b"ada")
    }

    #[test]
    fn hash_of_any_kind_is_usable() {
        for hash in [
            "$6$salt$hash",
            "$y$j9T$salt$hash",
            "$2b$10$abcdef",
            "abJnggxhB/yWI",
            "_J9..rasmBYk8r9AiWNc",
        ] {
            assert_eq!(of(hash), HostPassword::Usable, "{hash}");
        }
    }

    #[test]
    fn locked_or_empty_password_is_unusable() {
        for field in [
            "",
            "!",
            "!!",
            "*",
            "*LK*",
            "!*",
            "x",
            "!$6$salt$hash",
            "*$6$salt$hash",
            "NP",
            "$6$",
            "$6$salt$",
        ] {
            assert_eq!(of(field), HostPassword::Unusable, "{field}");
        }
        assert_eq!(password_of(b"ada", b"ada"), HostPassword::Unusable);
    }

    #[test]
    fn first_line_of_exactly_that_name_counts() {
        let shadow = b"adam:$6$a$b:1\n#ada:$6$a$b:1\nada:!:1\nada:$6$a$b:1\n";
        assert_eq!(password_of(shadow, b"ada"), HostPassword::Unusable);
        assert_eq!(password_of(shadow, b"ad"), HostPassword::Elsewhere);
        assert_eq!(password_of(b"", b"ada"), HostPassword::Elsewhere);
        assert_eq!(password_of(b"\xff\n+\n\0:x\n", b"ada"), HostPassword::Elsewhere);
    }

    #[test]
    fn refusal_says_what_to_leave_out() {
        let refused = refused("ada", "has no password on this host");
        assert_eq!(refused.exit, Exit::NotInState);
        assert!(refused.remedy.contains("--expire-password"), "{}", refused.remedy);
        let unreadable = unreadable(&io::Error::from_raw_os_error(13));
        assert_eq!(unreadable.exit, Exit::StoreUnreachable);
    }
}
