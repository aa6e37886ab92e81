//! Tests changes of PAM files: files in an unexpected form are refused, and each change can be undone.

use proptest::prelude::*;

use super::*;

const STOCK: &str = "# PAM\n\n# Standard Un*x authentication.\n@include common-auth\n\naccount required pam_nologin.so\n";

fn block() -> Block {
    Block { by: "x".to_owned(), lines: vec!["auth required pam_twinlock.so".to_owned()] }
}

#[test]
fn the_line_is_replaced_and_kept() {
    let after = with_block(STOCK, &block()).unwrap();
    assert_eq!(
        after,
        "# PAM\n\n# Standard Un*x authentication.\n# twinlock setup begin: x\n#=@include common-auth\n\
         auth required pam_twinlock.so\n# twinlock setup end\n\naccount required pam_nologin.so\n"
    );
    assert_eq!(restored(&after).unwrap(), STOCK);
    assert!(is_set_up(&after) && !is_set_up(STOCK));
}

#[test]
fn botched_files_are_refused() {
    for (text, error) in [
        ("@include common-auth\r\n", PamEditError::HiddenCharacter(1)),
        ("@include\u{a0}common-auth\n", PamEditError::HiddenCharacter(1)),
        ("\u{feff}@include common-auth\n", PamEditError::HiddenCharacter(1)),
        (
            "auth required pam_env.so\u{200b}\n@include common-auth\n",
            PamEditError::HiddenCharacter(1),
        ),
        ("@include \\\ncommon-auth\n", PamEditError::NotIncluded),
        ("auth required \\\n@include common-auth\n", PamEditError::Continued(2)),
        ("@include common-auth \\\n\n", PamEditError::Continued(1)),
        ("@include common-auth\n@include common-auth\n", PamEditError::IncludedTwice(2)),
        ("@include common-auth\nauth include common-auth\n", PamEditError::IncludedTwice(2)),
        ("auth required pam_unix.so\n", PamEditError::NotIncluded),
        ("", PamEditError::NotIncluded),
        ("# @include common-auth\n", PamEditError::NotIncluded),
        ("account include common-auth\n", PamEditError::NotIncluded),
        ("@include common-account\n", PamEditError::NotIncluded),
        (
            "@include common-auth\nauth required pam_twinlock.so first_factor=stack\n",
            PamEditError::Named(2),
        ),
        (
            "-AUTH optional /lib/security/pam_twinlock.so\n@include common-auth\n",
            PamEditError::Named(1),
        ),
        ("auth [success=1 default=ignore] pam_twinlock.so\n", PamEditError::Named(1)),
        ("# twinlock setup begin: x\n@include common-auth\n", PamEditError::Markers(1)),
        ("@include common-auth\n# twinlock setup end\n", PamEditError::Markers(2)),
        (
            "# twinlock setup begin: x\n# twinlock setup begin: x\n# twinlock setup end\n",
            PamEditError::Markers(2),
        ),
    ] {
        assert_eq!(with_block(text, &block()), Err(error), "{text:?}");
    }
}

#[test]
fn other_forms_of_the_line_are_known() {
    for line in [
        "@include common-auth",
        "  @include\tcommon-auth  # comment",
        "@INCLUDE common-auth",
        "auth include common-auth",
        "auth\tsubstack common-auth",
        "-auth include /etc/pam.d/common-auth",
        "@include /etc/pam.d/common-auth",
    ] {
        for end in ["", "\n"] {
            let text = format!("account required pam_nologin.so\n{line}{end}");
            let after = with_block(&text, &block()).unwrap();
            assert_eq!(restored(&after).unwrap().trim_end(), text.trim_end(), "{line}");
        }
    }
}

proptest! {
    #[test]
    fn a_second_setup_changes_nothing(before in "([ -~\u{e5}\t]{0,30}\n){0,8}", after in "([ -~\t]{0,30}\n){0,8}") {
        let text = format!("{before}@include common-auth\n{after}");
        if let Ok(once) = with_block(&text, &block()) {
            prop_assert_eq!(with_block(&once, &block()).unwrap(), once.clone());
            prop_assert_eq!(restored(&once).unwrap(), restored(&text).unwrap());
        }
    }

    #[test]
    fn lines_that_others_add_survive(line in "[a-z ]{1,20}", at in 0_usize..9) {
        let mut lines: Vec<String> = with_block(STOCK, &block()).unwrap().lines().map(str::to_owned).collect();
        let begin = lines.iter().position(|line| line.starts_with(BEGIN)).unwrap();
        let end = lines.iter().position(|line| line == END).unwrap();
        let at = if at <= begin { at } else { at + end - begin };
        lines.insert(at.min(lines.len()), format!("session optional pam_{line}.so"));
        let changed = lines.join("\n") + "\n";
        let back = restored(&changed).unwrap();
        let expected = format!("session optional pam_{line}.so");
        prop_assert!(back.contains(&expected));
        prop_assert!(back.contains("\n@include common-auth\n"));
        prop_assert!(!back.contains("pam_twinlock"));
    }
}
