//! Runs the steps of the demo of a fleet: types what they say, and compares what is shown.

use super::scene::{DemoHost, Scene, USER};
use super::steps::{FleetAct, FleetStep, Typed};
use crate::app::{App, step, wait_past};
use crate::command::Done;
use crate::demo::auto::{CODES, PUT_OFF, key_in, last_group};
use crate::screen::{Screen, say};

/// Shows the steps one after the other, and keeps ada's authenticator app.
pub(super) struct Runner<'s> {
    scene: &'s Scene<'s>,
    app: Option<App>,
    /// The code that was typed last, and the number of its period of thirty seconds; `None` before the first code.
    last: Option<LastCode>,
}

struct LastCode {
    code: String,
    period: u64,
}

impl<'s> Runner<'s> {
    pub(super) fn new(scene: &'s Scene<'s>) -> Self {
        Self { scene, app: None, last: None }
    }

    /// Shows a step.
    ///
    /// # Errors
    /// A sentence if the command does not show what the step says, or ends with another status.
    pub(super) fn show(&mut self, shown: &FleetStep) -> Done {
        if !shown.says.is_empty() {
            say(&format!("\n{}\n", shown.says));
        }
        let host = self.scene.host(shown.on);
        match shown.does {
            FleetAct::Types(line) => return self.typed(shown, line, USER),
            FleetAct::TypesAsRoot(line) => return self.typed(shown, line, "root"),
            FleetAct::StartsDaemon => {
                say(&format!("\n(twinlock-fleet is started on {})\n", host.name()));
                host.start_fleet();
            }
            FleetAct::CopiesKey => {
                say(&format!("\n(fleet.key of one is copied to {}:/root)\n", host.name()));
                let key = self.scene.host(DemoHost::One).file("/etc/twinlock/fleet.key").read();
                host.file("/root/fleet.key").write("").mode(0o600).write(key);
            }
        }
        Ok(())
    }

    /// Runs a command line and types the answers of the step. On a host, the user `actor` has logged in.
    fn typed(&mut self, shown: &FleetStep, line: &str, actor: &str) -> Done {
        let host = self.scene.host(shown.on);
        let mut call = host.call(["sh", "-c", line]).first("cd").env("TERM", "dumb");
        // The user who enrolls must be the user who logs in. Otherwise the key would count as disclosed.
        if shown.on != DemoHost::Laptop {
            call = call.logged_in(actor);
        }
        let mut screen = Screen::inside(host, call, line)?;
        for (question, typed) in shown.answers {
            let seen = asked(&mut screen, question)?;
            self.answer(&mut screen, &seen, *typed)?;
        }
        if !shown.shows.is_empty() {
            asked(&mut screen, shown.shows)?;
        }
        let (status, _) = screen.end()?;
        if status.code() == Some(shown.status) {
            return Ok(());
        }
        Err(format!("`{line}` was to end with {}, and ended with {status}.", shown.status))
    }

    fn answer(&mut self, screen: &mut Screen, seen: &str, typed: Typed) -> Done {
        match typed {
            Typed::Line(line) => screen.type_line(line),
            Typed::Enter => end_of_question(screen, seen).and_then(|()| screen.type_hidden("")),
            Typed::EnrollmentCode => {
                let key = key_in(seen).ok_or("No key in groups of four was shown.")?;
                self.app = Some(App::new(&key));
                let code = self.next_code()?;
                screen.type_line(&code)
            }
            Typed::NextCode => {
                let code = self.next_code()?;
                end_of_question(screen, seen)?;
                screen.type_hidden(&code)
            }
            Typed::SameCode => {
                let code = self.last.as_ref().map(|last| last.code.clone());
                end_of_question(screen, seen)?;
                screen.type_hidden(&code.ok_or("No code was typed before.")?)
            }
        }
    }

    /// Waits until the app shows a code that was not typed before, and returns it.
    fn next_code(&mut self) -> Done<String> {
        if let Some(last) = &self.last {
            wait_past(last.period);
        }
        let app = self.app.as_ref().ok_or("Nobody is enrolled yet.")?;
        let (code, period) = (app.code()?, step());
        self.last = Some(LastCode { code: code.clone(), period });
        Ok(code)
    }
}

/// Waits until the command shows `text`, and returns everything that it has shown up to the end of `text`. Meanwhile,
/// confirms new backup codes and postpones a change of the key.
fn asked(screen: &mut Screen, text: &str) -> Done<String> {
    let mut all = String::new();
    loop {
        let (which, seen) = screen.expect(&[text, PUT_OFF, CODES])?;
        all.push_str(&seen);
        match which {
            0 => return Ok(all),
            1 => screen.type_line("")?,
            _ => screen.type_line(last_group(&seen).ok_or("No backup code was shown.")?)?,
        }
    }
}

/// Waits for the end of a question for a code, unless it has been shown.
fn end_of_question(screen: &mut Screen, seen: &str) -> Done {
    if seen.ends_with(": ") { Ok(()) } else { screen.expect(&[": "]).map(drop) }
}
