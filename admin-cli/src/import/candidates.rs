//! Selects one of several keys in an export or a picture: by name, by number, or because it is the only one.

use twinlock_core::{base::account::Account, record::Authenticator};
use twinlock_migrate::{
    otpauth_migration::{Moved, MovedKeyError},
    plan::ImportPlan,
};

use crate::{
    authorize::authorizer::Authorized,
    cli::picture::Choice,
    context::Context,
    error::exit::{CliError, Exit},
    import::{
        take_over::{ImportOutcome, take_over},
        uri::already,
    },
    text::{count, plain},
};

/// A key that can be selected.
pub(crate) struct KeyCandidate {
    /// Issuer and account of the key as the app shows them, escaped for a terminal.
    pub(crate) label: String,
    /// Labels of further entries with the same key.
    pub(crate) other_labels: Vec<String>,
    /// An authenticator with this key, or why the key cannot be used.
    pub(crate) authenticator: Result<Authenticator, CliError>,
}

impl From<Moved> for KeyCandidate {
    fn from(account: Moved) -> Self {
        let Moved { label, other_labels, authenticator } = account;
        let authenticator = authenticator.map_err(|fault| unusable(&label, fault));
        Self { label, other_labels, authenticator }
    }
}

impl KeyCandidate {
    fn is_called(&self, name: &str) -> bool {
        std::iter::once(&self.label).chain(&self.other_labels).any(|label| is_called(label, name))
    }
}

/// Returns the key that `choice` selects. `more` is a sentence for the error message that says where the key may be, if
/// this source does not contain it.
///
/// # Errors
/// [`CliError`] if no key or several keys match. The remedy lists them.
pub(crate) fn choose(
    mut all: Vec<KeyCandidate>,
    choice: Choice<'_>,
    more: &str,
) -> Result<KeyCandidate, CliError> {
    let fits = |at: usize, one: &KeyCandidate| {
        choice.index.is_none_or(|index| index == at + 1)
            && choice.name.is_none_or(|name| one.is_called(name))
    };
    let places: Vec<usize> =
        all.iter().enumerate().filter(|(at, one)| fits(*at, one)).map(|(at, _)| at).collect();
    match places.as_slice() {
        [place] => Ok(all.swap_remove(*place)),
        [] => Err(CliError::new(
            Exit::NotInState,
            match (choice.index, choice.name) {
                (Some(index), None) => format!("there is no account {index} in it"),
                (Some(index), Some(name)) => {
                    format!("account {index} in it is not called {}", plain(name))
                }
                (None, name) => {
                    format!("no account in it is called {}", plain(name.unwrap_or_default()))
                }
            },
            format!("There are: {}.{more}", listed(&all, Numbering::WhereNeeded)),
        )),
        _ => {
            let meant: Vec<&KeyCandidate> = places.iter().filter_map(|at| all.get(*at)).collect();
            let distinct = meant.iter().enumerate().all(|(at, one)| {
                meant.iter().take(at).all(|other| !other.label.eq_ignore_ascii_case(&one.label))
            });
            let remedy = if distinct && choice.name.is_none() {
                format!("Say which, by --name: {}.", listed(&all, Numbering::None))
            } else {
                format!("Say which, by --index: {}.", listed(&all, Numbering::All))
            };
            Err(CliError::new(
                Exit::Usage,
                format!("it contains {}; select one", count(places.len(), "account")),
                remedy,
            ))
        }
    }
}

/// Which keys get a number in a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbering {
    None,
    WhereNeeded,
    All,
}

/// Returns a list of the keys by label. Keys with the same label are told apart by further properties.
fn listed(all: &[KeyCandidate], numbers: Numbering) -> String {
    let twice =
        |label: &str| all.iter().filter(|one| one.label.eq_ignore_ascii_case(label)).count() > 1;
    let shown = |(at, one): (usize, &KeyCandidate)| {
        let label = plain(&one.label);
        let is_twice = twice(&one.label);
        let kind = match &one.authenticator {
            Ok(key) if is_twice => format!(
                " ({} digits, {})",
                key.parameters.digits.get(),
                key.parameters.algorithm.name()
            ),
            Err(_) if is_twice => " (cannot be used)".into(),
            _ => String::new(),
        };
        match numbers {
            Numbering::All => format!("{} {label}{kind}", at + 1),
            Numbering::WhereNeeded if is_twice => format!("{} {label}{kind}", at + 1),
            Numbering::None | Numbering::WhereNeeded => label,
        }
    };
    all.iter().enumerate().map(shown).collect::<Vec<_>>().join(", ")
}

