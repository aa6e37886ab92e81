//! Applies AllowUsers, DenyUsers, AllowGroups and DenyGroups, the lists in sshd's settings. Users whom sshd refuses by
//! these lists are left out.
use crate::sshd::config::Config;
use crate::sshd::effective::Effective;
use crate::sshd::pattern::fits;
use crate::sshd::probe::{Probe, ProbeAccount, ProbeUsers};
use crate::sshd::words::words;

/// Keyword of each of sshd's lists of users or groups, and the criterion of a Match line that tests the same names.
const LISTS: [(&str, &str); 4] = [
    ("allowusers", "user"),
    ("denyusers", "user"),
    ("allowgroups", "group"),
    ("denygroups", "group"),
];

/// Returns each pattern of the lists as a criterion of Match and its pattern. If a pattern matches one account and not
/// another, doctor then runs `sshd -T` for each of the two.
#[must_use]
pub fn criteria(config: &Config) -> Vec<(String, String)> {
    let of = |keyword: &str| LISTS.iter().find(|(word, _)| *word == keyword).map(|(_, kind)| *kind);
    let lines = config.directives.iter().filter_map(|line| Some((of(&line.keyword)?, &line.value)));
    let each = lines.flat_map(|(kind, list)| {
        let patterns = words(list, None).into_iter();
        patterns.map(move |pattern| (kind.to_owned(), user_part(&pattern).to_owned()))
    });
    each.collect()
}

/// Whether all groups of an account are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KnownGroups {
    /// All groups are known.
    All,
    /// Only the groups in files are known. A user directory may put the account in further groups.
    OfFiles,
}

/// Removes from `asked` the users whom sshd refuses by its lists, with their settings. If sshd refuses all users,
/// removes nothing. Returns whether sshd admits a user, and does not forbid the login because the user is root.
#[must_use]
pub fn retain(
    asked: &mut Vec<(Probe, Effective)>,
    people: &ProbeUsers,
    known_groups: KnownGroups,
) -> bool {
    let admitted = |(probe, effective): &(Probe, Effective)| {
        let known = people.accounts.iter().find(|account| account.name == probe.user);
        known.is_none_or(|account| admits(effective, account, known_groups))
    };
    if asked.iter().any(admitted) {
        asked.retain(admitted);
    }
    let shut = |(probe, effective): &(Probe, Effective)| {
        probe.user == "root" && effective.value("permitrootlogin") == Some("no")
    };
    asked.iter().any(|one| admitted(one) && !shut(one))
}

/// Returns whether the lists of users and groups admit the account from at least one client address.
fn admits(effective: &Effective, account: &ProbeAccount, known_groups: KnownGroups) -> bool {
    // sshd prints each pattern on a line of its own, without quotes.
    let listed = |keyword: &str| effective.values(keyword).map(str::to_owned).collect::<Vec<_>>();
    let in_group = |pattern: &String| account.groups.iter().any(|group| fits(pattern, group));
    let is_user = |pattern: &String| fits(user_part(pattern), &account.name);
    // A pattern with a host denies only connections from that host.
    let denied = |pattern: &String| !pattern.contains('@') && is_user(pattern);
    let (users, groups) = (listed("allowusers"), listed("allowgroups"));
    !listed("denyusers").iter().any(denied)
        && !listed("denygroups").iter().any(in_group)
        && (users.is_empty() || users.iter().any(is_user))
        && (groups.is_empty()
            || known_groups == KnownGroups::OfFiles
            || groups.iter().any(in_group))
}

fn user_part(pattern: &str) -> &str {
    pattern.rsplit_once('@').map_or(pattern, |(user, _)| user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_deny_before_they_allow() {
        let account = ProbeAccount {
            name: "ada".to_owned(),
            groups: vec!["dev".to_owned()],
            ..ProbeAccount::default()
        };
        for (text, expected) in [
            ("", true),
            ("allowusers ada\n", true),
            ("allowusers eve\nallowusers a*\n", true),
            ("allowusers eve\n", false),
            ("allowusers ada@10.0.0.0/8\n", true),
            ("denyusers ad?\n", false),
            ("denyusers ada@10.0.0.0/8\n", true),
            ("allowusers ada\ndenyusers ada\n", false),
            ("allowgroups ops\nallowgroups dev\n", true),
            ("allowgroups ops\n", false),
            ("allowgroups ops dev\n", false),
            ("denygroups dev users\n", true),
            ("allowusers ada\ndenygroups d*\n", false),
            ("allowusers ada\nallowgroups ops\n", false),
        ] {
            let effective = Effective::read(text);
            assert_eq!(admits(&effective, &account, KnownGroups::All), expected, "{text}");
            let by_group = text.contains("allowgroups ops");
            let by_group = by_group && !text.contains("deny");
            let admitted = admits(&effective, &account, KnownGroups::OfFiles);
            assert_eq!(admitted, expected || by_group, "{text}");
        }
    }
}
