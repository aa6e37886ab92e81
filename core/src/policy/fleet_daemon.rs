//! The configuration file `fleet.toml` of the daemon `twinlock-fleet`: the servers of the store and the name of this
//! host. Each error contains the line in the file.

use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use toml::Spanned;

use crate::{
    format::{
        comments,
        lines::line_at,
        tables::{Table, TableError},
    },
    policy::settings::SettingsError,
};

/// Maximum size of the configuration file in bytes.
pub const FLEET_DAEMON_MAX: usize = 64 * 1024;
const FLEET_NAME_MAX: usize = 32;
const HOST_NAME_MAX: usize = 64;
const ENDPOINTS_MAX: usize = 16;

/// The configuration of the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetDaemonConfig {
    /// Name of the fleet: 1 to 32 of `a-z`, `0-9` and `-`.
    pub fleet: String,
    /// Name of this host in the fleet: 1 to 64 of letters, digits, `.`, `_` and `-`.
    pub host: String,
    /// URLs of the servers of the store, 1 to 16, without a path. `http` is allowed only with a loopback address.
    pub endpoints: Vec<String>,
    /// The files for TLS; `None` if no endpoint has `https`.
    pub tls: Option<FleetTls>,
    /// User name and password with which this host logs in to the store; `None` if its certificate is enough.
    pub login: Option<StoreLogin>,
    /// Numbers of the sealing keys that this host can read, in ascending order.
    pub key_ids: Vec<u16>,
}

/// Names of PEM files, relative to the credentials of the service or to the configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetTls {
    /// Certificates of the authorities that may sign the certificate of an endpoint.
    pub ca: String,
    /// The certificate of this host, with the intermediate certificates up to its authority.
    pub certificate: String,
    /// The private key of this host's certificate.
    pub key: String,
}

/// A user of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreLogin {
    /// Name of the user.
    pub user: String,
    /// Name of the file with the password. A line feed at the end of the file is not part of the password.
    pub password_file: String,
}

impl FleetDaemonConfig {
    /// Parses the configuration file.
    ///
    /// # Errors
    /// [`SettingsError`] for the first error in the file.
    pub fn read(text: &str) -> Result<Self, SettingsError> {
        let text = &comments::taken_out(text);
        Self::of(text).map_err(|odd| SettingsError {
            line: line_at(text, odd.at),
            what: odd.what.chars().filter(|letter| !letter.is_control()).collect(),
        })
    }

    fn of(text: &str) -> Result<Self, TableError> {
        let mut table = Table::parse(text)?;
        let (fleet, host) = (table.string("fleet")?, table.string("host")?);
        let endpoints = table.strings("endpoints")?;
        let ca = table.string("ca")?;
        let (certificate, key) = (table.string("certificate")?, table.string("key")?);
        let (user, password_file) = (table.string("user")?, table.string("password_file")?);
        let key_ids = table.numbers::<u16>("key_ids")?;
        // A misspelt key may be the cause of a missing one, so it is reported first.
        table.end()?;
        let endpoints = endpoints_of(&table.must("endpoints", endpoints)?)?;
        let needs_tls = endpoints.iter().any(|url| url.starts_with("https:"));
        let tls = match (ca, certificate, key) {
            (None, None, None) if !needs_tls => None,
            (ca, certificate, key) => Some(FleetTls {
                ca: filled(table.must("ca", ca)?, "ca")?,
                certificate: filled(table.must("certificate", certificate)?, "certificate")?,
                key: filled(table.must("key", key)?, "key")?,
            }),
        };
        let login = match (user, password_file) {
            (None, None) => None,
            (user, file) => Some(StoreLogin {
                user: filled(table.must("user", user)?, "user")?,
                password_file: filled(table.must("password_file", file)?, "password_file")?,
            }),
        };
        Ok(Self {
            fleet: named(table.must("fleet", fleet)?, &FLEET_NAME)?,
            host: named(table.must("host", host)?, &HOST_NAME)?,
            endpoints,
            tls,
            login,
            key_ids: key_ids.map_or_else(|| Ok(vec![1]), |found| key_ids_of(&found))?,
        })
    }
}

/// Rule for the names of a fleet or host.
struct NameRule {
    key: &'static str,
    longest: usize,
    allows: fn(u8) -> bool,
    wanted: &'static str,
}

const FLEET_NAME: NameRule = NameRule {
    key: "fleet",
    longest: FLEET_NAME_MAX,
    allows: |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-',
    wanted: "1 to 32 of a-z, 0-9 and -",
};

const HOST_NAME: NameRule = NameRule {
    key: "host",
    longest: HOST_NAME_MAX,
    allows: |byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte),
    wanted: "1 to 64 of letters, digits, ., _ and -",
};

fn named(found: Spanned<String>, rule: &NameRule) -> Result<String, TableError> {
    let text = found.get_ref();
    if (1..=rule.longest).contains(&text.len()) && text.bytes().all(rule.allows) {
        return Ok(found.into_inner());
    }
    let what = format!("{} = \"{text}\" is not {}", rule.key, rule.wanted);
    Err(TableError { at: found.span().start, what })
}

fn filled(found: Spanned<String>, key: &str) -> Result<String, TableError> {
    if found.get_ref().is_empty() {
        return Err(TableError { at: found.span().start, what: format!("{key} is empty") });
    }
    Ok(found.into_inner())
}

