//! The automatic demo: one login with a correct code, and two logins that are refused, with a used code and with a
//! wrong one.

use super::room::{NOBODY_CALLED, Room, USER};
use crate::app::{App, step, wait_past};
use crate::command::Done;
use crate::screen::{Screen, say};

/// Text in the prompt to change the key. It appears if the kernel does not let the demo set a login uid. The user who
/// enrolls ada then counts as another user, who has seen ada's key.
pub(super) const PUT_OFF: &str = "put it off";
/// End of the prompt below new backup codes. There the user confirms that the codes were written down.
pub(super) const CODES: &str = "to show that you have them: ";
pub(super) const PROMPT: &str = "Verification code";
/// Output of `echo I am $(whoami)`, which shows that a login succeeded. It differs from the command itself, which the
/// terminal echoes.
const IN: &str = "I am ada";

/// Shows the three logins of the demo. Fails if one of them does not end as expected.
pub(super) fn show(room: &Room) -> Done {
    say("An sshd of the demo's own, on 127.0.0.1, with the shipped stack sshd-publickey.\n");
    let (app, enrolled_at) = enroll()?;
    say("\n(That code is used up. The app shows the next one in a moment.)\n");
    wait_past(enrolled_at);
    let good = app.code()?;
    log_in(room, &good)?;
    refused(room, &good, "used already")?;
    refused(room, &app.wrong_code()?, "wrong")?;
    say(
        "\nLogged in with a code; the same code was refused the second time, and so was a wrong one.\n",
    );
    Ok(())
}

/// Enrolls ada and reads the key from the screen. Returns ada's app, and the number of the period whose code was typed.
fn enroll() -> Done<(App, u64)> {
    let words = [&["env"], &NOBODY_CALLED[..], &["twinlock", "enroll", USER]].concat();
    let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    let mut screen = Screen::start(&words, "sudo twinlock enroll ada")?;
    let mut shown = String::new();
    while !asks_for_the_code(&shown) {
        shown.push_str(&screen.expect(&[": "])?.1);
    }
    let key = key_in(&shown).ok_or("No key in groups of four was shown.")?;
    let (app, used) = (App::new(&key), step());
    screen.type_line(&app.code()?)?;
    // If another user than the one who logs in enrolls, the backup codes are shown only at the login.
    if let (1, shown) = screen.expect(&["is enrolled", CODES])? {
        confirm(&mut screen, &shown)?;
    }
    let (status, _) = screen.end()?;
    if status.success() { Ok((app, used)) } else { Err(format!("Enrolling ended with {status}.")) }
}

/// Returns whether the screen shows the key, and whether its last line is a prompt for a code.
fn asks_for_the_code(shown: &str) -> bool {
    let last = shown.lines().next_back().unwrap_or_default().to_lowercase();
    key_in(shown).is_some() && last.contains("code") && last.ends_with(": ")
}

/// Returns the key on the screen, which is a line of groups of four letters; `None` if there is none.
pub(super) fn key_in(shown: &str) -> Option<String> {
    let group = |word: &str| {
        word.len() == 4 && word.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
    };
    let lines = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut keys = lines.filter(|words| words.len() >= 4 && words.iter().all(|word| group(word)));
    keys.next().map(|words| words.concat())
}

/// Types the last group of the last backup code on the screen. With it, the user confirms that the codes were written
/// down.
fn confirm(screen: &mut Screen, shown: &str) -> Done {
    let group = last_group(shown).ok_or("No backup code was shown.")?;
    screen.type_line(group)
}

/// Returns the last group of the last backup code on the screen; `None` if there is no backup code.
pub(super) fn last_group(shown: &str) -> Option<&str> {
    let mut words = shown.split_whitespace();
    words.rfind(|word| word.split('-').count() == 5)?.rsplit('-').next()
}

fn log_in(room: &Room, code: &str) -> Done {
    let mut screen = ssh(room)?;
    screen.expect(&[PROMPT])?;
    screen.expect(&[": "])?;
    screen.type_hidden(code)?;
    loop {
        match screen.expect(&["$ ", PUT_OFF, CODES])? {
            (0, _) => break,
            (1, _) => screen.type_line("")?,
            (_, shown) => confirm(&mut screen, &shown)?,
        }
    }
    screen.type_line("echo I am $(whoami)")?;
    screen.expect(&[IN])?;
    screen.type_line("exit")?;
    let (status, _) = screen.end()?;
    if status.success() { Ok(()) } else { Err(format!("The session ended with {status}.")) }
}

fn refused(room: &Room, code: &str, because: &str) -> Done {
    let mut screen = ssh(room)?;
    screen.expect(&[PROMPT])?;
    screen.expect(&[": "])?;
    screen.type_hidden(code)?;
    screen.expect(&[because])?;
    screen.expect(&[PROMPT])?;
    screen.expect(&[": "])?;
    // An empty answer ends the login.
    screen.type_hidden("")?;
    let (status, shown) = screen.end()?;
    // ssh shows this message for a refused login.
    if status.code() == Some(255) && shown.contains("Permission denied") {
        return Ok(());
    }
    Err(format!("That login was to be refused, and ended with {status}."))
}

fn ssh(room: &Room) -> Done<Screen> {
    Screen::start(&room.ssh(), &format!("ssh -p {} {USER}@127.0.0.1", room.port()))
}

#[cfg(test)]
mod tests {
    use super::{asks_for_the_code, key_in, last_group};

    #[test]
    fn the_last_group_is_that_of_the_last_code() {
        let shown = "  BCDF-GHJK-LMNP-QRST-VWXZ\n  FEJT-QYCH-WGPV-SARM-XOKB\n\nType the last four ";
        assert_eq!(last_group(shown), Some("XOKB"));
        assert_eq!(last_group("two-step verification is on"), None);
    }

    #[test]
    fn the_key_is_read_off_the_screen_as_a_person_would() {
        let shown =
            "Scan this:\n\n  JBSW Y3DP EHPK 3PXP\n  JBSWY3DP\nThe code that the app shows: ";
        assert_eq!(key_in(shown).as_deref(), Some("JBSWY3DPEHPK3PXP"));
        assert!(asks_for_the_code(shown));
        assert!(!asks_for_the_code("The code that the app shows: "));
        assert!(!asks_for_the_code("JBSW Y3DP EHPK 3PXP\nIssuer: "));
    }
}
