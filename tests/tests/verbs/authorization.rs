//! Tests a user, helper, whom sudo allows to run one subcommand of twinlock as root. Checks that this subcommand
//! grants, shows and changes nothing without a code of the acting user's own authenticator.

mod each_row;
mod no_second_factor;

use twinlock_tests::{Finished, Machine, Session};

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const KIM: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
const URI: &str = "otpauth://totp/x:bob?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n";

/// Creates a machine on which ada and kim are enrolled and bob and helper are not. Sudoers rules let helper and kim
/// run only the subcommand `verb` as root.
fn machine(verb: &str) -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("kim").user("bob").user("helper").user("carl");
    m.settings("mail_domain = \"example.org\"\n");
    m.enrolled("ada", ADA).enrolled("kim", KIM);
    let rule = |user: &str| format!("{user} ALL=(root) NOPASSWD: /usr/bin/twinlock {verb} *\n");
    m.file("/etc/sudoers.d/one").write(rule("helper") + &rule("kim")).mode(0o440);
    m
}

fn by(m: &Machine, user: &str, line: &str, input: &str) -> Finished {
    let words = ["sh", "-c", line];
    m.call(words).as_user(user).logged_in(user).input(input).output()
}

#[track_caller]
fn refused(done: &Finished, said: &str) {
    assert_eq!(done.code, Some(4), "{done:?}");
    assert!(done.stderr.replace('\n', " ").contains(said), "{done:?}");
}

/// Runs the command line `line` by sudo. Checks that the command refuses helper, who is not enrolled, that it needs a
/// code of kim, and that its log line `event` names kim as the acting user. `data` is the input after the code. Returns
/// the machine.
#[track_caller]
fn takes_a_code(line: &str, data: &str, event: &str) -> Machine {
    let verb = line.split(' ').nth(1).expect("a verb");
    let m = machine(verb);
    let line = format!("sudo /usr/bin/{line}");
    let before = m.tree("/var/lib/twinlock/users");
    let said = "Enroll yourself first: twinlock enroll helper. If helper is a robot, name it in own_code_exempt.";
    refused(&by(&m, "helper", &line, data), said);
    assert_eq!(before, m.tree("/var/lib/twinlock/users"), "{line}");
    let of_ada = m.tree("/var/lib/twinlock/users/ada");
    let wrong = by(&m, "kim", &line, &format!("{}\n{data}", m.wrong_code("kim")));
    assert!(wrong.code != Some(0) && wrong.stdout.is_empty(), "{wrong:?}");
    assert_eq!(of_ada, m.tree("/var/lib/twinlock/users/ada"), "{line}");
    assert!(m.logged(event).is_empty(), "{:?}", m.logged(event));
    let done = by(&m, "kim", &line, &format!("{}\n{data}", m.code("kim")));
    done.ok();
    let logged = m.logged(event).pop().expect("a line in the log");
    assert!(logged.ends_with(&format!(" own_code=given actor=uid:{}", m.uid("kim"))), "{logged}");
    m
}

fn letter(m: &Machine, name: &str) -> String {
    m.run(["sh", "-c", &format!("readlink /var/lib/twinlock/outbox/{name}.*")]).stdout
}

#[test]
fn export_takes_a_code_and_discloses_the_keys() {
    let m = takes_a_code("twinlock export ada", "", "event=exported user=ada");
    let status = m.run(["twinlock", "status", "ada"]);
    assert!(status.ok().replace('\n', " ").contains("was seen by kim"), "{status:?}");
    assert!(letter(&m, "ada@key-exported").contains(" kim "));
    // The next export does not mark a key again that is marked as seen.
    let before = m.file("/var/lib/twinlock/users/ada/record.2.toml").read();
    m.run(["twinlock", "export", "ada"]).ok();
    assert_eq!(before, m.file("/var/lib/twinlock/users/ada/record.2.toml").read());
}

#[test]
fn import_of_a_known_key_takes_a_code() {
    let m = takes_a_code("twinlock import uri bob", URI, "event=enrolled user=bob");
    assert!(letter(&m, "bob@set-up-done").contains(" kim "));
}

