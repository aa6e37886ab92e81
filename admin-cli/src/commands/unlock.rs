//! `twinlock unlock USER`: clears a user's failed attempts.

use std::collections::BTreeMap;

use twinlock_core::{
    notify::notification::NotificationKind,
    ports::{Ledger, LedgerKey},
    verify::unlock::{FailedAttempts, UnlockError},
};

use crate::{
    authorize::authorizer::Authorizer,
    context::Context,
    error::exit::{CliError, Exit},
    terminal::keyboard::Keyboard,
    text::{count, plain},
};

/// Clause for an error message if the ledger cannot be read after the attempts were cleared.
const UNSEEN: &str = "it is unknown how many failed attempts remain";

/// Clears the failed attempts of one user.
pub(crate) fn run(context: &Context, user: &str) -> Result<(), CliError> {
    context.need_root("unlock users")?;
    let authorizer = Authorizer::of(context)?;
    let account = context.account(user)?;
    let user_ledger = context.machine.ledger.open(&LedgerKey::of(Some(&account), &account.name))?;
    let records = &context.machine.records;
    let found = FailedAttempts::find(user_ledger.as_ref(), records, &account)?;
    if found.is_empty() {
        return Err(none_on_file(&account.name));
    }
    let by = authorizer.prove(context, &mut Keyboard::open()?)?;
    match found.clear(user_ledger.as_ref(), records, &account) {
        Ok(()) => {}
        Err(UnlockError::Unseen(fault)) => return Err(CliError::from(fault).but(UNSEEN)),
        Err(UnlockError::Stay { attempts, untouched }) => {
            return Err(not_erased(&account.name, attempts, untouched));
        }
    }
    let sources = found.by_source();
    let all: usize = sources.values().sum();
    let number = all.to_string();
    by.log(context, "unlocked", &[("user", &account.name), ("tries", &number)]);
    by.write_to(context, &account.name, NotificationKind::Unlocked, context.now()?.unix);
    context.say(
        &sentence(&account.name, &sources),
        serde_json::json!({ "user": account.name, "forgotten": all, "sources": sources }),
    );
    Ok(())
}

fn none_on_file(user: &str) -> CliError {
    let user = plain(user);
    CliError::new(
        Exit::NotInState,
        format!("{user} has no failed attempts"),
        format!("To see why logins are refused: twinlock why {user}"),
    )
}

/// Returns the error for attempts that could not be cleared and still count. `stay` is their number, and `untouched`
/// says that no attempt was cleared.
fn not_erased(user: &str, stay: usize, untouched: bool) -> CliError {
    let others = if untouched { "nothing was changed" } else { "the others were cleared" };
    let (user, stay) = (plain(user), count(stay, "failed attempt"));
    CliError::new(
        Exit::StoreUnreachable,
        format!("{stay} of {user} cannot be cleared, and still count; {others}"),
        "Check the ledger folder, the records folder and the kernel log (dmesg), then run it again.",
    )
}

fn sentence(user: &str, sources: &BTreeMap<String, usize>) -> String {
    let all = count(sources.values().sum(), "failed attempt");
    let from: Vec<String> =
        sources.iter().map(|(source, number)| format!("{number} from {source}")).collect();
    format!("{all} of {} cleared: {}.", plain(user), from.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_is_named() {
        let sources = [("203.0.113.7", 2), ("damaged", 1), ("uid:1000", 1)];
        let sources = sources.map(|(source, number)| (source.to_owned(), number)).into();
        assert_eq!(
            sentence("ada", &sources),
            "4 failed attempts of ada cleared: 2 from 203.0.113.7, 1 from damaged, 1 from uid:1000."
        );
    }
}
