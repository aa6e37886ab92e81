//! Compares doctor's simulator of libpam with the real libpam, stack by stack; needs root and pamtester.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use twinlock_doctor::pam::code::PamCode;
use twinlock_doctor::pam::credentials::{answers, outcome};
use twinlock_doctor::pam::dispatch::dispatch;
use twinlock_doctor::pam::libpam::Libpam;
use twinlock_doctor::pam::line::LineReader;
use twinlock_doctor::pam::load::{Files, load};
use twinlock_doctor::pam::modules::{Nature, nature};
use twinlock_doctor::pam::stack::{Facility, Handler, StackKind};
use twinlock_doctor::pam::table::tabulate;
use twinlock_tests::thorough;

use crate::numbers::Numbers;

/// libpam's messages as pamtester prints them, for the possible results of these stacks.
const SENTENCES: [(&str, &str); 24] = [
    ("success", "successfully authenticated"),
    ("success", "credential info has successfully been set."),
    ("cred_err", "Failure setting user credentials"),
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

/// Hand-written stacks: one for each rule of libpam, and the forms that real distributions use.
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

    fn libpam(&self) -> Libpam {
        other_libpam().map_or(Libpam::Debian, |_| Libpam::Original)
    }

    fn line_reader(&self) -> LineReader {
        let folder = other_libpam().unwrap_or_else(|| "/usr/lib/x86_64-linux-gnu".into());
        let library = fs::read(Path::new(&folder).join("libpam.so.0")).expect("libpam");
        LineReader::of(&String::from_utf8_lossy(&library))
    }
}

/// Stacks with lines that do not fit into the buffer of older versions of libpam, and with zero bytes.
fn long() -> [(String, String); 6] {
    let (text, blanks) = ("x".repeat(1022), " ".repeat(1000));
    let deny = "auth required pam_deny.so\n";
    [
        ("long comment, then a line", format!("#{text}auth sufficient pam_permit.so\n{deny}")),
        ("long comment, then a word", format!("#{text}x\nauth required pam_permit.so\n")),
        ("long line", format!("auth required {}{blanks}pam_permit.so\n", &blanks[..20])),
        (
            "long continued line",
            format!("auth required \\\n{blanks}\\\n pam_permit.so\nauth optional pam_permit.so\n"),
        ),
        ("zero byte", format!("auth sufficient pam_permit.so\0 x\n{deny}")),
        ("zero byte first", format!("\0{deny}auth required pam_permit.so\n")),
    ]
    .map(|(title, lines)| (title.to_owned(), lines))
}

fn written() -> Vec<(String, String)> {
    STACKS
        .split("== ")
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('\n').expect("a title and lines"))
        .map(|(title, lines)| (title.to_owned(), lines.to_owned()))
        .chain(long())
        .collect()
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
const ANSWERS: [&str; 13] = [
    "pam_permit.so",
    "pam_permit.so",
    "pam_deny.so",
    "pam_debug.so auth=ignore",
    "pam_debug.so auth=maxtries",
    "pam_debug.so auth=new_authtok_reqd",
    "pam_debug.so auth=user_unknown",
    "pam_debug.so auth=success",
    "pam_nosuch.so",
    "pam_debug.so auth=success cred=cred_err",
    "pam_debug.so auth=ignore cred=success",
    "pam_debug.so auth=success cred=ignore",
    "pam_debug.so auth=auth_err cred=maxtries",
];
const NAMES: [&str; 8] =
    ["p-yes", "p-no", "p-stop", "p-enough", "p-debian", "p-reset", "p-jump-out", "p-nested"];

/// Seed of the randomly generated stacks.
const SEED: u64 = 0x7477_696e;
/// Number of randomly generated stacks: in the usual test run, and in that of `--all`.
const DRAWN: [usize; 2] = [1000, 5000];

