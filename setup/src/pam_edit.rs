//! Edits a PAM file: puts other lines in place of the line that includes common-auth, and restores this line.
//!
//! The new lines are enclosed by two marker lines, and the replaced line stays between the markers as a comment. So the
//! original line can be restored from the changed file alone, even if other lines have been edited since.

use core::fmt;

/// Start of the first marker line of a block.
const BEGIN: &str = "# twinlock setup begin:";
/// Last marker line of a block.
const END: &str = "# twinlock setup end";
/// Start of a comment that contains a replaced line.
const KEPT: &str = "#=";

/// Why setup does not change a PAM file. The number in a variant is the number of a line of the file, from 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PamEditError {
    /// Of the two marker lines around setup's block of lines, the first or the last one is missing. The number is that
    /// of the line whose counterpart is missing.
    Markers(usize),
    /// A line contains a hidden character: a carriage return, or a character that looks like a blank but that libpam
    /// reads as part of a word.
    HiddenCharacter(usize),
    /// The line to be replaced is joined to another line by a backslash.
    Continued(usize),
    /// A line that setup has not written calls twinlock's module.
    Named(usize),
    /// No auth line includes common-auth, the file by which the host asks for the password.
    NotIncluded,
    /// Two auth lines include common-auth. The number is that of the second one.
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
    /// Returns what the administrator can do so that setup can change the file.
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

/// The lines that setup writes in place of the line that includes common-auth.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// The command that writes the block, which the first marker line names.
    pub by: String,
    /// The PAM lines, each without a newline.
    pub lines: Vec<String>,
}

/// Returns the text of a PAM file without setup's block, with the replaced line in its place.
///
/// # Errors
/// [`PamEditError::Markers`] if a marker line has no counterpart.
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

/// Returns whether the text of a PAM file contains a block of setup.
#[must_use]
pub fn is_set_up(text: &str) -> bool {
    text.lines().any(|line| line.starts_with(BEGIN))
}

/// Returns the text of a PAM file with the block in place of the line that includes common-auth, or in place of a block
/// of an earlier setup.
///
/// # Errors
/// [`PamEditError`] if setup does not change such a file.
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

/// Returns the number, from 1, of the line that includes common-auth; an error if setup does not change such a file.
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

/// Splits a text at newlines only. [`str::lines`] would remove carriage returns.
trait LinesWithReturns {
    fn lines_with_returns(&self) -> core::str::SplitTerminator<'_, char>;
}

impl LinesWithReturns for str {
    fn lines_with_returns(&self) -> core::str::SplitTerminator<'_, char> {
        self.split_terminator('\n')
    }
}

/// Reports whether the character is hidden: an editor shows it as a blank or not at all, and libpam reads it as part of
/// a word.
fn is_hidden(letter: char) -> bool {
    letter != '\t' && (letter.is_control() || !letter.is_ascii() && !letter.is_alphanumeric())
}

/// Reports whether the line is an auth line, or Debian's `@include`, that includes common-auth.
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

/// Reports whether an auth line, or Debian's `@include`, includes the PAM file of one of these services.
#[must_use]
pub fn includes_one_of(text: &str, services: &[String]) -> bool {
    text.lines().any(|line| {
        let visible = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = visible.split_whitespace().collect();
        let included = match words.as_slice() {
            ["@include", name] | ["auth" | "-auth", "include" | "substack", name] => name,
            _ => return false,
        };
        services.iter().any(|service| service == included)
    })
}

fn names_module(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let kind = words.next().unwrap_or_default().trim_start_matches('-');
    kind.eq_ignore_ascii_case("auth")
        && words.any(|word| word.rsplit('/').next() == Some("pam_twinlock.so"))
}

#[cfg(test)]
mod tests;
