//! Tests hardware tokens with a button. Checks that only a correct code advances the counter, and that the new counter
//! is stored durably before access is granted.

use std::sync::Mutex;
use std::thread;

use twinlock_tests::{First, Machine, PASSWORD, PROMPT, Server, Session, Token};

const IN: &str = "successfully authenticated";
/// Names of system calls that change something.
const CHANGES: [&str; 9] = [
    "symlinkat",
    "openat",
    "fchown",
    "fchmod",
    "write",
    "fsync",
    "renameat2",
    "unlinkat",
    "sendto",
];
const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Creates a machine on which ada is enrolled with a token, and keeps a copy of her record. Returns the machine and
/// the token.
fn machine() -> (Machine, Token) {
    let m = Machine::new();
    m.user("ada").bare();
    // The throttle is tested elsewhere.
    m.settings("[throttle]\nfree = 50\n");
    let token = Token::new(KEY);
    import(&m, &token, 10);
    m.run(["cp", "-a", "/var/lib/twinlock", "/root/records"]).ok();
    (m, token)
}

fn import(m: &Machine, token: &Token, counter: u64) {
    let import = m.call(["twinlock", "import", "uri", "ada"]);
    import.input(token.uri("ada", counter) + "\n").output().ok();
}

/// Restores the state after ada was enrolled.
fn anew(m: &Machine) {
    let again =
        "rm -rf /run/twinlock/users /var/lib/twinlock; cp -a /root/records /var/lib/twinlock";
    m.run(["sh", "-c", again]).ok();
}

fn gets_in(m: &Machine, codes: &[String]) -> bool {
    m.asked("ada", &format!("{}\n", codes.join("\n"))).code == Some(0)
}

/// Returns the counter that ada's record has for the next code.
fn next(m: &Machine) -> u64 {
    let record = m.run(["sh", "-c", "cat /var/lib/twinlock/users/ada/record.*.toml"]);
    let line = record.ok().lines().find_map(|line| line.strip_prefix("counter = "));
    line.and_then(|next| next.parse().ok()).expect("a counter")
}

#[test]
fn by_sshd_and_sudo_each_code_of_a_token_lets_in_once() {
    let m = Machine::new();
    m.twinlock().user("ada").password("ada", PASSWORD).key("ada").sudoer("ada");
    m.shipped_pam("sudo").server(Server::Publickey);
    let token = Token { digits: 8, ..Token::new(KEY) };
    import(&m, &token, 0);
    let mut s = m.at_the_prompt("ada", First::Key);
    assert!(s.send_line(&token.at(0)).logged_in(), "{}", s.transcript());
    assert!(m.logged("event=accepted")[0].ends_with("authenticator=twinbox step=0"));
    let mut s = m.at_the_prompt("ada", First::Key);
    s.send_line(&token.at(0)).expect("was used already").expect("press its button");
    s.expect(PROMPT).send_line(&token.at(4));
    assert!(s.logged_in(), "{}", s.transcript());
    let mut sudo = m.call(["sh", "-c", "umask 0; exec sudo -k id"]).as_user("ada").open();
    sudo.expect("password for ada").send_line(PASSWORD);
    sudo.expect(PROMPT).send_line(&token.at(3)).expect("That code is wrong");
    sudo.expect(PROMPT).send_line(&token.at(5)).expect("uid=0(root)");
    assert_eq!(next(&m), 6);
    let records = m.tree("/var/lib/twinlock/users/ada");
    assert!(records.contains("record.4.toml 100600 0:0 "), "{records}");
    let status = m.run(["twinlock", "status", "ada"]);
    let line = "Authenticator: twinbox (8 digits, token, next code is number 6, SHA1)";
    assert!(status.ok().contains(line) && status.ok().contains("Last code: 20"), "{status:?}");
}

#[test]
fn wrong_codes_move_nothing_and_two_in_a_row_find_a_token_far_ahead() {
    let (m, token) = machine();
    let before = m.tree("/var/lib/twinlock/users/ada/record.1.toml");
    for codes in [[8, 5, 16], [200, 201, 202], [109, 30, 32]] {
        assert!(!gets_in(&m, &codes.map(|counter| token.at(counter))), "{codes:?}");
        m.run(["twinlock", "unlock", "ada"]).ok();
    }
    assert_eq!(m.tree("/var/lib/twinlock/users/ada/record.1.toml"), before);
    let mut s = m.pamtester("bare", "ada").open();
    s.expect(PROMPT).send_line(&token.at(60)).expect("That code is wrong. 2 tries left.");
    s.expect(PROMPT).send_line(&token.at(61));
    s.expect("The button of your token was pressed 50 times without a login.").expect(IN);
    assert!(m.logged("event=accepted")[0].ends_with(" step=61 resync=50"), "{:?}", m.log());
    assert_eq!(next(&m), 62);
    assert!(!gets_in(&m, &[token.at(60), token.at(61)]));
    assert!(gets_in(&m, &[token.at(62)]));
}

