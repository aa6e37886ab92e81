//! Abuses each prompt of each dialogue: the connection is cut, or the answer is missing, too long or garbage. Checks
//! that nothing breaks, no login succeeds without proof, and the owner can log in afterwards.

use std::thread;

use twinlock_core::record::{
    enrollment::{self, ChangeStamp},
    extras::{KeyDisclosure, Purpose},
    text as form,
};
use twinlock_tests::{Caller, First, Machine, Next, Reply, key_shown, thorough};

use crate::people::{
    OPEN, TICKET, by_kim, change, enrolled, forget, server, speaks, ssh, ticket, with_codes,
};

const STORE: &str = "/var/lib/twinlock";
const SOURCE: &str = "127.0.0.1";
const MIB: usize = 1 << 20;

/// A dialogue, each prompt of which is answered once in an abusive way. `begin` creates the initial state of ada's
/// record and returns the correct answers to the prompts, in order. Once the first `proven` of these answers were
/// given, ada has proven who she is, and the login may succeed even if the next answer is abusive.
struct AbusedScene {
    name: &'static str,
    settings: &'static str,
    begin: fn(&Machine) -> Vec<String>,
    proven: usize,
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

const SCENES: [AbusedScene; 8] = [
    AbusedScene {
        name: "set-up",
        settings: OPEN,
        begin: |_| words(&["start", "<first>", "<group>"]),
        proven: 2,
    },
    AbusedScene { name: "set-up by ticket", settings: "", begin: by_ticket, proven: 2 },
    AbusedScene {
        name: "the only code",
        settings: "not_enrolled = \"enroll\"\nenroll_needs_ticket = false\n[backup_codes]\ncount = 1\n",
        begin: |m| {
            let code = with_codes(m).remove(0);
            words(&["?", "2", &code, "<group>"])
        },
        proven: 4,
    },
    AbusedScene {
        name: "codes owed",
        settings: OPEN,
        begin: |m| {
            with_codes(m);
            change(m, |found| {
                let stamp = ChangeStamp { generation: found.generation, at: found.since };
                enrollment::owing_codes(found, by_kim(), stamp)
            });
            words(&["<code>", "<group>"])
        },
        proven: 1,
    },
    AbusedScene {
        name: "new codes",
        settings: OPEN,
        begin: |m| {
            with_codes(m);
            words(&["?", "4", "<code>", "1", "<next>", "<group>"])
        },
        proven: 3,
    },
    AbusedScene {
        name: "a new authenticator",
        settings: OPEN,
        begin: |m| {
            with_codes(m);
            words(&["?", "4", "<code>", "2", "<first>", "<next>"])
        },
        proven: 3,
    },
    AbusedScene { name: "a seen key", settings: OPEN, begin: seen, proven: 4 },
    AbusedScene {
        name: "a backup code",
        settings: OPEN,
        begin: |m| {
            let code = with_codes(m).remove(0);
            words(&["<wrong>", "?", "2", &code])
        },
        proven: 4,
    },
];

fn by_ticket(m: &Machine) -> Vec<String> {
    enrolled(m);
    change(m, |found| {
        let stamp = ChangeStamp { generation: found.generation, at: found.since };
        let mut record = enrollment::reset(found, by_kim(), stamp);
        enrollment::give_ticket(&mut record.extras, ticket(Purpose::SetUp));
        record
    });
    words(&[TICKET, "<first>", "<group>"])
}

fn seen(m: &Machine) -> Vec<String> {
    with_codes(m);
    change(m, |mut record| {
        record.authenticators[0].seen = Some(KeyDisclosure { audit: by_kim(), postponed: 0 });
        record
    });
    words(&["<code>", "start", "<first>", "<next>"])
}

/// Returns the replies with which a prompt is abused; the first one ends the program.
fn abuses(large: &[u8]) -> [Reply<'_>; 8] {
    [
        Reply::Gone,
        Reply::Fail,
        Reply::Text(b""),
        Reply::Null,
        Reply::Text(large),
        Reply::Text(b"\x08\n\r\x7fINCORRECT\x1b[2J\x1b]0;x\x07\x01\x02\x03\x04"),
        Reply::Text(b"\xff\xfe\xc3\x28\xf0\x9f"),
        Reply::Text(b"000000000000000000000000"),
    ]
}

/// A machine on which a dialogue is started repeatedly.
struct Stage<'m> {
    m: &'m Machine,
    scene: &'m AbusedScene,
    words: Vec<String>,
}

