//! Selects questions for sshd: enough users and addresses to trigger every Match block.
use crate::sshd::config::{Block, Config};
use crate::sshd::pattern::{addresses, examples, fits_list};

/// One question to `sshd -T -C`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Probe {
    /// The account.
    pub user: String,
    /// The connection.
    pub from: From,
}

/// Source and destination of a connection.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct From {
    /// The client's address.
    pub addr: String,
    /// The client's host name.
    pub host: String,
    /// The server's address.
    pub laddr: String,
    /// The server's port.
    pub lport: String,
}

/// The questions, and how many were left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The questions.
    pub probes: Vec<Probe>,
    /// How many were left out because there are too many.
    pub left_out: usize,
}

/// Accounts and groups of the machine.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct People {
    /// Accounts with a login shell, root first.
    pub accounts: Vec<String>,
    /// Groups with their members.
    pub groups: Vec<(String, Vec<String>)>,
}

/// Largest number of questions: each one runs sshd.
pub const MOST: usize = 300;

const LOCAL: &str = "127.0.0.1";
/// Address from a documentation range (RFC 5737), which no host has.
pub(super) const REMOTE: &str = "203.0.113.7";

impl Probe {
    /// Returns the argument of `-C`.
    #[must_use]
    pub fn argument(&self) -> String {
        let From { addr, host, laddr, lport } = &self.from;
        format!("user={},host={host},addr={addr},laddr={laddr},lport={lport}", self.user)
    }
}

/// Selects the questions.
#[must_use]
pub fn plan(config: &Config, people: &People) -> Plan {
    let criteria = || config.blocks.iter().flat_map(|block| &block.criteria);
    let personal = criteria().any(|(word, _)| ["user", "group", "exec"].contains(&word.as_str()));
    let users = if personal { users(config, people) } else { everyday(people) };
    let froms = if config.blocks.is_empty() { vec![from(REMOTE)] } else { froms(&config.blocks) };
    let pairs = users
        .iter()
        .flat_map(|user| froms.iter().map(|from| Probe { user: user.clone(), from: from.clone() }));
    let mut probes: Vec<Probe> = pairs.collect();
    let left_out = probes.len().saturating_sub(MOST);
    probes.truncate(MOST);
    Plan { probes, left_out }
}

/// Returns root and one user whom no line names, who represents all the others.
fn everyday(people: &People) -> Vec<String> {
    let mut both: Vec<String> = people.accounts.iter().take(2).cloned().collect();
    if both.len() < 2 {
        both.push("nobody".to_owned());
    }
    both
}

/// Returns the users to ask about. Users in Match lines come first, so that a limit does not drop them.
fn users(config: &Config, people: &People) -> Vec<String> {
    let mut named = Vec::new();
    for (word, list) in config.blocks.iter().flat_map(|block| &block.criteria) {
        match word.as_str() {
            "user" => named.extend(examples(list)),
            "group" => named.extend(
                people
                    .groups
                    .iter()
                    .filter(|(group, _)| fits_list(list, group))
                    .flat_map(|(_, members)| members.clone()),
            ),
            _ => {}
        }
    }
    let mut all = everyday(people);
    for user in named.into_iter().chain(people.accounts.iter().cloned()) {
        if !all.contains(&user) {
            all.push(user);
        }
    }
    all
}

fn from(addr: &str) -> From {
    From {
        addr: addr.to_owned(),
        host: addr.to_owned(),
        laddr: LOCAL.to_owned(),
        lport: "22".to_owned(),
    }
}

/// Returns the connections to ask about: local, remote, and one that matches each Match line.
fn froms(blocks: &[Block]) -> Vec<From> {
    let mut all = vec![from(REMOTE), from(LOCAL)];
    for block in blocks {
        let mut wanted = vec![from(REMOTE)];
        for (word, list) in &block.criteria {
            let values = match word.as_str() {
                "address" | "localaddress" => addresses(list),
                "host" | "localport" => examples(list),
                _ => continue,
            };
            wanted = wanted
                .iter()
                .flat_map(|base| values.iter().map(|value| with(base, word, value)))
                .collect();
        }
        for one in wanted {
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}

fn with(base: &From, word: &str, value: &str) -> From {
    let mut one = base.clone();
    let field = match word {
        "address" => {
            value.clone_into(&mut one.host);
            &mut one.addr
        }
        "localaddress" => &mut one.laddr,
        "host" => &mut one.host,
        _ => &mut one.lport,
    };
    value.clone_into(field);
    one
}

#[cfg(test)]
mod tests {
    use super::super::config::load;
    use super::*;
    use crate::pam::load::tests::tree;

    fn planned(config: &str, accounts: &[&str]) -> Plan {
        let config = load(&tree(&[("/etc/ssh/sshd_config", config)])).unwrap();
        let people = People {
            accounts: accounts.iter().map(|name| (*name).to_owned()).collect(),
            groups: vec![("sftp".to_owned(), vec!["upload".to_owned()])],
        };
        plan(&config, &people)
    }

    #[test]
    fn members_of_a_named_group_are_asked_about_whatever_their_shell() {
        let plan = planned("Match Group sf*\n X y\n", &["root", "alice"]);
        let users: Vec<&str> = plan.probes.iter().map(|probe| probe.user.as_str()).collect();
        assert!(users.contains(&"upload"), "{users:?}");
        assert!(
            planned("Match Group staff\n X y\n", &["root", "alice"])
                .probes
                .iter()
                .all(|probe| probe.user != "upload")
        );
    }

    #[test]
    fn without_match_two_questions_do() {
        let plan = planned("UsePAM yes\n", &["root", "alice", "bob"]);
        assert_eq!(plan.probes.len(), 2);
        assert_eq!(
            plan.probes.first().unwrap().argument(),
            "user=root,host=203.0.113.7,addr=203.0.113.7,laddr=127.0.0.1,lport=22"
        );
    }

    #[test]
    fn every_match_line_gets_somebody_it_fits() {
        let plan = planned(
            "Match User backup,bot-* Address 10.0.0.0/8\n X y\nMatch LocalPort 2222 Host *.example.org\n X y\n",
            &["root", "alice"],
        );
        let has = |text: &str| plan.probes.iter().any(|probe| probe.argument() == text);
        assert!(has("user=backup,host=10.0.0.1,addr=10.0.0.1,laddr=127.0.0.1,lport=22"));
        assert!(has("user=bot-x,host=10.0.0.1,addr=10.0.0.1,laddr=127.0.0.1,lport=22"));
        assert!(has("user=alice,host=x.example.org,addr=203.0.113.7,laddr=127.0.0.1,lport=2222"));
        assert_eq!(plan.probes.len(), 4 * 4);
    }

    #[test]
    fn a_cut_is_counted() {
        let many: Vec<String> = (0..400).map(|number| format!("u{number}")).collect();
        let names: Vec<&str> = many.iter().map(String::as_str).collect();
        let plan = planned("Match Group staff\n X y\n", &names);
        assert_eq!((plan.probes.len(), plan.left_out), (MOST, 800 - MOST));
    }
}
