//! The questions that the lines of a stack ask about the account. If two lines ask the same question, the answer of one
//! decides the answer of the other.
use crate::pam::code::PamCode;
use crate::pam::modules::file_name;

/// The question that a condition (a module that tests the account) asks, and the answers to it with which the condition
/// succeeds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConditionSubject {
    /// The question as text. A test and its opposite, such as `=` and `!=`, have the same question.
    pub question: String,
    /// Whether the condition succeeds, for each possible answer to the question. The constants of this file, such as
    /// `IS` and `LISTED`, define the possible answers and their order.
    pub succeeds: &'static [bool],
}

/// Values of [`ConditionSubject::succeeds`] for a test with the answers yes and no, in this order: whether the
/// condition succeeds.
const IS: &[bool] = &[true, false];
const IS_NOT: &[bool] = &[false, true];

/// Values of [`ConditionSubject::succeeds`] for a list of accounts with four states, in this order: the list contains
/// the account, the list does not contain the account, the list cannot be read, every user can write to the list.
const LISTED: &[bool] = &[true, false, false, false];
const LISTED_OR_UNREAD: &[bool] = &[true, false, true, false];
const NOT_LISTED: &[bool] = &[false, true, false, false];
const NOT_LISTED_OR_UNREAD: &[bool] = &[false, true, true, false];

/// Arguments of pam_succeed_if that do not change its answer.
pub(super) const FLAGS: [&str; 5] = ["debug", "quiet", "quiet_fail", "quiet_success", "audit"];

/// Operators of pam_succeed_if, each with the operator that asks the opposite.
const OPPOSITES: [(&str, &str); 8] = [
    ("ingroup", "notingroup"),
    ("innetgr", "notinnetgr"),
    ("in", "notin"),
    ("=", "!="),
    ("=~", "!~"),
    ("eq", "ne"),
    ("lt", "ge"),
    ("gt", "le"),
];

/// Other spellings of the operators that compare numbers, each with the spelling in [`OPPOSITES`].
const SPELLINGS: [(&str, &str); 4] = [("<", "lt"), (">=", "ge"), (">", "gt"), ("<=", "le")];

/// Arguments of the other modules that do not change their answers.
const TALK: [&str; 4] = ["debug", "noaudit", "audit", "quiet"];

/// Returns the question that a PAM line asks about the account; `None` if it asks several questions or none.
#[must_use]
pub fn of(path: &str, args: &[String]) -> Option<ConditionSubject> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match file_name(path) {
        "pam_succeed_if.so" => of_test(&args),
        "pam_listfile.so" => of_list(&args),
        "pam_usertype.so" => of_type(&args),
        "pam_access.so" | "pam_localuser.so" => {
            let words = args.iter().filter(|word| !TALK.contains(word)).copied();
            let question = [file_name(path)].into_iter().chain(words).collect::<Vec<_>>().join(" ");
            Some(ConditionSubject { question, succeeds: IS })
        }
        _ => None,
    }
}

fn of_test(args: &[&str]) -> Option<ConditionSubject> {
    let mut words = args.iter().copied().filter(|word| !FLAGS.contains(word));
    let (left, operator, right) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let spelt = SPELLINGS.iter().find(|(other, _)| *other == operator);
    let operator = spelt.map_or(operator, |(_, word)| word);
    let yes = OPPOSITES.iter().find(|(yes, no)| *yes == operator || *no == operator)?.0;
    let question = format!("{left} {yes} {right}");
    Some(ConditionSubject { question, succeeds: if operator == yes { IS } else { IS_NOT } })
}

fn of_list(args: &[&str]) -> Option<ConditionSubject> {
    let value = |key: &str| args.iter().rev().find_map(|word| word.strip_prefix(key));
    let (item, file) = (value("item=")?, value("file=")?);
    let lenient = value("onerr=") == Some("succeed");
    let succeeds = match (value("sense=")?, lenient) {
        ("allow", false) => LISTED,
        ("allow", true) => LISTED_OR_UNREAD,
        ("deny", false) => NOT_LISTED,
        ("deny", true) => NOT_LISTED_OR_UNREAD,
        _ => return None,
    };
    let apply = value("apply=").unwrap_or_default();
    Some(ConditionSubject { question: format!("{item} {apply} listed in {file}"), succeeds })
}

