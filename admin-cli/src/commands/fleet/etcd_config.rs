//! `twinlock fleet etcd-config`: prints how to set up etcd for a fleet. The output contains no secret, because the
//! printed commands generate the keys and passwords.

use rustix::system::uname;
use serde_json::json;

use crate::{
    cli::fleet::FleetEtcdConfig,
    context::Context,
    error::exit::{CliError, Exit},
};
use twinlock_host::fleet::key_file::is_fleet_name;

/// URLs in the output if the command line gives no server.
const EXAMPLES: [&str; 3] = [
    "https://etcd-1.example.org:2379",
    "https://etcd-2.example.org:2379",
    "https://etcd-3.example.org:2379",
];
const CERTIFICATES: &str = include_str!("etcd_config/certificates.txt");
const SERVER: &str = include_str!("etcd_config/server.txt");
const USERS: &str = include_str!("etcd_config/users.txt");
const HOST: &str = include_str!("etcd_config/host.txt");

/// A server of etcd.
struct EtcdServer {
    url: String,
    /// Host name or address, as written in certificates and URLs.
    host: String,
}

/// Prints how etcd is set up.
pub(super) fn run(context: &Context, wanted: &FleetEtcdConfig) -> Result<(), CliError> {
    if !is_fleet_name(&wanted.name) {
        let what = "a fleet has a name of 1 to 32 of a to z, 0 to 9 and -";
        return Err(CliError::new(Exit::Usage, what, "Give another --name."));
    }
    let hosts = match wanted.hosts.as_slice() {
        [] => vec![uname().nodename().to_string_lossy().into_owned()],
        some => some.to_vec(),
    };
    if let Some(host) = hosts.iter().find(|host| !is_host_name(host)) {
        return Err(odd(host, "is no host name of letters, digits, dots and hyphens"));
    }
    let urls: Vec<&str> = match wanted.endpoints.as_slice() {
        [] => EXAMPLES.to_vec(),
        some => some.iter().map(String::as_str).collect(),
    };
    let servers: Option<Vec<EtcdServer>> = urls.iter().map(|url| EtcdServer::read(url)).collect();
    let servers =
        servers.ok_or_else(|| odd(&urls.join(", "), "is not of the form https://HOST:PORT"))?;
    let text = text(&wanted.name, &hosts, &servers);
    if context.json {
        return context.print(&format!("{}\n", json!({ "text": text })));
    }
    context.print(&text)
}

fn odd(text: &str, what: &str) -> CliError {
    let text = crate::text::plain(text);
    CliError::new(Exit::Usage, format!("{text} {what}"), "Correct --host or --endpoint.")
}

fn is_host_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

impl EtcdServer {
    fn read(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("https://")?;
        let (host, port) = rest.trim_end_matches('/').rsplit_once(':')?;
        port.parse::<u16>().ok()?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
        let is_host = !bare.is_empty() && bare.bytes().all(fits);
        is_host.then(|| Self { url: format!("https://{host}:{port}"), host: host.to_owned() })
    }

    fn bare(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Returns the subject alternative name for the certificate of this server, such as `DNS:etcd-1.example.org`.
    fn alternative_name(&self) -> String {
        let is_address = self.bare().parse::<std::net::IpAddr>().is_ok();
        format!("{}:{}", if is_address { "IP" } else { "DNS" }, self.bare())
    }

    fn peer(&self) -> String {
        format!("https://{}:2380", self.host)
    }
}

fn text(fleet: &str, hosts: &[String], servers: &[EtcdServer]) -> String {
    let urls: Vec<&str> = servers.iter().map(|one| one.url.as_str()).collect();
    let names = || (1..).map(|number| format!("etcd-{number}"));
    let members: Vec<String> =
        names().zip(servers).map(|(name, one)| format!("{name}={}", one.peer())).collect();
    let mut text = CERTIFICATES.to_owned();
    for (name, one) in names().zip(servers) {
        text.push_str(&format!("issue {name} server {}\n", one.alternative_name()));
    }
    for host in hosts {
        text.push_str(&format!("issue {host} client DNS:{host}\n"));
    }
    for (name, one) in names().zip(servers) {
        let filled = SERVER
            .replace("@name@", &name)
            .replace("@client@", &one.url)
            .replace("@peer@", &one.peer())
            .replace("@cluster@", &members.join(","))
            .replace("@fleet@", fleet);
        text.push_str(&filled);
    }
    text.push_str(&USERS.replace("@fleet@", fleet).replace("@endpoints@", &urls.join(",")));
    for host in hosts {
        text.push_str(&format!(
            "host {host} login    # or manage, where users are enrolled, invited or reset\n"
        ));
    }
    text.push_str("$ctl user add root    # asks for a password: keep it for the administrators of etcd\n$ctl user grant-role root root\n$ctl auth enable\n");
    for host in hosts {
        let quoted: Vec<String> = urls.iter().map(|url| format!("\"{url}\"")).collect();
        let filled = HOST
            .replace("@fleet@", fleet)
            .replace("@host@", host)
            .replace("@endpoints@", &quoted.join(", "));
        text.push_str(&filled);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_filled_in() {
        let servers: Vec<_> =
            ["https://192.0.2.1:2379", "https://[2001:db8::2]:2379/", "https://e3:2379"]
                .map(|url| EtcdServer::read(url).unwrap())
                .into();
        let text = text("prod", &["web1".into(), "web2".into()], &servers);
        for wanted in [
            "issue etcd-1 server IP:192.0.2.1\n",
            "issue etcd-2 server IP:2001:db8::2\n",
            "issue etcd-3 server DNS:e3\n",
            "issue web2 client DNS:web2\n",
            "--initial-cluster=etcd-1=https://192.0.2.1:2380,etcd-2=https://[2001:db8::2]:2380,etcd-3=https://e3:2380",
            "--auto-compaction-retention=1h",
            "--quota-backend-bytes=8589934592",
            "--client-crl-file=",
            "host web1 login",
            "fleet = \"prod\"\nhost = \"web2\"\n",
            "endpoints = [\"https://192.0.2.1:2379\", ",
            "readwrite /twinlock/prod/$part/",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
        assert!(!text.contains('@'), "{text}");
    }

    #[test]
    fn other_urls_are_refused() {
        for url in [
            "http://a:1",
            "https://a",
            "https://a:x",
            "https://a b:1",
            "https://:1",
            "https://a'b:1",
        ] {
            assert!(EtcdServer::read(url).is_none(), "{url}");
        }
    }
}
