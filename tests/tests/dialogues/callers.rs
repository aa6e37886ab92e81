//! Tests set-up, the menu and the last code through sudo, su and login.

use twinlock_tests::{Dialogue, Machine, PASSWORD};

use crate::people::{OPEN, afresh, server, with_codes};

const CALLERS: [&str; 3] = ["sudo", "su", "login"];

fn machine() -> Machine {
    let m = server("en", &format!("{OPEN}[backup_codes]\ncount = 1\n"));
    m.sudoer("ada").user("bob");
    for caller in CALLERS {
        m.shipped_pam(caller);
    }
    m
}

fn at<'m>(m: &'m Machine, caller: &str) -> Dialogue<'m> {
    let call = match caller {
        "sudo" => m.sudo("ada"),
        "su" => m.su("bob", "ada"),
        _ => m.login("ada"),
    };
    let mut session = call.open();
    session.expect("assword").expect(": ").send_line(PASSWORD);
    m.dialogue("ada", session)
}

#[test]
fn set_up_menu_and_last_code() {
    let m = machine();
    for caller in CALLERS {
        // Only a login at a console or by ssh offers steps that need more than a code, such as set-up.
        let at_console = caller == "login";
        afresh(&m);
        let mut set_up = at(&m, caller);
        let answers: &[_] = if at_console { &["start", "i", "<first>", "<group>"] } else { &[] };
        set_up.answer(answers);
        if !at_console {
            set_up.session().expect("log in by ssh").send("\x03");
        }
        let is_in = set_up.is_as_written(&format!("en/{caller}-set-up")).logged_in();
        assert_eq!(is_in, at_console, "{caller}");
        let code = with_codes(&m).remove(0);
        let mut menu = at(&m, caller);
        menu.answer(&["?", "7", "?", "1", "<code>"]);
        assert!(menu.is_as_written(&format!("en/{caller}-menu")).logged_in());
        let mut last = at(&m, caller);
        let answers = [code.as_str(), "AAAA", "<group>"];
        last.answer(if at_console { &answers } else { &answers[..1] });
        assert!(last.is_as_written(&format!("en/{caller}-last-code")).logged_in());
    }
}
