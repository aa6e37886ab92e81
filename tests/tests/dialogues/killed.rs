//! Kills a dialogue at each system call of its second half. Checks that the old or the new state is stored, and that no
//! code works twice.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;

use twinlock_core::record::extras::KeyDisclosure;
use twinlock_tests::{Caller, Dialogue, Machine, codes_shown, key_shown, thorough};

use crate::people::{OPEN, afresh, by_kim, change, forget, server, with_codes};

const STORE: &str = "/var/lib/twinlock";
const SOURCE: &str = "127.0.0.1";
const IN: &str = "successfully authenti";

/// A dialogue that changes something.
struct KilledScene {
    settings: &'static str,
    begin: fn(&Machine) -> Vec<String>,
    /// Text in the trace of the dialogue's system calls. The test treats the calls from this text on as the second half
    /// of the dialogue.
    half: &'static str,
    /// Returns two values for a dialogue that was killed: whether ada can log in with what was valid before the
    /// dialogue, and whether she can log in with what the dialogue has made valid.
    states: fn(&mut Caller<'_>, &KilledDialogue) -> [bool; 2],
}

/// A dialogue that was killed.
struct KilledDialogue<'m> {
    m: &'m Machine,
    screen: String,
    words: Vec<String>,
}

type KilledCall = (String, usize);

/// Names of system calls that change something. Other calls do not change the state, so only the thorough test kills
/// the dialogue there.
const CHANGING: [&str; 10] = [
    "openat",
    "write",
    "fsync",
    "link",
    "linkat",
    "renameat2",
    "unlinkat",
    "symlinkat",
    "mkdirat",
    "fchmod",
];

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn start<'m>(m: &'m Machine, strace: &[&str]) -> Dialogue<'m> {
    let call = m.pamtester_as(&["-v", "-I", "rhost=127.0.0.1"], "bare", "ada");
    m.dialogue("ada", call.strace("/tmp/trace", strace).open())
}

fn reset(m: &Machine) {
    forget(m);
    let script = format!("rm -rf {STORE}/users {STORE}/uids; cp -a /tmp/kept/. {STORE}/");
    m.run(["sh", "-c", &script]).ok();
}

fn stage(scene: &KilledScene) -> (Machine, Vec<String>) {
    let m = server("en", scene.settings);
    afresh(&m);
    let words = (scene.begin)(&m);
    m.run(["sh", "-c", &format!("mkdir /tmp/kept && cp -a {STORE}/. /tmp/kept/")]).ok();
    (m, words)
}

/// Returns the system calls of the second half of a complete dialogue.
fn places(scene: &KilledScene) -> Vec<KilledCall> {
    let (m, words) = stage(scene);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut whole = start(&m, &["-s", "200"]);
    whole.answer(&words).session().expect(IN);
    let mut places = m.trace("/tmp/trace").places(scene.half, IN);
    let called: BTreeSet<&str> = places.iter().map(|(call, _)| call.as_str()).collect();
    assert!(called.contains("fsync") && called.contains("unlinkat"), "{called:?}");
    places.retain(|(call, _)| thorough() || CHANGING.contains(&call.as_str()));
    places
}

/// Kills the dialogue at the system call `place`. Returns whether the new state is stored.
fn killed(m: &Machine, words: &[String], scene: &KilledScene, place: &KilledCall) -> bool {
    reset(m);
    let inject = format!("inject={}:signal=KILL:when={}", place.0, place.1);
    let mut dialogue = start(m, &["-e", &inject]);
    for word in words {
        if !dialogue.asks() {
            break;
        }
        dialogue.answer(&[word.as_str()]);
    }
    assert_eq!(dialogue.session().exit_code(), Some(128 + 9), "{place:?}: {}", dialogue.screen());
    let ended = KilledDialogue { m, screen: dialogue.screen(), words: words.to_vec() };
    let [old, new] = (scene.states)(&mut m.caller(), &ended);
    assert!(old != new, "{place:?}: old {old}, new {new}: {}\n{:?}", ended.screen, m.log());
    new
}

