//! Replaces the lines of a PAM file that ask for the password, and restores them.
//!
//! The new lines are enclosed by two marker lines, and each line that they replace stays between the markers as a
//! comment. So the original lines can be restored from the changed file alone, even if other lines have been changed
//! since.

use core::fmt;

/// Beginning of the first marker line of a block.
const BEGIN: &str = "# twinlock setup begin:";
/// The last marker line of a block.
const END: &str = "# twinlock setup end";
/// Beginning of a comment that contains a replaced line.
const KEPT: &str = "#=";

/// Why a PAM file is not changed. The numbers are line numbers, from 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PamEditError {
    /// The marker lines do not form pairs.
    Markers(usize),
    /// A line contains a carriage return, or a character that looks like a blank but does not separate words for
    /// libpam.
    HiddenCharacter(usize),
    /// A backslash joins the line that has to be replaced to another line.
    Continued(usize),
    /// A line that setup has not written names the module.
    Named(usize),
    /// No auth line includes common-auth, with which the host asks for the password.
    NotIncluded,
    /// More than one auth line includes common-auth.
    IncludedTwice(usize),
}

impl fmt::Display for PamEditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Markers(line) => {
                write!(f, "line {line}: the marker lines of setup are not in pairs")
            }
            Self::HiddenCharacter(line) => {
                write!(f, "line {line} has a carriage return or another invisible character")
            }
            Self::Continued(line) => write!(f, "line {line} is continued by a backslash"),
            Self::Named(line) => write!(f, "line {line} names pam_twinlock.so already"),
            Self::NotIncluded => f.write_str("no auth line includes common-auth"),
            Self::IncludedTwice(line) => {
                write!(f, "line {line} includes common-auth a second time")
            }
        }
    }
}

impl core::error::Error for PamEditError {}

impl PamEditError {
    /// Returns what the administrator can do to make the change possible.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Markers(_) => {
                "Remove the incomplete part by hand, or restore the file from a backup."
            }
            Self::HiddenCharacter(_) => "Type the line again in an editor, without that character.",
            Self::Continued(_) => "Write the line without a backslash.",
            Self::Named(_) => {
                "Restore the line of the distribution (`@include common-auth`) in its place, and run setup again; or \
                 keep your own lines and check them with `twinlock doctor`."
            }
            Self::NotIncluded | Self::IncludedTwice(_) => {
                "setup changes files in which one line includes common-auth. Write the lines by hand: \
                 pam_twinlock(8) has them."
            }
        }
    }
}

/// The lines that replace the line that includes common-auth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// The command that writes the block, for the first marker line.
    pub by: String,
    /// The PAM lines, without newlines.
    pub lines: Vec<String>,
}

/// Returns the file as it was before setup.
///
/// # Errors
/// [`PamEditError::Markers`] if the marker lines do not form pairs.
pub fn restored(text: &str) -> Result<String, PamEditError> {
    let mut out = String::new();
    let mut begun = None;
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let content = line.trim_end_matches('\n');
        let is_begin = content.starts_with(BEGIN);
        match begun {
            None if is_begin => begun = Some(number),
            None if content == END => return Err(PamEditError::Markers(number)),
            None => out.push_str(line),
            Some(_) if is_begin => return Err(PamEditError::Markers(number)),
            Some(_) if content == END => begun = None,
            Some(_) => out.push_str(line.strip_prefix(KEPT).unwrap_or_default()),
        }
    }
    match begun {
        Some(number) => Err(PamEditError::Markers(number)),
        None => Ok(out),
    }
}

/// Returns whether the file has lines that setup has written.
#[must_use]
pub fn is_set_up(text: &str) -> bool {
    text.lines().any(|line| line.starts_with(BEGIN))
}

/// Returns the file with the block in place of the line that includes common-auth. A block of an earlier setup is
/// replaced.
///
/// # Errors
/// [`PamEditError`] if setup does not change files of this form.
pub fn with_block(text: &str, block: &Block) -> Result<String, PamEditError> {
    let stock = restored(text)?;
    let place = included_at(&stock)?;
    let mut out = String::new();
    for (number, line) in (1..).zip(stock.split_inclusive('\n')) {
        if number != place {
            out.push_str(line);
            continue;
        }
        let kept = line.trim_end_matches('\n');
        out.push_str(&format!("{BEGIN} {}\n{KEPT}{kept}\n", block.by));
        block.lines.iter().for_each(|one| out.push_str(&format!("{one}\n")));
        out.push_str(&format!("{END}\n"));
    }
    Ok(out)
}

/// Returns the number, from 1, of the line that includes common-auth.
fn included_at(text: &str) -> Result<usize, PamEditError> {
    let mut found = None;
    let mut continued = false;
    for (number, line) in (1..).zip(text.lines_with_returns()) {
        let is_comment = line.trim_start().starts_with('#');
        let visible = line.split('#').next().unwrap_or_default();
        if visible.contains(is_hidden) {
            return Err(PamEditError::HiddenCharacter(number));
        }
        if names_module(visible) {
            return Err(PamEditError::Named(number));
        }
        let goes_on = !is_comment && line.trim_end().ends_with('\\');
        if includes(&visible.replace('\\', " ")) {
            if continued || goes_on {
                return Err(PamEditError::Continued(number));
            }
            if found.is_some() {
                return Err(PamEditError::IncludedTwice(number));
            }
            found = Some(number);
        }
        continued = goes_on;
    }
    found.ok_or(PamEditError::NotIncluded)
}

/// Splits a text at newlines only, so that carriage returns stay visible.
trait LinesWithReturns {
    fn lines_with_returns(&self) -> core::str::SplitTerminator<'_, char>;
}

impl LinesWithReturns for str {
    fn lines_with_returns(&self) -> core::str::SplitTerminator<'_, char> {
        self.split_terminator('\n')
    }
}

/// Reports whether libpam takes a character for a part of a word, although an editor shows a blank or nothing.
fn is_hidden(letter: char) -> bool {
    letter != '\t' && (letter.is_control() || !letter.is_ascii() && !letter.is_alphanumeric())
}

/// Reports whether an auth line includes common-auth.
fn includes(line: &str) -> bool {
    let words: Vec<String> = line.split_whitespace().map(str::to_ascii_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["@include", "common-auth"]
            | ["auth" | "-auth", "include" | "substack", "common-auth"]
            | ["@include", "/etc/pam.d/common-auth"]
            | ["auth" | "-auth", "include" | "substack", "/etc/pam.d/common-auth"]
    )
}

fn names_module(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let kind = words.next().unwrap_or_default().trim_start_matches('-');
    kind.eq_ignore_ascii_case("auth")
        && words.any(|word| word.rsplit('/').next() == Some("pam_twinlock.so"))
}

#[cfg(test)]
mod tests;
