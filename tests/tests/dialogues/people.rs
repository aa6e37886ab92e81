//! A server, ada in the state that a dialogue begins with, and ada's logins there.

use twinlock_core::{
    beside::{Purpose, Ticket, Trace},
    format::record as form,
    record::Record,
    time::UnixTime,
    voucher::Voucher,
};
use twinlock_tests::{Dialogue, First, Machine, PASSWORD, Server, codes_shown, key_shown, now};

/// The languages of the settings.
pub const BOTH: [&str; 2] = ["en", "sv"];
/// Last words that OpenSSH's client would garble stand in a question of their own, which Enter answers.
pub fn seen_through(language: &str) -> &'static [&'static str] {
    if language == "en" { &[] } else { &[""] }
}

/// What whoever is not enrolled is set up by.
pub const OPEN: &str = "not_enrolled = \"enroll\"\nenroll_needs_ticket = false\n";
/// A ticket that [`ticket`] makes.
pub const TICKET: &str = "FEJT-QYCH-WGPV";
const STORE: &str = "/var/lib/twinlock/users/ada";

/// A server in that language, and ada, who has a key and a password and is not enrolled.
pub fn server(language: &str, more: &str) -> Machine {
    let m = Machine::new();
    m.bare().user("ada").password("ada", PASSWORD).key("ada").server(Server::Both);
    speaks(&m, language, more);
    m
}

/// These settings. The window is wide, for several logins in a row without waiting.
pub fn speaks(m: &Machine, language: &str, more: &str) {
    m.settings(&format!("language = \"{language}\"\nwindow = 10\n{more}"));
}

/// Nobody is enrolled, and nothing was used.
pub fn afresh(m: &Machine) {
    forget(m);
    m.run(["sh", "-c", "rm -rf /var/lib/twinlock/users/* /var/lib/twinlock/uids/*"]).ok();
}

/// Nothing was used, and nobody has guessed.
pub fn forget(m: &Machine) {
    m.run(["sh", "-c", "rm -rf /run/twinlock/users/*"]).ok();
}

/// Ada has an app, set up by somebody's command.
pub fn enrolled(m: &Machine) {
    afresh(m);
    m.enrolled("ada", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
}

/// Ada has an app and backup codes, set up through libpam at her own place; these are they.
pub fn with_codes(m: &Machine) -> Vec<String> {
    afresh(m);
    let mut caller = m.caller();
    let login = ("bare", "ada", "127.0.0.1");
    assert!(caller.gets_in(login, &["start", "<first>", "<group>"]), "{}", caller.screen());
    m.app("ada", &key_shown(caller.screen()).expect("a key"));
    forget(m);
    codes_shown(caller.screen())
}

/// What ada's record says becomes something else.
pub fn change(m: &Machine, change: impl FnOnce(Record) -> Record) {
    let name = m.run(["sh", "-c", &format!("cd {STORE}; ls -d record.*")]);
    let file = format!("{STORE}/{}", name.ok().trim());
    let record = form::read(&m.file(&file).read()).expect("a record");
    m.file(&file).write(&*form::write(&change(record)));
}

/// What kim did, an hour ago.
pub fn by_kim() -> Trace {
    Trace { by: "kim".into(), at: UnixTime(now() - 3600) }
}

/// Somebody whom this text stands for a while.
pub fn voucher(text: &str) -> Voucher {
    Voucher::of(text, UnixTime(now() + 3600), [3; 16]).expect("a voucher")
}

/// [`TICKET`], from kim.
pub fn ticket(purpose: Purpose) -> Ticket {
    Ticket { purpose, voucher: voucher(&TICKET.replace('-', "")), trace: by_kim() }
}

/// Ada at an ssh client.
pub fn ssh(m: &Machine, first: First) -> Dialogue<'_> {
    m.dialogue("ada", m.past_the_first_factor("ada", first))
}

/// A login with ada's ssh key: what is typed, and the transcript that it is.
#[track_caller]
pub fn shown<'m>(m: &'m Machine, name: &str, words: &[&str]) -> Dialogue<'m> {
    let mut dialogue = ssh(m, First::Key);
    dialogue.answer(words).is_as_written(name);
    dialogue
}
