//! Selects the users and connections for which doctor runs `sshd -T`: one for each combination of Match blocks that can
//! apply.
use std::collections::BTreeSet;

use crate::sshd::allowed;
use crate::sshd::config::{Config, MatchBlock};
use crate::sshd::effective::Effective;
use crate::sshd::pattern::{addresses, examples, fits_addresses, fits_list};

/// A probe: a user and a connection for which `sshd -T -C` prints the settings.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Probe {
    /// Name of the account.
    pub user: String,
    /// Source and destination of the connection.
    pub from: From,
    /// Names of other accounts to which the same Match blocks apply.
    pub same: Vec<String>,
}

/// Source and destination of a connection.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct From {
    /// IP address of the client.
    pub addr: String,
    /// Host name of the client.
    pub host: String,
    /// IP address of the server.
    pub laddr: String,
    /// Port of the server.
    pub lport: String,
    /// Routing domain of the server; empty if there is none.
    pub rdomain: String,
}

/// The selected probes (users with a connection, for which `sshd -T -C` is run), and how many further ones were left
/// out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The selected probes (users with a connection), at most [`MOST`].
    pub probes: Vec<Probe>,
    /// Number of probes (users with a connection) beyond [`MOST`], which were left out.
    pub left_out: usize,
}

/// An account with its groups and its kind of shell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProbeAccount {
    /// Name of the account.
    pub name: String,
    /// Names of the account's groups, including the primary group.
    pub groups: Vec<String>,
    /// Whether the account's shell allows a login.
    pub shell: Shell,
}

/// Whether the shell of an account allows a login.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Shell {
    /// The shell allows logins.
    #[default]
    Login,
    /// The shell is one that ends at once, such as nologin.
    None,
}

/// The accounts of the examined host.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProbeUsers {
    /// The accounts that the files list.
    pub accounts: Vec<ProbeAccount>,
    /// Name of a source of accounts other than the files; accounts of any name may then exist. `None` if there is no
    /// such source.
    pub elsewhere: Option<String>,
}

/// Maximum number of probes (users with a connection). doctor runs sshd once for each of them.
pub const MOST: usize = 300;

/// Text that precedes the routing domain in the value of ListenAddress.
const DOMAIN: &str = " rdomain ";
/// Keyword for a routing domain from which connections may come, in addition to those of ListenAddress. sshd itself has
/// no such keyword. The caller of [`plan`] adds it to sshd's settings.
pub const ROUTING_DOMAIN: &str = "routing-domain";

const LOCAL: &str = "127.0.0.1";
/// Example address of a client, from a range that no host uses (RFC 5737).
pub(super) const REMOTE: &str = "203.0.113.7";
/// Example addresses of clients, for connections that no network of a Match line contains. Whatever network a Match
/// line names, at least one of them is outside of it.
const OTHERS: [&str; 4] = ["198.51.100.7", "192.0.2.7", "2001:db8::7", "::1"];

impl Probe {
    /// Returns the argument of sshd's option `-C`.
    #[must_use]
    pub fn argument(&self) -> String {
        let From { addr, host, laddr, lport, rdomain } = &self.from;
        let user = &self.user;
        format!("user={user},host={host},addr={addr},laddr={laddr},lport={lport},rdomain={rdomain}")
    }

    /// Returns the user `user` with an example client address, to be passed to `sshd -T -C`.
    #[must_use]
    pub fn of(user: &str) -> Self {
        Self { user: user.to_owned(), from: from(REMOTE), same: Vec::new() }
    }
}

/// Selects the users and connections for which `sshd -T -C` is run. `base` are the settings outside of Match blocks.
/// They contain the ports, and say whether sshd looks up host names.
#[must_use]
pub fn plan(config: &Config, people: &ProbeUsers, base: &Effective) -> Plan {
    let users = users(config, people);
    let froms = froms(config, base);
    let mut seen: BTreeSet<(bool, Vec<bool>)> = BTreeSet::new();
    let mut probes = Vec::new();
    let lists = allowed::criteria(config);
    for (account, same) in &users {
        for from in &froms {
            let blocks = config.blocks.iter().map(|block| applies(block, account, from));
            let listed = lists.iter().map(|(word, list)| fits_user(word, list, account));
            let blocks = blocks.chain(listed).collect();
            if seen.insert((account.name == "root", blocks)) {
                let (user, from) = (account.name.clone(), from.clone());
                probes.push(Probe { user, from, same: same.clone() });
            }
        }
    }
    let left_out = probes.len().saturating_sub(MOST);
    probes.truncate(MOST);
    Plan { probes, left_out }
}

