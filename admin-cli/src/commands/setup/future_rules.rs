//! The rules that are in force after a change.

use twinlock_core::policy::{Rule, settings::rules as form};
use twinlock_host::settings::RULES;
use twinlock_setup::plan::FileChange;

use crate::{
    commands::doctor,
    context::Context,
    error::exit::{CliError, Exit},
    text::plain,
};

/// The rules after a change.
pub(super) struct FutureRules {
    /// All rules, in the order in which they are compared with a login.
    pub(super) all: Vec<Rule>,
    /// The rules of rules.toml, which are the last ones of `all`.
    pub(super) of_command: Vec<Rule>,
}

/// Returns the rules that will be in force after these changes of files.
///
/// # Errors
/// [`CliError`] if the new rules.toml has a mistake.
pub(super) fn future_rules(
    context: &Context,
    changes: &[FileChange],
) -> Result<FutureRules, CliError> {
    let mut all = context.policy.rules.clone();
    let of_file = all.len().saturating_sub(doctor::number_of_rules());
    let text = changes.iter().find(|change| change.path == RULES);
    let of_command = match text.and_then(|change| change.after.as_deref()) {
        None => all.split_off(of_file),
        Some(text) => form::read(text).map_err(|error| {
            let what = format!("{RULES}: {}; nothing was changed", plain(&error.to_string()));
            CliError::new(Exit::NotInState, what, "Correct the file, and run it again.")
        })?,
    };
    all.truncate(of_file);
    all.extend(of_command.iter().cloned());
    Ok(FutureRules { all, of_command })
}
