//! Findings about users who get in although a factor is missing.
use crate::finding::{Finding, Level};
use crate::judge::case::{Case, Wrong, wrong};
use crate::judge::remedies::KEY_LINE;
use crate::judge::trial::Edit;
use crate::pam::code::PamCode;
use crate::pam::control::ControlAction;
use crate::pam::modules::Second;
use crate::pam::stack::StackKind;
use crate::pam::table::{AssumedRole, CaseRow, Cast, OtherFactorAnswer};
use crate::pam::twinlock::{ModuleAnswer, Stand};

impl Case<'_> {
    /// Returns the finding about those rows of the truth table that have the fault `kind`. The finding describes the
    /// row in which the fewest conditions (modules that test the account or the login) give an unusual answer. `None`
    /// if no row has the fault for certain.
    pub(super) fn door(&self, kind: Wrong) -> Option<Finding> {
        let certain = |row: &&CaseRow| {
            self.table.doubts(row).is_empty() && self.credentials_doubts(row).next().is_none()
        };
        let rows = || {
            let rows = self.table.rows.iter().filter(move |row| wrong(row) == Some(kind));
            rows.filter(certain)
        };
        let possible = |row: &&CaseRow| (self.usable)(row);
        let fewest = |row: &&CaseRow| {
            let broken = matches!(row.world.answer, ModuleAnswer::Broken(_));
            let helped = row.world.other == OtherFactorAnswer::Right;
            (helped, row.unusual(self.table).count(), broken, row.world.key)
        };
        let (row, level) = match rows().filter(possible).min_by_key(fewest) {
            Some(row) => (row, Level::WayIn),
            None => (rows().min_by_key(fewest)?, Level::Warning),
        };
        let place = self.to_blame(kind, row).unwrap_or(self.file.to_owned());
        let when = self.when(row);
        let helper = self.helper(row);
        let (id, what) = match helper {
            Some((_, second)) => words_with(&second.name, kind, &when),
            None => words(kind, &when),
        };
        Some(Finding { level, id, remedy: self.remedy(kind, row), place, what })
    }

    /// Returns one text for each condition (module that tests the account or the circumstances) that does not give its
    /// usual answer in this row of the truth table, such as "`pam_rootok.so` succeeds".
    fn held(&self, row: &CaseRow) -> Vec<String> {
        let needed = |number: usize| {
            let (of, code) =
                (self.table.conditions.get(number)?, row.world.conditions.get(number)?);
            let text = of.text.trim();
            Some(match *code == PamCode::SUCCESS {
                true => format!("`{text}` succeeds"),
                false => format!("`{text}` returns {}", code.name()),
            })
        };
        row.unusual(self.table).filter_map(needed).collect()
    }

    fn when(&self, row: &CaseRow) -> String {
        let held = self.held(row);
        let mut when =
            if held.is_empty() { String::new() } else { format!(" if {}", held.join(" and ")) };
        if let ModuleAnswer::Broken(code) = row.world.answer {
            when.push_str(&format!(" while the module cannot verify and returns {}", code.name()));
        }
        when
    }

    /// Returns `file:line` of the PAM line that is to blame for the fault in this row of the truth table. This is the
    /// line of a module for another second factor that succeeds in the row. If there is none, it is the twinlock line
    /// that did not prevent the login, and otherwise the last line called. `None` if no line was called.
    fn to_blame(&self, kind: Wrong, row: &CaseRow) -> Option<String> {
        let helper = self.helper(row).map(|(line, _)| line);
        helper
            .or_else(|| self.ours(kind, row))
            .or_else(|| self.line(row.steps.last()?.line))
            .map(|line| line.handler.place.to_string())
    }

    fn ours(&self, kind: Wrong, row: &CaseRow) -> Option<&Cast> {
        let said = match kind {
            Wrong::CodeAlone => PamCode::SUCCESS,
            Wrong::ExemptAlone => PamCode::IGNORE,
            Wrong::Open | Wrong::PasswordAlone | Wrong::KeyAlone => match row.world.answer {
                ModuleAnswer::Broken(code) => code,
                ModuleAnswer::Right | ModuleAnswer::Wrong | ModuleAnswer::Exempt => {
                    PamCode::AUTH_ERR
                }
            },
        };
        (row.steps.iter().rev())
            .filter(|step| step.returned == said)
            .filter_map(|step| self.line(step.line))
            .find(|line| matches!(&line.role, AssumedRole::Twinlock(args) if args.stand != Stand::Probe))
    }

    /// Returns the line of a module for another second factor (such as pam_u2f) that succeeds in this row of the truth
    /// table, with what is known about the module; `None` if no such module succeeds.
    fn helper(&self, row: &CaseRow) -> Option<(&Cast, &Second)> {
        let yes = row.steps.iter().filter(|step| {
            row.world.other == OtherFactorAnswer::Right && step.returned == PamCode::SUCCESS
        });
        yes.filter_map(|step| self.line(step.line)).find_map(|line| match &line.role {
            AssumedRole::Second(second) => Some((line, second)),
            AssumedRole::Twinlock(_)
            | AssumedRole::Fixed(_)
            | AssumedRole::Condition(_)
            | AssumedRole::Proof(_)
            | AssumedRole::Idle => None,
        })
    }

    fn remedy(&self, kind: Wrong, row: &CaseRow) -> String {
        if self.helper(row).is_some() {
            return self.recipe();
        }
        let only_ours =
            (self.table.cast.iter()).all(|line| !matches!(line.role, AssumedRole::Proof(_)));
        let Some(line) = self.ours(kind, row) else { return self.recipe() };
        let number = self.table.cast.iter().position(|other| std::ptr::eq(other, line));
        let (write, why) = match kind {
            Wrong::CodeAlone if only_ours => {
                (KEY_LINE.to_owned(), "it refuses users without a key")
            }
            Wrong::PasswordAlone | Wrong::KeyAlone | Wrong::Open => {
                (required(line), "its refusal is then final")
            }
            Wrong::CodeAlone | Wrong::ExemptAlone => return self.recipe(),
        };
        let closes = number.is_some_and(|number| self.closes(kind, &Edit::Replace(number, &write)));
        if closes { format!("Write `{write}` there: {why}.") } else { self.recipe() }
    }
}