/// Returns whether sshd applies the Match block to the account and the connection.
#[must_use]
pub fn applies(block: &MatchBlock, account: &ProbeAccount, from: &From) -> bool {
    let mut criteria = block.criteria.iter();
    criteria.all(|(word, list)| fits_user(word, list, account) && fits_from(word, list, from))
}

fn fits_user(word: &str, list: &str, account: &ProbeAccount) -> bool {
    match word {
        "user" => fits_list(list, &account.name),
        "group" => fits_group(list, &account.groups),
        _ => true,
    }
}

/// Returns whether one of the groups matches the list of patterns. Returns `false` if any of the groups matches a
/// pattern that follows `!`.
#[must_use]
pub fn fits_group(list: &str, groups: &[String]) -> bool {
    let refused = |group: &String| {
        let mut no = list.split(',').filter_map(|one| one.strip_prefix('!'));
        no.any(|one| fits_list(one, group))
    };
    !groups.iter().any(refused) && groups.iter().any(|group| fits_list(list, group))
}

/// Returns whether a connection fits a criterion of a Match block. A criterion about users fits every connection.
pub(super) fn fits_from(word: &str, list: &str, from: &From) -> bool {
    match word {
        "address" => fits_addresses(list, &from.addr),
        "host" => fits_list(&list.to_ascii_lowercase(), &from.host.to_ascii_lowercase()),
        "localaddress" => fits_addresses(list, &from.laddr),
        "localport" => list.split(',').any(|port| port == from.lport),
        "rdomain" => fits_list(list, &from.rdomain),
        _ => true,
    }
}

/// Accounts to which the same criteria of Match lines apply. doctor runs `sshd -T` for one of them.
struct AccountGroup {
    /// Whether each criterion applies to the accounts, in the order of the file.
    holds: Vec<bool>,
    /// The account for which doctor runs `sshd -T`, in place of all accounts of the group.
    first: ProbeAccount,
    /// Names of the accounts of the group other than `first`.
    others: Vec<String>,
}

/// Returns one account for each combination of criteria that can apply to an account, with the names of the other
/// accounts that have the same combination. Root always has an entry of its own.
fn users(config: &Config, people: &ProbeUsers) -> Vec<(ProbeAccount, Vec<String>)> {
    let lists = allowed::criteria(config);
    let criteria = || config.blocks.iter().flat_map(|block| &block.criteria).chain(&lists);
    let mut all: Vec<ProbeAccount> = people.accounts.clone();
    if people.elsewhere.is_some() {
        let lists = criteria().filter(|(word, _)| word == "user");
        for name in lists.flat_map(|(_, list)| examples(list)) {
            if !all.iter().any(|one| one.name == name) {
                all.push(ProbeAccount { name, ..ProbeAccount::default() });
            }
        }
    }
    if !all.iter().any(|one| one.name != "root") {
        all.push(ProbeAccount { name: "nobody".to_owned(), ..ProbeAccount::default() });
    }
    // An account that can log in represents its group rather than one that cannot.
    all.sort_by_key(|one| (one.name != "root", one.shell == Shell::None));
    let mut found: Vec<AccountGroup> = Vec::new();
    for account in all {
        let holds: Vec<bool> =
            criteria().map(|(word, list)| fits_user(word, list, &account)).collect();
        let root = account.name == "root";
        let is_like = |group: &&mut AccountGroup| {
            group.holds == holds && (group.first.name == "root") == root
        };
        match found.iter_mut().find(is_like) {
            Some(group) => group.others.push(account.name),
            None => found.push(AccountGroup { holds, first: account, others: Vec::new() }),
        }
    }
    found.into_iter().map(|group| (group.first, group.others)).collect()
}

