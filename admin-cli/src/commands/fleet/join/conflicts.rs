//! Lists the users whose records on this host and in the store conflict, and checks that the administrator's choice
//! resolves every conflict.

use serde_json::{Value, json};
use twinlock_core::record::{Record, State};
use twinlock_host::fleet::membership::{Comparison, LocalUser, RecordConflict, UnsettledConflict};

use crate::{
    cli::fleet::TakeArg,
    commands::fleet::join::settler,
    context::Context,
    error::exit::{CliError, Exit},
    terminal::{keyboard::tell, table::Columns},
    text::{count, date, plain},
};

/// Checks that there is no conflict, or that `take` resolves all conflicts. Otherwise lists them.
pub(super) fn must_be_settled(
    context: &Context,
    users: &[LocalUser],
    found: &Comparison,
    take: Option<TakeArg>,
) -> Result<(), CliError> {
    if found.conflicts.is_empty() {
        return Ok(());
    }
    let Some(take) = take else {
        if !context.json {
            print(users, found);
        }
        return Err(undecided(users, found));
    };
    let settler = settler(context, take, context.stamp()?);
    for conflict in &found.conflicts {
        let Some(local) = users.get(conflict.user) else { continue };
        settler.settle(local, conflict).map_err(|fault| unsettled(&local.user, fault))?;
    }
    Ok(())
}

/// Returns the error for a conflict that the chosen resolution does not fit.
pub(super) fn unsettled(user: &str, fault: UnsettledConflict) -> CliError {
    let remedy = match fault {
        UnsettledConflict::NotEnrolled => {
            "Use --take store or --take local, or remove or enroll the user on one side first."
        }
        UnsettledConflict::TooMany => {
            "Remove authenticators on one side first: twinlock remove USER --authenticator NAME"
        }
        UnsettledConflict::OtherUid => {
            "Give the account the same user id on every host, or set `uids = \"local\"` in [fleet]."
        }
    };
    CliError::new(Exit::NotInState, format!("{} {fault}", plain(user)), remedy)
}

fn undecided(users: &[LocalUser], found: &Comparison) -> CliError {
    let names = found.conflicts.iter().filter_map(|one| users.get(one.user));
    let some: Vec<String> = names.take(10).map(|user| plain(&user.user)).collect();
    let more = found.conflicts.len().saturating_sub(some.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let all = count(found.conflicts.len(), "user");
    let what = format!(
        "{all} with another record in the fleet than here: {}{more}; nothing was changed",
        some.join(", ")
    );
    let remedy = "Choose which record is kept: --take store (the fleet's), --take local (this host's) or --take merge (the fleet's, with the authenticators of both).";
    CliError::new(Exit::NotInState, what, remedy)
}

/// Prints the conflicts on standard error.
pub(super) fn print(users: &[LocalUser], found: &Comparison) {
    if found.conflicts.is_empty() {
        return;
    }
    let mut rows = vec![["USER", "HERE", "IN THE FLEET"].map(str::to_owned)];
    rows.extend(found.conflicts.iter().filter_map(|one| {
        let user = users.get(one.user)?;
        Some([plain(&user.user), described(&user.record), described(&one.record)])
    }));
    tell(&Columns::default().align(&rows));
}

/// Returns a conflict as a JSON object.
pub(super) fn object(user: &LocalUser, conflict: &RecordConflict) -> Value {
    let side = |record: &Record| {
        let names: Vec<&str> = record.authenticators.iter().map(|one| one.name.as_str()).collect();
        json!({ "state": word(record), "since": record.since.0, "authenticators": names })
    };
    json!({ "user": user.user, "here": side(&user.record), "there": side(&conflict.record) })
}

fn word(record: &Record) -> &'static str {
    match record.state {
        State::Active => "enrolled",
        State::Pending => "pending",
        State::Removed => "removed",
    }
}

fn described(record: &Record) -> String {
    let names: Vec<String> = record.authenticators.iter().map(|one| plain(&one.name)).collect();
    let with = if names.is_empty() { String::new() } else { format!(": {}", names.join(" ")) };
    format!("{} {}{with}", word(record), date(record.since))
}
