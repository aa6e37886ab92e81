//! `twinlock fleet throttle`: sets the limits on wrong codes that hold on every host of the fleet.

use serde_json::{Value, json};
use twinlock_core::policy::Limits;

use crate::{
    authorize::authorizer::Authorizer,
    cli::fleet::FleetThrottle,
    commands::fleet::{key_access, membership, socket},
    context::Context,
    error::exit::{CliError, Exit},
    terminal::keyboard::Keyboard,
    text::plain,
};

/// Writes the limits of this host's settings to the description of the fleet, or with `--clear` removes those that it
/// has.
pub(super) fn run(context: &Context, wanted: &FleetThrottle) -> Result<(), CliError> {
    let authorizer = Authorizer::of(context)?;
    let key = key_access::read(context)?;
    let socket = socket();
    let fleet = membership(&key, &socket);
    fleet.meta()?.ok_or_else(lost)?;
    let by = authorizer.prove(context, &mut Keyboard::open()?)?;
    let limits = (!wanted.clear).then_some(context.policy.throttle);
    fleet.set_throttle(limits)?.ok_or_else(lost)?;
    let said = limits.map_or_else(|| "none".to_owned(), |limits| spoken(&limits));
    by.log(context, "fleet_throttle_set", &[("fleet", &key.fleet), ("throttle", &said)]);
    by.tell_root_of_change(context);
    let said = match limits {
        Some(limits) => format!(
            "On every host of the fleet {}, the stricter limit holds of {} and of the host's settings.",
            plain(&key.fleet),
            spoken(&limits)
        ),
        None => format!("The fleet {} has no limits of its own any more.", plain(&key.fleet)),
    };
    context.say(&said, json!({ "throttle": object(limits) }));
    Ok(())
}

fn lost() -> CliError {
    let what = "etcd does not describe the fleet any more";
    CliError::new(Exit::NotInState, what, "Run: twinlock fleet recover")
}

/// Returns limits as text, with the names of the settings.
pub(super) fn spoken(limits: &Limits) -> String {
    let Limits { free, delay, max_delay, per_day, in_a_row } = limits;
    format!("free:{free},delay:{delay},max_delay:{max_delay},per_day:{per_day},in_a_row:{in_a_row}")
}

/// Returns limits as a JSON object; `null` if there are none.
pub(super) fn object(limits: Option<Limits>) -> Value {
    json!(limits.map(|limits| json!({
        "free": limits.free, "delay": limits.delay, "max_delay": limits.max_delay,
        "per_day": limits.per_day, "in_a_row": limits.in_a_row,
    })))
}
