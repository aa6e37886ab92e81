//! The interactive demo: the user enrolls and logs in, and tries logins that must be refused.

use std::io::{Write, stdout};
use std::process::{Command, Stdio};

use super::room::{NOBODY_CALLED, Room, USER};
use crate::command::{Done, command, run};

/// Shell program that prints a question and reads only one line. Input that was typed ahead is left for the next
/// program. The shell itself prints the question, so that Ctrl-C ends the shell as soon as the question is visible.
const ASK: &str = "printf %s \"$0\" >&2; IFS= read -r line && printf %s \"$line\"";

const WELCOME: &str = "
A machine of its own has been set up inside this one: an sshd on 127.0.0.1 that
wants a key and a code, and the account `ada`, whose key lies ready. Nothing of
this machine's own logins is touched, and all of it ends with the demo.

First: twinlock enroll ada. Have an authenticator app at hand. Without a phone,
`oathtool --totp --base32 'KEY'` in another terminal shows the same codes.
";
const THEN: &str = "
Now log in. The code that you have just typed is used up: wait until the app
shows the next one, half a minute at most.
";
const TRY: &str = "
What next?
  Enter  log in once more. Try a wrong code; a code that has let you in, which is
         used up; Enter alone, which gives up; ^C, which ends ssh.
  w      twinlock why ada: the last refusals
  s      twinlock status ada
  q      end the demo; so does ^C here
";

/// Runs the demo until the user ends it.
pub(super) fn show(room: &Room) -> Done {
    println!("{WELCOME}");
    while run(&mut in_front(&["twinlock", "enroll", USER])).is_err() {
        if answer("\nNot enrolled. Enter: once more. q: end the demo. ")
            .is_none_or(|typed| typed == "q")
        {
            return Ok(());
        }
    }
    println!("{THEN}");
    log_in(room);
    loop {
        print!("{TRY}");
        // The exit status is ignored, because twinlock has already described a failure in words.
        match answer("> ").as_deref() {
            Some("") => log_in(room),
            Some("w") => drop(run(&mut in_front(&["twinlock", "why", USER]))),
            Some("s") => drop(run(&mut in_front(&["twinlock", "status", USER]))),
            Some("q") | None => return Ok(()),
            Some(_) => {}
        }
    }
}

fn log_in(room: &Room) {
    println!("$ ssh -p {} {USER}@127.0.0.1", room.port());
    // The exit status is ignored, because a refused login is part of the demo.
    drop(run(&mut in_front(&room.ssh())));
}

/// Returns a command for a program that Ctrl-C ends. The demo itself ignores Ctrl-C.
fn in_front<S: AsRef<str>>(words: &[S]) -> Command {
    let mut command = command("env", &["--default-signal=INT,QUIT"]);
    command.args(NOBODY_CALLED).args(words.iter().map(AsRef::as_ref));
    command
}

/// Asks a question and returns the typed line; `None` if the input ends or Ctrl-C is typed.
fn answer(question: &str) -> Option<String> {
    let _ = stdout().flush();
    let mut ask = in_front(&["sh", "-c", ASK, question]);
    let read = ask.stdin(Stdio::inherit()).stderr(Stdio::inherit()).output();
    let read = read.ok().filter(|read| read.status.success());
    if read.is_none() {
        println!();
    }
    read.map(|read| String::from_utf8_lossy(&read.stdout).trim().to_owned())
}
