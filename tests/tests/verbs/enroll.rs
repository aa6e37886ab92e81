//! Tests `twinlock enroll`: a key is put into an app by a QR code or by typing, and the user is enrolled only after a
//! code has proven it.

use twinlock_tests::{Machine, Otp, Session, photographed, scanned, svg_to_png};

const ASKED: &str = "6-digit code now shown in the app: ";
const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().user("ada");
    m.pam("probe", "auth required pam_twinlock.so first_factor=stack\n");
    m
}

fn enroll<'m>(m: &'m Machine, args: &[&str]) -> Session<'m> {
    let mut session = m.call(["twinlock", "enroll", "ada"]).args(args.iter().copied()).open();
    session.expect(ASKED);
    session
}

/// Puts the key that is on the screen into ada's app. Returns the app.
fn typed_off(m: &Machine, session: &Session<'_>) -> Otp {
    let transcript = session.transcript();
    let groups = |line: &&str| line.starts_with("    ") && line.trim().len() == 39;
    let line = transcript.lines().find(groups).unwrap_or_else(|| panic!("{transcript}"));
    let otp = Otp::new(&line.replace([' ', '\r'], ""));
    m.app("ada", &otp);
    otp
}

fn uri(key: &str) -> String {
    format!("otpauth://totp/twinbox:ada?secret={key}&issuer=twinbox")
}

fn state(m: &Machine) -> String {
    let status = m.run(["twinlock", "status", "ada", "--json"]);
    let (_, after) = status.ok().split_once("\"state\":\"").expect("a state");
    after.split_once('"').expect("its end").0.to_owned()
}

fn records(m: &Machine) -> String {
    m.tree("/var/lib/twinlock/users")
}

#[test]
fn the_screens_code_scans_and_a_proof_switches_it_on() {
    let m = machine();
    let mut s = enroll(&m, &[]);
    let otp = typed_off(&m, &s);
    assert_eq!(scanned(&photographed(&s.transcript())), Some(uri(&otp.key)));
    assert_eq!(state(&m), "not enrolled");
    let code = m.code("ada");
    s.send_line(&code).expect("ada is enrolled with the authenticator app.");
    assert_eq!(s.exit_code(), Some(0));
    assert_eq!(state(&m), "enrolled");
    let said = m.pamtester("probe", "ada").input(format!("{code}\n\n")).output();
    assert!(said.code != Some(0) && said.stderr.contains("used already"), "{said:?}");
    // Another user has seen the key at the enrollment, so ada is asked to change it, and postpones this.
    m.pamtester("probe", "ada").input(format!("{}\n\n", m.code_in("ada", 1))).output().ok();
    let logged = m.logged("event=enrolled");
    assert_eq!(logged.len(), 1);
    assert!(logged[0].contains("event=enrolled user=ada authenticator=app"), "{logged:?}");
    assert!(logged[0].ends_with(&format!("actor={}", m.actor())), "{logged:?}");
}

#[test]
fn every_way_of_drawing_scans() {
    let m = machine();
    for (args, entry) in [(&["--ascii"][..], "ada"), (&["--name", "phone"], "ada%20%28phone%29")] {
        let shell = format!("twinlock enroll ada {} </dev/null", args.join(" "));
        let piped = m.run(["sh", "-c", &shell]);
        assert_eq!(piped.code, Some(130), "{piped:?}");
        assert!(!piped.stdout.contains('\x1b'));
        let found = scanned(&photographed(&piped.stdout)).expect("a code that scans");
        assert!(found.starts_with(&format!("otpauth://totp/twinbox:{entry}?secret=")), "{found}");
    }
    let no_colour = m.call(["twinlock", "enroll", "ada"]).env("NO_COLOR", "1");
    let mut s = no_colour.open();
    s.expect(ASKED);
    assert!(!s.transcript().contains('\x1b'));
    assert_eq!(scanned(&photographed(&s.transcript())), Some(uri(&typed_off(&m, &s).key)));
}

