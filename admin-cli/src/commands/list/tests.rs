//! Tests the tables and summaries of `twinlock list`.

use crate::commands::list::*;
use crate::terminal::table::Columns;
use twinlock_core::base::error::StoreError;

fn person(user: &str, status: EnrollmentStatus) -> Person {
    let at = UnixTime(1_795_219_205);
    let known = matches!(status, EnrollmentStatus::Enrolled | EnrollmentStatus::NoAccount);
    Person {
        user: user.into(),
        status,
        since: (!matches!(status, EnrollmentStatus::Broken(_))).then_some(at),
        authenticators: if known { vec!["app".into()] } else { vec![] },
        last_code: known.then_some(at),
        last_host: None,
    }
}

fn text(people: &[Person]) -> String {
    let mut rows = vec![HEADER.map(String::from)];
    rows.extend(people.iter().map(|person| cells(person, None)));
    let mut tally = StatusCounts::default();
    people.iter().for_each(|person| tally.count(person.status));
    format!("{}\n{}\n", Columns::default().align(&rows), wrap(&tally.said(), WIDTH, 2))
}

#[test]
fn a_list_is_aligned_and_says_how_many() {
    let broken = EnrollmentStatus::Broken(StoreError::Malformed { line: 7 });
    let people = [
        person("ada", EnrollmentStatus::Enrolled),
        person("bo", broken),
        person("c\u{1b}", EnrollmentStatus::Removed),
    ];
    assert_eq!(
        text(&people),
        "USER     STATE     SINCE       LAST CODE         AUTHENTICATORS\n\
         ada      enrolled  2026-11-21  2026-11-21 00:00  app\n\
         bo       broken    -           -                 record_malformed, line 7\n\
         c\\u{1b}  removed   2026-11-21  -                 -\n\n\
         3 users: 1 enrolled, 1 removed, 1 broken (twinlock why USER). Times are UTC.\n"
    );
}

#[test]
fn the_widest_states_fit() {
    let long = person(&"x".repeat(32), EnrollmentStatus::NoAccount);
    let table = text(&[long, person("ada", EnrollmentStatus::Broken(StoreError::StoreIdMismatch))]);
    assert!(table.lines().all(|line| line.chars().count() <= 78), "{table}");
}

#[test]
fn the_host_of_the_last_code_is_told() {
    let ada = person("ada", EnrollmentStatus::Enrolled);
    let row = row(&Person { last_host: Some("web1".into()), ..ada }, None);
    assert_eq!(row.cells[3], "2026-11-21 00:00 on web1");
    assert_eq!((&*row.fields[8], &row.object["last_host"]), ("web1", &json!("web1")));
}

#[test]
fn one_person_is_not_people() {
    let said = text(&[person("ada", EnrollmentStatus::Enrolled)]);
    assert!(said.ends_with("\n1 user: 1 enrolled. Times are UTC.\n"), "{said}");
}

#[test]
fn an_exemption_is_told_in_every_form() {
    let exempt = Some(Exemption { rule: 2, reach: ExemptionReach::InPart });
    let row = row(&person("ada", EnrollmentStatus::NotEnrolled), exempt);
    assert_eq!(row.cells[4], "- (exempt by rule 2 in part)");
    assert_eq!(row.fields[6..], ["2", "in part", ""]);
    assert_eq!(row.fields.len(), FIELDS.len());
    assert_eq!(row.object["exempt"], json!({ "rule": 2, "reach": "in part" }));
}
