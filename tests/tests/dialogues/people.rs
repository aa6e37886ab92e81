//! Functions that create a server, bring ada into the initial state of a dialogue, and start her logins.

use twinlock_core::{
    base::time::UnixTime,
    record::{
        Record,
        extras::{AuditStamp, Purpose, Ticket},
        text as form,
        voucher::Voucher,
    },
};
use twinlock_tests::{Dialogue, First, Machine, PASSWORD, Server, codes_shown, key_shown, now};

/// The languages of the settings.
pub const BOTH: [&str; 2] = ["en", "sv"];
/// Returns the answers to a final message. OpenSSH's client would garble a message with non-ASCII characters, so such a
/// message is a prompt that the user answers with Enter.
pub fn seen_through(language: &str) -> &'static [&'static str] {
    if language == "en" { &[] } else { &[""] }
}

/// Settings with which a user who is not enrolled is set up.
pub const OPEN: &str = "not_enrolled = \"enroll\"\nenroll_needs_ticket = false\n";
/// A ticket that [`ticket`] creates.
pub const TICKET: &str = "FEJT-QYCH-WGPV";
const STORE: &str = "/var/lib/twinlock/users/ada";

/// Creates a server whose settings contain this language and the lines `more`. Ada has a key and a password and is not
/// enrolled.
pub fn server(language: &str, more: &str) -> Machine {
    let m = Machine::new();
    m.bare().user("ada").password("ada", PASSWORD).key("ada").server(Server::Both);
    speaks(&m, language, more);
    m
}

/// Writes settings in this language with the lines `more`, and with a setting by which codes of many time steps are
/// accepted, so that several consecutive codes work without waiting.
pub fn speaks(m: &Machine, language: &str, more: &str) {
    m.settings(&format!("language = \"{language}\"\nwindow = 10\n{more}"));
}

/// Removes all records and used codes.
pub fn afresh(m: &Machine) {
    forget(m);
    m.run(["sh", "-c", "rm -rf /var/lib/twinlock/users/* /var/lib/twinlock/uids/*"]).ok();
}

/// Clears used codes and failed attempts.
pub fn forget(m: &Machine) {
    m.run(["sh", "-c", "rm -rf /run/twinlock/users/*"]).ok();
}

/// Enrolls ada with an app, by an administrator's command.
pub fn enrolled(m: &Machine) {
    afresh(m);
    m.enrolled("ada", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
}

/// Enrolls ada with an app and backup codes through libpam from her own address. Returns the codes.
pub fn with_codes(m: &Machine) -> Vec<String> {
    afresh(m);
    let mut caller = m.caller();
    assert!(caller.gets_in("127.0.0.1", &["start", "<first>", "<group>"]), "{}", caller.screen());
    m.app("ada", &key_shown(caller.screen()).expect("a key"));
    forget(m);
    codes_shown(caller.screen())
}

/// Changes ada's record.
pub fn change(m: &Machine, change: impl FnOnce(Record) -> Record) {
    let name = m.run(["sh", "-c", &format!("cd {STORE}; ls -d record.*")]);
    let file = format!("{STORE}/{}", name.ok().trim());
    let record = form::read(&m.file(&file).read()).expect("a record");
    m.file(&file).write(&*form::write(&change(record)));
}

/// Returns an audit stamp with the administrator kim, an hour ago.
pub fn by_kim() -> AuditStamp {
    AuditStamp { by: "kim".into(), at: UnixTime(now() - 3600) }
}

/// Returns the form in which a record stores the ticket or bypass code with this text. It has not expired.
pub fn voucher(text: &str) -> Voucher {
    Voucher::of(text, UnixTime(now() + 3600), [3; 16]).expect("a voucher")
}

/// Returns [`TICKET`], issued by the administrator kim.
pub fn ticket(purpose: Purpose) -> Ticket {
    Ticket { purpose, voucher: voucher(&TICKET.replace('-', "")), audit: by_kim() }
}

/// Returns a dialogue in which ada logs in with an ssh client.
pub fn ssh(m: &Machine, first: First) -> Dialogue<'_> {
    m.dialogue("ada", m.past_the_first_factor("ada", first))
}

/// Logs in with ada's ssh key and these answers, and compares the screen with the transcript `name`.
#[track_caller]
pub fn shown<'m>(m: &'m Machine, name: &str, words: &[&str]) -> Dialogue<'m> {
    let mut dialogue = ssh(m, First::Key);
    dialogue.answer(words).is_as_written(name);
    dialogue
}
