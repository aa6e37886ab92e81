//! One call of pam_sm_authenticate: parses the PAM line, loads the settings and lets twinlock-core decide.

use std::{cell::RefCell, ffi::CStr};

use pam::{constants::PamResultCode, conv::Conv, module::PamHandle};
use rustix::process::{Uid, geteuid, getuid};
use twinlock_core::{
    base::request::{Claim, Request},
    event::{log_line, verdict::Verdict},
    login::{login, login_by_agent},
    policy::{
        Policy,
        pam_line::{self, Debug, Forward, Given, PamLine, Task},
    },
    ports::Ports,
};
use twinlock_host::{
    accounts::Nss,
    journal::{Severity, Syslog},
    machine::Machine,
    settings::{self, Loaded, SettingsReadError},
    trusted_dir::Owner,
};

use crate::{
    agent_socket::AgentSocket,
    conversation::{Carrier, PamConversation},
    ffi, final_text,
    one_field::{self, OneField},
    outcome, pam_items,
};

/// Delay in microseconds that libpam is asked to add after every failure, so that no failure is faster than another.
/// libpam randomizes the delay.
const DELAY_MICROSECONDS: u32 = 1_000_000;
const ROOT: Owner = Owner(0);
/// The PAM service by which the agent checks a password. The agent asks for the code itself, so this service must not
/// call twinlock's module.
const OWN_SERVICE: &str = "twinlock";
const OWN_STACK: &str = "the agent checks passwords with this service and asks for the code itself: take the line out, also of the files that this one includes";

/// Decides one login and returns the PAM code. If the PAM line or the settings cannot be used, logs the reason and
/// returns `PAM_SERVICE_ERR`.
pub(crate) fn authenticate(handle: &mut PamHandle, arguments: &[&CStr]) -> PamResultCode {
    let journal = Syslog::default();
    ffi::delay_on_failure(handle, DELAY_MICROSECONDS);
    let line = match read_line(arguments) {
        Ok(line) => line,
        Err(sentence) => {
            journal.send(
                Severity::Alert,
                &log_line::of_pam_line(&pam_items::service(handle), "pam_line", &sentence),
            );
            return PamResultCode::PAM_SERVICE_ERR;
        }
    };
    match line.task {
        Task::ProbePublickey => outcome::probe(pam_items::public_key(handle, getuid())),
        Task::Ask(claim) => ask(handle, &line, claim, &journal),
    }
}

fn ask(handle: &mut PamHandle, line: &PamLine, claim: Claim, journal: &Syslog) -> PamResultCode {
    let given = one_field::given(handle, line.first_pass);
    // The stored password is replaced first. The next module of the stack then gets the password only if this module
    // passes it on explicitly, whatever happens below.
    if line.forward == Forward::Password && ffi::set_authtok(handle, one_field::STAND_IN).is_err() {
        return PamResultCode::PAM_AUTHINFO_UNAVAIL;
    }
    let (path, loaded) = match line.config.as_deref() {
        Some(named) => (named, settings::load_named(named, ROOT)),
        None => (settings::PATH, settings::load(settings::PATH, ROOT)),
    };
    let Some(loaded) = usable(path, loaded, journal) else {
        return PamResultCode::PAM_SERVICE_ERR;
    };
    if line.debug == Debug::Wordy {
        let file = if loaded.stands_in_for.is_some() { settings::GOOD } else { path };
        journal.send(Severity::Debug, &format!("event=debug settings={file}"));
    }
    let presence = given.as_ref().map_or(Given::Nothing, |_| Given::Something);
    let mut policy = pam_line::over(line, presence, loaded.policy);
    let uid = getuid();
    let request = pam_items::collect(handle, claim, uid);
    if request.service == OWN_SERVICE {
        journal.send(Severity::Alert, &log_line::of_pam_line(OWN_SERVICE, "own_stack", OWN_STACK));
        return PamResultCode::PAM_SERVICE_ERR;
    }
    policy.restrict_to(&request.source);
    let mut machine = Machine::new(&policy, path, ROOT);
    machine.accounts = Nss::with_large_groups(ffi::large_group);
    if uid.is_root() {
        machine.ledger.set_called_by_root();
    }
    let person = person(handle, &request, uid);
    let conversation = OneField::new(person, given, line.forward);
    let verdict = decide(&request, &policy, machine.ports(&conversation));
    let code = outcome::code(verdict, request.public_key);
    let final_words = final_words(&conversation, &code);
    let password = conversation.password();
    if password.is_some_and(|password| !hand_on(handle, &password)) {
        return PamResultCode::PAM_AUTHINFO_UNAVAIL;
    }
    final_text::keep(handle, &final_words);
    code
}

