//! Tests commands about one user: the removal of one of several authenticators, the user's own status, self-service,
//! completions, and output on narrow terminals.

use twinlock_tests::{Finished, Machine, Otp};

const KIM: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const ADA: &str = "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK";
const HEX: [&str; 2] =
    ["6162636465666768696a6162636465666768696a", "7172737475767778797a7172737475767778797a"];

fn machine() -> Machine {
    let m = Machine::new();
    m.user("ada").user("kim").bare();
    m.settings("issuer = \"Example\"\nmail_domain = \"example.org\"\n");
    m.file("/etc/sudoers.d/kim").write("kim ALL=(root) NOPASSWD: ALL\n").mode(0o440);
    m.enrolled("kim", KIM);
    m.app("kim", &Otp::new(KIM));
    m
}

/// Enrolls ada with two apps.
fn with_two(m: &Machine) {
    let text = format!("HOTP/T30 ada - {}\nHOTP/T30 ada - {}\n", HEX[0], HEX[1]);
    m.file("/etc/users.oath").write(text).mode(0o600);
    m.call(["twinlock", "import", "oath", "/etc/users.oath"])
        .logged_in("kim")
        .input(m.code("kim") + "\n")
        .output()
        .ok();
}

fn by_kim(m: &Machine, words: &str, typed: &str) -> Finished {
    let words = format!("sudo twinlock {words}");
    m.call(words.split(' ')).as_user("kim").logged_in("kim").input(typed).output()
}

fn told(done: &Finished) -> String {
    format!("{} {}", done.stdout, done.stderr).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn one_of_several_authenticators_is_removed() {
    let m = machine();
    with_two(&m);
    let remove = |name: &str, typed: String| {
        by_kim(&m, &format!("remove ada --authenticator {name} --yes"), &typed)
    };
    let none = remove("phone", String::new());
    assert_eq!(none.code, Some(3), "{none:?}");
    assert!(told(&none).contains("ada has no authenticator phone"), "{none:?}");
    assert!(told(&none).contains("There are: app, app-2."), "{none:?}");
    let wrong = remove("app-2", format!("{0}\n{0}\n{0}\n", m.wrong_code("kim")));
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    let done = remove("app-2", m.code_in("kim", 1) + "\n");
    assert!(told(&done).contains("Delete this entry in the app: Example:ada (app-2)"), "{done:?}");
    let line = &m.logged("event=authenticator_removed")[0];
    assert!(line.contains("user=ada authenticator=app-2") && line.contains("own_code=given"));
    let outbox = m.run(["sh", "-c", "ls -R /var/lib/twinlock/outbox | grep key-changed"]);
    assert!(outbox.ok().contains("key-changed"), "{outbox:?}");
    m.app("ada", &Otp::new(ADA));
    m.asked("ada", &m.code("ada")).ok();
    let last = remove("app", String::new());
    assert_eq!(last.code, Some(3), "{last:?}");
    for way in ["is the only authenticator of ada", "twinlock reset ada", "twinlock remove ada"] {
        assert!(told(&last).contains(way), "{way}: {last:?}");
    }
}

#[test]
fn ordinary_users_are_told_their_own_way() {
    let m = machine();
    for words in [
        "backup-codes ada",
        "change ada",
        "status",
        "status ada",
        "enroll ada",
        "devices ada",
        "list",
    ] {
        let done =
            m.call(format!("twinlock {words}").split(' ')).as_user("ada").logged_in("ada").output();
        assert_eq!(done.code, Some(4), "{words}: {done:?}");
        assert!(told(&done).contains("log in, type ?, then 4"), "{words}: {done:?}");
        assert!(!told(&done).contains("Try again with sudo"), "{words}: {done:?}");
    }
}

#[test]
fn status_without_a_name_is_of_the_login_user() {
    let m = machine();
    assert!(by_kim(&m, "status", "").ok().starts_with("kim is enrolled"));
    let root = m.call(["twinlock", "status"]).logged_in("root").output();
    assert_eq!(root.code, Some(2), "{root:?}");
    // A service whose SUDO_UID contradicts the login uid.
    let odd = m.call(["env", "SUDO_UID=0", "twinlock", "status"]).without_a_login().output();
    assert_eq!(odd.code, Some(2), "{odd:?}");
}

#[test]
fn whoever_enrolls_themselves_by_sudo_has_seen_their_key_alone() {
    for login in [true, false] {
        let m = Machine::new();
        m.twinlock().user("kim");
        m.file("/etc/sudoers.d/kim").write("kim ALL=(root) NOPASSWD: ALL\n").mode(0o440);
        let call = m.call(["sudo", "twinlock", "enroll", "kim"]).as_user("kim");
        let call = if login { call.logged_in("kim") } else { call.without_a_login() };
        let mut s = call.open();
        s.expect("shown in the app: ");
        let key = s
            .transcript()
            .lines()
            .find_map(|line| line.strip_prefix("    ").map(|key| key.replace([' ', '\r'], "")))
            .expect("the key in letters");
        m.app("kim", &Otp::new(&key));
        s.send_line(&m.code("kim")).expect("They are shown only now");
        let record = m.file("/var/lib/twinlock/users/kim/record.1.toml").read();
        assert!(!record.contains("seen"), "{login}: {record}");
    }
}

#[test]
fn json_of_exports_and_settings_is_json() {
    let m = machine();
    m.settings("require_own_code = false\nissuer = \"Example\"\n");
    let export = m.run(["twinlock", "export", "kim", "--json"]);
    let object: serde_json::Value = serde_json::from_str(export.ok()).expect("JSON");
    assert_eq!(object["user"], "kim");
    assert!(object["export"].as_str().expect("a text").contains("# end of export"));
    let shown = m.run(["twinlock", "settings", "show", "--json"]);
    let object: serde_json::Value = serde_json::from_str(shown.ok()).expect("JSON");
    assert_eq!(object["values"]["issuer"], "Example");
    assert_eq!(object["values"]["not_enrolled"], "deny");
}

/// Command lines whose output is read on a narrow terminal.
const NARROW: [&str; 31] = [
    "--help",
    "enroll --help",
    "reset --help",
    "status kim",
    "list",
    "list --not-enrolled",
    "why kim",
    "why nobody-here",
    "explain kim@192.0.2.1",
    "doctor",
    "doctor ssh",
    "doctor bare",
    "settings check",
    "settings show",
    "setup ssh --with publickey",
    "enroll kim",
    "remove nobody",
    "import google kim",
    "settings apply",
    "epoch show",
    "epoch now",
    "unlock kim",
    "devices kim",
    "verify ada",
    "invite kim",
    "bypass kim --yes --reason lost",
    "show-key kim --yes",
    "backup-codes kim --yes --print",
    "reset ada --yes",
    "remove kim --yes",
    "list",
];

#[test]
fn narrow_terminals_get_short_lines() {
    let m = machine();
    let group = "a-group-that-nobody-has-made-on-this-machine-yet";
    m.settings(&format!("[[rule]]\ngroup = \"{group}\"\naction = \"exempt\"\n"));
    with_two(&m);
    for words in NARROW {
        let mut s = m.call(["twinlock"]).args(words.split(' ')).first("stty cols 60").open();
        s.give_up();
        // A line of a PAM file is to be copied, so it is not broken.
        let is_prose = |line: &&str| !line.trim_start().starts_with("auth ");
        for line in without_colours(&s.transcript()).lines().filter(is_prose) {
            assert!(line.trim_end().chars().count() <= 60, "{words}: {line}");
        }
    }
}

/// Returns a text without the escape sequences that set colours.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once('m').map_or(part, |(_, rest)| rest));
    rest.fold(first, |text, part| text + part)
}

