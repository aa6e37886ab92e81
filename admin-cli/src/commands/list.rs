//! `twinlock list`: everybody who is or was enrolled, and whose record is broken.

use serde_json::json;
use twinlock_host::roll;

use crate::{
    desk::Desk,
    exit::Failure,
    person::{self, Person, Standing},
    table::align,
    wording::{WIDTH, count, date, minute, plain, wrap},
};

/// Lists everybody.
pub fn run(desk: &Desk) -> Result<(), Failure> {
    desk.need_root("list people")?;
    let roll = roll::everybody(&desk.machine.records)?;
    let people: Vec<Person> =
        roll.into_iter().filter_map(|entry| person::of_entry(desk, entry)).collect();
    if desk.json {
        let all: Vec<_> = people.iter().map(object).collect();
        return desk.print(&format!("{}\n", serde_json::Value::from(all)));
    }
    desk.print(&text(&people))
}

/// One person for scripts; instants are seconds since 1970.
pub fn object(person: &Person) -> serde_json::Value {
    json!({
        "user": person.user,
        "state": person.standing.word(),
        "reason": person.standing.reason(),
        "since": person.since.map(|at| at.0),
        "last_code": person.last_code.map(|at| at.0),
        "authenticators": person.authenticators,
    })
}

fn text(people: &[Person]) -> String {
    if people.is_empty() {
        return "Nobody is enrolled. To begin: twinlock enroll USER\n".into();
    }
    let mut rows =
        vec![["USER", "STATE", "SINCE", "LAST CODE", "AUTHENTICATORS"].map(String::from)];
    rows.extend(people.iter().map(row));
    format!("{}\n{}\n", align(&rows), summary(people))
}

fn row(person: &Person) -> [String; 5] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let names: Vec<String> = person.authenticators.iter().map(|name| plain(name)).collect();
    let last = match person.standing.reason() {
        Some(reason) => reason,
        None if names.is_empty() => "-".into(),
        None => names.join(", "),
    };
    [
        plain(&person.user),
        person.standing.word().into(),
        or_dash(person.since.map(date)),
        or_dash(person.last_code.map(minute)),
        last,
    ]
}

fn summary(people: &[Person]) -> String {
    let number = |wanted: fn(&Standing) -> bool| {
        people.iter().filter(|person| wanted(&person.standing)).count()
    };
    let enrolled = number(|standing| matches!(standing, Standing::Enrolled));
    let mut parts = vec![format!("{enrolled} enrolled")];
    let others = [
        (number(|standing| matches!(standing, Standing::NoAccount)), "without an account"),
        (number(|standing| matches!(standing, Standing::Removed)), "removed"),
        (number(|standing| matches!(standing, Standing::Broken(_))), "broken (twinlock why USER)"),
    ];
    let some = others.into_iter().filter(|(number, _)| *number > 0);
    parts.extend(some.map(|(number, what)| format!("{number} {what}")));
    let people = count(people.len(), "person").replace("persons", "people");
    wrap(&format!("{people}: {}. Times are UTC.", parts.join(", ")), WIDTH, 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::{fault::StoreFault, time::UnixTime};

    fn person(user: &str, standing: Standing) -> Person {
        let at = UnixTime(1_795_219_205);
        let known = matches!(standing, Standing::Enrolled | Standing::NoAccount);
        Person {
            user: user.into(),
            standing,
            since: (!matches!(standing, Standing::Broken(_))).then_some(at),
            authenticators: if known { vec!["app".into()] } else { vec![] },
            last_code: known.then_some(at),
        }
    }

    #[test]
    fn a_list_is_aligned_and_says_how_many() {
        let broken = Standing::Broken(StoreFault::Malformed { line: 7 });
        let people = [
            person("ada", Standing::Enrolled),
            person("bo", broken),
            person("c\u{1b}", Standing::Removed),
        ];
        assert_eq!(
            text(&people),
            "USER     STATE     SINCE       LAST CODE         AUTHENTICATORS\n\
             ada      enrolled  2026-11-21  2026-11-21 00:00  app\n\
             bo       broken    -           -                 record_malformed, line 7\n\
             c\\u{1b}  removed   2026-11-21  -                 -\n\n\
             3 people: 1 enrolled, 1 removed, 1 broken (twinlock why USER). Times are UTC.\n"
        );
    }

    #[test]
    fn the_widest_states_fit() {
        let long = person(&"x".repeat(32), Standing::NoAccount);
        let table = text(&[long, person("ada", Standing::Broken(StoreFault::StoreIdMismatch))]);
        assert!(table.lines().all(|line| line.chars().count() <= 78), "{table}");
    }

    #[test]
    fn one_person_is_not_people() {
        let said = text(&[person("ada", Standing::Enrolled)]);
        assert!(said.ends_with("\n1 person: 1 enrolled. Times are UTC.\n"), "{said}");
        assert!(text(&[]).starts_with("Nobody is enrolled."));
    }
}
