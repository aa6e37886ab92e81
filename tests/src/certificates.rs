//! A certificate authority for tests, which issues certificates for servers and clients with openssl(1).

use crate::call::{Finished, faked_clock, finish};
use crate::server_room::{FOLDER, ServerRoom};

const CONFIG: &str = include_str!("certificates.cnf");
/// Certificates are valid from two days ago, because the clocks of some tests are wrong by a day.
const VALID_SINCE: i64 = -2 * 86_400;
/// Subject of certificates. It has no common name: with one, etcd's JSON gateway refuses every request of a client
/// once authentication is on.
const SUBJECT: &str = "/O=twinlock tests";

/// Issues a certificate. `$1` is the file name of the authority without its extension, `$2` that of the new
/// certificate.
const ISSUE: &str = "exec openssl req -x509 -config certificates.cnf -extensions \"$3\" -subj \"$4\" -days \"$5\" \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout \"$2.key\" -out \"$2.pem\" \
    -CA \"$1.pem\" -CAkey \"$1.key\"";
const SELF_SIGN: &str = "openssl req -x509 -config certificates.cnf -extensions authority -subj '/CN=fleet CA of tests' \
    -days 40 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout \"$1.key\" -out \"$1.pem\"
: >\"$1.index\"";
const REVOKE: &str =
    "openssl ca -config certificates.cnf -cert \"$1.pem\" -keyfile \"$1.key\" -revoke \"$2\"";
const LIST_REVOKED: &str = "openssl ca -config certificates.cnf -cert \"$1.pem\" -keyfile \"$1.key\" \
    -gencrl -out \"$1.new\" && mv \"$1.new\" \"$1.crl\"";

/// A certificate with its private key, both as PEM texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The private key (PKCS #8).
    pub key: String,
}

/// How a certificate of a client differs from the usual one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ClientKind {
    /// Valid, without a common name.
    #[default]
    Usual,
    /// Valid, with a common name.
    CommonName,
    /// Expired a day ago.
    Expired,
    /// Issued by another authority.
    Foreign,
}

/// A certificate authority whose files are in the folder of a [`ServerRoom`]; `ca` is the beginning of their names.
pub(crate) struct Authority;

impl Authority {
    /// Creates the authority, a second authority that servers do not trust, and an empty list of revoked certificates.
    pub(crate) fn create(room: &ServerRoom) -> Authority {
        std::fs::write(room.outside("certificates.cnf"), CONFIG).expect("a file in memory");
        for name in ["ca", "other-ca"] {
            openssl(room, SELF_SIGN, &[name]).ok();
        }
        openssl(room, LIST_REVOKED, &["ca"]).ok();
        Authority
    }

    /// Issues a certificate for servers at these addresses, without ports. `name` is the beginning of the file names.
    pub(crate) fn node(&self, room: &ServerRoom, name: &str, addresses: &[&str]) {
        let names = addresses.iter().map(|address| format!("IP:{address}"));
        let names = names.chain(["DNS:localhost".to_owned()]).collect::<Vec<_>>().join(",");
        issued(room, ["ca", name, "node", SUBJECT, "40"], &names);
    }

    /// Issues a certificate for a client. `name` is the beginning of the file names.
    pub(crate) fn client(&self, room: &ServerRoom, name: &str, kind: ClientKind) -> Identity {
        let common_name = format!("{SUBJECT}/CN={name}");
        let (authority, subject, days) = match kind {
            ClientKind::Usual => ("ca", SUBJECT, "40"),
            ClientKind::CommonName => ("ca", common_name.as_str(), "40"),
            ClientKind::Expired => ("ca", SUBJECT, "1"),
            ClientKind::Foreign => ("other-ca", SUBJECT, "40"),
        };
        issued(room, [authority, name, "client", subject, days], "DNS:localhost");
        Identity {
            certificate: text(room, &format!("{name}.pem")),
            key: text(room, &format!("{name}.key")),
        }
    }

    /// Returns the certificate of the authority as a PEM text.
    pub(crate) fn certificate(&self, room: &ServerRoom) -> String {
        text(room, "ca.pem")
    }

    /// Adds a certificate to the list of revoked certificates.
    pub(crate) fn revoke(&self, room: &ServerRoom, identity: &Identity) {
        let file = "revoked.pem";
        std::fs::write(room.outside(file), &identity.certificate).expect("a file in memory");
        openssl(room, REVOKE, &["ca", file]).ok();
        openssl(room, LIST_REVOKED, &["ca"]).ok();
    }
}

fn issued(room: &ServerRoom, words: [&str; 5], names: &str) {
    openssl_with(room, ISSUE, &words, names).ok();
}

fn openssl(room: &ServerRoom, script: &str, words: &[&str]) -> Finished {
    openssl_with(room, script, words, "DNS:localhost")
}

/// Runs a script that calls openssl(1) in the folder of `room`, with the clock set to [`VALID_SINCE`]. `names` are the
/// subject alternative names of the certificate.
#[track_caller]
fn openssl_with(room: &ServerRoom, script: &str, words: &[&str], names: &str) -> Finished {
    let mut command = room.enter();
    command
        .arg("env")
        .args(faked_clock(VALID_SINCE).map(|(name, value)| format!("{name}={value}")));
    command.arg(format!("NAMES={names}")).arg(format!("BASE={FOLDER}/{}", words[0]));
    command.args(["sh", "-euc", script, "sh"]).args(words);
    finish(command, Vec::new()).expect("openssl ends")
}

fn text(room: &ServerRoom, file: &str) -> String {
    let file = room.outside(file);
    std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}