fn drawn(count: usize) -> Vec<(String, String)> {
    let mut numbers = Numbers::of(SEED);
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

/// Results of one stack: of a login (pam_authenticate), of pam_setcred without a login, and of pam_setcred after a
/// login that succeeded.
#[derive(Debug, PartialEq, Eq)]
struct Results {
    login: String,
    alone: String,
    after: Option<String>,
}

fn simulated(folder: &Folder, service: &str) -> Results {
    let loaded = load(folder, service).expect("readable files");
    if loaded.unusable.is_some() {
        return Results { login: "abort".to_owned(), alone: "abort".to_owned(), after: None };
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
    let lines = loaded.lines(Facility::Auth);
    let login = dispatch(lines, answer).code;
    let table = tabulate(lines, &|path| path != "pam_nosuch.so" && path.ends_with(".so"));
    let table = table.with_libpam(folder.libpam());
    let row = table.rows.iter().find(|row| row.passes()).filter(|_| login == PamCode::SUCCESS);
    let name = |code: PamCode| code.name().to_owned();
    let after = row.map(|row| name(outcome(&table, Some(row)).code));
    Results { login: name(login), alone: name(table.credentials.code), after }
}

/// Environment variable with the folder of a libpam that was built from the original sources. With it, the comparison
/// can be run by hand for this libpam, which follows jumps in pam_setcred by another rule than Debian's.
const OTHER_LIBPAM: &str = "TWINLOCK_LIBPAM";

fn other_libpam() -> Option<std::ffi::OsString> {
    std::env::var_os(OTHER_LIBPAM)
}

/// Runs pamtester with these operations on all services in `folder`, in one private mount namespace. Returns the lines
/// that pamtester prints, by service.
fn real(folder: &Path, operations: &str) -> BTreeMap<String, Vec<String>> {
    let script = r#"mount --bind "$1" /etc/pam.d || exit 1
        for file in /etc/pam.d/t*; do
            echo "= ${file##*/}"
            LC_ALL=C stdbuf -oL pamtester "${file##*/}" root $2 2>&1 </dev/null
        done"#;
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, "sh"]).arg(folder).arg(operations);
    if let Some(other) = other_libpam() {
        command.env("LD_LIBRARY_PATH", other);
    }
    let output = command.output().expect("unshare runs");
    assert!(output.status.success() || !output.stdout.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let services = text.split("= t").skip(1).map(|part| {
        let (service, rest) = part.split_once('\n').expect("a line");
        let said = rest.lines().filter_map(|line| line.strip_prefix("pamtester: "));
        (format!("t{service}"), said.map(str::to_owned).collect())
    });
    services.collect()
}

/// Returns the PAM code for a message of pamtester; an unknown message is returned unchanged.
fn code(said: Option<&String>) -> String {
    let said = said.map_or("nothing", String::as_str);
    let known = SENTENCES.iter().find(|(_, text)| *text == said);
    known.map_or(said, |(code, _)| code).to_owned()
}

#[test]
fn every_stack_ends_as_in_libpam() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, text) in PARTS {
        fs::write(dir.path().join(name), text).expect("a file");
    }
    let mut stacks = written();
    assert!(stacks.len() >= 60, "{} stacks", stacks.len());
    let count = DRAWN[usize::from(thorough())];
    stacks.extend(drawn(count));
    for (number, (_, text)) in stacks.iter().enumerate() {
        fs::write(dir.path().join(format!("t{number}")), text).expect("a file");
    }
    let alone = real(dir.path(), CREDENTIALS);
    let both = real(dir.path(), &format!("authenticate {CREDENTIALS}"));
    let folder = Folder(dir.path().to_owned());
    let (mut wrong, mut granted) = (String::new(), 0);
    for (number, (title, text)) in stacks.iter().enumerate() {
        let service = format!("t{number}");
        let said = &both[&service];
        let real = Results {
            login: code(said.first()),
            alone: code(alone[&service].first()),
            after: said.get(1).map(|after| code(Some(after))),
        };
        granted += usize::from(real.after.is_some());
        let simulated = simulated(&folder, &service);
        if simulated != real {
            writeln!(wrong, "{title}\n{text}simulated: {simulated:?}\nlibpam: {real:?}\n")
                .expect("a string takes it");
        }
    }
    assert!(wrong.is_empty(), "seed {SEED:#x}\n{wrong}");
    // Credentials after a login are compared only if the login succeeds, so enough logins must succeed.
    assert!(granted * 10 > count, "{granted} of {count}");
}