#[test]
fn import_of_a_file_takes_a_code() {
    for file in ["import google bob --file /root/ga", "import oath /root/oath --user bob"] {
        let verb = file.split(' ').next().expect("a verb");
        let m = machine(verb);
        m.file("/root/ga").write("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n\" TOTP_AUTH\n").mode(0o400);
        m.file("/root/oath").write("HOTP/T30 bob - 00112233445566778899aabbccddeeff00112233\n");
        m.file("/root/oath").mode(0o600);
        let line = format!("sudo /usr/bin/twinlock {file}");
        refused(&by(&m, "helper", &line, ""), "Enroll yourself first");
        assert!(m.logged("event=enrolled user=bob").is_empty());
        let preview = by(&m, "helper", &format!("{line} --dry-run"), "");
        assert!(preview.code != Some(4), "{preview:?}");
    }
}

#[test]
fn import_of_a_record_takes_a_code() {
    let m = machine("import");
    let export = m.run(["twinlock", "export", "ada"]).ok().to_owned();
    let record =
        |user: &str, input: &str| by(&m, user, "sudo /usr/bin/twinlock import record ada", input);
    let before = m.tree("/var/lib/twinlock/users");
    refused(&record("helper", &export), "Enroll yourself first");
    assert_eq!(before, m.tree("/var/lib/twinlock/users"));
}

#[test]
fn export_to_another_host_takes_a_code_on_each() {
    let m = machine("export");
    // README's command line with one host as both ends: the code for the source host comes first, the code for the
    // target host is typed.
    let (there, here) = (m.code_in("kim", 1), m.code("kim"));
    let line =
        format!("{{ echo {there}; twinlock export ada; }} | cat | twinlock import record ada");
    let call = m.call(["sh", "-c", &line]).logged_in("kim").input(here + "\n");
    assert!(call.output().ok().contains("ada"));
    for event in ["event=exported user=ada", "event=accepted user=kim service=twinlock"] {
        assert!(!m.logged(event).is_empty(), "{event}");
    }
    assert_eq!(m.logged("event=accepted user=kim service=twinlock").len(), 2);
}

#[test]
fn invitation_to_another_address_takes_a_code_and_tells_the_old_one() {
    let m =
        takes_a_code("twinlock invite bob --mail eve@example.net", "", "event=invited user=bob");
    assert!(letter(&m, "bob@mail-changed").trim_end().ends_with("to=bob%40example.org"));
    let again = by(
        &m,
        "kim",
        "sudo /usr/bin/twinlock invite bob --mail eve@example.com",
        &(m.code_in("kim", 1) + "\n"),
    );
    again.ok();
    // The first change is still mailed to the previous address.
    let first = letter(&m, "bob@mail-changed");
    assert!(
        first.lines().next().is_some_and(|line| line.ends_with("to=bob%40example.org")),
        "{first}"
    );
}

#[test]
fn changes_of_the_whole_host_are_mailed_to_root() {
    let rule = "invite --group carl --until 2099-01-31 --report /home/kim/tickets.csv";
    for verb in ["settings apply", "epoch now", rule] {
        let m = machine(verb.split(' ').next().expect("a verb"));
        m.run(["groupmod", "-a", "-U", "carl", "carl"]);
        let line = format!("sudo /usr/bin/twinlock {verb}");
        refused(&by(&m, "helper", &line, ""), "Enroll yourself first");
        assert_eq!(letter(&m, "root@host-changed"), "", "{verb}");
        by(&m, "kim", &line, &format!("{}\n", m.code("kim"))).ok();
        let letter = letter(&m, "root@host-changed");
        let what = verb.split(" carl").next().expect("words before the group").replace(' ', "%20");
        let named = format!("twinlock%20{what}");
        assert!(letter.contains(&named) && letter.contains(" kim "), "{verb}: {letter}");
        assert!(letter.trim_end().ends_with("to=root"), "{verb}: {letter}");
    }
}