impl Stage<'_> {
    fn reset(&self) {
        forget(self.m);
        let script = format!("rm -rf {STORE}/users {STORE}/uids; cp -a /tmp/kept/. {STORE}/");
        self.m.run(["sh", "-c", &script]).ok();
    }

    /// Runs the dialogue up to its prompt number `at` (from 0), gives the reply `reply`, and answers all later prompts
    /// with an empty text. Checks that no login succeeds unless the user was already authenticated.
    fn abused(&self, caller: &mut Caller<'_>, at: usize, reply: Reply<'_>) {
        let what = format!("{} at {at}: {:.60?}", self.scene.name, reply);
        let before: Vec<&str> = self.words[..at].iter().map(String::as_str).collect();
        let mut next = caller.login("bare", "ada", SOURCE);
        if !before.is_empty() {
            next = caller.type_all(&before);
        }
        assert_eq!(next, Next::Asks, "{what}: {}", caller.screen());
        next = caller.reply(reply);
        while next == Next::Asks {
            next = caller.reply(Reply::Text(b""));
        }
        let may_be_in = at >= self.scene.proven || (self.scene.name == "a seen key" && at == 1);
        assert!(next != Next::Ended(0) || may_be_in, "{what}: {}", caller.screen());
        assert_eq!(next == Next::Gone, reply == Reply::Gone, "{what}");
        assert!(self.m.logged("reason=panic").is_empty(), "{what}: {:?}", self.m.log());
        self.is_whole(&what);
    }

    /// Checks that ada has at most one record, that it is readable, and that there is no partial file.
    fn is_whole(&self, what: &str) {
        let listed = self.m.run(["sh", "-c", &format!("cd {STORE}/users/ada 2>/dev/null && ls")]);
        assert!(!listed.stdout.contains("tmp."), "{what}: {listed:?}");
        let records: Vec<_> =
            listed.stdout.lines().filter(|name| name.starts_with("record.")).collect();
        assert!(records.len() < 2, "{what}: {listed:?}");
        for record in records {
            let text = self.m.file(&format!("{STORE}/users/ada/{record}")).read();
            assert!(form::read(&text).is_ok(), "{what}: {text}");
        }
    }

    /// Checks that the owner can log in, with the old key or with the new key on the screen.
    fn owner_gets_in(&self, screen: &str) {
        let mut caller = self.m.caller();
        forget(self.m);
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        if caller.gets_in(SOURCE, &words) {
            return;
        }
        let said = caller.screen().to_owned();
        let key = key_shown(screen).unwrap_or_else(|| panic!("{screen}\nthen\n{said}"));
        forget(self.m);
        let enrolled = self.m.otp("ada");
        self.m.app("ada", &key);
        let is_in = caller.gets_in(SOURCE, &["<code>"]);
        self.m.app("ada", &enrolled);
        assert!(is_in, "{screen}\nthen\n{said}\nthen\n{}", caller.screen());
    }
}

fn played(scene: &AbusedScene) {
    let m = server("en", "");
    enrolled(&m);
    crate::people::afresh(&m);
    speaks(&m, "en", scene.settings);
    let words = (scene.begin)(&m);
    m.run(["sh", "-c", &format!("mkdir /tmp/kept && cp -a {STORE}/. /tmp/kept/")]).ok();
    let stage = Stage { m: &m, scene, words };
    let large = vec![b'x'; MIB];
    for at in 0..stage.words.len() {
        for (nth, reply) in abuses(&large).into_iter().enumerate() {
            if !thorough() && (at + nth) % 4 != 0 {
                continue;
            }
            stage.reset();
            let mut caller = m.caller();
            stage.abused(&mut caller, at, reply);
            stage.owner_gets_in(caller.screen());
        }
    }
}

#[test]
fn no_answer_breaks_a_dialogue_or_shuts_its_owner_out() {
    thread::scope(|scope| {
        for half in SCENES.chunks(4) {
            scope.spawn(|| half.iter().for_each(played));
        }
    });
}

/// Over ssh, a final message is shown as a prompt. Checks, with the Swedish texts, that an answer to this prompt has no
/// effect.
#[test]
fn no_answer_to_last_words_does() {
    let m = server("sv", "");
    enrolled(&m);
    speaks(&m, "sv", "tries = 1\n");
    let large = vec![b'x'; MIB];
    let code = m.code_in("ada", 1);
    let answers = abuses(&large).into_iter().chain([Reply::Text(code.as_bytes())]);
    for reply in answers {
        forget(&m);
        let before = m.logged("reason=not_a_code").len();
        let mut caller = m.caller();
        assert_eq!(caller.login("bare", "ada", SOURCE), Next::Asks);
        assert_eq!(caller.type_all(&["hunter2"]), Next::Asks, "{}", caller.screen());
        assert!(caller.screen().contains("Tryck Enter"), "{}", caller.screen());
        assert_eq!(m.logged("reason=not_a_code").len(), before + 1, "it stands in the log by then");
        let next = caller.reply(reply);
        assert!(!matches!(next, Next::Asks | Next::Ended(0)), "{reply:.60?}: {next:?}");
        assert!(m.logged("reason=panic").is_empty(), "{:?}", m.log());
    }
    assert!(m.caller().gets_in(SOURCE, &[&code]), "none of them used the code up");
}

/// Runs set-up in an ssh client. After `answered` correct answers, the user types `typed` instead of the next one.
/// Checks that set-up then fails or is finished, and that the user can log in afterwards.
fn played_at_a_client(m: &Machine, typed: &str, answered: usize) {
    crate::people::afresh(m);
    let mut all = ssh(m, First::Key);
    all.answer(&["start", "<first>", "<group>"][..answered]).next_prompt();
    all.session().send(typed).send_line("").give_up();
    let screen = all.screen();
    assert_eq!(all.logged_in(), answered == 2 && typed != "\x03", "{typed}: {screen}");
    assert!(m.logged("reason=panic").is_empty(), "{:?}", m.log());
    let mut again = ssh(m, First::Key);
    if answered == 2 {
        forget(m);
        m.app("ada", &key_shown(&screen).expect("a key"));
        again.answer(&["<next>", "<group>"]);
    } else {
        again.answer(&["start", "<first>", "<group>"]);
    }
    assert!(again.logged_in(), "{typed}, {answered}: {screen}\n{}", again.screen());
}

#[test]
fn no_answer_through_sshd_does() {
    let m = server("en", OPEN);
    let long = "x".repeat(4000);
    let all = ["\x03", "\x04", &long, "\x08\x7f\x15\x1b[2J\r", "hunter2\n\n\n"];
    for (nth, typed) in all.into_iter().enumerate() {
        for answered in 0..3 {
            if thorough() || (nth + answered) % 3 == 0 {
                played_at_a_client(&m, typed, answered);
            }
        }
    }
}
