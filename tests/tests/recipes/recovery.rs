//! Helpers of the recipes for recovery. They read what a command printed for the administrator, and do what the user
//! does then.

use twinlock_tests::{Machine, Session};

/// Returns the bypass code that the command has shown: three groups of three digits.
pub fn bypass_code(said: &str) -> String {
    let is_code = |line: &&str| {
        let digits = line.trim().replace(' ', "");
        digits.len() == 9 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    said.lines().find(is_code).expect("a bypass code").trim().to_owned()
}

/// Returns the ticket that the command has shown: three groups of four letters.
pub fn ticket(said: &str) -> String {
    let is_group = |group: &str| group.len() == 4 && group.bytes().all(|b| b.is_ascii_uppercase());
    let is_ticket =
        |line: &&str| line.trim().split('-').count() == 3 && line.trim().split('-').all(is_group);
    said.lines().find(is_ticket).expect("a ticket").trim().to_owned()
}

/// Sets up an app for `user` in a login after a reset. `begin` is a ticket, or `start` if the login has verified an
/// ssh key.
pub fn sets_up_with(login: Session<'_>, m: &Machine, user: &str, begin: &str) {
    let mut all = m.dialogue(user, login);
    all.answer(&[begin, "<first>", "<group>"]);
    assert!(all.logged_in(), "{}", all.screen());
}
