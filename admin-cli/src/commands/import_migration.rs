//! `twinlock import migration USER`: one account out of what Google's app exports, from standard input.

use twinlock_core::{
    format::migration::{self, Batch, MigrationFault, Moved, MovedFault},
    takeover::Takeover,
};

use crate::{
    acting::Acting,
    commands::{
        import_uri::already,
        take_over::{Outcome, take_over},
    },
    desk::Desk,
    exit::{Exit, Failure},
    piped::Piped,
    wording::{count, plain},
};

/// More than an export of a hundred QR codes.
const INPUT_MAX: u64 = 1024 * 1024;

/// All that was read: the accounts of all lines, and which QR codes they were.
struct Export {
    accounts: Vec<Moved>,
    batches: Vec<Batch>,
}

/// Reads the lines, chooses the account and enrols its key.
pub fn run(desk: &Desk, user: &str, name: Option<&str>) -> Result<(), Failure> {
    desk.need_root("enroll people")?;
    let acting = Acting::of(desk)?;
    let account = desk.account(user)?;
    let piped = Piped::read(INPUT_MAX).map_err(|_| no_export(0, MigrationFault::Scheme))?;
    let chosen = choose(export(&piped.data)?, name)?;
    let label = chosen.label;
    let authenticator = chosen.authenticator.map_err(|fault| unusable(&label, fault))?;
    let called = authenticator.name.clone();
    let takeover = Takeover { authenticators: vec![authenticator], ..Takeover::default() };
    let by = acting.prove(desk, &mut piped.keyboard()?)?;
    let (state, said) = match take_over(desk, Some(&by), &account, takeover)? {
        Outcome::Imported => {
            ("imported", format!("is enrolled with the authenticator {}", plain(&called)))
        }
        Outcome::Already => ("already", "was imported already; nothing is changed".into()),
        Outcome::MovedOn => {
            ("already", "was imported already; the counter goes on where it is now".into())
        }
        Outcome::OtherKey => return Err(already(&account.name)),
    };
    desk.say(
        &format!("{} {said}.", plain(&account.name)),
        serde_json::json!({ "user": account.name, "authenticator": called, "state": state }),
    );
    Ok(())
}

fn export(text: &str) -> Result<Export, Failure> {
    let mut export = Export { accounts: Vec::new(), batches: Vec::new() };
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let found = migration::read(line).map_err(|fault| no_export(number, fault))?;
        // The same QR code photographed twice has the same accounts.
        if !export.batches.contains(&found.batch) || found.batch.size == 1 {
            export.accounts.extend(found.accounts);
            export.batches.push(found.batch);
        }
    }
    if export.accounts.is_empty() {
        return Err(no_export(0, MigrationFault::Scheme));
    }
    Ok(export)
}

fn choose(mut export: Export, name: Option<&str>) -> Result<Moved, Failure> {
    let labels: Vec<String> = export.accounts.iter().map(|one| one.label.clone()).collect();
    let fits = |label: &String| name.is_none_or(|name| is_called(label, name));
    let places: Vec<usize> =
        labels.iter().enumerate().filter(|(_, label)| fits(label)).map(|(at, _)| at).collect();
    match places.as_slice() {
        [place] => Ok(export.accounts.swap_remove(*place)),
        [] => Err(Failure::new(
            Exit::NotInState,
            format!("no account in it is called {}", plain(name.unwrap_or_default())),
            format!("There are: {}.{}", labels.join(", "), missing(&export.batches)),
        )),
        _ => Err(Failure::new(
            Exit::Usage,
            format!("{} are in it; which one is meant?", count(places.len(), "account")),
            format!("Say which, by --name: {}.", labels.join(", ")),
        )),
    }
}

/// By all of the name that the app shows, or by what stands before or behind its colon.
fn is_called(label: &str, name: &str) -> bool {
    let (issuer, account) = label.split_once(':').unwrap_or((label, label));
    [label, issuer, account].iter().any(|part| part.eq_ignore_ascii_case(name.trim()))
}

/// Says that there are more QR codes, where there are.
fn missing(batches: &[Batch]) -> String {
    let Some(first) = batches.first() else { return String::new() };
    let mut indices: Vec<u64> =
        batches.iter().filter(|batch| batch.id == first.id).map(|batch| batch.index).collect();
    indices.sort_unstable();
    indices.dedup();
    let here = u64::try_from(indices.len()).unwrap_or(u64::MAX);
    if here >= first.size {
        return String::new();
    }
    format!(
        " The export has {} QR codes, and {here} of them came: it may be in another.",
        first.size
    )
}

fn unusable(label: &str, fault: MovedFault) -> Failure {
    let why = match fault {
        MovedFault::Algorithm => "its hash is MD5, or one that twinlock does not know".into(),
        MovedFault::Digits => "its codes have a length that twinlock does not know".into(),
        MovedFault::Kind => "it is moved neither by time nor by a counter".into(),
        MovedFault::Counter => "its counter is negative".into(),
        MovedFault::Key(length) => {
            format!("its key has {} bytes; 10 to 128 can be used", length.0)
        }
    };
    Failure::new(
        Exit::Refused,
        format!("{} cannot be taken over: {why}", plain(label)),
        "Enroll the person anew: twinlock enroll USER",
    )
}

fn no_export(line: usize, fault: MigrationFault) -> Failure {
    let place = if line == 0 { "standard input".into() } else { format!("line {line}") };
    let what = match fault {
        MigrationFault::Scheme => "has no otpauth-migration://offline?data= in it",
        MigrationFault::TooLong => "is longer than any QR code",
        MigrationFault::Data => "has no data= in base64, or has it twice",
        MigrationFault::Payload => "was cut off, or is no export of Google's app",
        MigrationFault::Accounts => "has no account, or more than 100",
    };
    Failure::new(
        Exit::Usage,
        format!("{place} {what}"),
        "In the app: Transfer accounts, Export. Read each QR code (zbarimg --raw) into a line of standard input.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export(labels: &[&str]) -> Export {
        let moved = |label: &&str| Moved {
            label: (*label).into(),
            authenticator: Err(MovedFault::Algorithm),
        };
        let batches = vec![Batch { id: 7, index: 0, size: 2 }];
        Export { accounts: labels.iter().map(moved).collect(), batches }
    }

    #[test]
    fn one_of_several_is_chosen_by_its_name() {
        let labels = ["box:ada", "box:bob", "mail:cy"];
        for (name, chosen) in
            [("box:ada", "box:ada"), ("BOB", "box:bob"), ("mail", "mail:cy"), ("cy ", "mail:cy")]
        {
            assert_eq!(choose(export(&labels), Some(name)).unwrap().label, chosen);
        }
        let vague = choose(export(&labels), Some("box")).unwrap_err();
        assert_eq!(
            (vague.exit, vague.what.as_str()),
            (Exit::Usage, "2 accounts are in it; which one is meant?")
        );
        assert!(
            choose(export(&labels), None)
                .unwrap_err()
                .remedy
                .ends_with("box:ada, box:bob, mail:cy.")
        );
        let none = choose(export(&labels), Some("dee")).unwrap_err();
        assert!(none.remedy.ends_with("has 2 QR codes, and 1 of them came: it may be in another."));
        assert_eq!(choose(export(&labels[..1]), None).unwrap().label, "box:ada");
    }
}