#[test]
fn verify_says_where_a_code_stands_and_uses_it_up() {
    let (m, token) = machine();
    let verify = |code: String, words: &str| {
        let call = m.call(["twinlock"]).args(words.split(' ')).args(["ada"]);
        let said = call.input(code + "\n").output();
        (said.code, (said.stdout + &said.stderr).replace('\n', " "))
    };
    for (counter, exit, words) in [
        (10, 0, "which is now used up. It is the token's next code."),
        (10, 1, "that code or a later one was used already"),
        (15, 0, "button was pressed 4 more times since the last login."),
        (9, 1, "that code or a later one was used already"),
        (2, 1, "used already Use the code shown now; on a token, press the button."),
        (21, 1, "wrong: no authenticator of ada shows that code"),
        (300, 1, "wrong: no authenticator of ada shows that code"),
    ] {
        m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/try.*"]).ok();
        let (code, said) = verify(token.at(counter), "verify");
        assert!(code == Some(exit) && said.contains(words), "{counter}: {said}");
    }
    m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/try.*"]).ok();
    let (_, said) = verify(token.at(18), "--json verify");
    assert!(said.contains("\"presses_ahead\":2"), "{said}");
    assert!(!gets_in(&m, &[token.at(18)]));
    assert!(gets_in(&m, &[token.at(19)]));
}

#[test]
fn what_is_missing_in_a_tokens_line_is_named() {
    let m = Machine::new();
    m.twinlock().user("ada");
    let uri = Token::new(KEY).uri("ada", 5).replace("&counter=5", "");
    let said = m.call(["twinlock", "import", "uri", "ada"]).input(uri).output();
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("otpauth://hotp/ needs counter="), "{said:?}");
    assert!(!m.file("/var/lib/twinlock/users/ada").exists());
}

#[test]
fn the_counter_is_on_the_disk_before_the_answer() {
    let (m, token) = machine();
    let call = m.pamtester_as(&["-v"], "bare", "ada").strace("/tmp/trace", &["-s", "400"]);
    assert!(call.input(token.at(10) + "\n").output().stdout.contains(IN));
    let trace = m.trace("/tmp/trace");
    // The order: the claim, the new record on disk, its rename, the folder on disk, and only then the result.
    assert!(!trace.between("\"used.", "counter = 11").names().contains(&"renameat2"));
    let written = trace.between("counter = 11", IN);
    let names = written.names();
    let place = |call: &str| names.iter().position(|name| *name == call).expect("a call");
    assert!(place("fsync") < place("renameat2"), "{written:#?}");
    let folder = names[place("renameat2")..].iter().position(|name| *name == "fsync");
    assert!(folder.is_some() && names.contains(&"unlinkat"), "{written:#?}");
}

/// Kills a login at its call number `nth` of the system call `call`. Checks that its code then works at most once, and
/// that the next code works. Returns whether the code works once more.
fn killed_at(m: &Machine, token: &Token, call: &str, nth: usize) -> bool {
    anew(m);
    let inject = format!("inject={call}:signal=KILL:when={nth}");
    let login = m.pamtester_as(&["-v"], "bare", "ada").input(token.at(10) + "\n");
    let killed = login.strace("/tmp/trace", &["-e", &inject]).output();
    assert!(killed.code == Some(137) && !killed.stdout.contains(IN), "{call} {nth}: {killed:?}");
    let again = gets_in(m, &[token.at(10)]);
    assert!(!gets_in(m, &[token.at(10)]), "{call} {nth}: twice: {}", m.log().join("\n"));
    // A restart in between does not make a used counter valid again.
    m.run(["rm", "-rf", "/run/twinlock/users"]).ok();
    let after_restart = gets_in(m, &[token.at(10)]);
    assert!(!(again && after_restart), "{call} {nth}: after a restart: {}", m.log().join("\n"));
    assert!(gets_in(m, &[token.at(11)]), "{call} {nth}: {}", m.log().join("\n"));
    assert_eq!(next(m), 12, "{call} {nth}");
    again
}

#[test]
fn killed_anywhere_no_code_works_twice_and_the_owner_gets_in() {
    let (m, token) = machine();
    let call = m.pamtester_as(&["-v"], "bare", "ada").strace("/tmp/trace", &["-s", "400"]);
    assert!(call.input(token.at(10) + "\n").output().stdout.contains(IN));
    let mut places = m.trace("/tmp/trace").places("try.proven", IN);
    // Other calls change nothing, so the login is not killed there.
    places.retain(|(call, _)| CHANGES.contains(&call.as_str()));
    assert!(places.len() > 12, "{places:?}");
    let (work, fates) = (Mutex::new(0..places.len()), Mutex::new(vec![false; places.len()]));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let (m, token) = machine();
                while let Some(next) = { work.lock().expect("work").next() } {
                    let again = killed_at(&m, &token, &places[next].0, places[next].1);
                    fates.lock().expect("fates")[next] = again;
                }
            });
        }
    });
    let fates = fates.into_inner().expect("fates");
    let burned = fates.iter().position(|again| !again).expect("some are burned");
    assert!(burned > 0 && fates[burned..].iter().all(|again| !again), "{fates:?} {places:?}");
}

