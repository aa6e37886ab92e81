//! The machines of the demo: a laptop at which ada sits, two hosts that she logs in to, and etcd.

use twinlock_tests::{EtcdCluster, EtcdOptions, FleetAccess, FleetHost, FleetNetwork, Server};

use crate::command::Done;

/// Name of the account that logs in.
pub(super) const USER: &str = "ada";

/// Settings of both hosts. Root needs no code, because the demo is about ada's codes.
const SETTINGS: &str = "issuer = \"twinlock demo\"\n";

/// A machine of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DemoHost {
    /// The first host of the fleet.
    One,
    /// The second host of the fleet.
    Two,
    /// The machine from which ada logs in.
    Laptop,
}

/// All machines of the demo.
pub(super) struct Scene<'n> {
    pub(super) etcd: EtcdCluster,
    one: FleetHost<'n>,
    two: FleetHost<'n>,
    laptop: FleetHost<'n>,
}

impl<'n> Scene<'n> {
    /// Starts etcd, the hosts with their sshds, and the laptop.
    pub(super) fn furnish(network: &'n FleetNetwork) -> Done<Self> {
        let options = EtcdOptions { compaction: Some("1h"), ..EtcdOptions::default() };
        let etcd = EtcdCluster::start_in(network, 3, &options);
        let (one, two, laptop) = (network.host("one"), network.host("two"), network.host("laptop"));
        laptop.user(USER).key(USER);
        let public = laptop.file(&format!("/root/keys/{USER}.pub")).read();
        let (mut names, mut known) = (String::new(), String::new());
        for host in [&one, &two] {
            furnish(host, &public)?;
            let access = FleetAccess { fleet: "demo".to_owned(), ..FleetAccess::default() };
            host.fleet_config(&etcd, &access);
            names += &format!("{} {}\n", host.address(), host.name());
            let own = host.file("/etc/ssh/ssh_known_hosts").read();
            known += &own.replacen("127.0.0.1", &format!("{},{}", host.name(), host.address()), 1);
        }
        for machine in [&one, &two, &laptop] {
            machine.file("/etc/hosts").append(&names);
        }
        laptop.run(["mkdir", "-p", "-m", "700", "/root/.ssh", "/etc/ssh"]);
        laptop.file("/etc/ssh/ssh_known_hosts").write(known);
        laptop.file("/root/.ssh/config").write(format!(
            "Host *\nUser {USER}\nIdentityFile /root/keys/{USER}\nIdentitiesOnly yes\nNumberOfPasswordPrompts 1\n"
        ));
        Ok(Self { etcd, one, two, laptop })
    }

    /// Returns a machine.
    pub(super) fn host(&self, host: DemoHost) -> &FleetHost<'n> {
        match host {
            DemoHost::One => &self.one,
            DemoHost::Two => &self.two,
            DemoHost::Laptop => &self.laptop,
        }
    }

    /// Returns the names of the hosts with their addresses, as part of a sentence.
    pub(super) fn described(&self) -> String {
        let hosts =
            [&self.one, &self.two].map(|host| format!("{} ({})", host.name(), host.address()));
        hosts.join(" and ")
    }
}

/// Installs twinlock and ada's account on a host, and starts its sshd.
fn furnish(host: &FleetHost<'_>, public: &str) -> Done {
    let home = format!("/home/{USER}");
    host.user(USER).file(&format!("{home}/.profile")).write("");
    let uid = host.uid(USER);
    let (folder, list) = (format!("{home}/.ssh"), format!("{home}/.ssh/authorized_keys"));
    host.file(&folder).make_folder().mode(0o700).owner(uid);
    host.file(&list).write(public).mode(0o600).owner(uid);
    host.twinlock().settings(SETTINGS).server(Server::Publickey);
    host.try_sshd(&format!("ListenAddress {}\n", host.address()), &[])
}