fn from(addr: &str) -> From {
    From {
        addr: addr.to_owned(),
        host: addr.to_owned(),
        laddr: LOCAL.to_owned(),
        lport: "22".to_owned(),
        rdomain: String::new(),
    }
}

/// Returns the connections for which doctor runs `sshd -T`: one for each combination of criteria that can apply to a
/// connection.
fn froms(config: &Config, base: &Effective) -> Vec<From> {
    let lists = |name: &'static str| {
        let criteria = config.blocks.iter().flat_map(|block| &block.criteria);
        criteria.filter(move |(word, _)| word == name).map(|(_, list)| list.as_str())
    };
    let mut addrs = vec![REMOTE.to_owned(), LOCAL.to_owned()];
    addrs.extend(OTHERS.map(str::to_owned));
    addrs.extend(lists("address").flat_map(addresses));
    if !base.yes("usedns") {
        // If sshd does not look up host names, it compares the patterns of `Host` with the address.
        addrs.extend(lists("host").flat_map(addresses));
    }
    let laddrs: Vec<String> =
        [LOCAL.to_owned()].into_iter().chain(lists("localaddress").flat_map(addresses)).collect();
    let mut ports: Vec<String> = base.values("port").map(str::to_owned).collect();
    let listens =
        || base.values("listenaddress").map(|one| one.split_once(DOMAIN).unwrap_or((one, "")));
    ports.extend(
        listens().filter_map(|(one, _)| one.rsplit_once(':').map(|(_, port)| port.to_owned())),
    );
    if ports.is_empty() {
        ports.push("22".to_owned());
    }
    let rdomains = [""].into_iter().chain(listens().map(|(_, domain)| domain));
    let rdomains = rdomains.chain(base.values(ROUTING_DOMAIN)).map(str::to_owned).collect();
    let mut all: Vec<From> = addrs.iter().map(|addr| from(addr)).collect();
    if base.yes("usedns") {
        let named: Vec<From> = (lists("host").flat_map(examples))
            .flat_map(|host| all.iter().map(move |one| From { host: host.clone(), ..one.clone() }))
            .collect();
        all.extend(named);
    }
    let parts: [(&str, Vec<String>); 3] =
        [("localaddress", laddrs), ("localport", ports), ("rdomain", rdomains)];
    all = distinct(config, all);
    for (word, values) in parts {
        let every = all.iter().flat_map(|one| values.iter().map(|value| with(one, word, value)));
        all = distinct(config, every.collect());
    }
    all
}

/// Returns the connections without duplicates: of several connections to which the same criteria apply, only the first.
fn distinct(config: &Config, all: Vec<From>) -> Vec<From> {
    let criteria = || config.blocks.iter().flat_map(|block| &block.criteria);
    let mut seen = BTreeSet::new();
    let holds = |one: &From| {
        criteria().map(|(word, list)| fits_from(word, list, one)).collect::<Vec<bool>>()
    };
    all.into_iter().filter(|one| seen.insert(holds(one))).collect()
}

fn with(base: &From, word: &str, value: &str) -> From {
    let mut one = base.clone();
    let field = match word {
        "localaddress" => &mut one.laddr,
        "localport" => &mut one.lport,
        _ => &mut one.rdomain,
    };
    value.clone_into(field);
    one
}

#[cfg(test)]
mod tests {
    use super::super::config::load;
    use super::*;
    use crate::pam::load::tests::tree;

    fn account(name: &str, groups: &[&str]) -> ProbeAccount {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        ProbeAccount { name: name.to_owned(), groups, shell: Shell::Login }
    }

    fn planned(config: &str, accounts: &[ProbeAccount], base: &str) -> Plan {
        let config = load(&tree(&[("/etc/ssh/sshd_config", config)])).unwrap();
        let people = ProbeUsers { accounts: accounts.to_vec(), elsewhere: None };
        plan(&config, &people, &Effective::read(base))
    }

    fn users_of(plan: &Plan) -> Vec<&str> {
        plan.probes.iter().map(|probe| probe.user.as_str()).collect()
    }

