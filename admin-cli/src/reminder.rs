//! A reminder for a group, written into the settings file: comments stay, and a file with a mistake is left alone.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};
use twinlock_core::{
    fault::StoreFault,
    format::settings::{self as form, SETTINGS_MAX},
    policy::{Action, Policy, Rule},
    time::UnixTime,
};
use twinlock_host::{
    good,
    place::{Owner, READABLE, read_file},
    settings::{GOOD, beside},
};

use crate::{
    desk::Desk,
    exit::{Exit, Failure},
    mistake,
    wording::{date, plain},
};

const OWNER: Owner = Owner(0);
const BY_HAND: &str = "Write the rule by hand: twinlock.toml(5), [[rule]].";

/// What became of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It stood there already.
    Before,
    /// It is new.
    Added,
    /// It had another date.
    Moved,
}

/// Writes `group = G, action = "remind", until = DATE`, unless it stands there.
pub fn write(desk: &Desk, group: &str, until: UnixTime) -> Result<Written, Failure> {
    let path = &desk.config;
    if desk.stand_in {
        return Err(Failure::new(
            Exit::NotInState,
            format!("{} has a mistake, and is left as it is", plain(path)),
            "Mend it first: twinlock settings check",
        ));
    }
    let before = read(path)?;
    let (after, written) = changed(&before, group, until).map_err(|fault| failure(path, fault))?;
    if written == Written::Before {
        // Whoever was cut off between the two files has written this one alone.
        keep(path, &before)?;
        return Ok(written);
    }
    // Whoever saves the file in an editor meanwhile has the last word.
    if read(path)? != before {
        return Err(failure(path, Fault::Busy));
    }
    good::replace(path, after.as_bytes(), OWNER).map_err(|fault| {
        let stands = read(path).map(|text| text == after).ok();
        unwritten((path, stands), fault)
    })?;
    keep(path, &after)?;
    Ok(written)
}

/// The text stands in for the settings on the day when they have a mistake.
fn keep(path: &str, text: &str) -> Result<(), Failure> {
    let kept = read_file(&beside(path, GOOD), (OWNER, READABLE), SETTINGS_MAX);
    if kept.is_ok_and(|kept| kept == text.as_bytes()) {
        return Ok(());
    }
    good::keep(path, text.as_bytes(), OWNER).map_err(|fault| {
        let why = mistake::of_file(&beside(path, GOOD), fault);
        let what = format!("{why}; the rule stands in {} all the same", plain(path));
        Failure::new(Exit::StoreUnreachable, what, "Look at the disk, then run it again.")
    })
}

/// Whether the new text is the one that stands, where that is known.
fn unwritten((path, stands): (&str, Option<bool>), fault: StoreFault) -> Failure {
    let stands = match stands {
        Some(false) => "nothing was changed",
        Some(true) => {
            "the rule stands there all the same, and may be gone when the machine is switched off"
        }
        None => "whether the rule stands there cannot be said",
    };
    let what = format!("{}; {stands}", mistake::of_file(path, fault));
    Failure::new(Exit::StoreUnreachable, what, mistake::FILE_REMEDY)
}

fn read(path: &str) -> Result<String, Failure> {
    let unreadable = |fault: StoreFault| {
        Failure::new(Exit::NotInState, mistake::of_file(path, fault), mistake::FILE_REMEDY)
    };
    match read_file(path, (OWNER, READABLE), SETTINGS_MAX) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| failure(path, Fault::Odd)),
        Err(StoreFault::FolderMissing) => Ok(String::new()),
        Err(fault) => Err(unreadable(fault)),
    }
}

/// Why the file is left as it is.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// A rule that comes first decides for the whole group.
    Shadowed(usize),
    /// The rules stand there in another form than `[[rule]]`, or what came out is not what was meant.
    Odd,
    /// The file would be longer than what a login reads.
    TooLong,
    /// Somebody else has written the file meanwhile.
    Busy,
}

fn failure(path: &str, fault: Fault) -> Failure {
    let (what, remedy) = match fault {
        Fault::Shadowed(rule) => (
            format!("rule {rule} comes first and decides for everybody in the group"),
            "Take it out, or write the new rule before it: twinlock settings show",
        ),
        Fault::Odd => ("its rules are not written as [[rule]]".to_owned(), BY_HAND),
        Fault::TooLong => ("it would be over 64 KiB".to_owned(), "Take comments or rules out."),
        Fault::Busy => ("somebody else has written it meanwhile".to_owned(), "Run it again."),
    };
    Failure::new(Exit::NotInState, format!("{} is left as it is: {what}", plain(path)), remedy)
}

