//! Runs `enroll --from`, `invite`, `invite --group` and `change` on a full and on a read-only disk. Checks that no user
//! is changed, that the error says so, and that the same command succeeds once there is space.

use twinlock_tests::{Machine, Otp, says_in_force};

const ADA: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const BOB: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
const STORE: &str = "/var/lib/twinlock";
const VERBS: [&str; 3] = [
    "invite bob",
    "enroll --from /root/people.csv",
    "invite --group dev --until 2099-01-31 --report /root/report.csv",
];

/// Creates a machine with twinlock's store on a small disk, on which ada is enrolled and the other users are not.
fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada").user("bob").user("cy");
    m.enrolled("ada", ADA).settings("window = 10\n");
    m.file("/etc/group").append("dev:x:3000:cy\n");
    m.file("/root/people.csv").write(format!("user,key\nbob,{BOB}\n")).mode(0o600);
    m.app("bob", &Otp::new(BOB));
    m.run(["sh", "-c", &format!("mkdir /tmp/store && cp -a {STORE}/. /tmp/store")]).ok();
    m.run(["mount", "-t", "tmpfs", "-o", "size=96k,mode=0700", "small", STORE]).ok();
    m.run(["cp", "-a", "/tmp/store/.", STORE]).ok();
    m
}

fn fill(m: &Machine) {
    m.run(["sh", "-c", &format!("cat /dev/zero >{STORE}/filler 2>/dev/null; true")]).ok();
}

fn make_room(m: &Machine) {
    m.run(["rm", "-f", &format!("{STORE}/filler")]).ok();
}

fn remount(m: &Machine, how: &str) {
    m.run(["mount", "-o", &format!("remount,{how}"), STORE]).ok();
}

/// Returns the names and content of the users' folders.
fn people(m: &Machine) -> String {
    let records = format!("cd {STORE}/users && find . -name 'record.*' -exec cat {{}} +; ls -A *");
    m.run(["sh", "-c", &records]).stdout
}

#[track_caller]
fn changes_nobody(m: &Machine, words: &str, state: &str) {
    let before = people(m);
    m.run(["rm", "-f", "/root/report.csv"]).ok();
    let done = m.call(format!("twinlock {words}").split(' ').map(str::to_owned)).output();
    assert_eq!(done.code, Some(6), "{state} {words}: {done:?}");
    let said = (done.stdout + &done.stderr).replace("\n    ", " ").replace('\n', " ");
    let told = ["nothing was changed", "cannot be written"];
    assert!(told.iter().any(|told| said.contains(told)), "{state} {words}: {said}");
    assert!(!says_in_force(&said), "{state} {words}: {said}");
    let after = people(m);
    let records = |text: &str| text.matches("state = ").count();
    assert_eq!(records(&after), records(&before), "{state} {words}: {after}");
}

#[test]
fn nobody_of_many_is_half_done_and_all_are_once_there_is_room() {
    for words in VERBS {
        let m = machine();
        fill(&m);
        changes_nobody(&m, words, "full");
        make_room(&m);
        remount(&m, "ro");
        changes_nobody(&m, words, "read-only");
        remount(&m, "rw");
        m.run(["rm", "-f", "/root/report.csv"]).ok();
        m.call(format!("twinlock {words}").split(' ').map(str::to_owned)).output().ok();
    }
}

#[test]
fn an_app_of_ones_own_is_not_changed() {
    let m = machine();
    let record = || m.run(["sh", "-c", &format!("cat {STORE}/users/ada/record.*")]).ok().to_owned();
    for state in ["full", "ro"] {
        if state == "full" {
            fill(&m);
        } else {
            remount(&m, "ro");
        }
        m.run(["rm", "-rf", "/run/twinlock/users"]).ok();
        let before = record();
        let session = m.call(["twinlock", "change", "ada"]).logged_in("ada").open();
        let mut all = m.dialogue("ada", session);
        all.answer(&["<code>"]);
        assert_eq!(all.session().give_up(), Some(6), "{state}: {}", all.screen());
        assert_eq!(record(), before, "{state}");
        make_room(&m);
    }
    remount(&m, "rw");
    m.run(["rm", "-rf", "/run/twinlock/users"]).ok();
    let session = m.call(["twinlock", "change", "ada"]).logged_in("ada").open();
    let mut all = m.dialogue("ada", session);
    all.answer(&["<code>", "<first>", "<next>"]);
    assert_eq!(all.session().exit_code(), Some(0), "{}", all.screen());
}
