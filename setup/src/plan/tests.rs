//! Tests the new files that setup computes from Debian's files.

use std::collections::BTreeMap;

use super::*;
use crate::scope::{Scope, ScopeOptions};
use twinlock_host::settings::RULES;

/// The time at which the tests run setup: 2027-01-15.
const NOW: UnixTime = UnixTime(1_800_000_000);
const COMMON: &str = "auth\t[success=1 default=ignore]\tpam_unix.so nullok\nauth\trequisite\tpam_deny.so\nauth\trequired\tpam_permit.so\n";
const SSHD: &str = "# PAM configuration for the Secure Shell service\n\n# Standard Un*x authentication.\n@include common-auth\n\naccount    required     pam_nologin.so\n@include common-account\n";
const SSHD_CONFIG: &str =
    "Include /etc/ssh/sshd_config.d/*.conf\n\nKbdInteractiveAuthentication no\nUsePAM yes\n";

/// Text of each file by its path, in place of a machine's files.
#[derive(Clone)]
struct MemoryFiles(BTreeMap<String, String>);

impl MemoryFiles {
    fn debian() -> Self {
        let files = [
            ("/etc/pam.d/common-auth", COMMON),
            ("/etc/pam.d/sshd", SSHD),
            ("/etc/pam.d/su", "auth sufficient pam_rootok.so\n@include common-auth\n"),
            ("/etc/pam.d/sudo", "@include common-auth\n"),
            ("/etc/pam.d/sudo-i", "@include common-auth\n"),
            ("/etc/ssh/sshd_config", SSHD_CONFIG),
        ];
        Self(files.map(|(path, text)| (path.to_owned(), text.to_owned())).into())
    }

    fn with(mut self, path: &str, text: &str) -> Self {
        self.0.insert(path.to_owned(), text.to_owned());
        self
    }

    fn apply(&mut self, changes: &[FileChange]) {
        for change in changes {
            match &change.after {
                Some(text) => self.0.insert(change.path.clone(), text.clone()),
                None => self.0.remove(&change.path),
            };
        }
    }
}

impl Files for MemoryFiles {
    fn text(&self, path: &str) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn is_folder(&self, path: &str) -> bool {
        self.0.keys().any(|file| file.starts_with(&format!("{path}/")))
    }
}

impl Patterns for MemoryFiles {
    fn matching(&self, pattern: &str) -> Result<Vec<String>, UnreadableError> {
        let (folder, end) = pattern.split_once('*').unwrap();
        let fits = |file: &&String| file.starts_with(folder) && file.ends_with(end);
        Ok(self.0.keys().filter(fits).cloned().collect())
    }
}

fn wishes(service: &str, with: With) -> Wishes {
    Wishes {
        service: ServiceName::of(service).unwrap(),
        with,
        scope: Scope::default(),
        sudo_minutes: None,
    }
}

fn planned(files: &MemoryFiles, wishes: &Wishes) -> Result<Vec<FileChange>, PlanError> {
    plan(files, wishes, NOW)
}

#[test]
fn setup_twice_is_setup_once_and_teardown_undoes_it() {
    for service in ["ssh", "sudo", "su"] {
        for with in With::ALL.into_iter().filter(|with| service == "ssh" || *with == With::Password)
        {
            let stock = MemoryFiles::debian();
            let mut files = stock.clone();
            let first = planned(&files, &wishes(service, with)).unwrap();
            assert!(first.iter().all(FileChange::changes), "{service} {with:?}");
            files.apply(&first);
            let second = planned(&files, &wishes(service, with)).unwrap();
            assert!(!second.iter().any(FileChange::changes), "{service} {with:?}");
            let undone = teardown(&files, &wishes(service, with).service).unwrap();
            files.apply(&undone);
            assert_eq!(files.0, stock.0, "{service} {with:?}");
        }
    }
}

/// The package of polkit installs its PAM file below /usr. Checks that setup writes a changed copy to /etc/pam.d and
/// leaves the package's file as it is. Also checks that teardown removes the copy or, if an upgrade has changed the
/// package's file meanwhile, leaves the copy without setup's lines.
#[test]
fn file_of_a_package_is_copied_and_not_changed() {
    let of_package = "/usr/lib/pam.d/polkit-1";
    let own = "/etc/pam.d/polkit-1";
    let mut files = MemoryFiles::debian()
        .with(of_package, "@include common-auth\nsession required pam_env.so\n");
    let before = files.clone().0;
    let wished = wishes("polkit-1", With::Password);
    files.apply(&planned(&files, &wished).unwrap());
    assert_eq!(files.0[of_package], before[of_package]);
    assert!(files.0[own].contains("pam_twinlock.so") && files.0[own].ends_with("pam_env.so\n"));
    assert!(planned(&files, &wished).unwrap().iter().all(|change| change.before == change.after));
    let undone = teardown(&files, &wished.service).unwrap();
    let mut upgraded = files.clone().with(of_package, "@include common-auth\n");
    files.apply(&undone);
    assert_eq!(files.0, before);
    upgraded.apply(&teardown(&upgraded, &wished.service).unwrap());
    assert_eq!(upgraded.0[own], before[of_package]);
}

