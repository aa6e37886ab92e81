//! Tests remembered devices: a login offers to remember the device, the user declines or accepts, and logins from a
//! remembered device ask nothing.

use twinlock_tests::First;

use crate::people::{BOTH, enrolled, forget, server, shown, ssh};

#[test]
fn a_device_is_remembered_by_typing_yes() {
    for language in BOTH {
        let m = server(language, "remember_for = \"8 h\"\n");
        enrolled(&m);
        assert!(shown(&m, &format!("{language}/device-not"), &["<code>", ""]).logged_in());
        forget(&m);
        let yes = if language == "sv" { "ja" } else { "yes" };
        assert!(shown(&m, &format!("{language}/device"), &["<code>", yes]).logged_in());
        assert!(shown(&m, &format!("{language}/device-remembered"), &[]).logged_in());
        m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/device.*"]).ok();
        forget(&m);
        let never = if language == "sv" { "aldrig" } else { "never" };
        let words = ["<code>", "perhaps", never];
        assert!(shown(&m, &format!("{language}/device-never"), &words).logged_in());
        m.run(["sh", "-c", "rm -f /run/twinlock/users/ada/used.*"]).ok();
        assert!(shown(&m, &format!("{language}/right-code"), &["<code>"]).logged_in());
        let mut all = ssh(&m, First::Password);
        assert!(all.answer(&["<next>"]).logged_in(), "only behind a key: {}", all.screen());
    }
}
