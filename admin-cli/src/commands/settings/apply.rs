//! `twinlock settings apply [FILE]`: installs a settings file and stores a copy, which logins use while the file has an
//! error. Without FILE, checks and copies the file in use.

use serde_json::json;
use twinlock_core::policy::{Rule, settings as form};
use twinlock_host::{
    settings::{self, RULES, last_good_path, last_good_settings, swap_file::SwapContent},
    trusted_dir::Owner,
    trusted_path,
};

use crate::{
    authorize::authorizer::Authorizer,
    cli::{Apply, Command},
    commands::settings::{check, draft::SettingsDraft, show},
    context::{Context, settings_failure},
    error::{
        exit::{CliError, Exit},
        settings_errors,
    },
    terminal::keyboard::{Keyboard, tell},
    text::{WIDTH, plain, wrap},
};

const OWNER: Owner = Owner(0);
/// Maximum length in bytes of a value in the log.
const LOGGED_MAX: usize = 128;

/// Asks the acting user for a code, if one is required. Then installs the settings file and stores its copy.
pub(crate) fn run(command: &Command, wanted: &Apply) -> Result<(), CliError> {
    let context = Context::open_to_mend(command)?;
    context.need_root("apply settings")?;
    let authorizer = Authorizer::of(&context)?;
    let work = Work::of(&context, wanted.file.as_deref())?;
    check::must_suit_a_fleet(&work.draft)?;
    let warnings = check::warn(&work.draft, &work.rules);
    if !context.json {
        tell(&format!("{}\n", wrap(&work.announced(), WIDTH, 0)));
    }
    let by = authorizer.prove(&context, &mut Keyboard::open()?)?;
    work.install(&context)?;
    let kept = work.keep(&context);
    // The file is installed, whether a copy was stored or not.
    let changed = logged(&work.changed);
    by.log(&context, "settings_applied", &[("file", &context.config), ("changed", &changed)]);
    by.tell_root_of_change(&context);
    kept?;
    let good = last_good_path(&context.config);
    let said = match work.is_new {
        true => format!("{} is installed, and copied to {}.", plain(&context.config), plain(&good)),
        false => format!("{}: no mistake; copied to {}.", plain(&context.config), plain(&good)),
    };
    context.say(
        &said,
        json!({
            "file": context.config, "warnings": warnings, "kept": good,
            "installed": work.is_new, "changed": work.changed,
        }),
    );
    Ok(())
}

/// The settings file to install, and what was found on this host before the first prompt.
struct Work {
    draft: SettingsDraft,
    /// Whether the file has another path than the settings file in use, and so has to be installed there.
    is_new: bool,
    /// Content of the file in use; `None` if it cannot be read.
    before: Option<Vec<u8>>,
    changed: Vec<&'static str>,
    rules: Vec<Rule>,
}

impl Work {
    fn of(context: &Context, file: Option<&str>) -> Result<Self, CliError> {
        let config = &context.config;
        trusted_path::folder_of(config, OWNER).map_err(|folder| {
            let (what, remedy) = settings_errors::of_folder(config, &folder);
            CliError::new(Exit::Refused, what, remedy)
        })?;
        // A last good copy consists of the settings file and rules.toml, so both must be valid.
        let rules = settings::read_rules(RULES, OWNER);
        let rules = rules.map_err(|fault| settings_failure(config, &fault))?;
        let draft = file.map_or_else(|| SettingsDraft::in_use(config), SettingsDraft::named)?;
        let is_new = file.is_some_and(|file| std::path::absolute(file).ok() != Some(config.into()));
        if is_new {
            draft.must_be_ones_own()?;
        } else {
            check::must_be_trusted(config)?;
        }
        let before = std::fs::read(config).ok();
        let old = |in_use: &[u8]| {
            let text = std::str::from_utf8(in_use).ok()?;
            form::read(text).ok()
        };
        let kept = || settings::kept(config, OWNER).ok();
        let old = if is_new { before.as_deref().and_then(old).or_else(kept) } else { kept() };
        let changed = show::changed(&old.unwrap_or_default(), &draft.policy);
        Ok(Self { draft, is_new, before, changed, rules })
    }

    fn announced(&self) -> String {
        let of = if self.is_new { "the file in use" } else { "the file applied last" };
        let path = plain(&self.draft.path);
        if self.changed.is_empty() {
            return format!("{path} has the same settings as {of}.");
        }
        format!("{path} differs from {of} in: {}.", self.changed.join(", "))
    }

    /// Installs the file, unless it is the one in use. Fails if the file in use has changed since it was read.
    fn install(&self, context: &Context) -> Result<(), CliError> {
        let config = &context.config;
        if std::fs::read(config).ok() != self.before {
            return Err(CliError::new(
                Exit::NotInState,
                format!("{} was changed in the meantime, and was not replaced", plain(config)),
                "Check the file, then run this again.",
            ));
        }
        if !self.is_new {
            return Ok(());
        }
        last_good_settings::replace(config, &self.content(), OWNER).map_err(|fault| {
            let found = std::fs::read(config).ok();
            let stands = match found.as_deref() == Some(self.draft.text.as_bytes()) {
                true => "the new file is in force",
                false => "nothing was changed",
            };
            let what = format!("{}; {stands}", settings_errors::of_file(config, fault));
            CliError::new(Exit::StoreUnreachable, what, "Check the folder and its disk.")
        })
    }

    fn keep(&self, context: &Context) -> Result<(), CliError> {
        let path = last_good_path(&context.config);
        last_good_settings::keep(&context.config, RULES, &self.content(), OWNER).map_err(|fault| {
            // After a disk error at the very end of writing, the new copy may be in place.
            let kept = settings::kept(&context.config, OWNER);
            let remedy = if kept.as_ref() == Ok(&self.draft.policy) {
                "The new copy is in place, but may be lost. Check the folder and its disk, and apply it again."
            } else {
                "Check the folder and its disk; the previous copy is still in place."
            };
            let what = format!("no mistake was found, but {} {fault}", plain(&path));
            CliError::new(Exit::StoreUnreachable, what, remedy)
        })
    }

    fn content(&self) -> SwapContent {
        SwapContent { bytes: self.draft.text.clone().into_bytes(), mode: self.draft.mode }
    }
}

/// Joins the names of settings to one value of the log. If it is longer than [`LOGGED_MAX`], the last names are
/// replaced by their number.
fn logged(changed: &[&str]) -> String {
    let mut text = String::new();
    for (place, name) in changed.iter().enumerate() {
        let rest = format!(":{}more", changed.len() - place);
        if text.len() + 1 + name.len() + rest.len() > LOGGED_MAX {
            text.push_str(&rest);
            return text;
        }
        if place > 0 {
            text.push(':');
        }
        text.push_str(name);
    }
    if text.is_empty() { "none".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_settings_are_one_value() {
        assert_eq!(logged(&[]), "none");
        assert_eq!(logged(&["window", "rule"]), "window:rule");
        let many = vec!["throttle.max_delay"; 20];
        let text = logged(&many);
        assert!(text.len() <= LOGGED_MAX && text.ends_with("max_delay:14more"), "{text}");
    }
}
