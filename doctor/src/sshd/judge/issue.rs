//! Issues in the settings of one user: ways to log in without a code, and ways that no user can complete.
use crate::finding::Level;
use crate::judge::case::Reach;
use crate::pam::stack::LinePlace;
use crate::pam::table::CaseTable;
use crate::sshd::complete::{
    BlamedLine, MethodHindrance, PamEntry, asks_a_code_alone, entry, hindrance,
};
use crate::sshd::effective::{Effective, Gate, Way};
use crate::sshd::judge::{ABOUT_WAYS, SshdFacts};

/// An issue in sshd's settings for one user: a way to log in without a code, or one that cannot be completed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Issue {
    NoPamOpen,
    NoPamShut,
    NoPrompts,
    KeyAlone,
    OtherAlone(Way),
    Kerberos(Way),
    /// A way to log in by the method `password`, by which sshd gives the same text as the answer to every prompt. The
    /// user can enter the code but no password.
    OneText(Way),
    /// A way to log in that no user can complete, the reason, and whether the user can complete another way.
    Hindered(Way, MethodHindrance, Others),
    RootShutOut,
}

/// Whether the user can complete another way to log in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Others {
    Some,
    None,
}

/// Returns whether users reach PAM with a key, without one, or both, by the ways that the settings enable. Both fields
/// are false if no way reaches PAM.
pub(super) fn known_reach(facts: &SshdFacts) -> Reach {
    let mut reach = Reach { without_key: false, with_key: false };
    for (user, effective) in people(facts).into_iter().filter(|(_, one)| one.yes("usepam")) {
        let ways = open_ways(user, effective).into_iter();
        for way in ways.filter(|way| hindrance(way, effective, None).is_none()) {
            match way.gate() {
                Gate::Prompts | Gate::OneText if way.key_before_pam() => reach.with_key = true,
                Gate::Prompts | Gate::OneText if !way.asks("publickey") => reach.without_key = true,
                Gate::Prompts | Gate::OneText | Gate::None => {}
            }
        }
    }
    reach
}

