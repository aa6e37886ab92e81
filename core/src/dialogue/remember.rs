//! Asks a user with a verified ssh key whether to remember the device for a limited time. A login from a remembered
//! device needs no code.

use core::net::IpAddr;

use crate::{
    base::{
        account::Account,
        fingerprint,
        request::{FirstFactor, PublicKey, Request},
        time::Now,
    },
    dialogue::context::{DialogueContext, DialogueError},
    ledger::{
        device::{self, Binding, Device},
        device_text, names,
    },
    message::change::{Change, NEVER, NO, YES},
    policy::Policy,
    ports::UserLedger,
    record::Generation,
};

/// Nanoseconds per second.
const SECOND: u64 = 1_000_000_000;

/// Returns the properties by which the device can be recognized; `None` if the settings or the kind of login exclude
/// remembered devices.
#[must_use]
pub fn binding<'a>(
    policy: &Policy,
    request: &'a Request,
    account: &Account,
    generation: Generation,
) -> Option<Binding<'a>> {
    let proven = request.first_factor() == FirstFactor::Proven;
    let allowed = policy.remember_for > 0
        && proven
        && request.public_key == PublicKey::Verified
        && account.uid != 0
        && !matches!(request.service.as_str(), "su" | "su-l" | "sudo" | "sudo-i");
    Some(Binding {
        uid: account.uid,
        service: &request.service,
        key: request.keys.as_deref()?,
        address: request.source.ip().filter(|_| allowed)?,
        generation,
    })
}

/// Returns whether the device is remembered; `false` if its entry in the ledger cannot be read.
#[must_use]
pub fn is_remembered(user_ledger: &dyn UserLedger, binding: &Binding<'_>, now: Now) -> bool {
    let text = user_ledger.content(&device::name_of(binding)).ok().flatten();
    let device = text.and_then(|text| device_text::read(&text));
    device.is_some_and(|device| {
        device.generation == binding.generation && device::is_remembered(&device, now)
    })
}

/// Asks whether to remember the device, and remembers it if the user agrees, best effort. Does not ask if the user has
/// answered "never" for this device. Returns whether the device is remembered now.
///
/// # Errors
/// [`DialogueError::CutOff`] if the user gives no answer, or [`DialogueError::Broken`] if a clock cannot be read.
pub fn offer(
    context: &DialogueContext<'_>,
    binding: &Binding<'_>,
) -> Result<Remembered, DialogueError> {
    let never = device::never_name_of(binding);
    if context.user_ledger.content(&never).ok().flatten().is_some() {
        return Ok(Remembered::No);
    }
    let now = match answer(context, binding.address)? {
        RememberAnswer::No => return Ok(Remembered::No),
        RememberAnswer::Never => {
            // Best effort: if the answer "never" cannot be stored, the next login asks again.
            let _ = context.user_ledger.create(&never, &names::instant(context.now()?.unix));
            return Ok(Remembered::No);
        }
        RememberAnswer::Yes => context.now()?,
    };
    let seconds = context.policy.remember_for;
    let device = Device {
        since: now.unix,
        until: now.unix.plus(seconds),
        until_boot: crate::base::time::BootTime(
            now.boot.0.saturating_add(seconds.saturating_mul(SECOND)),
        ),
        generation: binding.generation,
        address: binding.address,
        key: fingerprint::of(binding.key),
    };
    let name = device::name_of(binding);
    // If an expired entry has this name, a new entry cannot be created.
    context.user_ledger.erase(&name);
    let made = context.user_ledger.create(&name, &device_text::write(&device));
    Ok(if made.is_ok() { Remembered::Yes } else { Remembered::No })
}

/// The user's answer to the question whether to remember the device.
enum RememberAnswer {
    Yes,
    No,
    Never,
}

/// Asks whether to remember the device, and repeats the question after an invalid answer. Returns
/// [`RememberAnswer::No`] if all `tries` answers were invalid.
fn answer(context: &DialogueContext<'_>, from: IpAddr) -> Result<RememberAnswer, DialogueError> {
    let seconds = context.policy.remember_for;
    let asked = context.change(&Change::Remember { address: address(from), seconds });
    let mut question = asked.clone();
    for _ in 0..context.policy.tries {
        let typed = context.ask_shown(&question)?;
        let word = typed.text().trim();
        let is = |words: &[&str]| words.iter().any(|other| word.eq_ignore_ascii_case(other));
        match () {
            () if is(&YES) => return Ok(RememberAnswer::Yes),
            () if is(&NEVER) => return Ok(RememberAnswer::Never),
            () if word.is_empty() || is(&NO) => return Ok(RememberAnswer::No),
            () => question = alloc::format!("{}{asked}", context.change(&Change::NoSuchChoice)),
        }
    }
    Ok(RememberAnswer::No)
}

/// Whether the device is remembered now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remembered {
    /// The device is remembered.
    Yes,
    /// The device is not remembered.
    No,
}

fn address(address: IpAddr) -> alloc::string::String {
    alloc::format!("{address}")
}