#[test]
fn other_factors_replace_the_first_ones() {
    let mut files = MemoryFiles::debian();
    files.apply(&planned(&files, &wishes("ssh", With::Both)).unwrap());
    files.apply(&planned(&files, &wishes("ssh", With::Publickey)).unwrap());
    let mut direct = MemoryFiles::debian();
    direct.apply(&planned(&direct, &wishes("ssh", With::Publickey)).unwrap());
    assert_eq!(files.0, direct.0);
}

#[test]
fn common_auth_is_never_changed() {
    for service in ["ssh", "sudo", "su"] {
        let with = With::Password;
        let changes = planned(&MemoryFiles::debian(), &wishes(service, with)).unwrap();
        assert!(changes.iter().all(|change| !change.path.contains("common-")), "{service}");
    }
}

#[test]
fn what_cannot_be_planned_is_said() {
    let debian = MemoryFiles::debian;
    for (files, service, with, expected) in [
        (debian(), "sudo", With::Publickey, "--with publickey is for ssh"),
        (debian(), "absent", With::Password, "there is no file absent"),
        (
            debian().with("/etc/pam.d/common-auth", "auth required pam_x.so\n"),
            "ssh",
            With::Both,
            "cannot be combined",
        ),
        (
            debian().with("/etc/ssh/sshd_config", "UsePAM yes\n"),
            "ssh",
            With::Both,
            "includes no folder",
        ),
        (
            debian().with("/etc/ssh/sshd_config.d/10-twinlock.conf", "UsePAM no\n"),
            "ssh",
            With::Both,
            "setup has not written it",
        ),
        (
            debian().with("/etc/pam.d/sshd", "auth required pam_unix.so\n"),
            "ssh",
            With::Both,
            "no auth line includes",
        ),
        (
            debian().with("/etc/pam.d/sudo-i", "@include common-auth\r\n"),
            "sudo",
            With::Password,
            "sudo-i: line 1 has",
        ),
    ] {
        let found = planned(&files, &wishes(service, with)).unwrap_err().to_string();
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

/// common-auth may call the module by a profile of pam-auth-update, or by a file that it includes. A line of setup
/// besides it would ask for a second code. A key needs no line of common-auth.
#[test]
fn no_login_is_asked_for_two_codes() {
    let line = "auth required pam_twinlock.so first_factor=stack\n";
    let of =
        |text: String| MemoryFiles::debian().with("/etc/pam.d/ours", line).with(COMMON_AUTH, &text);
    for ours in [line, &line.replace("required", "optional"), "@include ours\n"] {
        let files = of(format!("{COMMON}{ours}"));
        for service in ["ssh", "sudo", "su"] {
            let found = planned(&files, &wishes(service, With::Password)).unwrap_err();
            assert!(matches!(found, PlanError::TwoCodes), "{ours}: {found}");
        }
        let changes = planned(&files, &wishes("ssh", With::Publickey)).unwrap();
        let pam = changes.iter().find(|one| one.path.ends_with("/sshd")).unwrap();
        let asking = pam.after.as_ref().unwrap().matches("pam_twinlock.so").count();
        assert_eq!(asking, 1, "{ours}");
    }
    // A host on which the line came to common-auth later can be torn down.
    let mut files = MemoryFiles::debian();
    files.apply(&planned(&files, &wishes("sudo", With::Password)).unwrap());
    files = files.with(COMMON_AUTH, &format!("{COMMON}{line}"));
    files.apply(&teardown(&files, &wishes("sudo", With::Password).service).unwrap());
    assert_eq!(files.0["/etc/pam.d/sudo"], "@include common-auth\n");
    let comment = of(format!("{COMMON}# {line}"));
    assert!(planned(&comment, &wishes("sudo", With::Password)).is_ok());
}

#[test]
fn values_before_the_drop_in_are_named_with_their_line() {
    let files = MemoryFiles::debian().with(
        "/etc/ssh/sshd_config.d/00-cloud.conf",
        "# x\nPasswordAuthentication yes\nLoginGraceTime 0\n",
    );
    let changes = planned(&files, &wishes("ssh", With::Publickey)).unwrap();
    let mut after = files.clone();
    after.apply(&changes);
    let config = config::load(&after).unwrap();
    let said = "usepam yes\nkbdinteractiveauthentication yes\npasswordauthentication yes\npubkeyauthentication yes\nauthenticationmethods publickey,keyboard-interactive:pam\nlogingracetime 0\n";
    let found = sshd::overridden(With::Publickey, &Effective::read(said), &config);
    assert_eq!(found.len(), 1, "{found:?}");
    let said = PlanError::Overridden(found).to_string();
    assert_eq!(
        said,
        "/etc/ssh/sshd_config.d/00-cloud.conf:2 sets PasswordAuthentication to \"yes\" before it is set to \"no\""
    );
}

/// Wishes with two networks, a robot and a group.
fn lenient(service: &str) -> Wishes {
    let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    let (networks, robots) =
        (owned(&["10.0.0.0/8", "2001:db8::/32"]), owned(&["backup@192.0.2.0/24"]));
    let is_ssh = service == "ssh";
    let options = ScopeOptions {
        group: Some("admins"),
        networks: if is_ssh { &networks } else { &[] },
        robots: if is_ssh { &robots } else { &[] },
        reminds: true,
    };
    let with = if is_ssh { With::Publickey } else { With::Password };
    let scope = Scope::of(&options).unwrap();
    Wishes { scope: Scope { reminds: !is_ssh, ..scope }, ..wishes(service, with) }
}

const HAND: &str = "# by hand\n[[accepted]]\nfinding = \"f\"\nservice = \"sshd\"\noutcome = \"o\"\nreason = \"r\"\nuntil = 2027-01-31\n";
const REMINDER: &str = "[[rule]]\ngroup = \"admins\"\naction = \"remind\"\nuntil = 2027-01-31\n";

#[test]
fn rules_and_entries_are_written_once_and_taken_out_alone() {
    for service in ["ssh", "sudo", "su"] {
        let mut files = MemoryFiles::debian()
            .with(accepted_file(), HAND)
            .with(RULES, &format!("version = 1\n{REMINDER}"));
        let stock = files.clone();
        let wishes = lenient(service);
        let first = planned(&files, &wishes).unwrap();
        assert_eq!(first.first().unwrap().path, accepted_file());
        assert_eq!(first[1].path, RULES);
        files.apply(&first);
        let entries = &files.0[accepted_file()];
        assert!(entries.starts_with(HAND) && entries.contains("until = 2028-01-15"), "{entries}");
        assert!(!planned(&files, &wishes).unwrap().iter().any(FileChange::changes), "{service}");
        // A week later, setup changes nothing. After a year, it renews the entries.
        let later = |days: u64| plan(&files, &wishes, NOW.plus(days * 86_400)).unwrap();
        assert!(!later(7).iter().any(FileChange::changes));
        assert_eq!(later(366).iter().filter(|one| one.changes()).count(), 1);
        let undone = teardown(&files, &wishes.service).unwrap();
        files.apply(&undone);
        assert_eq!(files.0[accepted_file()], HAND);
        assert!(files.0[RULES].contains("remind") && !files.0[RULES].contains("service"));
        files.0.insert(RULES.to_owned(), stock.0[RULES].clone());
        assert_eq!(files.0, stock.0);
    }
}

fn accepted_file() -> &'static str {
    twinlock_doctor::accepted::FILE
}

#[test]
fn a_robot_has_a_block_of_its_own() {
    let changes = planned(&MemoryFiles::debian(), &lenient("ssh")).unwrap();
    let text = |path: &str| {
        changes.iter().find(|one| one.path.ends_with(path)).unwrap().after.clone().unwrap()
    };
    let block = "Match User backup Address 192.0.2.0/24\n    PubkeyAuthentication yes\n    AuthenticationMethods publickey\n";
    assert!(text("10-twinlock.conf").ends_with(block));
    let outcome = "user backup can log in with a key alone by the Match block at /etc/ssh/sshd_config.d/10-twinlock.conf (User backup Address 192.0.2.0/24).";
    assert!(text("accepted.toml").contains(outcome), "{}", text("accepted.toml"));
    let group = text("rules.toml");
    assert!(group.contains("user = \"backup\"\nservice = \"sshd\"\naction = \"require\""));
}

#[test]
fn rules_without_effect_are_not_written() {
    let everybody = "[[rule]]\naction = \"require\"\n";
    let robots = "not_enrolled = \"remind\"\n";
    let settings = "/etc/twinlock/twinlock.toml";
    for (path, text, expected) in [
        (settings, everybody, "twinlock.toml:1: the rule there comes first"),
        (settings, robots, "would get in from every address"),
        (settings, "odd", "twinlock.toml cannot be used"),
        (RULES, "odd", "rules.toml cannot be used"),
        (accepted_file(), "odd = 1", "accepted.toml cannot be used"),
        (accepted_file(), "accepted = []", "accepted.toml cannot be used"),
    ] {
        let files = MemoryFiles::debian().with(path, text);
        let found = planned(&files, &lenient("ssh")).unwrap_err().to_string();
        assert!(found.contains(expected), "{expected}: {found}");
        // Without options that let users in without a code, setup does not need these files, and their errors do not
        // matter.
        assert!(planned(&files, &wishes("ssh", With::Publickey)).is_ok(), "{text}");
        assert!(teardown(&files, &ServiceName::of("ssh").unwrap()).is_ok(), "{text}");
    }
    for option in ["--network", "--robot"] {
        let scope = match option {
            "--network" => Scope { robots: Vec::new(), ..lenient("ssh").scope },
            _ => Scope { networks: Vec::new(), ..lenient("ssh").scope },
        };
        let wishes = Wishes { scope, ..wishes("su", With::Password) };
        let found = planned(&MemoryFiles::debian(), &wishes).unwrap_err().to_string();
        assert!(found.starts_with(&format!("{option} is for ssh")), "{found}");
    }
}
