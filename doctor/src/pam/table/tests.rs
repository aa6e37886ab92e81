//! Tests the truth tables of small stacks.
use super::*;
use crate::pam::load::tests::{auth_stack, tree};

fn table(text: &str) -> CaseTable {
    let stack = auth_stack(&tree(&[("/etc/pam.d/sshd", text)]), "sshd");
    tabulate(&stack, &|path| path != "pam_gone.so")
}

fn passing(table: &CaseTable) -> Vec<(bool, Password, ModuleAnswer)> {
    table
        .rows
        .iter()
        .filter(|row| row.passes())
        .map(|row| (row.world.key, row.world.password.clone(), row.world.answer))
        .collect()
}

#[test]
fn a_key_line_alone_wants_both() {
    let none = Password::None(PamCode::AUTH_ERR);
    let table = table("auth required pam_twinlock.so first_factor=publickey\n");
    assert_eq!(
        passing(&table),
        [(true, none.clone(), ModuleAnswer::Right), (true, none, ModuleAnswer::Exempt)]
    );
}

#[test]
fn each_password_module_is_tried_alone() {
    let table = table(
        "auth [success=2 default=ignore] pam_unix.so\nauth [success=1 default=ignore] pam_sss.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
    );
    let by = |name: &str| Password::By(name.to_owned());
    assert!(passing(&table).iter().any(|row| row.1 == by("pam_unix.so")));
    assert!(passing(&table).iter().any(|row| row.1 == by("pam_sss.so")));
    assert!(passing(&table).iter().all(|row| matches!(row.1, Password::By(_))));
}

#[test]
fn a_missing_module_refuses_and_the_same_condition_is_one() {
    assert_eq!(passing(&table("auth required pam_gone.so\nauth required pam_permit.so\n")), []);
    let twice = "auth [default=1 success=ok] pam_localuser.so\nauth required pam_permit.so\nauth required pam_localuser.so\n";
    assert_eq!(table(twice).conditions.len(), 1);
}

/// Returns the truth table of a stack with `count` conditions. The stack grants access if the first condition is not
/// met and all others are met.
fn many(count: usize) -> CaseTable {
    let line = |number: usize| {
        let control = if number == 0 { "[success=die default=ignore]" } else { "required" };
        format!("auth {control} pam_succeed_if.so uid = {number}\n")
    };
    table(&((0..count).map(line).collect::<String>() + "auth required pam_permit.so\n"))
}

#[test]
fn password_that_no_line_has_asked_for_is_never_right() {
    let unix = "auth required pam_unix.so use_first_pass\n";
    assert_eq!(passing(&table(unix)), []);
    let asks = "auth required pam_twinlock.so first_factor=follows forward_pass\n";
    // If twinlock's module refuses, it does not pass the password on.
    let ignored = asks.replace("required", "[default=ignore]");
    let only_right = passing(&table(&format!("{ignored}{unix}")));
    assert!(only_right.iter().all(|(_, _, answer)| *answer != ModuleAnswer::Wrong));
    assert_ne!(only_right, []);
    assert_ne!(passing(&table(&format!("{asks}{unix}"))), []);
    assert_ne!(passing(&table(&format!("auth optional pam_sss.so\n{unix}"))), []);
    assert_eq!(passing(&table(&format!("auth optional pam_mail.so\n{unix}"))), []);
}

#[test]
fn opposite_conditions_do_not_hold_together() {
    let guard = "auth requisite pam_succeed_if.so quiet user ingroup people\n";
    let not = guard.replace(" ingroup", " notingroup");
    let end = "auth required pam_permit.so\n";
    assert_eq!(passing(&table(&format!("{guard}{not}{end}"))), []);
    assert_ne!(passing(&table(&format!("{guard}{end}"))), []);
    // A condition on an `optional` line may give either answer without any effect.
    let optional = not.replace("requisite", "optional");
    assert_ne!(passing(&table(&format!("{guard}{optional}{end}"))), []);
}

#[test]
fn twelve_conditions_are_tried_in_every_combination_and_more_are_too_many() {
    let twelve = many(12);
    assert!(twelve.rows.iter().any(CaseRow::passes));
    assert!(!twelve.is_too_large());
    assert!(many(14).is_too_large());
}

#[test]
fn the_answer_of_an_unknown_module_is_a_doubt_where_it_matters() {
    let matters = table("auth sufficient pam_house.so\nauth required pam_deny.so\n");
    let passing = matters.rows.iter().find(|row| row.passes()).unwrap();
    assert_eq!(matters.doubts(passing).len(), 1);
    let never = table("auth [default=ignore] pam_house.so\nauth required pam_permit.so\n");
    assert!(never.rows.iter().all(|row| never.doubts(row).is_empty() && row.passes()));
}
