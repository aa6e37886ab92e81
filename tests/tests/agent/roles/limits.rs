//! Tests the limits of a role, also with requests at the same instant, and workers of the agent that are killed.

use twinlock_tests::Machine;

use super::{OUTBOX, acts, desk, gives_password, mails, open, outbox};

#[test]
fn limits_hold_at_the_same_instant() {
    let m = desk("per_day = 1\n");
    // One member in two sessions, with two codes.
    let mut both: Vec<_> = [-1, 0]
        .map(|step| {
            let mut s = open(&m, "kim", &["bypass", "ada", "--reason", "x"]);
            assert!(gives_password(&mut s));
            (s, m.code_in("kim", step))
        })
        .into();
    m.at_once("twinlock-agent-", &mut both);
    let next = m.code_in("kim", 1);
    for (s, _) in &mut both {
        // Where the later of the two codes came first, the earlier one counts as used.
        if s.expect_one_of(&["used already", "by mail", "too often"]) == 0 {
            s.send_line(&next);
        }
    }
    let codes: Vec<_> = both.iter_mut().map(|(s, _)| s.exit_code()).collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 1, "{codes:?}");
    assert_eq!(m.logged("event=bypass_given").len(), 1);
    let third = acts(&m, "kim", &["unlock", "ada", "--reason", "x"]);
    assert_eq!(third.code, Some(5), "{third:?}");
}

#[test]
fn a_user_is_reset_twice_a_day_by_all_members_together() {
    let m = desk("");
    for name in ["una", "gus"] {
        m.person(name).run(["usermod", "-aG", "helpdesk", name]).ok();
    }
    let mut all: Vec<_> = ["kim", "lee", "una", "gus"]
        .map(|user| {
            let mut s = open(&m, user, &["reset", "ada", "--reason", "x"]);
            assert!(gives_password(&mut s));
            (s, m.code(user))
        })
        .into();
    m.at_once("twinlock-agent-", &mut all);
    let mut codes: Vec<_> = all.iter_mut().map(|(s, _)| s.exit_code()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(0), Some(5), Some(5)]);
    // Two members who use the role in the same second cause two mails.
    let told = outbox(&m).lines().filter(|line| line.contains("ada@role-used")).count();
    assert!(told >= 2, "{}", outbox(&m));
    let refused = acts(&m, "kim", &["reset", "ada", "--reason", "x"]);
    assert!(refused.stdout.contains("too often for that user"), "{refused:?}");
}

#[test]
fn looking_is_limited_too() {
    let m = desk("");
    let uses = "now=$(cut -d. -f1 /proc/uptime); for i in $(seq 0 99); do \
        ln -s $now /run/twinlock/users/kim/op.role-look.$((now / 86400)).$i; done";
    m.run(["sh", "-c", &format!("mkdir -p -m 700 /run/twinlock/users/kim; {uses}")]).ok();
    let done = acts(&m, "kim", &["status", "ada"]);
    assert_eq!(done.code, Some(5), "{done:?}");
}

#[test]
fn what_cannot_be_mailed_is_not_done() {
    let m = desk("");
    let attempt = "ln -s $(date +%s) /run/twinlock/users/ada/try.proven.20001.0.192.0.2.9";
    m.run(["sh", "-c", &format!("mkdir -p -m 700 /run/twinlock/users/ada; {attempt}")]).ok();
    m.run(["sh", "-c", &format!("mv {OUTBOX} {OUTBOX}.away; touch {OUTBOX}")]).ok();
    for verb in ["reset", "bypass", "unlock"] {
        let done = acts(&m, "kim", &[verb, "ada", "--reason", "x"]);
        assert_eq!(done.code, Some(6), "{verb}: {done:?}");
    }
    m.run(["sh", "-c", &format!("rm {OUTBOX}; mv {OUTBOX}.away {OUTBOX}")]).ok();
    let state = m.run(["twinlock", "--json", "status", "ada"]).ok().to_owned();
    assert!(
        state.contains("\"state\":\"enrolled\"") && state.contains("\"wrong_codes\":1"),
        "{state}"
    );
}

/// Starts the agent's listener anew. Each of its workers is killed at its call number `nth` (from 1) of the system
/// call `call`.
fn killed_at(m: &Machine, call: &str, nth: usize) {
    m.run(["sh", "-c", "pkill -x twinlock-agent; pkill -x strace; true"]).ok();
    let begin = format!(
        "rm -f /run/twinlock-agent/socket; strace -f -qq -o /dev/null -e trace={call} \
         -e inject={call}:signal=KILL:when={nth} /usr/libexec/twinlock/twinlock-agent --listen \
         >/run/agent.log 2>&1 </dev/null & until [ -S /run/twinlock-agent/socket ]; do sleep 0.01; done"
    );
    m.run(["timeout", "20", "sh", "-c", &begin]).ok();
}

#[test]
fn no_killed_worker_changes_anything_in_silence() {
    let m = desk("");
    let mut ended = 0;
    for nth in 1.. {
        m.run([
            "sh",
            "-c",
            &format!("rm -f /run/twinlock/users/*/op.*; find {OUTBOX} -type l -delete"),
        ])
        .ok();
        killed_at(&m, "symlinkat,renameat2,linkat,sendto,unlinkat", nth);
        let done = acts(&m, "kim", &["reset", "ada", "--reason", "x"]);
        let is_reset = m.run(["twinlock", "--json", "status", "ada"]).ok().contains("\"reset\":{");
        let queued = outbox(&m);
        if is_reset {
            assert!(queued.contains("ada@role-used"), "{nth}: {queued}");
        }
        if done.code == Some(0) {
            assert!(queued.contains("ada@ticket-by-mail"), "{nth}: {queued}");
            break;
        }
        ended += 1;
        assert!(nth < 60, "{done:?}");
        m.run(["twinlock", "remove", "ada", "--yes"]).ok();
        m.enrolled_with("ada", &m.otp("ada"));
    }
    assert!(ended > 3, "{ended}");
    // The ticket can be had again by another member, whatever was lost.
    m.start_agent();
    let again = acts(&m, "lee", &["reset", "ada", "--reason", "x"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(mails(&m).contains("Set up two-step verification"));
}
