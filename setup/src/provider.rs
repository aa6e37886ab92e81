//! Reads how the host's common-auth asks for a password, and computes the PAM lines that ask for the factors.

use twinlock_doctor::pam::{
    line::{LineReader, fields, lines},
    load::{self, Files, UnreadableError},
    modules::file_name,
    stack::{Facility, StackKind},
    twinlock::MODULE,
};

use crate::wishes::With;

/// Width, in characters, of the type and of the control field in the lines that setup writes, as in Debian's files.
const TYPE_WIDTH: usize = 11;
const CONTROL_WIDTH: usize = 28;
/// Arguments of pam_unix that setup does not copy. With `nullok`, an empty password is accepted, and the code would be
/// the only factor. `nodelay` is left out because [`password_module`] adds it to each line.
const LEFT_OUT: [&str; 3] = ["nullok", "nullok_secure", "nodelay"];

/// How the auth lines of common-auth ask for a password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Provider {
    /// The lines name one or more modules, and it is enough if one of them succeeds: this module then jumps to
    /// pam_permit. pam-auth-update(8) writes this form.
    Chain {
        /// Each module, followed by its arguments.
        modules: Vec<Vec<String>>,
        /// Modules of `optional` lines after pam_permit, each followed by its arguments.
        optional: Vec<Vec<String>>,
    },
    /// The lines have another form. Setup then includes common-auth and copies no line of it.
    Other,
}

impl Provider {
    /// Parses the text of common-auth.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let parsed = lines(text, LineReader::default());
        let of_line = |line: &str| {
            let words = fields(line);
            let [kind, control, module, args @ ..] = words.as_slice() else { return None };
            kind.eq_ignore_ascii_case("auth")
                .then(|| (control.clone(), [core::slice::from_ref(module), args].concat()))
        };
        let all: Option<Vec<_>> = parsed.complete.iter().map(|line| of_line(&line.text)).collect();
        // An invisible character would be copied into the new lines.
        let is_plain = text.chars().all(|one| !one.is_control() || "\n\t".contains(one));
        match all.filter(|_| parsed.cut.is_none() && is_plain) {
            Some(all) => chain(&all).unwrap_or(Self::Other),
            None => Self::Other,
        }
    }
}

/// Returns [`Provider::Chain`] if each module jumps to pam_permit and all later lines are optional; otherwise `None`.
/// Each element of `all` is a line: the control field, then the module and its arguments. A line of twinlock's own is
/// never copied, so that no login is asked twice.
fn chain(all: &[(String, Vec<String>)]) -> Option<Provider> {
    let count = all.iter().position(|(_, words)| is(words, "pam_deny.so"))?;
    let asks = all.iter().any(|(_, words)| is(words, MODULE));
    let (first, rest) = all.split_at(count);
    let [(deny, _), (permit, permits), after @ ..] = rest else { return None };
    let jumps = first.iter().enumerate().all(|(number, (control, _))| {
        let mut parts: Vec<&str> = control.split_whitespace().collect();
        parts.sort_unstable();
        parts == ["default=ignore", &format!("success={}", count - number)]
    });
    let ends = deny == "requisite" && permit == "required" && is(permits, "pam_permit.so");
    let optional = after.iter().all(|(control, _)| control == "optional");
    (count > 0 && jumps && ends && optional && !asks).then(|| Provider::Chain {
        modules: first.iter().map(|(_, words)| words.clone()).collect(),
        optional: after.iter().map(|(_, words)| words.clone()).collect(),
    })
}

fn is(words: &[String], module: &str) -> bool {
    words.first().is_some_and(|word| word.rsplit('/').next() == Some(module))
}

/// Reports whether common-auth, or a file that it includes, calls twinlock's module.
///
/// # Errors
/// [`UnreadableError`] if one of these files exists and cannot be read.
pub fn asks(files: &dyn Files) -> Result<bool, UnreadableError> {
    let common = load::load(files, "common-auth")?;
    let calls = |kind: &StackKind| match kind {
        StackKind::Module { path, .. } => file_name(path) == MODULE,
        StackKind::Substack | StackKind::Broken => false,
    };
    let found = common.lines(Facility::Auth).iter().any(|line| calls(&line.kind));
    Ok(found && common.file.is_some())
}

