//! Control fields of PAM lines: the action for each return code of a module.
use crate::pam::code::{CODES, PamCode, all};

/// Effect of a module's return code on the stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlAction {
    /// The return code does not change the result of the stack.
    Ignore,
    /// The result becomes success, unless it is already a failure.
    Ok,
    /// Like `Ok`. If the result is then success, the stack also ends.
    Done,
    /// The result becomes failure, and the stack goes on with the next line.
    Bad,
    /// The result becomes failure, and the stack ends.
    Die,
    /// The result becomes what it was at the start of the stack or substack.
    Reset,
    /// The next lines are skipped. Holds their number.
    Jump(u32),
}

/// The action for each PAM return code, by [`PamCode::index`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actions([ControlAction; CODES]);

/// Meaning of the control field of a PAM line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Control {
    /// The line calls a module, with these actions.
    Actions(Box<Actions>),
    /// The line calls a module, but libpam cannot parse the control field. The text says why. libpam then treats every
    /// return code as a failure.
    UnreadableError(String),
    /// The lines of another file are inserted.
    Include,
    /// The lines of another file run as a stack of their own, whose result counts as that of one line.
    Substack,
}

/// Words for actions. libpam accepts a text that begins with one of them, and tries them in the order of this list.
const WORDS: [(&str, ControlAction); 6] = [
    ("ignore", ControlAction::Ignore),
    ("ok", ControlAction::Ok),
    ("done", ControlAction::Done),
    ("bad", ControlAction::Bad),
    ("die", ControlAction::Die),
    ("reset", ControlAction::Reset),
];

impl Actions {
    /// Returns the action for a return code.
    #[must_use]
    pub fn on(&self, code: PamCode) -> ControlAction {
        self.0.get(code.index()).copied().unwrap_or(ControlAction::Bad)
    }

    /// Reports whether some return code makes the line jump.
    #[must_use]
    pub fn jumps(&self) -> bool {
        self.0.iter().any(|action| matches!(action, ControlAction::Jump(_)))
    }

    /// Returns the actions that treat every return code as a failure ([`ControlAction::Bad`]).
    #[must_use]
    pub fn bad() -> Self {
        Self([ControlAction::Bad; CODES])
    }

    fn simple(yes: ControlAction, ignore: ControlAction, others: ControlAction) -> Self {
        let mut table = Draft::default();
        table.set(PamCode::SUCCESS, yes);
        table.set(PamCode::NEW_AUTHTOK_REQD, yes);
        table.set(PamCode::IGNORE, ignore);
        table.finish(others)
    }
}

/// Parses a control field. `field` is a word, or the text between the brackets.
#[must_use]
pub fn parse(field: &str) -> Control {
    let actions = match field.to_ascii_lowercase().as_str() {
        "required" => Actions::simple(ControlAction::Ok, ControlAction::Ignore, ControlAction::Bad),
        "requisite" => {
            Actions::simple(ControlAction::Ok, ControlAction::Ignore, ControlAction::Die)
        }
        "optional" => {
            Actions::simple(ControlAction::Ok, ControlAction::Ignore, ControlAction::Ignore)
        }
        "sufficient" => {
            Actions::simple(ControlAction::Done, ControlAction::Ignore, ControlAction::Ignore)
        }
        "include" => return Control::Include,
        "substack" => return Control::Substack,
        _ => match brackets(field) {
            Ok(actions) => actions,
            Err(expected) => return Control::UnreadableError(expected),
        },
    };
    Control::Actions(Box::new(actions))
}

/// Actions of a control field that is being parsed; `None` for a return code that has no action yet. A later pair
/// `code=action` replaces an earlier one, and `default` sets the action of all codes that have none.
#[derive(Default)]
struct Draft([Option<ControlAction>; CODES]);

impl Draft {
    fn set(&mut self, code: PamCode, action: ControlAction) {
        if let Some(entry) = self.0.get_mut(code.index()) {
            *entry = Some(action);
        }
    }

    fn fill(&mut self, action: ControlAction) {
        for entry in &mut self.0 {
            entry.get_or_insert(action);
        }
    }

