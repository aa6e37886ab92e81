//! Remedies for issues in sshd's settings: which lines to write, and into which files.
use crate::judge::case::Reach;
use crate::judge::remedies::{BOTH_METHODS, KEY_METHODS, PASSWORD_METHODS};
use crate::pam::code::PamCode;
use crate::pam::control::{Control, ControlAction, parse};
use crate::pam::stack::{LinePlace, StackKind};
use crate::pam::table::{AssumedRole, CaseRow, CaseTable, Cast};
use crate::sshd::complete::MethodHindrance;
use crate::sshd::config::Directive;
use crate::sshd::effective::Gate;
use crate::sshd::judge::SshdFacts;
use crate::sshd::judge::issue::{Issue, issues, known_reach};

/// Maximum number of lines that are added to the first lines of a remedy. If more would be needed, there is no remedy.
const MOST_LINES: usize = 6;
const NO_TEXT: &str = "PasswordAuthentication no";
const OLD_PROMPTS: &str = "challengeresponseauthentication";

impl SshdFacts {
    /// Returns the remedy for an issue, as text. The remedy names lines with which sshd has no issue left and every
    /// user can complete a login. Returns an empty text if no such lines were found.
    pub(super) fn remedy(&self, kind: &Issue, table: Option<&CaseTable>) -> String {
        if let Issue::Hindered(_, MethodHindrance::Credentials(line), _) = kind {
            return table.map_or(String::new(), |table| word_for_brackets(table, &line.place));
        }
        if let Issue::Hindered(_, MethodHindrance::NoKeys(_), _) = kind {
            return "Remove that setting, or let sshd read an existing file.".to_owned();
        }
        if let Issue::Hindered(_, MethodHindrance::NoFolder(_), _) = kind {
            return "Create the folder, and let only root own and write to it and each folder above it.".to_owned();
        }
        let methods = self.methods();
        let first: &[&str] = match kind {
            Issue::NoPamOpen | Issue::NoPamShut => &["UsePAM yes"],
            Issue::NoPrompts => &["KbdInteractiveAuthentication yes"],
            Issue::KeyAlone | Issue::OtherAlone(_) => &[methods],
            Issue::OneText(_) | Issue::Hindered(_, MethodHindrance::OneText, _) => {
                &[methods, NO_TEXT]
            }
            Issue::Hindered(_, _, _) => &[methods],
            Issue::Kerberos(_) => &["KerberosAuthentication no"],
            Issue::RootShutOut => {
                return "Leave it so and use sudo; or, once root has a record, write `PermitRootLogin yes`.".to_owned();
            }
        };
        if let Some(option) = self.config.options().iter().find(|one| about(one, first)) {
            return format!(
                "Remove `{} {}` from the options of sshd at {}, then restart sshd.",
                option.keyword, option.value, option.place
            );
        }
        let mut lines = first.to_vec();
        for _ in 0..MOST_LINES {
            let Some(line) = self.missing(&lines, table) else { return self.to_write(&lines) };
            if lines.contains(&line) {
                return String::new();
            }
            lines.push(line);
        }
        String::new()
    }

