//! The demo as a person goes through it: enrol, log in, try what is refused.

use std::io::{Write, stdin, stdout};

use super::room::{Room, USER};
use crate::command::{Done, command, run};

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
         used up; Enter alone, which stops (ssh then asks twice more; ^C ends it).
  w      twinlock why ada: the last refusals
  s      twinlock status ada
  q      end the demo
";

/// Goes on until the person has seen enough.
pub(super) fn show(room: &Room) -> Done {
    println!("{WELCOME}");
    while run(&mut command("twinlock", &["enroll", USER])).is_err() {
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
        // What twinlock has to say by its exit status, it has said in words as well.
        match answer("> ").as_deref() {
            Some("") => log_in(room),
            Some("w") => drop(run(&mut command("twinlock", &["why", USER]))),
            Some("s") => drop(run(&mut command("twinlock", &["status", USER]))),
            Some("q") | None => return Ok(()),
            Some(_) => {}
        }
    }
}

fn log_in(room: &Room) {
    println!("$ ssh -p {} {USER}@127.0.0.1", room.port());
    let ssh = room.ssh();
    if let Some((program, arguments)) = ssh.split_first() {
        // A refused login is part of the demo.
        drop(run(&mut command(program, arguments)));
    }
}

/// What the person typed; nothing at the end of the input.
fn answer(question: &str) -> Option<String> {
    print!("{question}");
    let _ = stdout().flush();
    let mut line = String::new();
    match stdin().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim().to_owned()),
    }
}