/// Decides the login. If this process cannot read the records and the settings allow screen lockers, the agent decides.
fn decide(request: &Request, policy: &Policy, ports: Ports<'_>) -> Verdict {
    // For a process whose real user is root, the second system call is not needed.
    if policy.agent.lockers && !getuid().is_root() && !geteuid().is_root() {
        return login_by_agent(request, policy, ports, &AgentSocket::default());
    }
    login(request, policy, ports)
}

/// Returns the conversation with the user, through the function that the application gives libpam.
fn person<'a>(handle: &'a mut PamHandle, request: &Request, uid: Uid) -> PamConversation<'a> {
    let screen = pam_items::screen(handle, &request.service);
    let unsent = pam_items::is_sshd(handle, uid).then(RefCell::default);
    PamConversation {
        conversation: handle.get_item::<Conv<'_>>().ok().flatten(),
        carrier: Carrier::of(&request.source, screen),
        unsent,
    }
}

/// Returns the messages to show once the login is complete. If the login is refused, sends them at once and returns
/// none.
fn final_words(conversation: &OneField<'_>, code: &PamResultCode) -> Vec<String> {
    if *code == PamResultCode::PAM_SUCCESS {
        return conversation.person().take_unsent();
    }
    conversation.person().send_unsent();
    Vec::new()
}

/// Passes the password to the next module of the stack. Returns whether libpam stored it. `password` ends in a NUL
/// byte.
fn hand_on(handle: &mut PamHandle, password: &[u8]) -> bool {
    CStr::from_bytes_with_nul(password).is_ok_and(|text| ffi::set_authtok(handle, text).is_ok())
}

/// Returns the loaded settings; `None` if there are none that can be used. Logs each error that an administrator has to
/// correct.
fn usable(
    path: &str,
    loaded: Result<Loaded, SettingsReadError>,
    journal: &Syslog,
) -> Option<Loaded> {
    match loaded {
        Ok(loaded) => {
            if let Some(fault) = &loaded.stands_in_for {
                let detail = quoted(&fault.clause(path));
                let line = format!("event=settings_fallback using=settings.good detail={detail}");
                journal.send(Severity::Alert, &line);
            }
            Some(loaded)
        }
        Err(fault) => {
            let detail = quoted(&fault.clause(path));
            journal
                .send(Severity::Alert, &format!("event=refused reason=settings detail={detail}"));
            None
        }
    }
}

/// Puts double quotes around `clause`, so that it becomes one value of a log line.
fn quoted(clause: &str) -> String {
    let harmless = |letter: char| match letter {
        '"' => '\'',
        letter if letter.is_ascii_graphic() || letter == ' ' => letter,
        _ => '?',
    };
    format!("\"{}\"", clause.chars().take(300).map(harmless).collect::<String>())
}

fn read_line(arguments: &[&CStr]) -> Result<PamLine, String> {
    let mut texts = Vec::with_capacity(arguments.len());
    for argument in arguments {
        texts.push(argument.to_str().map_err(|_| "an argument is not UTF-8".to_owned())?);
    }
    pam_line::read(texts.into_iter()).map_err(|fault| fault.0.replace('"', "'"))
}