fn words(kind: Wrong, when: &str) -> (&'static str, String) {
    match kind {
        Wrong::Open => (
            "open-door",
            format!(
                "Anyone can log in{when}: no line refuses a wrong password together with a wrong code."
            ),
        ),
        Wrong::CodeAlone => (
            "code-alone",
            format!(
                "A code alone is enough for a login{when}: no line before this one must succeed."
            ),
        ),
        Wrong::PasswordAlone => (
            "password-alone",
            format!("A correct password is enough for a login, without a code{when}."),
        ),
        Wrong::KeyAlone => {
            ("key-alone-in-pam", format!("A user with a key passes PAM without a code{when}."))
        }
        Wrong::ExemptAlone => (
            "ignore-passes",
            format!(
                "An exempt account can log in without any factor{when}: the module returns ignore, and the other lines succeed."
            ),
        ),
    }
}

/// Returns the name and the text of the finding about another module (file name `name`) that checks a second factor and
/// thereby grants access. `kind` says what such a login lacks. `when` is part of the text: it names the conditions, and
/// begins with a blank or is empty.
fn words_with(name: &str, kind: Wrong, when: &str) -> (&'static str, String) {
    match kind {
        Wrong::Open => (
            "other-code-alone",
            format!(
                "The factor of {name} alone is enough for a login{when}: without a password, a key or a code of twinlock."
            ),
        ),
        Wrong::ExemptAlone => (
            "other-code-alone",
            format!(
                "The factor of {name} alone is enough for an exempt account{when}: without a password or a key."
            ),
        ),
        Wrong::CodeAlone => (
            "other-code-for-password",
            format!(
                "The factor of {name} replaces the password{when}: with it and a code, a login needs neither a password nor a key."
            ),
        ),
        Wrong::PasswordAlone | Wrong::KeyAlone => (
            "other-code-instead",
            format!(
                "The factor of {name} replaces the code of twinlock{when}: limits and refusals of twinlock do not apply."
            ),
        ),
    }
}

/// Returns the PAM line with the same module and arguments as `line`, but with a control field that refuses the login
/// if the module refuses.
pub(super) fn required(line: &Cast) -> String {
    let StackKind::Module { path, args } = &line.handler.kind else {
        return KEY_LINE.to_owned();
    };
    let decoy = matches!(&line.role, AssumedRole::Twinlock(args) if args.stand == Stand::Failed);
    let control = match line.handler.actions.on(PamCode::SUCCESS) {
        _ if decoy => "[default=die]".to_owned(),
        ControlAction::Jump(count) => format!("[success={count} ignore=ignore default=die]"),
        ControlAction::Ignore
        | ControlAction::Ok
        | ControlAction::Done
        | ControlAction::Bad
        | ControlAction::Die
        | ControlAction::Reset => "required".to_owned(),
    };
    format!("auth {control} {path} {}", args.join(" ")).trim_end().to_owned()
}