fn at_the_prompt(m: &Machine, from: usize) -> Session<'_> {
    let item = format!("rhost=192.0.2.{from}");
    let mut s = m.pamtester_as(&["-I", &item], "bare", "ada").open();
    s.expect(PROMPT);
    s
}

/// Counts how many of these codes are accepted when all are sent at the same time.
fn winners(m: &Machine, codes: &[String]) -> usize {
    let rival = |(number, code): (usize, &String)| (at_the_prompt(m, number), code.clone());
    let mut rivals: Vec<_> = codes.iter().enumerate().map(rival).collect();
    m.at_once("pamtester", &mut rivals);
    let won = |(s, _): &mut (Session<'_>, String)| s.expect_one_of(&[IN, PROMPT]) == 0;
    rivals.iter_mut().map(won).filter(|won| *won).count()
}

#[test]
fn of_thirty_two_at_one_instant_one_gets_in() {
    let (m, token) = machine();
    for counter in [10, 12] {
        assert_eq!(winners(&m, &vec![token.at(counter); 32]), 1, "{counter}: {:?}", m.log());
        assert_eq!(next(&m), counter + 1);
    }
    let records = m.run(["ls", "/var/lib/twinlock/users/ada"]);
    assert!(records.ok().contains("record.3.toml"), "{records:?}");
    assert!(!records.ok().contains("tmp.") && !records.ok().contains("record.2"), "{records:?}");
}

#[test]
fn two_tokens_and_an_app_get_in_at_one_instant() {
    let (m, token) = machine();
    let other = Token::new("MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U");
    let app = twinlock_tests::Otp::new("KRUGS4ZANFZSAYLOEBSXQYLNOBWGKIDL");
    let more = format!(
        "[[authenticator]]\\nname = \"other\"\\nkey = \"{}\"\\nkind = \"hotp\"\\ncounter = 3\\n\
         [[authenticator]]\\nname = \"app\"\\nkey = \"{}\"\\n",
        other.key, app.key
    );
    let edit = format!("s/^# end of record/{more}\\n&/");
    m.run(["sed", "-i", &edit, "/var/lib/twinlock/users/ada/record.1.toml"]).ok();
    let generation = |m: &Machine| {
        let lines = m.run(["sh", "-c", "grep -h ^generation /var/lib/twinlock/users/ada/record.*"]);
        lines.ok().to_owned()
    };
    let before = generation(&m);
    for round in 0..3_u64 {
        let of_app = app.in_steps(round.cast_signed() - 1);
        let codes = [token.at(10 + round), of_app, other.at(3 + round)];
        assert_eq!(winners(&m, &codes), 3, "{round}: {:?}", m.log());
    }
    let record = m.run(["sh", "-c", "cat /var/lib/twinlock/users/ada/record.*.toml"]);
    let stands = |next: &str| record.ok().contains(next);
    assert!(stands("counter = 13\n") && stands("counter = 6\n"), "{record:?}");
    assert_eq!(generation(&m), before);
}

#[test]
fn where_the_counter_cannot_be_written_nobody_gets_in_until_it_can() {
    for (stuck, mended) in [
        ("mount --bind /var /var; mount -o remount,bind,ro /var", "umount /var"),
        (
            "cp -a /var/lib/twinlock /tmp/t; mount -t tmpfs -o size=64k full /var/lib; \
             cp -a /tmp/t /var/lib/twinlock; ! head -c 1m /dev/zero 2>/dev/null >/var/lib/fill",
            "rm /var/lib/fill",
        ),
    ] {
        let (m, token) = machine();
        m.run(["sh", "-euc", stuck]).ok();
        // More codes than the look-ahead has, because each attempt uses one.
        for counter in 10..17 {
            let said = m.asked("ada", &(token.at(counter) + "\n"));
            let words = said.stdout + &said.stderr;
            assert!(words.contains("cannot record that it is used"), "{counter}: {words}");
        }
        assert_eq!(m.logged("reason=record_not_written").len(), 7, "{stuck}: {:?}", m.log());
        m.run(["sh", "-euc", mended]).ok();
        assert!(!gets_in(&m, &[token.at(16)]), "{stuck}: {:?}", m.log());
        assert!(gets_in(&m, &[token.at(17)]), "{stuck}: {:?}", m.log());
        assert_eq!(next(&m), 18);
    }
}

#[test]
fn a_token_imported_anew_with_an_old_counter_repeats_nothing() {
    let (m, token) = machine();
    assert!(gets_in(&m, &[token.at(12)]));
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    import(&m, &token, 10);
    assert!(!gets_in(&m, &[token.at(10), token.at(11), token.at(12)]), "{:?}", m.log());
    assert!(gets_in(&m, &[token.at(13)]), "{:?}", m.log());
    let used = m.tree("/run/twinlock/users/ada").matches("/used.").count();
    assert_eq!(used, 2, "{}", m.state());
}
