//! `twinlock change`: replaces the acting user's own authenticator. Asks for a code of the old authenticator, which
//! keeps working until the user types a code of the new one.

use serde_json::json;
use twinlock_core::{
    dialogue::self_service::{self, Served},
    ports::Records,
};

use crate::{
    authorize::{actor, authorizer::Authorizer, own_code::OwnCodeWays},
    cli::ChangeArgs,
    context::Context,
    enrollment::{own_codes, record_update::active},
    error::exit::{CliError, Exit},
    text::plain,
};

/// Replaces an authenticator of the acting user.
pub(crate) fn run(context: &Context, wanted: &ChangeArgs) -> Result<(), CliError> {
    context.need_root("change authenticators")?;
    let mut authorizer = Authorizer::of(context)?;
    let account = context.account(&wanted.user)?;
    let found = context.machine.records.newest(&account)?;
    if active(found).is_none() {
        return Err(not_set_up(&account.name));
    }
    let Some((own, found)) = authorizer.own_record(&account.name) else {
        return Err(of_another(&account.name));
    };
    let served =
        own_codes::change_own(context, own, found, OwnCodeWays::All, &mut self_service::key)?;
    let user = plain(&account.name);
    if served == Served::Nothing {
        context.say("Nothing was changed.", json!({ "user": account.name, "changed": false }));
        return Ok(());
    }
    actor::log(context, "key_changed", &[("user", &account.name)]);
    let said = format!("The old authenticator of {user} no longer works.");
    context.say(&said, json!({ "user": account.name, "changed": true }));
    Ok(())
}

fn not_set_up(user: &str) -> CliError {
    let user = plain(user);
    CliError::new(
        Exit::NotInState,
        format!("{user} is not enrolled: there is nothing to change"),
        format!("To enroll: twinlock enroll {user}"),
    )
}

/// Returns the error for changing another user's key. A caller who could do this would have both factors of that user.
fn of_another(user: &str) -> CliError {
    let user = plain(user);
    CliError::new(
        Exit::NotAllowed,
        format!("only {user} can change the authenticator of {user}"),
        format!(
            "{user} can do it at a login: type ?, then 4. If the phone is lost: twinlock reset {user}"
        ),
    )
}
