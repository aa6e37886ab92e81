//! Computes setup's drop-in file for sudo, which sets after how many minutes sudo asks again, and checks that sudo
//! accepts it and uses its value.

use core::fmt;
use std::{
    fs::{self, DirBuilder},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use twinlock_doctor::{
    machine::{ExaminedMachine, sudo::SudoersOutput},
    services::sudoers::{self, Sudoers},
};
use twinlock_host::programs;

use crate::replace;

/// Path of the drop-in file. sudo reads the files of the folder in the order of their names and uses the last value, so
/// the name begins with the last letter.
pub const PATH: &str = "/etc/sudoers.d/zz-twinlock";
/// Start of the first line of a drop-in file that setup has written.
const MARK: &str = "# twinlock setup:";
/// The main file of sudo, and the folder with drop-in files that it includes.
const MAIN: &str = "/etc/sudoers";
const FOLDER: &str = "/etc/sudoers.d";
/// Start of the names of the private folders with copies of sudo's files.
const COPIES: &str = "twinlock-sudoers.";
/// Maximum number of minutes that setup accepts: a day.
pub const MINUTES_MAX: u16 = 1440;

/// Why setup does not write its drop-in file for sudo.
#[derive(Debug)]
pub enum SudoersError {
    /// sudo's files cannot be copied, or a program of sudo cannot be run.
    Unknown(String),
    /// /etc/sudoers does not include the folder of the drop-in file.
    NotIncluded,
    /// visudo(8) does not accept the files. The text is its error message.
    Refused(String),
    /// Another line sets a longer time: for all users, or for some users, hosts or commands.
    Overridden,
}

impl fmt::Display for SudoersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(why) => write!(f, "{PATH} cannot be checked: {why}"),
            Self::NotIncluded => write!(f, "{MAIN} does not include {FOLDER}"),
            Self::Refused(said) => write!(f, "visudo does not accept the files of sudo: {said}"),
            Self::Overridden => {
                f.write_str("another line of sudoers sets a longer timestamp_timeout")
            }
        }
    }
}

impl core::error::Error for SudoersError {}

impl From<io::Error> for SudoersError {
    fn from(error: io::Error) -> Self {
        Self::Unknown(error.to_string())
    }
}

impl SudoersError {
    /// Returns what the administrator can do about the error.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unknown(_) => {
                "Leave out --timestamp-timeout, and write `Defaults timestamp_timeout=MINUTES` by hand (`visudo`)."
            }
            Self::NotIncluded => {
                "Add the line `@includedir /etc/sudoers.d` at its end (`visudo`), and run setup again."
            }
            Self::Refused(_) => "Correct what `visudo -c` reports, and run setup again.",
            Self::Overridden => {
                "Remove it (`grep -r timestamp_timeout /etc/sudoers /etc/sudoers.d` finds it), and run setup again."
            }
        }
    }
}

/// Returns the text of the drop-in file that makes sudo ask again `minutes` after a code.
#[must_use]
pub fn drop_in(minutes: u16) -> String {
    format!(
        "{MARK} sudo --timestamp-timeout {minutes}\n# `twinlock teardown sudo` removes this file. sudo uses the last value that it reads.\nDefaults timestamp_timeout={minutes}\n"
    )
}

/// Returns whether setup has written the drop-in file that has this text.
#[must_use]
pub fn is_ours(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Checks the drop-in file for `minutes` with copies of sudo's files before it is written: visudo accepts all files, and
/// no other line sets a longer time.
///
/// # Errors
/// [`SudoersError`] if the file must not be written.
pub fn check(minutes: u16) -> Result<(), SudoersError> {
    let copies = SudoersCopies::new()?;
    let main = copies.fill(&drop_in(minutes))?;
    let mut command = Command::new(programs::whole_path("visudo"));
    command
        .args(["-c", "-f"])
        .arg(&main)
        .env_clear()
        .env("PATH", programs::PATH)
        .env("LC_ALL", "C");
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let said =
            String::from_utf8_lossy(&said).replace(&copies.folder.display().to_string(), "/etc");
        return Err(SudoersError::Refused(said.lines().next().unwrap_or_default().to_owned()));
    }
    let unknown = |why: &str| Err(SudoersError::Unknown(why.to_owned()));
    let host = ExaminedMachine::new(PathBuf::from("/"), None);
    match host.sudoers(&main.display().to_string()) {
        SudoersOutput::Json(json) => match sudoers::read(&json) {
            Ok(found) if is_used(&found, minutes) => Ok(()),
            Ok(_) => Err(SudoersError::Overridden),
            Err(why) => unknown(&why),
        },
        SudoersOutput::Refused(said) => unknown(&said),
        SudoersOutput::NoProgram => unknown("cvtsudoers is not installed"),
    }
}

