//! What a condition asks about the account: two conditions with one subject have the same answer, or opposite ones.
use crate::pam::code::PamCode;
use crate::pam::modules::file_name;

/// A question about the account with two answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subject {
    /// The question.
    pub question: String,
    /// Whether success is the answer no.
    pub negated: bool,
}

/// Words of pam_succeed_if that change no answer.
const FLAGS: [&str; 5] = ["debug", "quiet", "quiet_fail", "quiet_success", "audit"];

/// Operators with their opposites.
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

/// Other spellings of operators on numbers.
const SPELLINGS: [(&str, &str); 4] = [("<", "lt"), (">=", "ge"), (">", "gt"), ("<=", "le")];

/// Returns the subject of a line of pam_succeed_if with a single test.
#[must_use]
pub fn of(path: &str, args: &[String]) -> Option<Subject> {
    if file_name(path) != "pam_succeed_if.so" {
        return None;
    }
    let mut words = args.iter().map(String::as_str).filter(|word| !FLAGS.contains(word));
    let (left, operator, right) = (words.next()?, words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    let spelt = SPELLINGS.iter().find(|(other, _)| *other == operator);
    let operator = spelt.map_or(operator, |(_, word)| word);
    let yes = OPPOSITES.iter().find(|(yes, no)| *yes == operator || *no == operator)?.0;
    Some(Subject { question: format!("{left} {yes} {right}"), negated: operator != yes })
}

impl Subject {
    /// Reports whether these two answers cannot be given to the same account. Codes other than success and auth_err say
    /// nothing about the account.
    #[must_use]
    pub fn contradicts(&self, code: PamCode, other: &Self, its: PamCode) -> bool {
        let says = |code: PamCode, negated: bool| match code {
            PamCode::SUCCESS => Some(!negated),
            PamCode::AUTH_ERR => Some(negated),
            _ => None,
        };
        let answers = says(code, self.negated).zip(says(its, other.negated));
        self.question == other.question && answers.is_some_and(|(one, two)| one != two)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(text: &str) -> Option<Subject> {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        of("/lib/security/pam_succeed_if.so", &words)
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
