//! Accounts of the host, and the names of their folders.

use alloc::string::String;
use core::fmt::Write;

/// Maximum length of a folder name in bytes: `NAME_MAX` of Linux.
const FOLDER_MAX: usize = 255;

/// An account as NSS returns it, looked up once per login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The canonical account name (`pw_name`), even if the user typed another spelling.
    pub name: String,
    /// The account's user id (`pw_uid`).
    pub uid: u32,
    /// The id of the account's primary group (`pw_gid`).
    pub gid: u32,
    /// The account's real name from the GECOS field (`pw_gecos`), shown to administrators; empty if there is none.
    pub full_name: String,
}

impl Account {
    /// Returns the account name without terminal control characters.
    #[must_use]
    pub fn plain_name(&self) -> String {
        self.name.chars().filter(|letter| !letter.is_control()).collect()
    }
}

/// Whether an account is a member of a group, as NSS reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// The account is a member of the group.
    Member,
    /// The account is not a member of the group.
    Outside,
    /// There is no such group.
    NoSuchGroup,
}

/// The name of a user's folder below `users/`: the percent-encoded account name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Folder(String);

/// The percent-encoded name is empty or longer than 255 bytes, so it cannot be a folder name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameTooLongError;

impl core::fmt::Display for NameTooLongError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the name is too long for a folder")
    }
}

impl core::error::Error for NameTooLongError {}

impl Folder {
    /// Encodes an account name: every byte except `[a-z0-9._-]`, and a leading dot, becomes `%XX`.
    ///
    /// # Errors
    /// [`NameTooLongError`] if the encoded name is longer than 255 bytes, or empty.
    pub fn of(name: &str) -> Result<Self, NameTooLongError> {
        let mut folder = String::with_capacity(name.len());
        for (index, byte) in name.bytes().enumerate() {
            encode_byte(&mut folder, byte, index == 0);
        }
        if folder.is_empty() || folder.len() > FOLDER_MAX {
            return Err(NameTooLongError);
        }
        Ok(Self(folder))
    }

    /// Returns the encoded name, which is one path component and never `.` or `..`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the account name that a folder name encodes; `None` if [`Folder::of`] never returns this folder name.
    #[must_use]
    pub fn name_of(folder: &str) -> Option<String> {
        let mut bytes = alloc::vec::Vec::new();
        let mut rest = folder.bytes();
        while let Some(byte) = rest.next() {
            if byte != b'%' {
                bytes.push(byte);
                continue;
            }
            let pair = [rest.next()?, rest.next()?];
            let hex = core::str::from_utf8(&pair).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
        }
        let name = String::from_utf8(bytes).ok()?;
        (Self::of(&name).ok()?.0 == folder).then_some(name)
    }
}

fn encode_byte(folder: &mut String, byte: u8, first: bool) {
    let plain = matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-') || (byte == b'.' && !first);
    if plain {
        folder.push(char::from(byte));
    } else {
        // Writing to a String cannot fail.
        let _ = write!(folder, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_one_harmless_component() {
        for (name, folder) in [
            ("ada", "ada"),
            ("ada.l_1-x", "ada.l_1-x"),
            (".ssh", "%2Essh"),
            ("..", "%2E."),
            ("a/../b", "a%2F..%2Fb"),
            ("Ada", "%41da"),
            ("DOM\\ada", "%44%4F%4D%5Cada"),
            ("a%2fb", "a%252fb"),
            ("å\n", "%C3%A5%0A"),
        ] {
            let made = Folder::of(name).unwrap();
            assert_eq!(made.as_str(), folder);
            assert_eq!(Folder::name_of(folder).as_deref(), Some(name));
        }
    }

    #[test]
    fn too_long_is_refused_and_never_cut() {
        assert!(Folder::of(&"a".repeat(255)).is_ok());
        assert_eq!(Folder::of(&"a".repeat(256)), Err(NameTooLongError));
        assert_eq!(Folder::of(&"A".repeat(86)), Err(NameTooLongError));
        assert_eq!(Folder::of(""), Err(NameTooLongError));
    }

    #[test]
    fn only_the_one_encoding_is_read_back() {
        for odd in ["%61da", "%4", "%zz", "Ada", ".ssh", "", "%41%"] {
            assert_eq!(Folder::name_of(odd), None, "{odd}");
        }
    }
}
