//! Tests which user the command takes for the acting user if real programs, such as sudo and cron, start it. The
//! command decides this by the kernel's login uid.

use twinlock_tests::{Booted, Finished, PASSWORD};

/// A privileged command that succeeds any number of times.
const BYPASS: &str = "twinlock bypass ada --yes --reason test";
/// Script that runs a command in a container with this machine's programs and its store.
const BOXED: &str = "\
#!/bin/sh
mkdir -p /srv/box/usr
for folder in bin sbin lib lib64; do ln -sfn usr/$folder /srv/box/$folder; done
exec systemd-nspawn --quiet --register=no --keep-unit --pipe --directory=/srv/box --bind-ro=/usr \
    --bind=/etc --bind=/var/lib/twinlock --bind=/run/twinlock --bind=/dev/log \"$@\"
";
const GLASS: &str = "--break-glass 'phone of kim lost'";

/// Creates a machine on which ada and kim are enrolled and bob is not. Robot and root may act without a code.
fn machine() -> Booted {
    let b = Booted::new();
    b.settings("own_code_exempt = [\"robot\", \"root\"]\n");
    b.user("ada").user("bob").user("kim").user("robot");
    b.enrolled("ada").enrolled("kim");
    b
}

/// Reader of the log lines about bypass codes. Each says whether the acting user gave a code, and who acted. `seen` is
/// the number of lines that were already checked.
struct Log<'b> {
    booted: &'b Booted,
    seen: usize,
}

impl Log<'_> {
    fn new(booted: &Booted) -> Log<'_> {
        Log { booted, seen: 0 }
    }

    #[track_caller]
    fn one_more(&mut self, own_code: &str, actor: &str) {
        let lines = self.booted.logged("event=bypass_given ");
        self.seen += 1;
        assert_eq!(lines.len(), self.seen, "{lines:?}");
        let end = format!(" own_code={own_code} actor={actor}");
        assert!(lines[self.seen - 1].ends_with(&end), "not{end}: {lines:?}");
    }

    #[track_caller]
    fn no_more(&self) {
        let lines = self.booted.logged("event=bypass_given ");
        assert_eq!(lines.len(), self.seen, "{lines:?}");
    }
}