fn of_type(args: &[&str]) -> Option<ConditionSubject> {
    let mut words = args.iter().copied().filter(|word| !TALK.contains(word));
    let succeeds = match (words.next()?, words.next()) {
        ("isregular", None) => IS,
        ("issystem", None) => IS_NOT,
        _ => return None,
    };
    Some(ConditionSubject { question: "usertype".to_owned(), succeeds })
}

impl ConditionSubject {
    /// Reports whether no account can get both return codes: `code` from the line with this question, and `its` from
    /// the line with the question `other`. Returns false if one of the codes is not success, auth_err or perm_denied.
    #[must_use]
    pub fn contradicts(&self, code: PamCode, other: &Self, its: PamCode) -> bool {
        let says = |code: PamCode| match code {
            PamCode::SUCCESS => Some(true),
            PamCode::AUTH_ERR | PamCode::PERM_DENIED => Some(false),
            _ => None,
        };
        let Some(answers) = says(code).zip(says(its)) else { return false };
        let mut states = self.succeeds.iter().copied().zip(other.succeeds.iter().copied());
        self.question == other.question && !states.any(|state| state == answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(text: &str) -> Option<ConditionSubject> {
        subject_of("/lib/security/pam_succeed_if.so", text)
    }

    fn subject_of(module: &str, text: &str) -> Option<ConditionSubject> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        of(module, &words)
    }

    #[test]
    fn lists_in_one_file_contradict_each_other_unless_it_cannot_be_read() {
        let of = |text: &str| subject_of("pam_listfile.so", text).unwrap();
        let (yes, no) = (PamCode::SUCCESS, PamCode::AUTH_ERR);
        let allow = of("item=user sense=allow file=/etc/staff onerr=fail");
        let deny = of("onerr=succeed item=user sense=deny file=/etc/staff");
        assert!(allow.contradicts(yes, &deny, yes) && deny.contradicts(yes, &allow, yes));
        assert!(!allow.contradicts(yes, &deny, no) && !allow.contradicts(no, &deny, yes));
        // If every user can write to the file, both conditions refuse.
        assert!(!allow.contradicts(no, &deny, no));
        let lax = of("item=user sense=allow file=/etc/staff onerr=succeed");
        assert!(!lax.contradicts(yes, &deny, yes));
        // If the file cannot be read, `allow` refuses and `lax` succeeds.
        assert!(!allow.contradicts(no, &lax, yes) && allow.contradicts(yes, &lax, no));
        for other in
            ["item=user sense=deny file=/etc/guests", "item=group sense=deny file=/etc/staff"]
        {
            assert!(!allow.contradicts(yes, &of(other), yes), "{other}");
        }
        assert_eq!(subject_of("pam_listfile.so", "item=user file=/etc/staff"), None);
    }

    #[test]
    fn one_question_of_other_modules_has_one_answer() {
        let (yes, no) = (PamCode::SUCCESS, PamCode::PERM_DENIED);
        let of = |text: &str| subject_of("pam_access.so", text).unwrap();
        let (one, two) = (of("accessfile=/etc/a"), of("accessfile=/etc/a noaudit"));
        assert!(one.contradicts(yes, &two, no) && !one.contradicts(yes, &two, yes));
        assert!(!one.contradicts(yes, &of("accessfile=/etc/b"), no));
        let of = |text: &str| subject_of("pam_usertype.so", text).unwrap();
        assert!(of("issystem").contradicts(yes, &of("isregular"), yes));
    }

    #[test]
    fn opposite_tests_have_one_subject() {
        for (yes, no) in [
            ("quiet user ingroup people", "user notingroup people quiet"),
            ("uid >= 1000", "uid < 1000"),
            ("uid ge 1000", "uid lt 1000"),
            ("user = ada", "user != ada"),
            ("user in a:b", "user notin a:b"),
        ] {
            let (yes, no) = (subject(yes).unwrap(), subject(no).unwrap());
            assert_eq!(yes.question, no.question);
            assert!(yes.contradicts(PamCode::SUCCESS, &no, PamCode::SUCCESS), "{yes:?}");
            assert!(yes.contradicts(PamCode::AUTH_ERR, &no, PamCode::AUTH_ERR));
            assert!(!yes.contradicts(PamCode::SUCCESS, &no, PamCode::AUTH_ERR));
            assert!(!yes.contradicts(PamCode::USER_UNKNOWN, &no, PamCode::SUCCESS));
        }
        assert_eq!(subject("user ingroup people uid > 5"), None);
        assert_ne!(
            subject("user = ada").unwrap().question,
            subject("user = eve").unwrap().question
        );
    }
}