    /// Returns one more line that the base settings need in addition to `lines`, so that every way to log in asks for a
    /// code and users can complete it; `None` if no line is missing.
    fn missing(&self, lines: &[&str], table: Option<&CaseTable>) -> Option<&'static str> {
        let mut after = self.base.clone();
        for line in lines {
            let (word, value) = line.split_once(' ').unwrap_or((line, ""));
            after = after.with(&word.to_ascii_lowercase(), value);
        }
        issues("", &after, table).first().map(|issue| match issue {
            Issue::NoPamOpen | Issue::NoPamShut => "UsePAM yes",
            Issue::NoPrompts => "KbdInteractiveAuthentication yes",
            Issue::Kerberos(_) => "KerberosAuthentication no",
            Issue::Hindered(_, MethodHindrance::Off(method), _) if method == "publickey" => {
                "PubkeyAuthentication yes"
            }
            Issue::Hindered(_, MethodHindrance::Off(method), _)
                if method == "keyboard-interactive" =>
            {
                "KbdInteractiveAuthentication yes"
            }
            Issue::KeyAlone
            | Issue::OtherAlone(_)
            | Issue::OneText(_)
            | Issue::Hindered(_, _, _)
            | Issue::RootShutOut => self.methods(),
        })
    }

    /// Returns the AuthenticationMethods line that all remedies of the report propose. It is the same line in all of
    /// them, so that two remedies do not contradict each other.
    fn methods(&self) -> &'static str {
        match self.wanted {
            Reach { with_key: true, without_key: true } => BOTH_METHODS,
            Reach { with_key: true, without_key: false } => KEY_METHODS,
            Reach { with_key: false, .. } => PASSWORD_METHODS,
        }
    }

    /// Returns whether users log in now with a key, without one, or both, including logins that do not reach PAM. The
    /// administrator is assumed to want PAM to be reached by these same logins after the settings are corrected.
    pub(super) fn meant(&self) -> Reach {
        let mut meant = known_reach(self);
        for way in self.base.ways() {
            let key = way.asks("publickey");
            meant.with_key |= key;
            meant.without_key |= !key && way.gate() != Gate::None;
        }
        if meant.with_key || meant.without_key { meant } else { Reach::EVERY }
    }

    /// Decides whether users are to reach this stack with a key, without one, or both. Stores the decision and returns
    /// it. A stack with a twinlock line and no line that asks for a password is meant only for users with a key.
    pub fn settle(&mut self, table: &CaseTable) -> Reach {
        let any = |wanted: &dyn Fn(&AssumedRole) -> bool| {
            table.cast.iter().any(|line| wanted(&line.role))
        };
        let ours = any(&|role| matches!(role, AssumedRole::Twinlock(_)));
        if self.wanted.with_key && ours && !any(&|role| matches!(role, AssumedRole::Proof(_))) {
            self.wanted.without_key = false;
        }
        self.wanted
    }

    /// Returns a sentence that tells the administrator where to write the lines. If a keyword is already set, its line
    /// has to be changed, because sshd uses the first value of a keyword. The other lines go into a new file.
    pub(super) fn to_write(&self, lines: &[&str]) -> String {
        let change = |line: &&str| {
            Some(format!("change the line at {} to `{line}`", self.set_by(line)?.place))
        };
        let mut steps: Vec<String> = lines.iter().filter_map(change).collect();
        let new = lines.iter().filter(|line| self.set_by(line).is_none());
        let new: Vec<String> = new.map(|line| format!("`{line}`")).collect();
        if !new.is_empty() {
            steps.push(format!("write {} into {}", new.join(" and "), self.file_to_write()));
        }
        let mut steps = steps.join(", ");
        if let Some(first) = steps.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        format!("{steps}, then run `sshd -t` and reload sshd.")
    }

    /// Returns the first setting outside of Match blocks that has the same keyword as `line`; `None` if there is none.
    fn set_by(&self, line: &str) -> Option<&Directive> {
        let keyword = line.split(' ').next()?.to_ascii_lowercase();
        let old = (keyword == "kbdinteractiveauthentication").then_some(OLD_PROMPTS);
        let mut lines = self.config.directives.iter().filter(|one| one.block.is_none());
        lines.find(|one| one.keyword == keyword || Some(one.keyword.as_str()) == old)
    }

    fn file_to_write(&self) -> String {
        self.config.drop_ins.as_ref().map_or_else(
            || format!("{} above every Match line", self.config.file),
            |folder| format!("{folder}/10-twinlock.conf (before any other file that sets it)"),
        )
    }
}

/// Returns a remedy for the line at `place`, whose bracketed control field makes pam_setcred fail. The remedy is to
/// write `required` or `requisite` in place of the brackets, whichever agrees with what the brackets say about success
/// and failure. Returns an empty text if neither agrees, or if no login succeeds with the new control field.
fn word_for_brackets(table: &CaseTable, place: &LinePlace) -> String {
    let of = |line: &Cast| line.handler.place == *place;
    let Some(number) = table.cast.iter().position(of) else { return String::new() };
    let mut cast = table.cast.clone();
    let Some(line) = cast.get_mut(number) else { return String::new() };
    let StackKind::Module { path, args } = line.handler.kind.clone() else { return String::new() };
    let on = |code: PamCode| line.handler.actions.on(code);
    let word = match (on(PamCode::SUCCESS), on(PamCode::AUTH_ERR)) {
        (ControlAction::Ok, ControlAction::Die) => "requisite",
        (ControlAction::Ok, ControlAction::Bad) => "required",
        (_, _) => return String::new(),
    };
    let Control::Actions(actions) = parse(word) else { return String::new() };
    line.handler.actions = *actions;
    let after = CaseTable::of(cast, table.conditions.clone()).with_libpam(table.libpam);
    let words = args.iter().map(|arg| match arg.contains(' ') {
        true => format!(" [{arg}]"),
        false => format!(" {arg}"),
    });
    match after.credentials.code == PamCode::SUCCESS && after.rows.iter().any(CaseRow::passes) {
        true => format!("Write `auth {word} {path}{}` there.", words.collect::<String>()),
        false => String::new(),
    }
}

/// Reports whether one of the lines sets the same keyword as the setting `option`.
fn about(option: &Directive, lines: &[&str]) -> bool {
    lines.iter().any(|line| {
        line.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case(&option.keyword))
    })
}