#[test]
fn opening_and_clearing_take_a_code() {
    takes_a_code("twinlock epoch now", "", "event=epoch_begun");
    let m = machine("invite");
    let group = "sudo /usr/bin/twinlock invite --group users --until 2099-01-31";
    refused(&by(&m, "helper", group, ""), "Enroll yourself first");
    assert!(m.logged("event=rule_written").is_empty());
    let m = machine("enroll");
    m.file("/home/helper/people.csv")
        .write("user,mail,key\ncarl,,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n");
    m.file("/home/helper/people.csv").mode(0o600);
    for line in ["enroll --from /home/helper/people.csv", "enroll carl --secret-stdin"] {
        let done = by(&m, "helper", &format!("sudo /usr/bin/twinlock {line}"), "");
        refused(&done, "Enroll yourself first");
    }
    assert!(!m.file("/var/lib/twinlock/users/carl").exists());
    let m = machine("unlock");
    refused(&by(&m, "helper", "sudo /usr/bin/twinlock unlock ada", ""), "Enroll yourself first");
    let m = machine("forget");
    refused(
        &by(&m, "helper", "sudo /usr/bin/twinlock forget ada --all", ""),
        "Enroll yourself first",
    );
}

#[test]
fn first_of_the_host_and_oneself_need_no_code() {
    let m = Machine::new();
    m.twinlock().user("ada").user("kim").user("helper");
    m.file("/etc/sudoers.d/all").write("ALL ALL=(root) NOPASSWD: ALL\n").mode(0o440);
    let import =
        |user: &str, target: &str| by(&m, user, &format!("sudo twinlock import uri {target}"), URI);
    import("helper", "ada").ok();
    let logged = m.logged("event=enrolled user=ada").remove(0);
    assert!(logged.contains("own_code=bootstrap actor=uid:"), "{logged}");
    refused(&import("helper", "kim"), "Enroll yourself first");
    import("kim", "kim").ok();
    let logged = m.logged("event=enrolled user=kim").remove(0);
    assert!(logged.contains("own_code=own_enrollment actor=uid:"), "{logged}");
}

#[test]
fn removed_reset_or_unreadable_records_are_no_new_host() {
    for spoil in [
        "twinlock remove ada --yes",
        "twinlock reset ada --yes",
        "echo x >/var/lib/twinlock/users/ada/record.1.toml",
        "rm -r /var/lib/twinlock/users/ada",
        "rm -r /var/lib/twinlock/users/*",
        "rm /var/lib/twinlock/store-id",
        "mv /var/lib/twinlock /var/lib/other",
    ] {
        let m = Machine::new();
        m.twinlock().user("ada").user("bob").user("helper");
        m.file("/etc/sudoers.d/all").write("ALL ALL=(root) NOPASSWD: ALL\n").mode(0o440);
        m.enrolled("ada", ADA);
        m.run(["sh", "-c", spoil]).ok();
        let done = by(&m, "helper", "sudo twinlock import uri bob", URI);
        assert!(matches!(done.code, Some(4 | 6)), "{spoil}: {done:?}");
        assert!(m.logged("event=enrolled user=bob").is_empty(), "{spoil}");
    }
}

#[test]
fn prompt_held_open_since_bootstrap_enrolls_nobody() {
    let m = Machine::new();
    m.twinlock().user("ada").user("helper").user("bob");
    m.file("/etc/sudoers.d/all").write("ALL ALL=(root) NOPASSWD: ALL\n").mode(0o440);
    let line = "sudo twinlock enroll bob --secret-stdin";
    let mut held = m.call(["sh", "-c", line]).as_user("helper").logged_in("helper").open();
    held.expect("Key in base32: ").send_line("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    held.expect("code now shown in the app: ");
    m.enrolled("ada", ADA);
    let code = twinlock_tests::Otp::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").in_steps(0);
    held.send_line(&code).expect("was enrolled in the");
    assert_eq!(held.exit_code(), Some(4));
    assert!(m.logged("event=enrolled user=bob").is_empty());
}

#[test]
fn after_a_reset_enrolling_oneself_takes_the_ticket() {
    let m = machine("enroll");
    m.run(["twinlock", "reset", "kim", "--yes"]).ok();
    refused(
        &by(&m, "kim", "sudo /usr/bin/twinlock enroll kim --secret-stdin", ""),
        "kim was reset",
    );
}

#[test]
fn code_is_asked_at_the_terminal_where_data_is_piped() {
    let uri = "cat /home/kim/uri";
    for line in [
        format!("{uri} | twinlock import uri bob"),
        format!("{uri} | sudo /usr/bin/twinlock import uri bob"),
        format!("{uri} | sudo /usr/bin/twinlock import uri bob 2>&1 | cat"),
    ] {
        let m = machine("import");
        m.file("/home/kim/uri").write(URI).mode(0o644);
        let mut session = at_terminal(&m, &line);
        session.expect("Your own code (kim): ").send_line(&m.code("kim")).expect("ended=0");
        assert!(session.transcript().contains("bob is enrolled"), "{}", session.transcript());
    }
}

/// Starts a shell pipeline in kim's session at a terminal. The pipeline runs as kim if it contains a sudo of its own,
/// otherwise as root.
fn at_terminal<'m>(m: &'m Machine, line: &str) -> Session<'m> {
    let line = format!("{line}; echo ended=$?");
    let shell = m.call(["sh", "-c", &line]).logged_in("kim");
    if line.contains("sudo") { shell.as_user("kim").open() } else { shell.open() }
}

