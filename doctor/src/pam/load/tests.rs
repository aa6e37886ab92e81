//! Tests files that libpam reads into flat lists of lines, and files that it refuses.
use std::collections::BTreeMap;

use crate::pam::code::PamCode;
use crate::pam::control::ControlAction;
use crate::pam::load::*;

/// Text of each file, by its absolute path.
pub(crate) type FileTexts = BTreeMap<String, String>;

impl Files for FileTexts {
    fn text(&self, path: &str) -> io::Result<String> {
        self.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    fn is_folder(&self, path: &str) -> bool {
        self.keys().any(|file| file.starts_with(&format!("{path}/")))
    }
}

pub(crate) fn tree(files: &[(&str, &str)]) -> FileTexts {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

pub(crate) fn auth_stack(tree: &FileTexts, service: &str) -> Vec<Handler> {
    load(tree, service).unwrap().lines(Facility::Auth).to_vec()
}

fn shape(stack: &[Handler]) -> Vec<String> {
    stack
        .iter()
        .map(|handler| match &handler.kind {
            StackKind::Module { path, args } => {
                format!("{} {path} {}", handler.level, args.join(","))
            }
            StackKind::Substack => format!("{} substack", handler.level),
            StackKind::Broken => format!("{} broken", handler.level),
        })
        .collect()
}

#[test]
fn includes_and_substacks_are_flattened() {
    let files = tree(&[
        (
            "/etc/pam.d/sshd",
            "@include common\nauth substack inner\naccount required pam_x.so\n-auth include vendor\n",
        ),
        (
            "/etc/pam.d/common",
            "auth required pam_a.so one [two three]\naccount required pam_b.so\n",
        ),
        ("/etc/pam.d/inner", "AUTH required pam_c.so\naccount required pam_no.so\n@include deep\n"),
        ("/etc/pam.d/deep", "auth required pam_d.so\naccount required pam_no.so\n"),
        ("/usr/lib/pam.d/vendor", "auth required pam_e.so\n"),
    ]);
    let service = load(&files, "SSHD").unwrap();
    assert_eq!(
        shape(service.lines(Facility::Auth)),
        ["0 pam_a.so one,two three", "0 substack", "1 pam_c.so ", "1 pam_d.so ", "0 pam_e.so "]
    );
    assert_eq!(shape(service.lines(Facility::Account)), ["0 pam_b.so ", "0 pam_x.so "]);
    assert_eq!(service.faults, []);
    let place = &service.lines(Facility::Auth).get(4).unwrap().place;
    assert_eq!(place.to_string(), "/usr/lib/pam.d/vendor:1");
}

#[test]
fn etc_comes_before_the_vendors_folders() {
    let files = tree(&[
        ("/usr/etc/pam.d/sshd", "auth required pam_vendor.so\n"),
        ("/etc/pam.d/sshd", "auth required pam_admin.so\n"),
    ]);
    assert_eq!(shape(&auth_stack(&files, "sshd")), ["0 pam_admin.so "]);
}

#[test]
fn a_service_without_auth_lines_gets_those_of_other() {
    let files = tree(&[
        ("/etc/pam.d/sshd", "account required pam_a.so\n"),
        ("/etc/pam.d/other", "auth required pam_deny.so\naccount required pam_deny.so\n"),
    ]);
    let service = load(&files, "sshd").unwrap();
    assert_eq!(shape(service.lines(Facility::Auth)), ["0 pam_deny.so "]);
    assert_eq!(shape(service.lines(Facility::Account)), ["0 pam_a.so "]);
}

#[test]
fn pam_conf_counts_only_without_folders() {
    let conf = "sshd auth required pam_a.so\nlogin auth required pam_b.so\nOTHER account required pam_c.so\n";
    let mut files = tree(&[("/etc/pam.conf", conf)]);
    let service = load(&files, "sshd").unwrap();
    assert_eq!(shape(service.lines(Facility::Auth)), ["0 pam_a.so "]);
    assert_eq!(shape(service.lines(Facility::Account)), ["0 pam_c.so "]);
    files.insert("/etc/pam.d/other".into(), "auth required pam_deny.so\n".into());
    assert_eq!(shape(&auth_stack(&files, "sshd")), ["0 pam_deny.so "]);
}

#[test]
fn broken_lines_refuse_with_their_own_control() {
    let files = tree(&[(
        "/etc/pam.d/sshd",
        "atuh sufficient pam_a.so\nauth required\nauth include nowhere\nauth [success=maybe] pam_b.so\nauth substack nowhere\n",
    )]);
    let service = load(&files, "sshd").unwrap();
    let stack = service.lines(Facility::Auth);
    assert_eq!(
        shape(stack),
        ["0 broken", "0 broken", "0 broken", "0 pam_b.so ", "0 substack", "0 broken"]
    );
    assert_eq!(stack.first().unwrap().actions.on(PamCode::PERM_DENIED), ControlAction::Ignore);
    assert_eq!(stack.get(3).unwrap().actions.on(PamCode::SUCCESS), ControlAction::Bad);
    let lines: Vec<_> = service.faults.iter().map(|fault| fault.place.line).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5]);
}

#[test]
fn what_makes_a_service_unusable() {
    for text in
        ["@include nowhere\n", "auth required pam_a.so\nauth required \\\n", "@include sshd\n"]
    {
        let files = tree(&[("/etc/pam.d/sshd", text)]);
        assert!(load(&files, "sshd").unwrap().unusable.is_some(), "{text}");
    }
    let other = tree(&[
        ("/etc/pam.d/sshd", "auth required pam_a.so\n"),
        ("/etc/pam.d/other", "@include nowhere\n"),
    ]);
    assert!(load(&other, "sshd").unwrap().unusable.is_some());
    assert!(load(&FileTexts::new(), "sshd").unwrap().unusable.is_some());
}

#[test]
fn files_that_include_each_other_without_end_are_not_followed_to_it() {
    // With each level of includes, the work doubles or triples. libpam itself would take minutes.
    let files = tree(&[("/etc/pam.d/sshd", &"auth include sshd\n".repeat(3))]);
    let service = load(&files, "sshd").unwrap();
    assert!(service.unusable.unwrap().what.contains("in a loop"));
    assert!(service.faults.len() < 10_000);
}

/// Files of a machine whose libpam is the original one and not Debian's.
struct OtherFolders(FileTexts);

impl Files for OtherFolders {
    fn text(&self, path: &str) -> io::Result<String> {
        self.0.text(path)
    }
    fn is_folder(&self, path: &str) -> bool {
        self.0.is_folder(path)
    }
    fn libpam(&self) -> Libpam {
        Libpam::Original
    }
}

#[test]
fn at_include_refuses_outside_of_debian() {
    let files = tree(&[
        ("/etc/pam.d/sshd", "@include common\nauth required pam_a.so\n"),
        ("/etc/pam.d/common", "auth required pam_b.so\n"),
    ]);
    let debian = load(&files, "sshd").unwrap();
    assert_eq!(shape(debian.lines(Facility::Auth)), ["0 pam_b.so ", "0 pam_a.so "]);
    let other = load(&OtherFolders(files), "sshd").unwrap();
    assert_eq!(shape(other.lines(Facility::Auth)), ["0 broken", "0 pam_a.so "]);
    assert!(other.faults.first().unwrap().what.contains("`auth include common`"));
}
