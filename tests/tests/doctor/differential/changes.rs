//! Changes that people make to a wiring (the files that decide the logins of a host). The grammar in `grammar.rs`
//! chooses among these functions.

use super::bypasses::SETTINGS;
use super::lines::{
    ARGUMENTS, CLAIMS, CONTROLS, GUARDS, INERT, MISTAKES, OPENING, REFUSING, any, guard, parts,
    with_control,
};
use super::servers::{Block, HOPELESS, WIDE, block};
use super::wiring::Wiring;
use crate::numbers::Numbers;

/// A function that makes a random change to a wiring (the files that decide the logins of a host).
pub(super) type Change = fn(&mut Wiring, &mut Numbers);

fn insert(made: &mut Wiring, line: String, numbers: &mut Numbers) {
    let number = numbers.below(made.auth.len() + 1);
    made.auth.insert(number, line);
}

/// Inserts a line that changes no ordinary login.
pub(super) fn inert(made: &mut Wiring, numbers: &mut Numbers) {
    insert(made, numbers.one_of(&INERT).to_owned(), numbers);
}

/// Inserts, before all other lines, a line that tests the account and refuses some users.
pub(super) fn restriction(made: &mut Wiring, numbers: &mut Numbers) {
    let control = numbers.one_of(&GUARDS);
    made.auth.insert(0, guard(numbers, control));
}

/// Inserts two to five PAM lines that test the account or the connection. With their control fields, they refuse some
/// users or none.
pub(super) fn conditions(made: &mut Wiring, numbers: &mut Numbers) {
    for _ in 0..2 + numbers.below(4) {
        let control = numbers.one_of(&["optional", "required", "[default=ignore]"]);
        let line = guard(numbers, control);
        insert(made, line, numbers);
    }
}

/// Inserts a line that tests the account or the connection. If the test succeeds, the stack ends or the next line is
/// skipped.
pub(super) fn sufficient(made: &mut Wiring, numbers: &mut Numbers) {
    let control = numbers.one_of(&["sufficient", "[success=1 default=ignore]"]);
    let line = guard(numbers, control);
    insert(made, line, numbers);
}

/// Inserts a line that can end the stack successfully, so that no later line asks for anything.
pub(super) fn opening(made: &mut Wiring, numbers: &mut Numbers) {
    insert(made, numbers.one_of(&OPENING).to_owned(), numbers);
}

/// Inserts a line that refuses every login.
pub(super) fn refusing(made: &mut Wiring, numbers: &mut Numbers) {
    insert(made, numbers.one_of(&REFUSING).to_owned(), numbers);
}

/// Inserts a random line.
pub(super) fn any_line(made: &mut Wiring, numbers: &mut Numbers) {
    let line = any(numbers);
    insert(made, line, numbers);
}

/// Inserts a line with a module that doctor does not know. Depending on its place, the module decides the result or
/// not.
pub(super) fn unknown(made: &mut Wiring, numbers: &mut Numbers) {
    let control = numbers.one_of(&["optional", "[default=ignore]", "required", "sufficient"]);
    insert(made, format!("auth {control} pam_exec.so /bin/true"), numbers);
}

/// Appends a Match block without effect on a login.
pub(super) fn idle_block(made: &mut Wiring, numbers: &mut Numbers) {
    block(&mut made.sshd, numbers, Block::Idle);
}

/// Appends a Match block that allows a login without a code.
pub(super) fn let_in_block(made: &mut Wiring, numbers: &mut Numbers) {
    block(&mut made.sshd, numbers, Block::LetsIn);
}

/// Appends a Match block that leaves users no way to log in.
pub(super) fn shut_out_block(made: &mut Wiring, numbers: &mut Numbers) {
    block(&mut made.sshd, numbers, Block::ShutsOut);
}

/// Replaces the settings of sshd by settings with which one method is enough for a login.
pub(super) fn wide(made: &mut Wiring, numbers: &mut Numbers) {
    made.sshd = numbers.one_of(&WIDE).to_owned();
}