    fn finish(self, default: ControlAction) -> Actions {
        Actions(self.0.map(|entry| entry.unwrap_or(default)))
    }
}

fn brackets(field: &str) -> Result<Actions, String> {
    let mut table = Draft::default();
    let mut rest = skip_space(field);
    while !rest.is_empty() {
        let (code, after) = code_word(rest)?;
        let after = skip_space(after)
            .strip_prefix('=')
            .ok_or_else(|| format!("`=` is missing before `{after}`"))?;
        let (action, after) = action_word(skip_space(after))?;
        match code {
            Some(code) => table.set(code, action),
            None => table.fill(action),
        }
        rest = skip_space(after);
    }
    Ok(table.finish(ControlAction::Bad))
}

/// Splits the name of a return code from the start of the text, and returns the code and the rest. The code is `None`
/// for the word `default`.
fn code_word(text: &str) -> Result<(Option<PamCode>, &str), String> {
    all()
        .find_map(|code| Some((Some(code), text.strip_prefix(code.name())?)))
        .or_else(|| Some((None, text.strip_prefix("default")?)))
        .filter(|(_, rest)| !rest.is_empty())
        .ok_or_else(|| format!("`{text}` does not begin with the name of a return code"))
}

fn action_word(text: &str) -> Result<(ControlAction, &str), String> {
    if let Some(found) =
        WORDS.iter().find_map(|(word, action)| Some((*action, text.strip_prefix(word)?)))
    {
        return Ok(found);
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    match digits.parse::<u32>() {
        Ok(count) if count > 0 => Ok((ControlAction::Jump(count), rest)),
        Ok(_) | Err(_) => Err(format!("`{text}` does not begin with an action")),
    }
}

/// Returns the text without leading whitespace, as C's isspace defines it.
fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(field: &str, code: &str) -> ControlAction {
        let Control::Actions(actions) = parse(field) else {
            panic!("{field}");
        };
        actions.on(PamCode::from_name(code).unwrap())
    }

    #[test]
    fn the_four_words() {
        for (word, success, ignore, failure) in [
            ("required", ControlAction::Ok, ControlAction::Ignore, ControlAction::Bad),
            ("Requisite", ControlAction::Ok, ControlAction::Ignore, ControlAction::Die),
            ("optional", ControlAction::Ok, ControlAction::Ignore, ControlAction::Ignore),
            ("SUFFICIENT", ControlAction::Done, ControlAction::Ignore, ControlAction::Ignore),
        ] {
            assert_eq!(on(word, "success"), success);
            assert_eq!(on(word, "new_authtok_reqd"), success);
            assert_eq!(on(word, "ignore"), ignore);
            assert_eq!(on(word, "perm_denied"), failure);
        }
        assert_eq!(parse("include"), Control::Include);
        assert_eq!(parse("SubStack"), Control::Substack);
    }

    #[test]
    fn pairs_between_brackets() {
        let field = "success=2 new_authtok_reqd = ok\tdefault=ignore auth_err=die";
        assert_eq!(on(field, "success"), ControlAction::Jump(2));
        assert_eq!(on(field, "new_authtok_reqd"), ControlAction::Ok);
        assert_eq!(on(field, "auth_err"), ControlAction::Die);
        assert_eq!(on(field, "abort"), ControlAction::Ignore);
        assert_eq!(on("success=okdefault=ignore", "abort"), ControlAction::Ignore);
        assert_eq!(on("success=ok", "ignore"), ControlAction::Bad);
        assert_eq!(on("success=ok success=done", "success"), ControlAction::Done);
        assert_eq!(on("", "success"), ControlAction::Bad);
    }

    #[test]
    fn what_libpam_cannot_read_is_bad_for_every_code() {
        for field in [
            "success",
            "sucess=ok",
            "success=okay",
            "success=0",
            "success=-1",
            "success ok",
            "success=",
            "requird",
        ] {
            assert!(matches!(parse(field), Control::UnreadableError(_)), "{field}");
        }
    }
}
