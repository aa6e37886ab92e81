//! Access lists of pam_access (access.conf(5)): whether a list admits an account from any origin.
use crate::pam::census::CensusAccount;

/// The list that pam_access reads if the arguments of the PAM line do not name a file.
pub(super) const FILE: &str = "/etc/security/access.conf";
/// Arguments of pam_access that do not change its answer.
const TALK: [&str; 3] = ["debug", "noaudit", "nodefgroup"];

/// Returns whether the list `text` admits the account `person`. The first matching entry decides; if no entry matches,
/// the account is admitted. `None` if the answer depends on more than the account, such as the origin of the login.
/// `args` are the arguments of the PAM line.
#[must_use]
pub(super) fn admits(text: &str, args: &[String], person: &CensusAccount) -> Option<bool> {
    let plain = |arg: &String| TALK.contains(&arg.as_str()) || arg.starts_with("accessfile=");
    if !args.iter().all(plain) {
        return None;
    }
    let bare_groups = !args.iter().any(|arg| arg == "nodefgroup");
    for line in
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let mut fields = line.splitn(3, ':').map(str::trim);
        let (sign, users, origins) = (fields.next()?, fields.next()?, fields.next()?);
        let users: Vec<&str> = users.split_whitespace().collect();
        match matches(&users, person, bare_groups)? {
            false => {}
            true if origins.eq_ignore_ascii_case("ALL") => return Some(sign == "+"),
            true => return None,
        }
    }
    Some(true)
}

/// Reports whether the list of users `words` matches the account: a name before EXCEPT matches it, and no name after
/// EXCEPT does. `None` if that is not known, as for a netgroup. With `bare_groups`, a name without parentheses can also
/// be a group.
fn matches(words: &[&str], person: &CensusAccount, bare_groups: bool) -> Option<bool> {
    let is_except = |word: &&str| word.eq_ignore_ascii_case("EXCEPT");
    let mut names = words.split(is_except);
    let mut is_in = Some(false);
    for name in names.next()? {
        match is(name, person, bare_groups) {
            Some(true) => {
                is_in = Some(true);
                break;
            }
            Some(false) => {}
            None => is_in = None,
        }
    }
    let after = words.iter().position(is_except);
    let except = match after.and_then(|at| words.get(at + 1..)) {
        Some(rest) => matches(rest, person, bare_groups),
        None => Some(false),
    };
    match (is_in, except) {
        (Some(false), _) | (_, Some(true)) => Some(false),
        (Some(true), Some(false)) => Some(true),
        _ => None,
    }
}

fn is(name: &str, person: &CensusAccount, bare_groups: bool) -> Option<bool> {
    let in_group = |name: &str| person.groups.iter().any(|group| group == name);
    if name.eq_ignore_ascii_case("ALL") {
        return Some(true);
    }
    if let Some(group) = name.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return Some(in_group(group));
    }
    // The name is a netgroup, or it contains a host.
    if name.contains(['@', '(', ')', '\\']) {
        return None;
    }
    Some(name.eq_ignore_ascii_case(&person.name) || bare_groups && in_group(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_line_that_matches_decides() {
        let groups = vec!["staff".to_owned()];
        let ada = CensusAccount { name: "ada".to_owned(), uid: 1000, groups, shell: None };
        for (text, expected) in [
            ("", Some(true)),
            ("# a comment\n-:ALL EXCEPT (staff):ALL\n", Some(true)),
            ("-:ALL EXCEPT (guests):ALL\n", Some(false)),
            ("-:ALL EXCEPT root staff EXCEPT ada:ALL\n", Some(false)),
            ("+ : ada : ALL\n- : ALL : ALL\n", Some(true)),
            ("-:eve:ALL\n", Some(true)),
            ("-:staff:ALL\n", Some(false)),
            ("-:ALL:ALL EXCEPT LOCAL\n", None),
            ("-:@staff:ALL\n", None),
            ("-:ada@host:ALL\n-:ALL:ALL\n", None),
        ] {
            assert_eq!(admits(text, &[], &ada), expected, "{text}");
        }
        let no_bare = ["nodefgroup".to_owned()];
        assert_eq!(admits("-:staff:ALL\n", &no_bare, &ada), Some(true));
        assert_eq!(admits("-:ALL:ALL\n", &["fieldsep=|".to_owned()], &ada), None);
    }
}
