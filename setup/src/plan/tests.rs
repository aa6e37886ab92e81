//! Tests the new files that setup computes from Debian's files.

use std::collections::BTreeMap;

use super::*;

const COMMON: &str = "auth\t[success=1 default=ignore]\tpam_unix.so nullok\nauth\trequisite\tpam_deny.so\nauth\trequired\tpam_permit.so\n";
const SSHD: &str = "# PAM configuration for the Secure Shell service\n\n# Standard Un*x authentication.\n@include common-auth\n\naccount    required     pam_nologin.so\n@include common-account\n";
const SSHD_CONFIG: &str =
    "Include /etc/ssh/sshd_config.d/*.conf\n\nKbdInteractiveAuthentication no\nUsePAM yes\n";

/// Text of each file by its path, in place of a machine's files.
#[derive(Clone)]
struct Memory(BTreeMap<String, String>);

impl Memory {
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

    fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match &change.after {
                Some(text) => self.0.insert(change.path.clone(), text.clone()),
                None => self.0.remove(&change.path),
            };
        }
    }
}

impl Files for Memory {
    fn text(&self, path: &str) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn is_folder(&self, path: &str) -> bool {
        self.0.keys().any(|file| file.starts_with(&format!("{path}/")))
    }
}

impl Patterns for Memory {
    fn matching(&self, pattern: &str) -> Result<Vec<String>, UnreadableError> {
        let (folder, end) = pattern.split_once('*').unwrap();
        let fits = |file: &&String| file.starts_with(folder) && file.ends_with(end);
        Ok(self.0.keys().filter(fits).cloned().collect())
    }
}

fn wishes(service: &str, with: With) -> Wishes {
    Wishes { service: ServiceName::of(service).unwrap(), with }
}

#[test]
fn setup_twice_is_setup_once_and_teardown_undoes_it() {
    for service in ["ssh", "sudo", "su"] {
        for with in With::ALL.into_iter().filter(|with| service == "ssh" || *with == With::Password)
        {
            let stock = Memory::debian();
            let mut files = stock.clone();
            let first = plan(&files, &wishes(service, with)).unwrap();
            assert!(first.iter().all(Change::changes), "{service} {with:?}");
            files.apply(&first);
            let second = plan(&files, &wishes(service, with)).unwrap();
            assert!(!second.iter().any(Change::changes), "{service} {with:?}");
            let undone = teardown(&files, &wishes(service, with).service).unwrap();
            files.apply(&undone);
            assert_eq!(files.0, stock.0, "{service} {with:?}");
        }
    }
}

#[test]
fn other_factors_replace_the_first_ones() {
    let mut files = Memory::debian();
    files.apply(&plan(&files, &wishes("ssh", With::Both)).unwrap());
    files.apply(&plan(&files, &wishes("ssh", With::Publickey)).unwrap());
    let mut direct = Memory::debian();
    direct.apply(&plan(&direct, &wishes("ssh", With::Publickey)).unwrap());
    assert_eq!(files.0, direct.0);
}

#[test]
fn common_auth_is_never_changed() {
    for service in ["ssh", "sudo", "su"] {
        let with = With::Password;
        let changes = plan(&Memory::debian(), &wishes(service, with)).unwrap();
        assert!(changes.iter().all(|change| !change.path.contains("common-")), "{service}");
    }
}

#[test]
fn what_cannot_be_planned_is_said() {
    let debian = Memory::debian;
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
        let found = plan(&files, &wishes(service, with)).unwrap_err().to_string();
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

#[test]
fn values_before_the_drop_in_are_named_with_their_line() {
    let files = Memory::debian().with(
        "/etc/ssh/sshd_config.d/00-cloud.conf",
        "# x\nPasswordAuthentication yes\nLoginGraceTime 0\n",
    );
    let changes = plan(&files, &wishes("ssh", With::Publickey)).unwrap();
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