/// Replaces the settings of sshd by settings that work with few stacks.
pub(super) fn hopeless(made: &mut Wiring, numbers: &mut Numbers) {
    made.sshd = numbers.one_of(&HOPELESS).to_owned();
}

/// Turns on Kerberos, although the machine belongs to no realm.
pub(super) fn kerberos(made: &mut Wiring, _: &mut Numbers) {
    made.sshd.insert_str(0, "KerberosAuthentication yes\n");
}

/// Writes random settings of twinlock.
pub(super) fn settings(made: &mut Wiring, numbers: &mut Numbers) {
    made.settings = numbers.one_of(&SETTINGS).to_owned();
}

/// Gives sshd options on its command line, or starts a second sshd.
pub(super) fn options(made: &mut Wiring, numbers: &mut Numbers) {
    let key = ["-o", "AuthenticationMethods=publickey"];
    match numbers.below(3) {
        0 => made.options = key.to_vec(),
        1 => made.options = vec!["-o", "LogLevel=VERBOSE"],
        _ => made.second = key.to_vec(),
    }
}

/// Permits empty passwords, and adds an account with an empty password.
pub(super) fn empty_password(made: &mut Wiring, _: &mut Numbers) {
    made.sshd.insert_str(0, "PermitEmptyPasswords yes\n");
    made.empty_password = true;
}

/// Adds an argument to a twinlock line.
pub(super) fn argument(made: &mut Wiring, numbers: &mut Numbers) {
    ours(made, |line| format!("{line} {}", numbers.one_of(&ARGUMENTS)));
}

/// Gives a twinlock line a control field with which its refusal has no effect.
pub(super) fn weak_ours(made: &mut Wiring, numbers: &mut Numbers) {
    let weak =
        ["optional", "sufficient", "[default=ignore]", "[success=ok auth_err=ignore default=die]"];
    ours(made, |line| with_control(line, numbers.one_of(&weak)));
}

/// Writes a mistake into the arguments of a twinlock line.
pub(super) fn mistake(made: &mut Wiring, numbers: &mut Numbers) {
    ours(made, |line| argued(line, numbers.one_of(&MISTAKES)));
}

/// Changes what a twinlock line says about the first factor.
pub(super) fn claim(made: &mut Wiring, numbers: &mut Numbers) {
    ours(made, |line| argued(line, numbers.one_of(&CLAIMS)));
}

/// Removes every twinlock line.
pub(super) fn without_ours(made: &mut Wiring, _: &mut Numbers) {
    made.auth.retain(|line| !line.contains("pam_twinlock"));
}

/// Gives a line another control field.
pub(super) fn control(made: &mut Wiring, numbers: &mut Numbers) {
    let number = numbers.below(made.auth.len().max(1));
    let control = numbers.one_of(&CONTROLS);
    if let Some(line) = made.auth.get_mut(number) {
        *line = with_control(line, control);
    }
}

/// Removes a line, unless it is the only one.
pub(super) fn delete(made: &mut Wiring, numbers: &mut Numbers) {
    if made.auth.len() > 1 {
        made.auth.remove(numbers.below(made.auth.len()));
    }
}

/// Writes a line twice.
pub(super) fn duplicate(made: &mut Wiring, numbers: &mut Numbers) {
    let number = numbers.below(made.auth.len().max(1));
    if let Some(line) = made.auth.get(number).cloned() {
        made.auth.insert(number, line);
    }
}

/// Swaps two adjacent lines.
pub(super) fn swap(made: &mut Wiring, numbers: &mut Numbers) {
    if made.auth.len() > 1 {
        let number = numbers.below(made.auth.len() - 1);
        made.auth.swap(number, number + 1);
    }
}

/// Changes the last twinlock line that asks for a code.
fn ours(made: &mut Wiring, change: impl FnOnce(&str) -> String) {
    if let Some(line) = made.ours() {
        *line = change(line);
    }
}

fn argued(line: &str, arguments: &str) -> String {
    match parts(line) {
        Some((control, _)) => format!("auth {control} pam_twinlock.so {arguments}"),
        None => line.to_owned(),
    }
}
