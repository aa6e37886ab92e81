//! Compares doctor's simulator of libpam with the real libpam, stack by stack; needs root and pamtester.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use twinlock_doctor::pam::code::PamCode;
use twinlock_doctor::pam::dispatch::dispatch;
use twinlock_doctor::pam::load::{Files, load};
use twinlock_doctor::pam::modules::{Nature, nature};
use twinlock_doctor::pam::stack::{Facility, Handler, StackKind};

/// libpam's messages as pamtester prints them, for the possible results of these stacks.
const SENTENCES: [(&str, &str); 22] = [
    ("success", "successfully authenticated"),
    ("abort", "Initialization failure"),
    ("open_err", "Failed to load module"),
    ("symbol_err", "Symbol not found"),
    ("service_err", "Error in service module"),
    ("system_err", "System error"),
    ("buf_err", "Memory buffer error"),
    ("perm_denied", "Permission denied"),
    ("auth_err", "Authentication failure"),
    ("cred_insufficient", "Insufficient credentials to access authentication data"),
    ("authinfo_unavail", "Authentication service cannot retrieve authentication info"),
    ("user_unknown", "User not known to the underlying authentication module"),
    ("maxtries", "Have exhausted maximum number of retries for service"),
    ("new_authtok_reqd", "Authentication token is no longer valid; new one required"),
    ("acct_expired", "User account has expired"),
    ("conv_err", "Conversation error"),
    ("try_again", "Failed preliminary check by password service"),
    ("ignore", "The return value should be ignored by PAM dispatch"),
    ("module_unknown", "Module is unknown"),
    ("authtok_expired", "Authentication token expired"),
    ("bad_item", "Bad item passed to pam_*_item()"),
    ("cred_expired", "User credentials expired"),
];

/// Files that the stacks include.
const PARTS: [(&str, &str); 12] = [
    ("other", "auth required pam_debug.so auth=acct_expired\n"),
    ("p-yes", "auth required pam_permit.so\n"),
    ("p-no", "auth required pam_deny.so\n"),
    ("p-stop", "auth requisite pam_debug.so auth=maxtries\nauth required pam_permit.so\n"),
    ("p-enough", "auth sufficient pam_permit.so\nauth required pam_deny.so\n"),
    (
        "p-debian",
        "auth [success=1 default=ignore] pam_debug.so auth=success\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
    ),
    (
        "p-debian-wrong",
        "auth [success=1 default=ignore] pam_debug.so auth=auth_err\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
    ),
    ("p-reset", "auth required pam_deny.so\nauth [default=reset] pam_debug.so auth=success\n"),
    ("p-jump-out", "auth [success=3 default=ignore] pam_permit.so\nauth required pam_permit.so\n"),
    ("p-empty", "# nothing\naccount required pam_permit.so\n"),
    ("p-nested", "auth substack p-stop\nauth include p-debian\n"),
    ("p-cut", "auth required pam_permit.so\nauth required \\\n"),
];

/// Hand-written stacks: one for each rule, and the forms of real distributions.
const STACKS: &str = include_str!("pam_dispatch/stacks.txt");

struct Folder(PathBuf);

impl Files for Folder {
    fn text(&self, path: &str) -> io::Result<String> {
        match path.strip_prefix("/etc/pam.d/") {
            Some(name) => fs::read_to_string(self.0.join(name)),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn is_folder(&self, path: &str) -> bool {
        path == "/etc/pam.d"
    }
}

fn written() -> Vec<(String, String)> {
    STACKS
        .split("== ")
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('\n').expect("a title and lines"))
        .map(|(title, lines)| (title.to_owned(), lines.to_owned()))
        .collect()
}

/// Reproducible numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

const CONTROLS: [&str; 14] = [
    "required",
    "requisite",
    "sufficient",
    "optional",
    "[success=1 default=ignore]",
    "[success=2 default=bad]",
    "[auth_err=1 default=ok]",
    "[success=ok default=die]",
    "[default=reset]",
    "[success=done default=ignore]",
    "[success=3 ignore=1 default=ignore]",
    "[ignore=done default=ok]",
    "[success=bad default=ok]",
    "[module_unknown=ignore default=2]",
];
const ANSWERS: [&str; 9] = [
    "pam_permit.so",
    "pam_permit.so",
    "pam_deny.so",
    "pam_debug.so auth=ignore",
    "pam_debug.so auth=maxtries",
    "pam_debug.so auth=new_authtok_reqd",
    "pam_debug.so auth=user_unknown",
    "pam_debug.so auth=success",
    "pam_nosuch.so",
];
const NAMES: [&str; 8] =
    ["p-yes", "p-no", "p-stop", "p-enough", "p-debian", "p-reset", "p-jump-out", "p-nested"];

fn drawn(count: usize) -> Vec<(String, String)> {
    let mut numbers = Numbers(0x7477_696e);
    let mut stack = |_| {
        let mut text = String::new();
        for _ in 0..2 + numbers.below(6) {
            let line = match numbers.below(6) {
                0 => format!("auth substack {}", numbers.one_of(&NAMES)),
                1 => format!("auth include {}", numbers.one_of(&NAMES)),
                _ => format!("auth {} {}", numbers.one_of(&CONTROLS), numbers.one_of(&ANSWERS)),
            };
            writeln!(text, "{line}").expect("a string takes it");
        }
        ("drawn".to_owned(), text)
    };
    (0..count).map(&mut stack).collect()
}

fn simulated(folder: &Folder, service: &str) -> &'static str {
    let loaded = load(folder, service).expect("readable files");
    if loaded.unusable.is_some() {
        return "abort";
    }
    let answer = &mut |handler: &Handler| match &handler.kind {
        StackKind::Module { path, .. } if path == "pam_nosuch.so" => PamCode::MODULE_UNKNOWN,
        StackKind::Module { path, args } => match nature(path, args) {
            Nature::Fixed(code) => code,
            Nature::Unknown if !path.ends_with(".so") => PamCode::MODULE_UNKNOWN,
            Nature::Condition(_) | Nature::Proof(_) | Nature::Second(_) | Nature::Unknown => {
                panic!("{path}")
            }
        },
        StackKind::Broken | StackKind::Substack => panic!("not a module"),
    };
    dispatch(loaded.lines(Facility::Auth), answer).code.name()
}