#[test]
fn administrators_see_local_time_with_its_offset() {
    let m = machine();
    m.run(["cp", "/usr/share/zoneinfo/Asia/Kolkata", "/etc/localtime"]).ok();
    let status = m.run(["twinlock", "status", "kim"]);
    assert!(status.ok().contains(" +05:30"), "{status:?}");
    assert!(m.run(["twinlock", "list"]).ok().ends_with("Times are local.\n"));
}

#[test]
fn completions_know_users_and_groups_and_no_hidden_verb() {
    let m = machine();
    for shell in ["bash", "zsh", "fish"] {
        let script = m.run(["twinlock", "completions", shell]);
        for hidden in ["deliver", "sweep", "completions"] {
            assert!(!script.ok().contains(hidden), "{shell} {hidden}");
        }
        m.file(&format!("/root/{shell}")).write(script.ok());
    }
    let asked = |words: &str| {
        let ask = format!(
            ". /root/bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _twinlock twinlock \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        m.run(["bash", "-c", &ask]).ok().to_owned()
    };
    assert_eq!(asked("twinlock reset ki"), "kim\n");
    assert_eq!(asked("twinlock import uri ki"), "kim\n");
    assert_eq!(asked("twinlock invite --group roo"), "root\n");
    assert!(!asked("twinlock reset ''").contains('<'));
    assert!(asked("twinlock ''").contains("enroll"));
    let fish =
        m.run(["fish", "-c", "source /root/fish; complete --do-complete 'twinlock reset ki'"]);
    assert!(fish.ok().contains("kim"), "{fish:?}");
}
