//! Two hosts of a fleet, with an etcd cluster. Ada has an account on both hosts.

use std::time::{Duration, Instant};

use twinlock_tests::{
    EtcdCluster, EtcdOptions, FleetAccess, FleetHost, FleetNetwork, LossyLink, Machine, Otp,
    PASSWORD,
};

/// Key of ada's authenticator.
pub(crate) const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// Text that pamtester prints after an accepted login.
pub(crate) const IN: &str = "successfully authenticated";
/// Settings of a host that belongs to a fleet.
pub(crate) const SHARED: &str = "[fleet]\nenabled = true\n";

/// Two hosts, `one` and `two`, which have joined the fleet `test`.
pub(crate) struct Pair<'n> {
    /// The links from both hosts to the nodes; none if the hosts reach the nodes directly.
    pub(crate) links: Vec<LossyLink>,
    pub(crate) etcd: EtcdCluster,
    pub(crate) one: FleetHost<'n>,
    pub(crate) two: FleetHost<'n>,
}

impl<'n> Pair<'n> {
    /// Starts three nodes of etcd and both hosts, and enrolls ada on the first host.
    #[track_caller]
    pub(crate) fn new(network: &'n FleetNetwork) -> Pair<'n> {
        let pair = Pair::without_users(network, 3, &EtcdOptions::default());
        pair.one.enrolled("ada", KEY);
        pair.two.app("ada", &Otp::new(KEY));
        pair
    }

    /// Starts `nodes` etcd nodes and both hosts. Ada has an account, but is not enrolled.
    #[track_caller]
    pub(crate) fn without_users(
        network: &'n FleetNetwork,
        nodes: usize,
        options: &EtcdOptions,
    ) -> Pair<'n> {
        let etcd = EtcdCluster::start_in(network, nodes, options);
        let [one, two] = ["one", "two"].map(|name| host(network, name));
        for host in [&one, &two] {
            host.fleet_config(&etcd, &FleetAccess::default()).start_fleet();
        }
        one.run(["twinlock", "fleet", "init"]).ok();
        join(&one, &two);
        for host in [&one, &two] {
            host.settings(SHARED);
        }
        Pair { links: Vec::new(), etcd, one, two }
    }

    /// Starts three nodes of etcd and both hosts, and enrolls ada and `people` more users (see
    /// [`twinlock_tests::crowd_name`]) with the same key.
    #[track_caller]
    pub(crate) fn with_people(
        network: &'n FleetNetwork,
        people: u64,
        options: &EtcdOptions,
    ) -> Self {
        Pair::with_access(network, people, options, &FleetAccess::default())
    }

    /// As [`Pair::with_people`], with this configuration of the daemons.
    #[track_caller]
    pub(crate) fn with_access(
        network: &'n FleetNetwork,
        people: u64,
        options: &EtcdOptions,
        access: &FleetAccess,
    ) -> Self {
        let etcd = EtcdCluster::start_in(network, 3, options);
        let [one, two] = ["one", "two"].map(|name| host(network, name));
        for host in [&one, &two] {
            host.fleet_config(&etcd, access).start_fleet();
        }
        let pair = Pair { links: Vec::new(), etcd, one, two };
        pair.populate(people);
        pair
    }

    /// As [`Pair::with_people`], but each host reaches each node through a link.
    #[track_caller]
    pub(crate) fn linked(network: &'n FleetNetwork, people: u64, options: &EtcdOptions) -> Self {
        let etcd = EtcdCluster::start_in(network, 3, options);
        let [one, two] = ["one", "two"].map(|name| host(network, name));
        let scheme = if options.tls { "https" } else { "http" };
        let mut links = Vec::new();
        for host in [&one, &two] {
            let mut endpoints = Vec::new();
            for node in 0..3 {
                let seed = u64::try_from(links.len()).expect("a few links");
                let link = LossyLink::inside(host, &etcd.address(node), seed);
                endpoints.push(format!("{scheme}://{}", link.address()));
                links.push(link);
            }
            let access = FleetAccess { endpoints, ..FleetAccess::default() };
            host.fleet_config(&etcd, &access).start_fleet();
        }
        let pair = Pair { links, etcd, one, two };
        pair.populate(people);
        pair
    }

    /// Enrolls ada and `people` more users on the first host, and makes both hosts join the fleet.
    #[track_caller]
    fn populate(&self, people: u64) {
        let (one, two) = (&self.one, &self.two);
        for host in [one, two] {
            host.crowd_accounts(0..people);
        }
        one.enrolled("ada", KEY);
        two.app("ada", &Otp::new(KEY));
        one.crowd("ada", 0..people);
        one.run(["twinlock", "fleet", "init"]).ok();
        join(one, two);
        for host in [one, two] {
            host.settings(SHARED);
        }
    }

    /// Loses this percentage of the answers on all links, from now on.
    pub(crate) fn lose(&self, percent: u8) -> &Self {
        self.links.iter().for_each(|link| {
            link.lose(percent);
        });
        self
    }

    /// Waits until no attempt is charged in the store. Returns how long that took.
    #[track_caller]
    pub(crate) fn until_no_charge(&self, patience: Duration) -> Duration {
        let begun = Instant::now();
        loop {
            let charges = self.charges();
            if charges.is_empty() {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < patience, "{charges:?}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// Returns the keys of ada's charged attempts in the store.
    #[track_caller]
    pub(crate) fn charges(&self) -> Vec<String> {
        let keys = self.etcd.keys("/twinlock/test/l/");
        keys.into_iter().filter(|key| key.contains("/try/")).collect()
    }
}

/// Starts a machine with twinlock, the account ada and two PAM services that prove the first factor.
fn host<'n>(network: &'n FleetNetwork, name: &str) -> FleetHost<'n> {
    let host = network.host(name);
    host.twinlock().proven("login-one").proven("login-two");
    host.user("ada").password("ada", PASSWORD).key("ada");
    host
}

/// Makes the host `two` join the fleet of `one`.
#[track_caller]
pub(crate) fn join(one: &FleetHost<'_>, two: &FleetHost<'_>) {
    let key = one.file("/etc/twinlock/fleet.key").read();
    two.call(["twinlock", "fleet", "join", "--key", "-"]).input(key).output().ok();
}

/// Tries these codes one after the other in one login of ada. Returns whether the login succeeds.
pub(crate) fn gets_in(host: &Machine, codes: &[&str]) -> bool {
    let typed = format!("{}\n", codes.join("\n"));
    host.pamtester("login-one", "ada").input(typed).output().stdout.contains(IN)
}