/// Returns how each way to log in reaches PAM. Equal entries are returned once.
#[must_use]
pub fn entries(facts: &SshdFacts) -> Vec<PamEntry> {
    let mut found: Vec<PamEntry> = Vec::new();
    for (user, effective) in people(facts) {
        for one in open_ways(user, effective).iter().filter_map(|way| entry(way, effective)) {
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    found
}

/// Reports whether some user can complete a way to log in that does not call PAM.
#[must_use]
pub fn passes_by_pam(facts: &SshdFacts) -> bool {
    people(facts).into_iter().any(|(user, effective)| {
        let ways = open_ways(user, effective);
        let done = |way: &Way| hindrance(way, effective, None).is_none();
        ways.iter().filter(|way| done(way)).any(|way| {
            way.gate() == Gate::None || !effective.yes("usepam") && way.gate() == Gate::OneText
        })
    })
}

/// Returns the users for whom sshd has printed its settings, each with these settings. If there are none, returns an
/// empty name and the base settings.
fn people(facts: &SshdFacts) -> Vec<(&str, &Effective)> {
    if facts.asked.is_empty() {
        return vec![("", &facts.base)];
    }
    facts.asked.iter().map(|(probe, effective)| (probe.user.as_str(), effective)).collect()
}

/// Returns the ways in which the user can log in, without those that PermitRootLogin forbids for root.
fn open_ways(user: &str, effective: &Effective) -> Vec<Way> {
    let permit =
        if user == "root" { effective.value("permitrootlogin").unwrap_or("yes") } else { "yes" };
    let mut ways = effective.ways();
    ways.retain(|way| match permit {
        "no" => false,
        "yes" => true,
        _ => way.gate() == Gate::None,
    });
    ways
}

/// Returns the issues in the settings of the user. `table` is the truth table of the stack. If it is `None`, the stack
/// is assumed to accept.
pub(super) fn issues(user: &str, effective: &Effective, table: Option<&CaseTable>) -> Vec<Issue> {
    let ways = open_ways(user, effective);
    let mut found = Vec::new();
    if user == "root" && effective.value("permitrootlogin") == Some("no") {
        return found;
    }
    if ways.is_empty() {
        found.push(if user == "root" { Issue::RootShutOut } else { Issue::NoPrompts });
    }
    if !effective.yes("usepam") {
        let shut = ways.iter().all(|way| hindrance(way, effective, None).is_some());
        found.push(if shut { Issue::NoPamShut } else { Issue::NoPamOpen });
        let open = ways.into_iter().filter(|way| hindrance(way, effective, None).is_none());
        found.extend(open.filter_map(|way| without_pam(way, effective)));
        return found;
    }
    let done = |way: &Way| hindrance(way, effective, table).is_none();
    let others = if ways.iter().any(done) { Others::Some } else { Others::None };
    for way in ways {
        // A user whom the Kerberos server knows gets in, even if the stack refuses. The stack may still lock out other
        // users.
        found.extend(by_kerberos(&way, effective).then(|| Issue::Kerberos(way.clone())));
        found.extend(match hindrance(&way, effective, table) {
            None => completed(way, effective, table),
            // The findings about the stack report that it refuses, unless it locks out only this user.
            Some(MethodHindrance::Stack) if others == Others::Some => None,
            Some(MethodHindrance::Off(method))
                if method == "keyboard-interactive" && others == Others::None =>
            {
                Some(Issue::NoPrompts)
            }
            Some(why) => Some(Issue::Hindered(way, why, others)),
        });
    }
    found.dedup();
    found
}

/// Reports whether some user can complete a way to log in. If `table` is `None`, the stack is assumed to accept.
pub(super) fn somebody_gets_in(facts: &SshdFacts, table: Option<&CaseTable>) -> bool {
    people(facts).into_iter().any(|(user, effective)| {
        open_ways(user, effective).iter().any(|way| hindrance(way, effective, table).is_none())
    })
}

/// Returns what is wrong with a way to log in that users can complete: it asks for no code, or sshd gives one text as
/// the answer to every prompt although the stack asks for a code in a field of its own. `None` if nothing is wrong.
fn completed(way: Way, effective: &Effective, table: Option<&CaseTable>) -> Option<Issue> {
    let one_text = way.gate() == Gate::OneText && table.is_some_and(asks_a_code_alone);
    without_pam(way.clone(), effective).or(one_text.then_some(Issue::OneText(way)))
}

fn without_pam(way: Way, effective: &Effective) -> Option<Issue> {
    match way.gate() {
        Gate::None if way.0.iter().all(|method| method == "publickey") => Some(Issue::KeyAlone),
        Gate::None => Some(Issue::OtherAlone(way)),
        Gate::OneText if by_kerberos(&way, effective) => Some(Issue::Kerberos(way)),
        Gate::OneText | Gate::Prompts => None,
    }
}

/// Reports whether a user can complete `way`, a combination of sshd's methods, with a Kerberos password and without
/// PAM. For the method `password`, sshd asks the Kerberos server first, and calls PAM only if that server refuses.
fn by_kerberos(way: &Way, effective: &Effective) -> bool {
    let on = effective.yes("kerberosauthentication") && way.gate() == Gate::OneText;
    on && !way.asks("keyboard-interactive") && hindrance(way, effective, None).is_none()
}

impl Issue {
    /// Returns the file and number of the PAM line that causes the issue; `None` if sshd's settings cause it.
    pub(super) fn pam_line(&self) -> Option<&LinePlace> {
        if let Self::Hindered(_, MethodHindrance::Credentials(line), _) = self {
            return Some(&line.place);
        }
        None
    }

    /// Returns the keywords of the sshd settings that cause the issue, in lower case.
    pub(super) fn keywords(&self) -> &'static [&'static str] {
        match self {
            Self::NoPamOpen | Self::NoPamShut => &["usepam"],
            Self::NoPrompts => &["kbdinteractiveauthentication", "challengeresponseauthentication"],
            Self::RootShutOut => &["permitrootlogin"],
            Self::Hindered(_, MethodHindrance::NoKeys(_), _) => {
                &["authorizedkeysfile", "revokedkeys"]
            }
            Self::Hindered(_, MethodHindrance::NoFolder(_), _) => &["chrootdirectory"],
            Self::Kerberos(_) => &["kerberosauthentication"],
            Self::KeyAlone | Self::OtherAlone(_) | Self::OneText(_) | Self::Hindered(_, _, _) => {
                &ABOUT_WAYS
            }
        }
    }

    /// Returns name, level and text of the finding about the issue.
    pub(super) fn words(&self) -> (&'static str, Level, String) {
        match self {
            Self::NoPamOpen => ("usepam-no", Level::WayIn, "UsePAM is off: no user is asked for a code.".to_owned()),
            Self::NoPamShut => ("usepam-no", Level::LockOut, "UsePAM is off, but every authentication method needs PAM: no login is possible.".to_owned()),
            Self::NoPrompts => ("prompts-off", Level::LockOut, "KbdInteractiveAuthentication is off: sshd cannot ask for a code.".to_owned()),
            Self::KeyAlone => ("key-alone", Level::WayIn, "A key alone is enough for a login: sshd does not call PAM after it.".to_owned()),
            Self::OtherAlone(way) => (other_id(way), Level::WayIn, format!("`{way}` allows a login without PAM: no code is asked for.")),
            Self::Kerberos(way) => ("kerberos-alone", Level::WayIn, format!("KerberosAuthentication is on: for `{way}`, sshd asks the Kerberos server before PAM, and its yes is enough: no code is asked for.")),
            Self::OneText(way) => ("password-method", Level::Warning, format!("The method `{way}` gives the same answer to every hidden prompt: the code can be typed, but set-up and other questions cannot be answered.")),
            Self::Hindered(way, why, others) => hindered(way, why, *others),
            Self::RootShutOut => ("root-shut-out", Level::Note, "root cannot log in by ssh: PermitRootLogin forbids the prompts that every method needs.".to_owned()),
        }
    }
}

fn hindered(way: &Way, why: &MethodHindrance, others: Others) -> (&'static str, Level, String) {
    let (id, why) = match why {
        MethodHindrance::Off(method) => {
            ("method-off", format!("`{method}` is switched off, so nobody can complete `{way}`."))
        }
        MethodHindrance::NoKeys(setting) => (
            "keys-refused",
            format!("sshd accepts no key (`{setting}`), so nobody can complete `{way}`."),
        ),
        MethodHindrance::NoFolder(folder) => ("chroot-refused", refused_folder(way, folder)),
        MethodHindrance::Device(method) => (
            "device-unsupported",
            format!("sshd has no `{method}`, so nobody can complete `{way}`."),
        ),
        MethodHindrance::OneText => (
            "password-method",
            format!(
                "Nobody can complete `{way}`: its password method gives the same answer to every hidden prompt, so a password and a code cannot both be typed, and a code typed there is treated as a password."
            ),
        ),
        MethodHindrance::KeyLater => (
            "key-after-code",
            format!(
                "With the method `{way}` the module does not see the key and refuses: sshd shows a key only to keyboard-interactive after publickey."
            ),
        ),
        MethodHindrance::Credentials(line) => {
            ("credentials-refused", refused_credentials(way, line))
        }
        MethodHindrance::Stack => {
            ("way-leads-nowhere", format!("The PAM stack refuses every user who comes by `{way}`."))
        }
    };
    match others {
        Others::Some => (id, Level::Warning, why),
        Others::None => (id, Level::LockOut, format!("{why} No login is possible.")),
    }
}

fn refused_folder(way: &Way, folder: &str) -> String {
    format!(
        "sshd ends each session after `{way}`: it refuses `ChrootDirectory {folder}`, because that folder or one above it is missing, is no folder, or can be written to by another user than root."
    )
}

fn refused_credentials(way: &Way, line: &BlamedLine) -> String {
    format!(
        "Nobody can complete `{way}`: after prompts, sshd calls each auth line again for credentials, in a process that does not know what it returned in the login. There {}, and the control field makes that a refusal.",
        line.says
    )
}

fn other_id(way: &Way) -> &'static str {
    if way.asks("hostbased") {
        "hostbased-alone"
    } else if way.asks("gssapi-with-mic") {
        "gssapi-alone"
    } else {
        "way-without-pam"
    }
}