/// Runs all services in one private mount namespace; returns the last line of pamtester by service.
fn real(folder: &Path) -> BTreeMap<String, String> {
    let script = r#"mount --bind "$1" /etc/pam.d || exit 1
        for file in /etc/pam.d/t*; do
            said=$(LC_ALL=C pamtester "${file##*/}" root authenticate 2>&1 </dev/null | sed -n 's/^pamtester: //p')
            printf '%s\t%s\n' "${file##*/}" "$said"
        done"#;
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", script, "sh"])
        .arg(folder)
        .output()
        .expect("unshare runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(|line| line.split_once('\t').expect("two columns"))
        .map(|(service, said)| (service.to_owned(), said.to_owned()))
        .collect()
}

#[test]
fn every_stack_ends_as_in_libpam() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in PARTS {
        fs::write(dir.path().join(name), text).expect("a file");
    }
    let mut stacks = written();
    assert!(stacks.len() >= 60, "{} stacks", stacks.len());
    stacks.extend(drawn(400));
    for (number, (_, text)) in stacks.iter().enumerate() {
        fs::write(dir.path().join(format!("t{number}")), text).expect("a file");
    }
    let real = real(dir.path());
    let folder = Folder(dir.path().to_owned());
    let mut wrong = String::new();
    for (number, (title, text)) in stacks.iter().enumerate() {
        let service = format!("t{number}");
        let said = &real[&service];
        let name = simulated(&folder, &service);
        let sentence = SENTENCES.iter().find(|(code, _)| *code == name).map(|(_, text)| *text);
        if sentence != Some(said.as_str()) {
            writeln!(wrong, "{title}\n{text}simulated: {name}, libpam: {said}\n")
                .expect("a string takes it");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Modules that ask the user, crash without an answer, or wait.
const ASKING: [&str; 6] =
    ["pam_unix", "pam_ftp", "pam_stress", "pam_google_authenticator", "pam_oath", "pam_filter"];
/// Modules of Debian 12's libpam-modules that the model does not have.
const UNKNOWN: [&str; 1] = ["pam_exec"];

#[test]
fn each_module_of_debian_answers_as_in_the_model() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = fs::read_dir("/usr/lib/x86_64-linux-gnu/security").expect("modules");
    let names = folder.map(|entry| entry.expect("a file").file_name());
    let names = names.filter_map(|name| Some(name.to_str()?.strip_suffix(".so")?.to_owned()));
    let names: Vec<String> =
        names.filter(|name| !ASKING.contains(&name.as_str()) && name != "pam_twinlock").collect();
    for name in &names {
        // The answer itself is the result; cred_expired stands for ignore.
        let text = format!(
            "auth [ignore=ignore default=done] {name}.so\nauth [default=done] pam_debug.so auth=cred_expired\n"
        );
        fs::write(dir.path().join(format!("t{name}")), text).expect("a file");
    }
    fs::write(dir.path().join("other"), "auth required pam_deny.so\n").expect("a file");
    let real = real(dir.path());
    let mut wrong = String::new();
    for name in &names {
        let said = &real[&format!("t{name}")];
        let code = SENTENCES.iter().find(|(_, text)| text == said).map(|(code, _)| *code);
        let code = if code == Some("cred_expired") { Some("ignore") } else { code };
        let fits = |codes: &[PamCode]| codes.iter().any(|one| Some(one.name()) == code);
        let holds = match nature(&format!("{name}.so"), &[]) {
            Nature::Fixed(one) => fits(&[one]),
            Nature::Condition(codes) => fits(codes),
            Nature::Proof(_) | Nature::Second(_) => code != Some("success"),
            Nature::Unknown => UNKNOWN.contains(&name.as_str()),
        };
        if !holds {
            writeln!(wrong, "{name}: {code:?} {said}").expect("a string takes it");
        }
    }
    assert!(names.len() >= 38 && wrong.is_empty(), "{} {wrong}", names.len());
}