/// Returns whether the name equals the whole label, the part before its colon or the part after it. Case is ignored.
fn is_called(label: &str, name: &str) -> bool {
    let (issuer, account) = label.split_once(':').unwrap_or((label, label));
    [label, issuer, account].iter().any(|part| part.trim().eq_ignore_ascii_case(name.trim()))
}

/// Enrolls an account with the selected key. Logs and mails the enrollment, and prints its outcome.
pub(crate) fn enroll(
    context: &Context,
    by: &Authorized,
    account: &Account,
    authenticator: Authenticator,
) -> Result<(), CliError> {
    let called = authenticator.name.clone();
    let takeover = ImportPlan { authenticators: vec![authenticator], ..ImportPlan::default() };
    let (state, said) = match take_over(context, Some(by), account, takeover)? {
        ImportOutcome::Imported => {
            ("imported", format!("is enrolled with the authenticator {}", plain(&called)))
        }
        ImportOutcome::Already => ("already", "was imported already; nothing was changed".into()),
        ImportOutcome::MovedOn => {
            ("already", "was imported already; the counter stays where it is".into())
        }
        ImportOutcome::OtherKey => return Err(already(&account.name)),
    };
    context.say(
        &format!("{} {said}.", plain(&account.name)),
        serde_json::json!({ "user": account.name, "authenticator": called, "state": state }),
    );
    Ok(())
}

fn unusable(label: &str, fault: MovedKeyError) -> CliError {
    CliError::new(
        Exit::Refused,
        format!("{} cannot be imported: {fault}", plain(label)),
        "Enroll the user again: twinlock enroll USER",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(labels: &[&str]) -> Vec<KeyCandidate> {
        let candidate = |label: &&str| KeyCandidate {
            label: (*label).into(),
            other_labels: Vec::new(),
            authenticator: Err(unusable(label, MovedKeyError::Kind)),
        };
        labels.iter().map(candidate).collect()
    }

    fn by_name(name: &str) -> Choice<'_> {
        Choice { name: Some(name), index: None }
    }

    fn by_index(index: usize) -> Choice<'static> {
        Choice { name: None, index: Some(index) }
    }

    #[test]
    fn one_of_several_is_chosen_by_its_name() {
        let labels = ["box:ada", "box:bob", "mail:cy"];
        for (name, chosen) in
            [("box:ada", "box:ada"), ("BOB", "box:bob"), ("mail", "mail:cy"), ("cy ", "mail:cy")]
        {
            assert_eq!(choose(all(&labels), by_name(name), "").unwrap().label, chosen);
        }
        let vague = choose(all(&labels), Choice::default(), "").map(|_| ()).unwrap_err();
        assert_eq!(
            (vague.exit, vague.what.as_str()),
            (Exit::Usage, "it contains 3 accounts; select one")
        );
        assert_eq!(vague.remedy, "Say which, by --name: box:ada, box:bob, mail:cy.");
        let none = choose(all(&labels), by_name("dee"), " More.").map(|_| ()).unwrap_err();
        assert_eq!(none.remedy, "There are: box:ada, box:bob, mail:cy. More.");
        assert_eq!(choose(all(&labels[..1]), Choice::default(), "").unwrap().label, "box:ada");
    }

    #[test]
    fn equal_names_are_chosen_by_number() {
        let labels = ["box:ada", "Box:Ada", "mail:cy"];
        for choice in [Choice::default(), by_name("ada")] {
            let vague = choose(all(&labels), choice, "").map(|_| ()).unwrap_err();
            let listed = "1 box:ada (cannot be used), 2 Box:Ada (cannot be used), 3 mail:cy.";
            assert_eq!(vague.remedy, format!("Say which, by --index: {listed}"));
        }
        assert_eq!(choose(all(&labels), by_index(2), "").unwrap().label, "Box:Ada");
        let both = Choice { name: Some("box"), index: Some(2) };
        assert_eq!(choose(all(&labels), both, "").unwrap().label, "Box:Ada");
        for index in [0, 4] {
            let none = choose(all(&labels), by_index(index), "").map(|_| ()).unwrap_err();
            assert_eq!(none.what, format!("there is no account {index} in it"));
        }
        let both = Choice { name: Some("box"), index: Some(3) };
        let none = choose(all(&labels), both, "").map(|_| ()).unwrap_err();
        assert_eq!(none.what, "account 3 in it is not called box");
    }
}