#[track_caller]
fn refused(done: &Finished, code: i32, said: &str) {
    assert_eq!(done.code, Some(code), "{done:?}");
    let all =
        format!("{}{}", done.stdout, done.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(all.contains(said), "{done:?}");
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn sudo_and_su_under_sshd_leave_who_has_logged_in() {
    let b = machine();
    let mut log = Log::new(&b);
    let kim = format!("uid:{}", b.uid("kim"));
    for chain in [
        "sudo ACT",
        "sudo -i ACT",
        "sudo su - -c 'ACT'",
        "sudo setsid --wait ACT",
        "sudo unshare --mount --pid --fork --mount-proc ACT",
    ] {
        let act = chain.replace("ACT", BYPASS);
        refused(&b.ssh("bob", &act, &b.code("kim")), 4, "bob has no second factor");
        refused(&b.ssh("kim", &act, &b.wrong_code("kim")), 1, "no correct code of your own");
        let broken = chain.replace("ACT", &format!("{BYPASS} --break-glass lost"));
        refused(&b.ssh("kim", &broken, ""), 4, "the acting user is known (kim)");
        log.no_more();
        b.ssh("kim", &act, &(b.code("kim") + "\n")).ok();
        log.one_more("given", &kim);
    }
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn a_person_on_a_terminal_is_asked_by_name_whoever_they_have_become() {
    let b = machine();
    let mut log = Log::new(&b);
    let mut session = b.login("kim", &[]);
    session.expect("$ ").send_line(&format!("su -c 'sudo {BYPASS}' bob; echo ended=$?"));
    session.expect("Password: ").send_line(PASSWORD);
    session.expect("the acting user is unknown").expect("ended=4");
    log.no_more();
    session.expect("$ ").send_line(&format!("sudo {BYPASS}; echo ended=$?"));
    session.expect("Your own code (kim): ").send_line(&b.code("kim"));
    session.expect("ended=0");
    log.one_more("given", &format!("uid:{}", b.uid("kim")));
    session.send_line("exit");
    assert_eq!(session.exit_code(), Some(0));
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn what_no_login_has_started_takes_a_reason() {
    let b = machine();
    let mut log = Log::new(&b);
    b.write("/usr/local/bin/boxed", BOXED);
    b.run("chmod 755 /usr/local/bin/boxed").ok();
    let nobody = ("no user has logged in here", "break_glass".to_owned());
    // sudo's variables reach the command in a new user namespace and name kim, but there the login uid is unknown.
    let invoker = format!("break_glass invoker=uid:{}", b.uid("kim"));
    let another = ("the acting user is unknown", invoker);
    for (start, (said, own_code)) in [
        ("sudo systemd-run --quiet --wait --pipe", &nobody),
        ("sudo systemd-run --quiet --wait --pipe --setenv=SUDO_USER=kim --uid=root", &nobody),
        (
            "sudo systemd-run --quiet --wait --pipe -p StandardInput=tty -p TTYPath=/dev/console",
            &nobody,
        ),
        ("sudo unshare --user --map-root-user", &another),
        ("sudo boxed", &nobody),
    ] {
        let line = format!("{start} {BYPASS}");
        refused(&b.ssh("kim", &line, &(b.code("kim") + "\n")), 4, said);
        log.no_more();
        b.ssh("kim", &format!("{line} {GLASS}"), "").ok();
        log.one_more(own_code, "unset");
    }
    let mut session = b.login("kim", &[]);
    let line = format!("sudo systemd-run --quiet --pty {BYPASS}; echo ended=$?");
    session.expect("$ ").send_line(&line).expect("no user has logged in here").expect("ended=4");
    log.no_more();
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn a_job_of_cron_is_its_owners() {
    let b = machine();
    let mut log = Log::new(&b);
    let job = |user: &str, line: &str, out: &str| {
        let once = format!("{{ touch {out}.once; {line} >{out} 2>&1; echo ended=$? >>{out}; }}");
        format!("* * * * * {user} test -e {out}.once || {once}\n")
    };
    let of_kim = job("kim", &format!("sudo {BYPASS}"), "/home/kim/out");
    b.write("/etc/cron.d/test", &(job("root", BYPASS, "/root/out") + &of_kim));
    b.run("chmod 644 /etc/cron.d/test").ok();
    let ended = |out: &str| b.run(&format!("grep ended= {out}")).stdout;
    b.until("cron has done the jobs", || {
        [ended("/root/out"), ended("/home/kim/out")].iter().all(|text| !text.is_empty())
    });
    assert_eq!(ended("/root/out"), "ended=0\n");
    log.one_more("exempt", "root");
    // The command asked for kim's code, and cron types none.
    assert_eq!(ended("/home/kim/out"), "ended=130\n");
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn at_the_console_login_says_who_it_is() {
    let b = machine();
    let mut log = Log::new(&b);
    b.run(&format!("echo 'root:{PASSWORD}' | chpasswd")).ok();
    let mut console = b.console();
    console
        .send_line("")
        .expect("login: ")
        .send_line("kim")
        .expect("Password: ")
        .send_line(PASSWORD);
    console.expect("$ ").send_line(&format!("sudo {BYPASS}; echo ended=$?"));
    console.expect("Your own code (kim): ").send_line(&b.code("kim")).expect("ended=0");
    log.one_more("given", &format!("uid:{}", b.uid("kim")));
    console.send_line("exit").expect("login: ").send_line("root");
    console.expect("Password: ").send_line(PASSWORD).expect("# ");
    console.send_line(&format!("{BYPASS}; echo ended=$?")).expect("ended=0");
    log.one_more("exempt", "root");
    console.send_line("exit").expect("login: ");
}

#[test]
#[ignore = "boots a Debian: cargo xtask test --all"]
fn root_by_a_key_is_asked_where_root_is_set_up_and_an_exempt_robot_is_not() {
    let b = machine();
    let mut log = Log::new(&b);
    b.ssh("robot", &format!("sudo {BYPASS}"), "").ok();
    log.one_more("exempt", &format!("uid:{}", b.uid("robot")));
    b.ssh("root", BYPASS, "").ok();
    log.one_more("exempt", "root");
    b.settings("own_code_exempt = [\"robot\"]\n");
    refused(&b.ssh("root", BYPASS, ""), 4, "Enroll yourself first: twinlock enroll root.");
    b.enrolled("root");
    refused(&b.ssh("root", BYPASS, ""), 130, "stopped; nothing was changed");
    b.ssh("root", BYPASS, &(b.code("root") + "\n")).ok();
    log.one_more("given", "root");
}