fn endpoints_of(found: &Spanned<Vec<String>>) -> Result<Vec<String>, TableError> {
    let error = |what: String| TableError { at: found.span().start, what };
    let mut endpoints = Vec::new();
    for url in found.get_ref() {
        let plain = url.strip_suffix('/').unwrap_or(url);
        if let Some(what) = url_error(plain) {
            return Err(error(format!("endpoints has \"{url}\", {what}")));
        }
        if endpoints.iter().any(|other| other == plain) {
            return Err(error(format!("endpoints has \"{url}\" twice")));
        }
        endpoints.push(plain.to_string());
    }
    if !(1..=ENDPOINTS_MAX).contains(&endpoints.len()) {
        return Err(error(format!("endpoints has {} URLs, not 1 to 16", endpoints.len())));
    }
    Ok(endpoints)
}

/// Returns what is wrong with the URL of an endpoint; `None` if it is right.
fn url_error(url: &str) -> Option<&'static str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let Some((scheme, authority)) = url.split_once("://") else {
        return Some("which is not of the form https://HOST:PORT");
    };
    let port = authority.rsplit_once(':').filter(|(host, port)| {
        !host.is_empty() && authority.bytes().all(is_part) && port.parse::<u16>().is_ok()
    });
    match (scheme, port) {
        ("https", Some(_)) => None,
        ("http", Some((host, _))) if is_loopback(host) => None,
        ("http", Some(_)) => Some("but http is for loopback addresses only: use https"),
        _ => Some("which is not of the form https://HOST:PORT"),
    }
}

fn is_loopback(host: &str) -> bool {
    let v4 = |host: &str| host.parse::<core::net::Ipv4Addr>().is_ok_and(|it| it.is_loopback());
    host == "[::1]" || v4(host)
}

fn key_ids_of(found: &Spanned<Vec<u16>>) -> Result<Vec<u16>, TableError> {
    let mut ids = found.get_ref().clone();
    ids.sort_unstable();
    ids.dedup();
    let is_right = ids.len() == found.get_ref().len() && ids.first().is_some_and(|id| *id > 0);
    let what = "key_ids is not a list of different numbers from 1 to 65535".to_string();
    is_right.then_some(ids).ok_or(TableError { at: found.span().start, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "# The fleet\nfleet = \"prod-1\"\nhost = \"web1.example.org\"\n\
        endpoints = [\"https://192.0.2.1:2379\", \"https://[2001:db8::1]:2379/\", \"https://etcd-3:2379\"]\n\
        ca = \"fleet/ca.pem\"\ncertificate = \"fleet/host.pem\"\nkey = \"fleet/host.key\"\n\
        user = \"web1\"\npassword_file = \"fleet/password\"\nkey_ids = [2, 1]\n";

    #[test]
    fn a_whole_file_is_read() {
        let found = FleetDaemonConfig::read(WHOLE).unwrap();
        assert_eq!((found.fleet.as_str(), found.host.as_str()), ("prod-1", "web1.example.org"));
        let urls = ["https://192.0.2.1:2379", "https://[2001:db8::1]:2379", "https://etcd-3:2379"];
        assert_eq!(found.endpoints, urls);
        assert_eq!(found.tls.unwrap().key, "fleet/host.key");
        assert_eq!(found.login.unwrap().user, "web1");
        assert_eq!(found.key_ids, [1, 2]);
    }

    #[test]
    fn a_store_on_loopback_needs_no_tls() {
        for url in ["http://127.0.0.1:2379", "http://127.8.0.1:2379", "http://[::1]:2379"] {
            let text = format!("fleet = \"a\"\nhost = \"b\"\nendpoints = [\"{url}\"]\n");
            let found = FleetDaemonConfig::read(&text).unwrap();
            assert_eq!((found.tls, found.login, found.key_ids), (None, None, vec![1]));
        }
    }

    #[test]
    fn each_error_has_its_line() {
        for (from, to, line, what) in [
            ("fleet = \"prod-1\"\n", "", 1, "missing field `fleet`"),
            ("\"prod-1\"", "\"Prod\"", 2, "fleet = \"Prod\" is not 1 to 32"),
            ("\"prod-1\"", "7", 2, "fleet is of type integer"),
            ("web1.example.org", "web/1", 3, "host = \"web/1\" is not 1 to 64"),
            ("https://192", "http://192", 4, "but http is for loopback addresses only"),
            ("https://192", "ftp://192", 4, "which is not of the form https://HOST:PORT"),
            ("etcd-3:2379", "etcd-3", 4, "which is not of the form"),
            ("etcd-3:2379", "etcd-3:2379/path", 4, "which is not of the form"),
            ("etcd-3:2379", "a@etcd-3:2379", 4, "which is not of the form"),
            ("etcd-3:2379", "192.0.2.1:2379", 4, "endpoints has \"https://192.0.2.1:2379\" twice"),
            ("ca = \"fleet/ca.pem\"\n", "", 1, "missing field `ca`"),
            ("key = \"fleet/host.key\"", "key = \"\"", 7, "key is empty"),
            ("user = \"web1\"\n", "", 1, "missing field `user`"),
            ("password_file", "password", 9, "there is no setting password; known here: fleet"),
            ("[2, 1]", "[2, 2]", 10, "key_ids is not a list of different numbers"),
            ("[2, 1]", "[0]", 10, "key_ids is not a list of different numbers"),
            ("[2, 1]", "[70000]", 10, "key_ids is of type integer"),
        ] {
            let text = WHOLE.replacen(from, to, 1);
            assert_ne!(text, WHOLE);
            let error = FleetDaemonConfig::read(&text).unwrap_err();
            assert_eq!(error.line, line, "{from}: {error}");
            assert!(error.what.contains(what), "{error}");
        }
        let none = "fleet = \"a\"\nhost = \"b\"\nendpoints = []\n";
        assert_eq!(FleetDaemonConfig::read(none).unwrap_err().line, 3);
    }
}
