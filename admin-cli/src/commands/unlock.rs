//! `twinlock unlock USER`: clears a user's failed attempts.

use std::collections::BTreeMap;

use twinlock_core::{
    base::{
        account::{Account, Folder},
        error::StoreError,
    },
    ledger::names,
    notify::notification::NotificationKind,
    ports::{Ledger, LedgerKey, Records},
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
    let names = user_ledger.names()?;
    // Every ledger entry whose name begins like that of an attempt locks out the user, even if the rest of its name or
    // its content is invalid.
    let tries: Vec<&String> = names.iter().filter(|name| name.starts_with("try.")).collect();
    let carried = carried(context, &account, &names);
    if tries.is_empty() && carried == 0 {
        return Err(none_on_file(&account.name));
    }
    let by = authorizer.prove(context, &mut Keyboard::open()?)?;
    tries.iter().for_each(|name| user_ledger.erase(name));
    let folder = Folder::of(&account.name).map_err(|_| StoreError::NameTooLong)?;
    context.machine.records.forget_failures(&folder);
    names.iter().filter(|name| name.starts_with("row.")).for_each(|name| user_ledger.erase(name));
    let left = user_ledger.names().map_err(|fault| CliError::from(fault).but(UNSEEN))?;
    let stay = tries.iter().filter(|name| left.contains(name)).count();
    let in_a_row = self::carried(context, &account, &left);
    if stay + in_a_row > 0 {
        let others = if names.iter().all(|name| left.contains(name)) {
            "nothing was changed"
        } else {
            "the others were cleared"
        };
        return Err(not_erased(&account.name, stay.max(in_a_row), others));
    }
    let mut sources = by_source(&tries);
    if carried > 0 {
        sources.insert("before the last restart".into(), carried);
    }
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

/// Returns the number of consecutive wrong codes from before the last restart, of which only the number was stored.
/// `names` are the user's ledger entries.
fn carried(context: &Context, account: &Account, names: &[String]) -> usize {
    let row = names.iter().filter_map(|name| names::read_row(name)).max();
    let noted =
        || context.machine.records.newest(account).ok().flatten().map(|found| found.failures);
    let carried = row.map(|row| row.carried).or_else(noted).unwrap_or_default();
    usize::try_from(carried).unwrap_or(usize::MAX)
}

fn none_on_file(user: &str) -> CliError {
    let user = plain(user);
    CliError::new(
        Exit::NotInState,
        format!("{user} has no failed attempts"),
        format!("To see why logins are refused: twinlock why {user}"),
    )
}

/// Returns the error for attempts that could not be cleared and still count. `stay` is their number, and `others` a
/// clause about the rest.
fn not_erased(user: &str, stay: usize, others: &str) -> CliError {
    let (user, stay) = (plain(user), count(stay, "failed attempt"));
    CliError::new(
        Exit::StoreUnreachable,
        format!("{stay} of {user} cannot be cleared, and still count; {others}"),
        "Check the ledger folder, the records folder and the kernel log (dmesg), then run it again.",
    )
}

fn by_source(tries: &[&String]) -> BTreeMap<String, usize> {
    let mut sources = BTreeMap::new();
    for name in tries {
        let source = names::read_try(name).map(|found| found.source);
        let source = source.map_or_else(|| "damaged".into(), |source| source.as_str().to_owned());
        *sources.entry(source).or_insert(0) += 1;
    }
    sources
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
    fn sources_are_counted_and_damage_is_named() {
        let names = [
            "try.proven.20000.0.203.0.113.7",
            "try.proven.20000.1.203.0.113.7",
            "try.unproven.20000.0.uid:1000",
            "try.odd",
        ]
        .map(String::from);
        let sources = by_source(&names.iter().collect::<Vec<_>>());
        assert_eq!(
            sentence("ada", &sources),
            "4 failed attempts of ada cleared: 2 from 203.0.113.7, 1 from damaged, 1 from uid:1000."
        );
    }
}