    #[test]
    fn a_member_is_asked_about_whatever_the_shell() {
        let mut upload = account("upload", &["sftp"]);
        upload.shell = Shell::None;
        let all = [account("root", &["root"]), account("alice", &["users"]), upload];
        assert_eq!(
            users_of(&planned("Match Group sf*\n X y\n", &all, "")),
            ["root", "alice", "upload"]
        );
        assert_eq!(users_of(&planned("Match Group staff\n X y\n", &all, "")), ["root", "alice"]);
        assert_eq!(users_of(&planned("Match Group *,!sftp\n X y\n", &all, "")).len(), 3);
    }

    #[test]
    fn without_match_two_questions_are_enough() {
        let all = [account("root", &[]), account("alice", &[]), account("bob", &[])];
        let plan = planned("UsePAM yes\n", &all, "port 22\n");
        assert_eq!(plan.probes.len(), 2);
        assert_eq!(
            plan.probes.first().unwrap().argument(),
            "user=root,host=203.0.113.7,addr=203.0.113.7,laddr=127.0.0.1,lport=22,rdomain="
        );
        assert_eq!(plan.probes[1].same, ["bob"]);
    }

    #[test]
    fn every_combination_of_blocks_has_one_question() {
        let text = "Match User backup,bot-* Address 10.0.0.0/8\n X y\nMatch LocalPort 2222 Host *.example.org\n X y\n";
        let all = [account("root", &[]), account("alice", &[]), account("backup", &[])];
        let asked = |base: &str| {
            let plan = planned(text, &all, base);
            plan.probes.iter().map(Probe::argument).collect::<Vec<_>>()
        };
        let far = "user=backup,host=10.0.0.1,addr=10.0.0.1,laddr=127.0.0.1,lport=22,rdomain=";
        assert_eq!(asked("port 22\n").len(), 3);
        assert!(asked("port 22\n").contains(&far.to_owned()), "{:?}", asked("port 22\n"));
        let named = asked("port 22\nport 2222\nusedns yes\n");
        assert!(named.iter().any(|one| one.contains("x.example.org") && one.contains("2222")));
    }

    #[test]
    fn a_negated_or_split_network_leaves_an_address() {
        let all = [account("root", &[]), account("alice", &[])];
        for text in ["*,!203.0.113.0/24", "0.0.0.0/1,128.0.0.0/1", "!10.0.0.0/8,*.*", "10.*"] {
            let plan = planned(&format!("Match Address {text}\n X y\n"), &all, "");
            let hit = |probe: &Probe| fits_addresses(text, &probe.from.addr);
            assert!(plan.probes.iter().any(hit), "{text}");
            assert!(plan.probes.iter().any(|probe| !hit(probe)), "{text}");
        }
    }

    #[test]
    fn without_names_a_host_pattern_is_one_of_addresses() {
        let all = [account("root", &[])];
        let plan = planned("Match Host 10.*\n X y\n", &all, "usedns no\n");
        assert!(plan.probes.iter().any(|probe| probe.from.host.starts_with("10.")));
    }

    #[test]
    fn routing_domains_are_those_on_which_sshd_listens() {
        let text = "Match RDomain red LocalPort 2222\n X y\nMatch RDomain ?*\n X y\n";
        let all = [account("root", &[])];
        let domains = |base: &str| -> Vec<String> {
            let probes = planned(text, &all, base).probes.into_iter();
            probes
                .filter(|one| one.user == "root")
                .map(|one| format!("{}:{}", one.from.rdomain, one.from.lport))
                .collect()
        };
        assert_eq!(domains("listenaddress 0.0.0.0:22\n"), [":22"]);
        let red = domains("listenaddress 0.0.0.0:22\nlistenaddress 10.0.0.1:2222 rdomain red\n");
        assert_eq!(red, [":22", "red:22", "red:2222"]);
        assert_eq!(domains("port 22\nrouting-domain blue\n"), [":22", "blue:22"]);
    }

    #[test]
    fn a_cut_is_counted() {
        let text: String = (0..400).map(|one| format!("Match User u{one}\n X y\n")).collect();
        let all: Vec<ProbeAccount> = (0..400).map(|one| account(&format!("u{one}"), &[])).collect();
        let plan = planned(&text, &all, "");
        assert_eq!((plan.probes.len(), plan.left_out), (MOST, 400 - MOST));
    }
}
