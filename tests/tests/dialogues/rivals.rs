//! Thirty-two concurrent logins enter the same backup code, or the same last code of a set. Checks that exactly one
//! succeeds.

use std::fs;

use twinlock_tests::{Caller, Machine, Next, Reply, codes_shown};

use crate::people::{OPEN, server, with_codes};

const RIVALS: usize = 32;
const ROUNDS: usize = 20;

fn rivals(m: &Machine) -> Vec<Caller<'_>> {
    (0..RIVALS).map(|_| m.caller()).collect()
}

/// Starts a new login for each rival (one of the concurrent logins) whose entry in `ended` is `true`, and waits for
/// its prompt. Each rival has its own address.
fn ask(m: &Machine, rivals: &mut [Caller<'_>], ended: &[bool]) {
    for (number, rival) in rivals.iter_mut().enumerate().filter(|(number, _)| ended[*number]) {
        let next = rival.login("bare", "ada", &format!("192.0.2.{number}"));
        let why = || m.run(["twinlock", "why", "ada"]);
        assert_eq!(next, Next::Asks, "{}: {:?}", rival.screen(), why());
    }
}

/// Pauses all rivals, sends each of them its answer, and then continues them together. Returns the state of each
/// login.
fn at_once(m: &Machine, rivals: &mut [Caller<'_>], answers: &[String]) -> Vec<Next> {
    m.run(["pkill", "-STOP", "-x", "python3"]).ok();
    for (rival, answer) in rivals.iter_mut().zip(answers) {
        rival.send(Reply::Text(answer.as_bytes()));
    }
    m.run(["sh", "-c", "kill -CONT -1"]).ok();
    rivals.iter_mut().map(Caller::wait).collect()
}

fn winners(ends: &[Next]) -> usize {
    ends.iter().filter(|end| **end == Next::Ended(0)).count()
}

/// Returns the number of ada's sets of backup codes.
fn sets(m: &Machine) -> usize {
    let folder = m.outside("/var/lib/twinlock/users/ada");
    let names =
        fs::read_dir(folder).expect("ada's folder").flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().starts_with("codes.")).count()
}

/// Clears the failed attempts of earlier rounds.
fn forgive(m: &Machine) {
    m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/try.*"]).ok();
}

#[test]
fn of_thirty_two_with_one_code_one_gets_in() {
    let m = server("en", &format!("{OPEN}tries = 10\n[backup_codes]\ncount = 20\n"));
    let mut rivals = rivals(&m);
    let mut ended = vec![true; RIVALS];
    let mut codes = Vec::new();
    for round in 0..ROUNDS {
        if round % 8 == 0 {
            // After eight rounds, each login begins anew with a new set: a login ends after ten wrong answers, and the
            // last code of a set is tested separately.
            let waiting = rivals.iter_mut().zip(&ended).filter(|(_, ended)| !**ended);
            waiting.for_each(|(rival, _)| assert_ne!(rival.reply(Reply::Text(b"")), Next::Asks));
            ended.fill(true);
            codes = with_codes(&m);
        }
        ask(&m, &mut rivals, &ended);
        let ends = at_once(&m, &mut rivals, &vec![codes.remove(0); RIVALS]);
        assert_eq!(winners(&ends), 1, "round {round}: {ends:?} {:?}", m.log());
        ended = ends.iter().map(|end| *end != Next::Asks).collect();
        forgive(&m);
    }
}

#[test]
fn of_thirty_two_with_the_last_code_one_renews_it() {
    let m = server("en", &format!("{OPEN}[backup_codes]\ncount = 1\n"));
    let mut code = with_codes(&m).remove(0);
    let mut rivals = rivals(&m);
    for round in 0..ROUNDS {
        ask(&m, &mut rivals, &[true; RIVALS]);
        let shown = at_once(&m, &mut rivals, &vec![code.clone(); RIVALS]);
        assert!(shown.iter().all(|next| *next == Next::Asks), "round {round}: {shown:?}");
        // A login that was held up too long shows no new codes, and asks for another code.
        let code_of = |rival: &Caller<'_>| codes_shown(rival.screen()).pop().unwrap_or_default();
        let new: Vec<String> = rivals.iter().map(code_of).collect();
        let last = |code: &String| code.get(20..).unwrap_or_default().to_owned();
        let ends = at_once(&m, &mut rivals, &new.iter().map(last).collect::<Vec<_>>());
        let explained = rivals.iter_mut().zip(&ends).filter(|(_, end)| **end == Next::Asks);
        explained.for_each(|(rival, _)| assert_ne!(rival.reply(Reply::Text(b"")), Next::Ended(0)));
        assert_eq!(winners(&ends), 1, "round {round}: {ends:?} {:?}", m.log());
        let winner = ends.iter().position(|end| *end == Next::Ended(0)).expect("a winner");
        let is_loser = |at: &usize| *at != winner && !new[*at].is_empty();
        let loser = (0..RIVALS).find(is_loser).expect("another one who was shown codes");
        let said = rivals[loser].screen();
        assert!(said.contains("changed at the same time"), "{said}");
        let baffled = rivals.iter().find(|rival| rival.screen().contains("cannot check codes"));
        assert!(baffled.is_none(), "{:?}", baffled.map(Caller::screen));
        assert_eq!(sets(&m), 1, "what the losers laid down is gone");
        let old = std::mem::replace(&mut code, new[winner].clone());
        let source = "192.0.2.99";
        let mut caller = m.caller();
        assert!(!caller.gets_in(source, &[&old]), "round {round}: {}", caller.screen());
        assert!(!caller.gets_in(source, &[&new[loser]]), "{}", caller.screen());
        forgive(&m);
    }
}
