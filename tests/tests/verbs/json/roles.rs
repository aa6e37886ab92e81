//! Tests the JSON output of the commands about roles, and of those for members of a role.

use twinlock_tests::{Call, Machine, PASSWORD};

use super::Page;

pub const ROWS: &[&str] = &["roles init", "roles check", "roles show", "requests", "approve ID"];

const ROLE: &str = "protected = [\"root\", \"sudo\"]\n[[role]]\nname = \"desk\"\ngroup = \"helpdesk\"\n\
    over = \"people\"\nverbs = [\"bypass\"]\napprove = 2\n";

/// Prepares a command of `user`, a member of a role, with the password and a code as its input.
fn by<'m>(m: &'m Machine, user: &str, words: &[&str]) -> Call<'m> {
    let words = ["twinlock", "--json"].into_iter().chain(words.iter().copied());
    let typed = format!("{PASSWORD}\n{}\n", m.code(user));
    m.call(words).as_user(user).logged_in(user).input(typed)
}

#[test]
fn what_roles_and_their_members_print() {
    let (m, mut page) = (Machine::new(), Page::read());
    m.twinlock().agent();
    m.settings("mail_domain = \"example.org\"\n");
    for name in ["ada", "kim", "lee"] {
        m.person(name);
    }
    for group in ["people", "helpdesk", "sudo"] {
        m.run(["groupadd", "-f", group]).ok();
    }
    let groups = "usermod -aG people ada; usermod -aG helpdesk kim; usermod -aG helpdesk lee";
    m.run(["sh", "-euc", groups]).ok();
    m.epoch_minutes_ago(60);
    for row in &ROWS[..3] {
        page.run(&m, row, row);
    }
    let file = m.file("/etc/twinlock/roles.toml");
    file.write(format!("{ROLE}notify = \"s@example.org\"\n"));
    page.run(&m, ROWS[2], ROWS[2]);
    file.write(ROLE);
    page.run(&m, ROWS[2], ROWS[2]);
    let request = page.call(ROWS[4], by(&m, "kim", &["bypass", "ada", "--reason", "x"]));
    let id = request["request"].as_str().expect("a request").to_owned();
    page.call(ROWS[3], by(&m, "lee", &["requests"]));
    page.call(ROWS[4], by(&m, "lee", &["approve", &id]));
    for words in ["requests", "approve 00000000", "roles init"] {
        page.fails(m.call(format!("twinlock --json {words}").split(' ')));
    }
    page.hold_all(ROWS);
}