/// Returns the auth lines that ask for the factors `with`. `include` is the line that includes common-auth. Returns
/// `None` if the factors are [`With::Both`] and common-auth has a form that cannot be combined with a key
/// ([`Provider::Other`]).
#[must_use]
pub fn auth_lines(provider: &Provider, with: With, include: &str) -> Option<Vec<String>> {
    let ours = |control: &str, factor: &str| line(control, &format!("pam_twinlock.so {factor}"));
    match (with, provider) {
        (With::Publickey, Provider::Chain { optional, .. }) => {
            let mut all = vec![ours("required", "first_factor=publickey")];
            all.extend(optional.iter().map(|words| line("optional", &words.join(" "))));
            Some(all)
        }
        (With::Publickey, Provider::Other) => {
            Some(vec![ours("required", "first_factor=publickey")])
        }
        (With::Password | With::KeyAndPassword, Provider::Other) => {
            Some(vec![include.to_owned(), ours("required", "first_factor=stack")])
        }
        (With::Both, Provider::Other) => None,
        (
            With::Password | With::KeyAndPassword | With::Both,
            Provider::Chain { modules, optional },
        ) => {
            let count = modules.len();
            let jump = |over: usize| format!("[success={over} default=ignore]");
            let mut all = Vec::new();
            if with == With::Both {
                all.push(ours(&jump(count + 2), "probe=publickey"));
            }
            for (number, words) in modules.iter().enumerate() {
                all.push(line(&jump(count - number + 1), &password_module(words)));
            }
            all.push(ours("[default=die]", "first_factor=failed"));
            all.push(line("requisite", "pam_deny.so"));
            all.push(line("required", "pam_permit.so"));
            all.push(ours("requisite", "first_factor=stack"));
            all.extend(optional.iter().map(|words| line("optional", &words.join(" "))));
            Some(all)
        }
    }
}

/// Returns a module that asks for the password, with its arguments. pam_unix gets `nodelay`, because its delay would
/// show that the password was wrong; twinlock's module delays after every password, right or wrong.
fn password_module(words: &[String]) -> String {
    if !is(words, "pam_unix.so") {
        return words.join(" ");
    }
    let mut kept: Vec<&str> =
        words.iter().map(String::as_str).filter(|word| !LEFT_OUT.contains(word)).collect();
    kept.push("nodelay");
    kept.join(" ")
}

fn line(control: &str, module: &str) -> String {
    format!("{:TYPE_WIDTH$}{control:CONTROL_WIDTH$}{module}", "auth")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "# a comment\nauth\t[success=1 default=ignore]\tpam_unix.so nullok\nauth\trequisite\t\t\tpam_deny.so\nauth\trequired\t\t\tpam_permit.so\n";
    const WITH_SSS: &str = "auth [success=2 default=ignore] pam_unix.so nullok\nauth [success=1 default=ignore] pam_sss.so use_first_pass\nauth requisite pam_deny.so\nauth required pam_permit.so\nauth optional pam_cap.so\n";

    fn written(text: &str, with: With) -> String {
        let lines = auth_lines(&Provider::read(text), with, "@include common-auth").unwrap();
        let words = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.iter().map(words).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn debians_chain_becomes_the_shipped_lines() {
        let password = "auth [success=2 default=ignore] pam_unix.so nodelay\nauth [default=die] pam_twinlock.so first_factor=failed\nauth requisite pam_deny.so\nauth required pam_permit.so\nauth requisite pam_twinlock.so first_factor=stack";
        assert_eq!(written(DEBIAN, With::Password), password);
        assert_eq!(written(DEBIAN, With::KeyAndPassword), password);
        let probe = "auth [success=3 default=ignore] pam_twinlock.so probe=publickey\n";
        assert_eq!(written(DEBIAN, With::Both), format!("{probe}{password}"));
        let key = "auth required pam_twinlock.so first_factor=publickey";
        assert_eq!(written(DEBIAN, With::Publickey), key);
    }

    #[test]
    fn each_module_of_the_host_jumps_to_the_same_line() {
        assert_eq!(
            written(WITH_SSS, With::Both),
            "auth [success=4 default=ignore] pam_twinlock.so probe=publickey\nauth [success=3 default=ignore] pam_unix.so nodelay\nauth [success=2 default=ignore] pam_sss.so use_first_pass\nauth [default=die] pam_twinlock.so first_factor=failed\nauth requisite pam_deny.so\nauth required pam_permit.so\nauth requisite pam_twinlock.so first_factor=stack\nauth optional pam_cap.so"
        );
        assert!(written(WITH_SSS, With::Publickey).ends_with("\nauth optional pam_cap.so"));
    }

    #[test]
    fn other_forms_are_not_taken_apart() {
        for text in [
            "",
            "auth sufficient pam_unix.so\nauth required pam_deny.so\n",
            &DEBIAN.replace("success=1", "success=2"),
            &DEBIAN.replace("default=ignore", "default=ok"),
            &DEBIAN.replace("requisite", "required"),
            &DEBIAN.replace("pam_permit.so", "pam_permit.so\nauth required pam_faillock.so"),
            &DEBIAN.replace("pam_deny.so", "pam_deny.so \\"),
            &DEBIAN.replace('\n', "\r\n"),
            &format!("auth required pam_faildelay.so\n{DEBIAN}"),
            &format!("@include other\n{DEBIAN}"),
            &format!("{DEBIAN}auth optional pam_twinlock.so first_factor=stack\n"),
        ] {
            assert_eq!(Provider::read(text), Provider::Other, "{text}");
        }
        let lines = auth_lines(&Provider::Other, With::Password, "@include common-auth").unwrap();
        assert_eq!(lines.first().unwrap(), "@include common-auth");
        assert_eq!(auth_lines(&Provider::Other, With::Both, "@include common-auth"), None);
    }
}
