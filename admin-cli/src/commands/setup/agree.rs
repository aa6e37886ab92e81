//! Shows who gets in without a code, and asks whether this is intended.

use std::io::{IsTerminal, stdin};

use crate::{
    commands::setup::people::OpenWay,
    error::exit::{CliError, Exit},
    terminal::keyboard::{InputLine, Keyboard, tell},
    text::{WIDTH, count, plain, wrap},
};

/// Shows which logins will need no code. Then asks the caller to type yes, unless `--yes` was given (`yes`).
///
/// # Errors
/// [`CliError`] if the answer is not yes, or there is no terminal to ask at.
pub(super) fn ask(keyboard: &mut Keyboard, open: &[&OpenWay], yes: bool) -> Result<(), CliError> {
    if open.is_empty() {
        return Ok(());
    }
    for way in open {
        tell(&format!("{}\n", wrap(&said(way), WIDTH, 2)));
    }
    if yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        return Err(CliError::new(
            Exit::Refused,
            "there is no terminal to ask whether they may get in without a code; nothing was changed",
            "Run it at a terminal, or give --yes.",
        ));
    }
    match keyboard.ask("Type yes to continue: ")? {
        InputLine::Typed(line) if line.trim() == "yes" => Ok(()),
        InputLine::Typed(_) | InputLine::End | InputLine::Interrupted => {
            Err(CliError::new(Exit::Interrupted, "stopped; nothing was changed", "Type: yes"))
        }
    }
}

/// Returns a sentence such as `--group admins: gets in without a code: 2 accounts (bob, eve).`
fn said(way: &OpenWay) -> String {
    let mut names = way.names.iter().map(|name| plain(name)).collect::<Vec<_>>().join(", ");
    let more = way.count.saturating_sub(way.names.len());
    if more > 0 {
        names.push_str(&format!(", and {more} more"));
    }
    if !names.is_empty() {
        names = format!(" ({names})");
    }
    let condition = way.condition.as_deref().map(plain).unwrap_or_default();
    format!(
        "{}: gets in without a code{condition}: {}{names}.",
        plain(&way.option),
        count(way.count, "account")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_and_odd_bytes_are_not_printed() {
        let mut way = OpenWay::new("--group g".to_owned(), None);
        assert_eq!(said(&way), "--group g: gets in without a code: 0 accounts.");
        way.add("e\u{1b}[2Jve");
        assert_eq!(said(&way).matches('\u{1b}').count(), 0);
        for number in 0..100_000 {
            way.add(&format!("u{number}"));
        }
        let said = said(&way);
        assert!(said.len() < 200 && said.ends_with(" more)."), "{said}");
        assert!(said.contains("100001 accounts"), "{said}");
    }
}