/// The text with the rule in it: nothing else of what it means may have changed.
fn changed(text: &str, group: &str, until: UnixTime) -> Result<(String, Written), Fault> {
    let before = form::read(text).map_err(|_| Fault::Odd)?;
    let place = before.rules.iter().position(|rule| is_reminder(rule, group));
    let decides = |rule: &Rule| {
        let of_group = rule.group.as_deref().is_none_or(|of| of == group);
        of_group && rule.user.is_none() && rule.service.is_none() && rule.network.is_none()
    };
    let first = before.rules.iter().take(place.unwrap_or(before.rules.len())).position(decides);
    if let Some(first) = first {
        return Err(Fault::Shadowed(first + 1));
    }
    let written = match place.and_then(|place| before.rules.get(place)) {
        Some(rule) if rule.until == Some(until) => return Ok((text.to_owned(), Written::Before)),
        Some(_) => Written::Moved,
        None => Written::Added,
    };
    let after = edited(text, (group, until), place)?;
    let meant = wanted(before, (group, until), place);
    if form::read(&after).ok().as_ref() != Some(&meant) {
        return Err(Fault::Odd);
    }
    if after.len() > SETTINGS_MAX { Err(Fault::TooLong) } else { Ok((after, written)) }
}

fn is_reminder(rule: &Rule, group: &str) -> bool {
    let Rule { user, group: of, service, network, action, until: _ } = rule;
    of.as_deref() == Some(group)
        && *action == Action::Remind
        && user.is_none()
        && service.is_none()
        && network.is_none()
}

fn wanted(mut policy: Policy, (group, until): (&str, UnixTime), place: Option<usize>) -> Policy {
    match place.and_then(|place| policy.rules.get_mut(place)) {
        Some(rule) => rule.until = Some(until),
        None => policy.rules.push(Rule {
            user: None,
            group: Some(group.to_owned()),
            service: None,
            network: None,
            action: Action::Remind,
            until: Some(until),
        }),
    }
    policy
}

fn edited(
    text: &str,
    (group, until): (&str, UnixTime),
    place: Option<usize>,
) -> Result<String, Fault> {
    let day: toml_edit::Datetime = date(until).parse().map_err(|_| Fault::Odd)?;
    let mut document: DocumentMut = text.parse().map_err(|_| Fault::Odd)?;
    let Some(place) = place else {
        // Behind all that is there: what stands before it keeps every byte.
        let mut table = Table::new();
        table.insert("group", value(group));
        table.insert("action", value("remind"));
        table.insert("until", value(day));
        let (mut rules, mut alone) = (ArrayOfTables::new(), DocumentMut::new());
        rules.push(table);
        alone.insert("rule", Item::ArrayOfTables(rules));
        let gap = match text {
            "" => "",
            text if text.ends_with('\n') => "\n",
            _ => "\n\n",
        };
        return Ok(format!("{text}{gap}{alone}"));
    };
    let rules = document.get_mut("rule").and_then(Item::as_array_of_tables_mut);
    let rule = rules.and_then(|rules| rules.get_mut(place)).ok_or(Fault::Odd)?;
    match rule.get_mut("until").and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = day.into();
            *old.decor_mut() = decor;
        }
        None => drop(rule.insert("until", value(day))),
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JANUARY: UnixTime = UnixTime(1_801_353_600);
    const MARCH: UnixTime = UnixTime(1_803_859_200);
    const RULE: &str = "[[rule]]\ngroup = \"dev\"\naction = \"remind\"\nuntil = 2027-01-31\n";

    #[test]
    fn a_rule_comes_behind_all_that_is_there_and_only_once() {
        for before in [
            "",
            "# none yet\n",
            "window = 2 # wide\n",
            "window = 2",
            "[[rule]]\nuser = \"ada\"\naction = \"exempt\"\n",
        ] {
            let (after, written) = changed(before, "dev", JANUARY).unwrap();
            assert_eq!(written, Written::Added);
            assert!(after.starts_with(before) && after.ends_with(RULE), "{after}");
            assert_eq!(changed(&after, "dev", JANUARY), Ok((after.clone(), Written::Before)));
        }
    }

    #[test]
    fn another_date_takes_the_place_of_the_old_one() {
        let text =
            format!("# ours\n{RULE}# agreed with kim\nwindow = 1\n").replace("window = 1\n", "");
        let text = text.replace("2027-01-31\n", "2027-01-31 # then codes\n");
        let (after, written) = changed(&text, "dev", MARCH).unwrap();
        assert_eq!(written, Written::Moved);
        assert_eq!(after, text.replace("2027-01-31", "2027-03-01"));
    }

    #[test]
    fn what_would_not_take_effect_or_is_not_understood_is_left_alone() {
        let first = "[[rule]]\naction = \"require\"\n";
        assert_eq!(changed(first, "dev", JANUARY), Err(Fault::Shadowed(1)));
        let same = "[[rule]]\ngroup = \"dev\"\naction = \"exempt\"\n";
        assert_eq!(changed(same, "dev", JANUARY), Err(Fault::Shadowed(1)));
        let inline = "rule = [{ user = \"ada\", action = \"exempt\" }]\n";
        assert_eq!(changed(inline, "dev", JANUARY), Err(Fault::Odd));
        assert_eq!(changed("windwo = 1\n", "dev", JANUARY), Err(Fault::Odd));
        let long = "#".repeat(SETTINGS_MAX - 10);
        assert_eq!(changed(&long, "dev", JANUARY), Err(Fault::TooLong));
        let (odd, _) = changed("", "a\"b\\c", JANUARY).unwrap();
        assert_eq!(form::read(&odd).unwrap().rules[0].group.as_deref(), Some("a\"b\\c"));
    }
}
