//! Ports on which systemd listens and starts an sshd for each connection.
use crate::machine::Machine;
use crate::machine::instances::UNIT_FOLDERS;
use crate::pam::load::Files;
use crate::sshd::config::Patterns;

/// systemd socket units that start an sshd for each connection.
const SOCKETS: [&str; 2] = ["ssh.socket", "sshd.socket"];

impl Machine {
    /// Returns the ports that the socket units of sshd and their drop-ins set.
    #[must_use]
    pub fn socket_ports(&self) -> Vec<String> {
        SOCKETS.iter().flat_map(|name| self.ports_of(name)).collect()
    }

    fn ports_of(&self, name: &str) -> Vec<String> {
        let main = UNIT_FOLDERS.iter().map(|folder| format!("{folder}/{name}"));
        let main = main.into_iter().find(|file| self.text(file).is_ok());
        let drop_ins = UNIT_FOLDERS.iter().rev().flat_map(|folder| {
            self.matching(&format!("{folder}/{name}.d/*.conf")).unwrap_or_default()
        });
        let mut ports = Vec::new();
        for file in main.into_iter().chain(drop_ins) {
            for line in self.text(&file).unwrap_or_default().lines() {
                let Some(value) = line.trim().strip_prefix("ListenStream") else { continue };
                match value.trim_start().strip_prefix('=').map(str::trim) {
                    // An empty value removes all ports set before.
                    Some("") => ports.clear(),
                    Some(address) => ports.extend(port(address)),
                    None => {}
                }
            }
        }
        ports
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
        let ports = || Machine::new(tree.path().to_owned(), None).socket_ports();
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