#[test]
fn a_swapped_code_is_the_other_way_round() {
    let m = machine();
    let swapped = m.run(["sh", "-c", "twinlock enroll ada --invert </dev/null"]);
    let flipped = swapped.stdout.replace('█', "x").replace(' ', "█").replace('x', " ");
    let halves = flipped.replace('▀', "x").replace('▄', "▀").replace('x', "▄");
    assert!(scanned(&photographed(&halves)).is_some(), "{}", swapped.stdout);
}

#[test]
fn pictures_are_for_their_maker_alone_and_replace_nothing() {
    let m = machine();
    let mut s = enroll(&m, &["--png", "/root/a.png", "--svg", "/root/a.svg"]);
    let otp = typed_off(&m, &s);
    assert_eq!(scanned(&m.file("/root/a.png").bytes()), Some(uri(&otp.key)));
    let svg = svg_to_png(&m.file("/root/a.svg").bytes());
    assert_eq!(scanned(&svg), Some(uri(&otp.key)));
    s.send_line(&m.code("ada"));
    assert_eq!(s.exit_code(), Some(0), "{}", s.transcript());
    let modes = m.run(["stat", "-c", "%a %u:%g", "/root/a.png", "/root/a.svg"]);
    assert_eq!(modes.ok(), "600 0:0\n600 0:0\n");
    m.user("bob");
    let again =
        m.run(["twinlock", "enroll", "bob", "--svg", "/root/b.svg", "--png", "/root/a.png"]);
    assert_eq!(again.code, Some(3));
    assert_eq!(
        again.stderr,
        "twinlock: /root/a.png exists already, and is not overwritten; nothing was\nchanged\n\
         Name another file, or delete this one first.\n"
    );
    let nowhere = m.run(["twinlock", "enroll", "bob", "--png", "/none/b.png"]);
    assert_eq!(nowhere.code, Some(2), "{nowhere:?}");
    m.file("/root/link").link_to("/root/target");
    assert_eq!(m.run(["twinlock", "enroll", "bob", "--png", "/root/link"]).code, Some(3));
    let left = m.run(["ls", "/root"]);
    assert_eq!(left.ok(), "a.png\na.svg\nkeys\nlink\n");
}

fn interrupt(m: &Machine, signal: &str) {
    m.signal(signal, m.pids("twinlock")[0]);
}