/// Returns whether sudo asks every user again after `minutes` at the latest.
fn is_used(found: &Sudoers, minutes: u16) -> bool {
    let minutes = f64::from(minutes);
    found.timeout_of_all == Some(minutes)
        && found.timeout_of_some.is_none_or(|other| (0.0..=minutes).contains(&other))
}

/// Returns the text of the main file with the folder `to` in place of [`FOLDER`]; `None` if no line includes the folder.
fn redirected(text: &str, to: &str) -> Option<String> {
    let mut is_included = false;
    let mut out = String::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let own = match words.as_slice() {
            ["@includedir" | "#includedir", path] => {
                path.trim_matches('"').trim_end_matches('/') == FOLDER
            }
            _ => false,
        };
        is_included |= own;
        let include = format!("@includedir {to}");
        out.push_str(if own { &include } else { line });
        out.push('\n');
    }
    is_included.then_some(out)
}

/// A private folder with copies of sudo's files, which is removed when this value is dropped.
struct SudoersCopies {
    folder: PathBuf,
}

impl SudoersCopies {
    fn new() -> io::Result<Self> {
        let place = Path::new("/run");
        // A process that was killed has left its folder.
        for folder in replace::abandoned(place, COPIES) {
            let _ = fs::remove_dir_all(folder);
        }
        let folder = place.join(format!("{COPIES}{}", replace::unique()?));
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self { folder })
    }

    /// Copies sudo's files, with `drop_in` as the text of setup's file. Returns the path of the copied main file.
    fn fill(&self, drop_in: &str) -> Result<PathBuf, SudoersError> {
        let copy = self.folder.join("sudoers.d");
        DirBuilder::new().mode(0o700).create(&copy)?;
        for entry in fs::read_dir(FOLDER)? {
            let path = entry?.path();
            let Some(name) = path.file_name().filter(|_| path.is_file() && path != Path::new(PATH))
            else {
                continue;
            };
            write(&copy.join(name), &fs::read(&path)?)?;
        }
        let own = Path::new(PATH).file_name().unwrap_or_default();
        write(&copy.join(own), drop_in.as_bytes())?;
        let text = fs::read_to_string(MAIN)?;
        let text = redirected(&text, &copy.display().to_string());
        let main = self.folder.join("sudoers");
        write(&main, text.ok_or(SudoersError::NotIncluded)?.as_bytes())?;
        Ok(main)
    }
}

impl Drop for SudoersCopies {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o440).open(path)?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_include_of_the_folder_is_redirected() {
        let text = "Defaults env_reset\n@include /etc/other\n#includedir \"/etc/sudoers.d/\"\n";
        let expected = "Defaults env_reset\n@include /etc/other\n@includedir /run/x\n";
        assert_eq!(redirected(text, "/run/x").as_deref(), Some(expected));
        assert_eq!(redirected("# @includedir /etc/sudoers.d\n", "/run/x"), None);
    }

    #[test]
    fn a_longer_time_of_another_line_is_found() {
        let found = |of_all, of_some| Sudoers {
            timeout_of_all: of_all,
            timeout_of_some: of_some,
            ..Sudoers::default()
        };
        assert!(is_used(&found(Some(5.0), None), 5) && is_used(&found(Some(5.0), Some(2.0)), 5));
        for (of_all, of_some) in
            [(None, None), (Some(15.0), None), (Some(5.0), Some(6.0)), (Some(5.0), Some(-1.0))]
        {
            assert!(!is_used(&found(of_all, of_some), 5));
        }
        assert!(is_ours(&drop_in(0)));
    }
}
