//! Two hosts of a fleet, with an etcd cluster. Ada has an account on both hosts.

use twinlock_tests::{
    EtcdCluster, EtcdOptions, FleetAccess, FleetHost, FleetNetwork, Machine, Otp, PASSWORD,
};

/// Key of ada's authenticator.
pub(crate) const KEY: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
/// Text that pamtester prints after an accepted login.
pub(crate) const IN: &str = "successfully authenticated";
/// Settings of a host that belongs to a fleet.
pub(crate) const SHARED: &str = "[fleet]\nenabled = true\n";

/// Two hosts, `one` and `two`, which have joined the fleet `test`.
pub(crate) struct Pair<'n> {
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
        Pair { etcd, one, two }
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