#[test]
fn stopping_leaves_nothing() {
    let m = machine();
    let before = records(&m);
    let files = ["--png", "/root/a.png", "--svg", "/root/a.svg"];
    let stops: [fn(&Machine, &mut Session<'_>); 7] = [
        |_, s| _ = s.send("\n").expect("press Enter once more to stop").expect(ASKED).send("\n"),
        |_, s| _ = s.send("\x04"),
        |_, s| _ = s.send("hunter2\n  \n").expect("once more").expect(ASKED).send("\n"),
        |m, _| interrupt(m, "INT"),
        |m, _| interrupt(m, "TERM"),
        |m, _| interrupt(m, "HUP"),
        |m, _| interrupt(m, "QUIT"),
    ];
    for stop in stops {
        let mut s = enroll(&m, &files);
        stop(&m, &mut s);
        assert_eq!(s.exit_code(), Some(130), "{}", s.transcript());
        assert!(s.transcript().contains("stopped; ada is not enrolled"), "{}", s.transcript());
        assert!(!m.file("/root/a.png").exists() && !m.file("/root/a.svg").exists());
        assert_eq!(records(&m), before);
    }
    enroll(&m, &files).send("\x03").expect("stopped; ada is not enrolled");
    assert_eq!(records(&m), before);
    assert_eq!(m.log().len(), 0);
}

#[test]
fn five_wrong_answers_end_it_and_each_is_told_kindly() {
    let m = machine();
    let mut s = enroll(&m, &[]);
    let otp = typed_off(&m, &s);
    let early = otp.in_steps(-6);
    let late = otp.in_steps(6);
    for (answer, said) in [
        (otp.wrong().as_str(), "That code is wrong. 4 tries left."),
        ("hunter2", "That is not a code. The app shows 6 digits. 3 tries left."),
        (&early, "It belongs to a time about 3 min"),
        (&late, "the phone's clock is fast"),
        ("00000000", "That code is wrong."),
    ] {
        s.send_line(answer).expect(said);
    }
    assert_eq!(s.exit_code(), Some(1));
    let transcript = s.transcript();
    assert!(
        transcript.contains("no correct code was typed, so ada is not enrolled"),
        "{transcript}"
    );
    assert!(!transcript.contains(&otp.in_steps(0)), "the right code is never shown: {transcript}");
    assert_eq!(state(&m), "not enrolled");
    assert!(!m.log().iter().any(|line| line.contains(&otp.key)));
}

#[test]
fn a_script_brings_key_and_code_on_two_lines() {
    let m = machine();
    let otp = Otp::new(KEY);
    let call = |lines: String| {
        let call = m.call(["twinlock", "--json", "enroll", "ada", "--secret-stdin"]);
        call.input(lines).output()
    };
    let wrong = call(format!("{KEY}\n{}\n", otp.wrong()));
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    let cut = call(format!("{}\n", &KEY[2..]));
    assert_eq!(cut.code, Some(2), "{cut:?}");
    assert!(cut.stdout.contains("the key is cut off"), "{cut:?}");
    assert_eq!(call(String::new()).code, Some(2));
    assert_eq!(state(&m), "not enrolled");
    let code = otp.in_steps(0);
    let done = call(format!("jbsw y3dp-ehpk3pxpjbswy3dpehpk3pxp\n{code}\n"));
    assert_eq!(done.ok(), "{\"authenticator\":\"app\",\"codes\":\"owed\",\"user\":\"ada\"}\n");
    m.run(["twinlock", "remove", "ada", "--yes"]).ok();
    let replayed = call(format!("{KEY}\n{code}\n"));
    assert_eq!(replayed.code, Some(1), "{replayed:?}");
    assert!(replayed.stderr.contains("used already"), "{replayed:?}");
    call(format!("{KEY}\n{}\n", otp.in_steps(1))).ok();
}

#[test]
fn no_key_is_shown_where_nobody_could_scan_it() {
    let m = machine();
    let said = m.run(["twinlock", "enroll", "ada", "--json"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stdout.contains("--json prints no key"), "{said:?}");
    let full = m.run(["sh", "-c", "twinlock enroll ada >/dev/full"]);
    assert_eq!(full.code, Some(1), "{full:?}");
    assert!(full.stderr.contains("standard output cannot be written"), "{full:?}");
    assert_eq!(state(&m), "not enrolled");
}

#[test]
fn a_narrow_terminal_shows_the_key_alone() {
    let m = machine();
    let mut s = m.call(["twinlock", "enroll", "ada"]).first("stty cols 36").open();
    s.expect("The QR code takes").expect(ASKED);
    typed_off(&m, &s);
    assert!(!s.transcript().contains('█'), "{}", s.transcript());
    s.send_line(&m.code("ada"));
    assert_eq!(s.exit_code(), Some(0));
}

#[test]
fn of_two_at_once_one_wins_and_the_other_is_told() {
    let m = machine();
    let mut first = enroll(&m, &[]);
    let mut second = enroll(&m, &[]);
    let later = typed_off(&m, &second);
    let winner = typed_off(&m, &first);
    first.send_line(&winner.in_steps(0)).expect("ada is enrolled");
    second.send_line(&later.in_steps(0)).expect("ada was enrolled by another process");
    assert_eq!((first.exit_code(), second.exit_code()), (Some(0), Some(3)));
    m.pamtester("probe", "ada").input(format!("{}\n\n", winner.in_steps(1))).output().ok();
    let third = m.run(["twinlock", "enroll", "ada"]);
    assert_eq!(third.code, Some(3));
    assert_eq!(
        third.stderr,
        "twinlock: ada is enrolled already, and keeps the present key\n\
         To start again: twinlock remove ada, then enroll again.\n"
    );
}