/// pamtester's name for the call that sshd makes after a login.
const CREDENTIALS: &str = "setcred(PAM_ESTABLISH_CRED)";

/// Modules that ask the user, crash without an answer, or wait.
const ASKING: [&str; 6] =
    ["pam_unix", "pam_ftp", "pam_stress", "pam_google_authenticator", "pam_oath", "pam_filter"];
/// Modules of Debian 12's libpam-modules that doctor's simulator does not know.
const UNKNOWN: [&str; 1] = ["pam_exec"];

/// Returns the modules of this host that answer without a dialogue, and a folder with a service for each.
fn modules() -> (tempfile::TempDir, Vec<String>) {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = fs::read_dir("/usr/lib/x86_64-linux-gnu/security").expect("modules");
    let names = folder.map(|entry| entry.expect("a file").file_name());
    let names = names.filter_map(|name| Some(name.to_str()?.strip_suffix(".so")?.to_owned()));
    let names: Vec<String> =
        names.filter(|name| !ASKING.contains(&name.as_str()) && name != "pam_twinlock").collect();
    for name in &names {
        // The result of the stack is the module's own; cred_expired stands for ignore.
        let text = format!(
            "auth [ignore=ignore default=done] {name}.so\nauth [default=done] pam_debug.so auth=cred_expired cred=cred_expired\n"
        );
        fs::write(dir.path().join(format!("t{name}")), text).expect("a file");
    }
    fs::write(dir.path().join("other"), "auth required pam_deny.so\n").expect("a file");
    (dir, names)
}

fn own_code(real: &BTreeMap<String, Vec<String>>, name: &str) -> String {
    match code(real[&format!("t{name}")].first()) {
        code if code == "cred_expired" => "ignore".to_owned(),
        code => code,
    }
}

#[test]
fn each_module_of_debian_answers_as_in_the_model() {
    let (dir, names) = modules();
    let real = real(dir.path(), "authenticate");
    let mut wrong = String::new();
    for name in &names {
        let code = own_code(&real, name);
        let fits = |codes: &[PamCode]| codes.iter().any(|one| one.name() == code);
        let holds = match nature(&format!("{name}.so"), &[]) {
            Nature::Fixed(one) => fits(&[one]),
            Nature::Condition(codes) => fits(codes),
            Nature::Proof(_) | Nature::Second(_) => code != "success",
            Nature::Unknown => UNKNOWN.contains(&name.as_str()),
        };
        if !holds {
            writeln!(wrong, "{name}: {code}").expect("a string takes it");
        }
    }
    assert!(names.len() >= 38 && wrong.is_empty(), "{} {wrong}", names.len());
}

#[test]
fn each_module_of_debian_sets_credentials_as_in_the_model() {
    let (dir, names) = modules();
    let real = real(dir.path(), CREDENTIALS);
    let mut wrong = String::new();
    for name in &names {
        let file = format!("{name}.so");
        let missing = nature(&file, &[]) == Nature::Fixed(PamCode::MODULE_UNKNOWN);
        let model = if missing { vec![PamCode::MODULE_UNKNOWN] } else { answers(&file, &[]) };
        let code = own_code(&real, name);
        let is_model = model.len() < 3 || UNKNOWN.contains(&name.as_str());
        if !is_model || !model.iter().any(|one| one.name() == code) {
            writeln!(wrong, "{name}: {code}").expect("a string takes it");
        }
    }
    assert!(names.len() >= 38 && wrong.is_empty(), "{} {wrong}", names.len());
}
