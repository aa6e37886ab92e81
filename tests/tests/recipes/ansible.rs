//! Tests the recipe for Ansible: over an ssh connection that a person has opened, and as a robot.

use twinlock_tests::{Finished, Machine};

use crate::page::Page;
use crate::shared::{machine_with_sshd, opens_once};

const NAME: &str = "server.example.org";

pub fn run(page: &Page) {
    let m = machine_with_sshd();
    m.unpacked("ansible-core");
    page.ran_with(&m, "ansible-core");
    page.ran_with(&m, "openssh-server");
    page.follow(&m, "A person");
    let before = m.state();
    assert!(ping(&m, &[]).stdout.contains("UNREACHABLE"));
    assert_eq!(m.state(), before, "nothing is counted");
    let _terminal = opens_once(page, &m);
    for _ in 0..3 {
        let said = ping(&m, &[]);
        assert!(said.ok().contains("SUCCESS"), "{said:?}");
    }
    assert_eq!(m.logged("event=accepted").len(), 1, "{:?}", m.log());
    m.run(["ssh", "-O", "exit", NAME]).ok();
    assert!(ping(&m, &[]).stdout.contains("UNREACHABLE"));
    robot(page, &m);
    page.follow(&m, "Undo");
    m.sshd("");
    assert!(ping(&m, ROBOT).stdout.contains("UNREACHABLE"));
}

/// Arguments of Ansible for the account of the robot (a program that logs in). The robot has a key of its own, and uses
/// no ssh configuration.
const ROBOT: &[&str] =
    &["-u", "deploy", "--private-key", "/root/keys/deploy", "--ssh-common-args", "-F none"];

fn robot(page: &Page, m: &Machine) {
    m.user("deploy").key("deploy");
    assert!(ping(m, ROBOT).stdout.contains("UNREACHABLE"));
    page.follow(m, "A robot");
    m.sshd("");
    assert!(ping(m, ROBOT).ok().contains("SUCCESS"));
    let elsewhere = [ROBOT, &["--ssh-extra-args=-oBindAddress=127.0.0.2"]].concat();
    assert!(ping(m, &elsewhere).stdout.contains("UNREACHABLE"));
    let asked = |address: &str| m.run(["twinlock", "explain", &format!("deploy@{address}")]).stdout;
    assert!(asked("127.0.0.1").contains("So: no code is asked for"), "{}", asked("127.0.0.1"));
    assert!(!asked("127.0.0.2").contains("So: no code is asked for"), "{}", asked("127.0.0.2"));
}

/// Runs Ansible's module `ping`, which logs in and runs Python on the host. `more` contains further arguments.
fn ping(m: &Machine, more: &[&str]) -> Finished {
    let words = ["ansible", "all", "-i", &format!("{NAME},"), "-m", "ping"];
    m.call(words.iter().chain(more).copied()).env("ANSIBLE_TIMEOUT", "20").output()
}
