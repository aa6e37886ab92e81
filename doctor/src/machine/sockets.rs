//! Finds the ports and routing domains from which connections come to an sshd, in systemd's socket units and among the
//! network devices.
use crate::machine::ExaminedMachine;
use crate::machine::unit_command::in_force;
use crate::pam::load::Files;

/// The usual names of systemd socket units that start an sshd for each connection.
const SOCKETS: [&str; 2] = ["ssh.socket", "sshd.socket"];

/// Folder with an entry for each network device.
const DEVICES: &str = "/sys/class/net";

impl ExaminedMachine {
    /// Returns the ports that the socket units of sshd and their drop-ins set. Returns none if the examined sshd opens
    /// its port itself, because no socket unit then applies to it.
    #[must_use]
    pub fn socket_ports(&self) -> Vec<String> {
        if self.instance.opens_its_port() {
            return Vec::new();
        }
        let names = self.sockets();
        let addresses = names.iter().flat_map(|name| self.values_of(name, "ListenStream"));
        addresses.filter_map(|address| port(&address)).collect()
    }

    /// Returns the routing domains from which connections may come, in addition to those of ListenAddress: devices to
    /// which the socket units are bound, and devices of the type VRF. `None` if the devices of the machine are not
    /// known.
    #[must_use]
    pub fn routing_domains(&self) -> Option<Vec<String>> {
        if !self.tree.is_host() {
            return None;
        }
        let mut names = self.tree.names(DEVICES).unwrap_or_default();
        names.retain(|name| {
            let event = self.text(&format!("{DEVICES}/{name}/uevent")).unwrap_or_default();
            event.lines().any(|line| line == "DEVTYPE=vrf")
        });
        names.extend(self.sockets().iter().flat_map(|name| self.values_of(name, "BindToDevice")));
        Some(names)
    }

    /// Returns the names of socket units that may start an sshd: those with the usual names, and enabled ones.
    fn sockets(&self) -> Vec<String> {
        let usual = SOCKETS.map(str::to_owned).into_iter();
        let enabled = self.enabled().into_iter().filter(|name| {
            name.ends_with(".socket")
                && self.services_of(name).iter().any(|service| self.unit(service).is_some())
        });
        let mut names: Vec<String> = usual.chain(enabled).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Returns the values that the socket unit `name` and its drop-ins set for `key`.
    fn values_of(&self, name: &str, key: &str) -> Vec<String> {
        let settings = self.unit_settings(name);
        in_force(&settings, key).into_iter().map(|one| one.value.clone()).collect()
    }
}

/// Returns the port of an address such as `2222`, `0.0.0.0:2222` or `[::]:2222`; `None` for the path of a socket.
fn port(address: &str) -> Option<String> {
    let port = address.rsplit(':').next().filter(|_| !address.starts_with(['/', '@']))?;
    port.parse::<u16>().ok().map(|port| port.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn ports_of_units_and_their_drop_ins() {
        let tree = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let ports = || ExaminedMachine::new(tree.path().to_owned(), None).socket_ports();
        assert_eq!(ports(), Vec::<String>::new());
        write("usr/lib/systemd/system/ssh.socket", "[Socket]\nListenStream=22\nAccept=no\n");
        assert_eq!(ports(), ["22"]);
        let more = "[Socket]\nListenStream = [::]:2222\nListenStream=/run/x\n";
        write("etc/systemd/system/ssh.socket.d/a.conf", more);
        assert_eq!(ports(), ["22", "2222"]);
        write("etc/systemd/system/ssh.socket.d/b.conf", "ListenStream=\nListenStream=0.0.0.0:99\n");
        assert_eq!(ports(), ["99"]);
    }
}