fn killed_at_each(scene: &KilledScene) {
    let places = places(scene);
    let fates = Mutex::new(vec![false; places.len()]);
    let work = Mutex::new(0..places.len());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let (m, words) = stage(scene);
                while let Some(next) = { work.lock().expect("work").next() } {
                    let new = killed(&m, &words, scene, &places[next]);
                    fates.lock().expect("fates")[next] = new;
                }
            });
        }
    });
    let fates = fates.into_inner().expect("fates");
    // The number of writes for a QR code varies, so the n-th write of one run is not that of the next run.
    let of_place = places.iter().zip(fates).filter(|((call, _), _)| call != "write");
    let fates: Vec<bool> = of_place.map(|(_, new)| new).collect();
    let first = fates.iter().position(|new| *new).expect("some come late enough");
    assert!(first > 0 && fates[first..].iter().all(|new| *new), "{fates:?} {places:?}");
}

/// Returns whether an app with the key `key`, or with ada's own key if it is `None`, can log in.
fn app_gets_in(caller: &mut Caller<'_>, ended: &KilledDialogue<'_>, key: Option<&str>) -> bool {
    let own = ended.m.otp("ada");
    if let Some(key) = key {
        ended.m.app("ada", &twinlock_tests::Otp::new(key));
    }
    let is_in = caller.gets_in(SOURCE, &["<later>"]);
    ended.m.app("ada", &own);
    is_in
}

#[test]
fn set_up_is_done_or_not_begun() {
    killed_at_each(&KilledScene {
        settings: OPEN,
        begin: |m| {
            m.app("ada", &twinlock_tests::Otp::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"));
            owned(&["start", "<first>", "<group>"])
        },
        half: "code that the app shows now",
        states: |caller, ended| {
            let Some(key) = key_shown(&ended.screen).map(|otp| otp.key) else {
                // The dialogue was killed while the QR code was shown, so no app has the key.
                return [caller.gets_in(SOURCE, &["start", "<first>", "<group>"]), false];
            };
            let new = app_gets_in(caller, ended, Some(&key));
            let typed = twinlock_tests::Otp::new(&key).in_steps(0);
            let twice = new && caller.gets_in(SOURCE, &[&typed]);
            assert!(!twice, "the code of set-up is used up: {}", caller.screen());
            let old = caller.gets_in(SOURCE, &["start", "<second>", "<group>"]);
            [old, new]
        },
    });
}

#[test]
fn the_last_code_is_the_old_one_or_the_new_one() {
    killed_at_each(&KilledScene {
        settings: "not_enrolled = \"enroll\"\nenroll_needs_ticket = false\n[backup_codes]\ncount = 1\n",
        begin: |m| owned(&[&with_codes(m).remove(0), "<group>"]),
        half: "That was your last backup code",
        states: |caller, ended| {
            let new = codes_shown(&ended.screen).pop().expect("a code");
            let new = caller.gets_in(SOURCE, &[&new, "<group>"]);
            let old = caller.gets_in(SOURCE, &[&ended.words[0], "<group>"]);
            [old, new]
        },
    });
}

#[test]
fn a_key_is_the_old_one_or_the_new_one() {
    killed_at_each(&KilledScene {
        settings: OPEN,
        begin: |m| {
            with_codes(m);
            change(m, |mut record| {
                record.authenticators[0].seen =
                    Some(KeyDisclosure { audit: by_kim(), postponed: 0 });
                record
            });
            owned(&["<code>", "start", "<first>", "<next>"])
        },
        half: "the next code of the OLD key",
        states: |caller, ended| {
            let key = key_shown(&ended.screen).map(|otp| otp.key);
            let new = key.is_some_and(|key| app_gets_in(caller, ended, Some(&key)));
            [app_gets_in(caller, ended, None), new]
        },
    });
}