#[test]
fn code_is_asked_at_the_terminal_where_the_output_is_piped() {
    let m = machine("export");
    let mut session = at_terminal(&m, "sudo /usr/bin/twinlock export ada | cat");
    session.expect("Your own code (kim): ").send_line(&m.wrong_code("kim"));
    session.expect("Your own code (kim): ").send_line(&m.code("kim")).expect("ended=0");
    assert!(session.transcript().contains(ADA), "{}", session.transcript());
}

#[test]
fn interrupt_at_the_terminal_ends_a_pipeline() {
    let m = machine("import");
    m.file("/home/kim/uri").write(URI).mode(0o644);
    for sudo in ["", "sudo /usr/bin/"] {
        let line = format!("trap : INT; cat /home/kim/uri | {sudo}twinlock import uri bob");
        let mut session = at_terminal(&m, &line);
        session.expect("Your own code (kim): ").send("\x03");
        session.expect("stopped; nothing was changed").expect("ended=");
    }
    assert!(m.logged("event=enrolled user=bob").is_empty());
}

#[test]
fn prompt_appears_once_its_process_is_in_the_foreground() {
    let m = machine("import");
    m.file("/home/kim/uri").write(URI).mode(0o644);
    let job = "cat /home/kim/uri | twinlock import uri bob & wait $!; echo stopped=$?; read go; fg";
    let mut session = at_terminal(&m, &format!("exec bash -c 'set -m; {job}; echo ended=$?'"));
    session.expect("stopped=");
    assert!(!session.transcript().contains("Your own code"), "{}", session.transcript());
    session.send_line("").expect("Your own code (kim): ").send("\x03");
    session.expect("stopped; nothing was changed").expect("ended=130");
}

#[test]
fn terminal_that_cannot_be_had_ends_the_prompt() {
    let m = machine("import");
    m.file("/home/kim/uri").write(URI).mode(0o644);
    // A program that ignores the signal cannot be stopped, so it is never put in the foreground.
    let job = "(trap '' TTIN; exec twinlock import uri bob)";
    let line = format!("set -m; cat /home/kim/uri | {job} & wait $!");
    let mut session = at_terminal(&m, &line);
    session.expect("Your own code (kim): ").expect("stopped; nothing was changed");
    session.expect("ended=130");
    assert!(m.logged("event=enrolled user=bob").is_empty());
}

#[test]
fn what_units_run_asks_nobody() {
    let m = machine("status");
    // No user has an address, so nothing is sent.
    m.settings("");
    for line in ["twinlock epoch ensure", "twinlock deliver"] {
        m.call(line.split(' ')).without_a_login().output().ok();
    }
}

#[test]
fn old_address_hears_of_the_new_one() {
    let m = machine("invite");
    m.settings("mail_domain = \"example.org\"\nmail_from = \"twinlock\"\n").postfix();
    let line = "sudo /usr/bin/twinlock invite bob --mail carl@example.org";
    by(&m, "kim", line, &(m.code("kim") + "\n")).ok();
    let ticket = &m.mailbox("carl", 1)[0];
    assert!(ticket.subject().starts_with("Set up two-step"), "{ticket:#?}");
    m.run(["twinlock", "deliver"]).ok();
    let told = &m.mailbox("bob", 1)[0];
    assert_eq!(told.subject(), "Mail for bob on twinbox goes to another address");
    assert!(told.body.contains("By:     kim"), "{told:#?}");
}
