//! Checks the folder that `ChrootDirectory` names. sshd ends each session if it or a folder above it is missing, or if
//! another user than root can write to one of them.
use std::io::ErrorKind;

use crate::machine::ExaminedMachine;
use crate::pam::load::Files;

/// Bits of a mode: group or others may write.
const OTHERS_WRITE: u32 = 0o022;
/// Bits of a mode that tell the type of the file, and their value for a folder.
const TYPE: [u32; 2] = [0o170_000, 0o040_000];
/// Least user id of an account of a person.
const FIRST_UID: u32 = 1000;

impl ExaminedMachine {
    /// Reports whether sshd ends each session because of the folder `value`, the value of `ChrootDirectory`. If the
    /// value depends on the user, reports whether this is so for every account of a person that /etc/passwd lists.
    /// Reports `false` if the machine is not this host, since its folders are then not known.
    #[must_use]
    pub fn ends_sessions(&self, value: &str) -> bool {
        if !self.is_host() || value == "none" {
            return false;
        }
        if !value.contains('%') {
            return self.is_refused(value);
        }
        let accounts = self.text("/etc/passwd").unwrap_or_default();
        let mut folders = accounts.lines().filter_map(|line| folder_of(value, line)).peekable();
        folders.peek().is_some() && folders.all(|folder| self.is_refused(&folder))
    }

    /// Reports whether sshd refuses the folder. It checks the folder and each folder above it.
    fn is_refused(&self, folder: &str) -> bool {
        let ends = folder.char_indices().filter(|(at, letter)| *at > 0 && *letter == '/');
        let above = ends.filter_map(|(end, _)| folder.get(..end));
        let mut all = ["/"].into_iter().chain(above).chain([folder]);
        !folder.starts_with('/')
            || all.any(|path| match self.tree.stat(path) {
                Ok(found) => {
                    let [mask, of_folder] = TYPE;
                    let mode = found.st_mode;
                    found.st_uid != 0 || mode & OTHERS_WRITE != 0 || mode & mask != of_folder
                }
                Err(error) => {
                    [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind())
                }
            })
    }
}

/// Returns the folder that `value` means for the account of this line of /etc/passwd; `None` if the account is not that
/// of a person, or if it is not known what `value` means.
fn folder_of(value: &str, line: &str) -> Option<String> {
    let mut fields = line.split(':');
    let (name, uid) = (fields.next()?, fields.nth(1)?);
    let (home, shell) = (fields.nth(2)?, fields.next()?);
    let logs_in = !["nologin", "false"].iter().any(|end| shell.ends_with(end));
    if uid.parse::<u32>().ok()? < FIRST_UID || !logs_in {
        return None;
    }
    let mut folder = String::new();
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => folder.push_str(match letters.next()? {
                'u' => name,
                'U' => uid,
                'h' => home,
                '%' => "%",
                _ => return None,
            }),
            _ => folder.push(letter),
        }
    }
    Some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_the_user_are_replaced() {
        let ada = "ada:x:1001:1001::/home/ada:/bin/bash";
        for (value, expected) in [
            ("/srv/%u", Some("/srv/ada")),
            ("%h", Some("/home/ada")),
            ("/srv/%U/%%", Some("/srv/1001/%")),
            ("/srv/%k", None),
        ] {
            assert_eq!(folder_of(value, ada).as_deref(), expected, "{value}");
        }
        assert_eq!(folder_of("%h", "www:x:33:33::/var/www:/bin/sh"), None);
        assert_eq!(folder_of("%h", "guest:x:1002:1002::/home/guest:/usr/sbin/nologin"), None);
    }
}
