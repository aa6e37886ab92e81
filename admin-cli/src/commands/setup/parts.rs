//! Examines the users of each service of a setup, and tries logins through each. `root` has several services, each other
//! name only one.

use twinlock_setup::{plan::FileChange, wishes::Wishes};

use crate::{
    commands::setup::{
        future_rules::FutureRules,
        people::{OpenWay, People},
        prove,
    },
    context::Context,
    error::exit::CliError,
};

/// One service of a setup, and what the change means for its users.
pub(super) struct ServicePart {
    /// The wishes, with this service alone.
    wishes: Wishes,
    /// The users of the service.
    pub(super) people: People,
}

/// Returns the services of a setup. `rules` are the rules after the change.
///
/// # Errors
/// [`CliError`] if the accounts or the members of a group cannot be listed.
pub(super) fn read(
    context: &Context,
    wishes: &Wishes,
    rules: &FutureRules,
) -> Result<Vec<ServicePart>, CliError> {
    let parts = wishes.parts().into_iter();
    let read = |wishes: Wishes| {
        let people = People::read(context, &wishes, rules)?;
        Ok(ServicePart { wishes, people })
    };
    parts.map(read).collect()
}

/// Returns the kinds of logins without a code that the options of setup allow, each once.
pub(super) fn open_ways(parts: &[ServicePart]) -> Vec<&OpenWay> {
    let mut all: Vec<&OpenWay> = Vec::new();
    for way in parts.iter().flat_map(|part| &part.people.open) {
        if !all.contains(&way) {
            all.push(way);
        }
    }
    all
}

/// Tries logins through each service with all new files, and returns their number.
///
/// # Errors
/// [`CliError`] if a login does not end as it must, or if no login can be tried here.
pub(super) fn prove(
    context: &Context,
    parts: &[ServicePart],
    changes: &[FileChange],
) -> Result<usize, CliError> {
    let mut tried = 0;
    for part in parts {
        tried += prove::run(context, &part.wishes, changes, &part.people)?;
    }
    Ok(tried)
}
