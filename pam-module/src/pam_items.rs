//! The facts that libpam and the kernel report about the caller: service, user, source, and whether sshd has verified a
//! key.

use std::net::IpAddr;

use pam::{
    items::{RHost, Service, Tty, User},
    module::PamHandle,
};
use rustix::process::Uid;
use twinlock_core::base::request::{Claim, PublicKey, Request, Source};

use crate::{conversation::UserScreen, ffi};

/// Maximum length of a user name or service in bytes.
const TEXT_MAX: usize = 4096;

/// Collects the request of one call from libpam. `claim` is the value of `first_factor=` in the PAM line. `uid` is the
/// real user id of the process: root in sshd and login, the caller in su and sudo.
pub(crate) fn collect(handle: &mut PamHandle, claim: Claim, uid: Uid) -> Request {
    // This call makes libpam ask for the user name if the application has not given one. The bytes of the name are read
    // below.
    let _ = handle.get_user(None);
    let keys = keys(handle, uid);
    Request {
        service: service(handle),
        typed_user: item(
            handle.get_item::<User<'_>>().ok().flatten().map(|item| item.0.to_bytes()),
        ),
        source: source(handle, uid),
        claim,
        public_key: if keys.is_some() { PublicKey::Verified } else { PublicKey::Absent },
        keys,
    }
}

/// Returns the PAM service, which is the name of the file in `pam.d` that contains the line.
pub(crate) fn service(handle: &mut PamHandle) -> String {
    let service = handle.get_item::<Service<'_>>().ok().flatten();
    item(service.map(|item| item.0.to_bytes())).unwrap_or_default()
}

fn item(bytes: Option<&[u8]>) -> Option<String> {
    let bytes = bytes.filter(|bytes| bytes.len() <= TEXT_MAX)?;
    String::from_utf8(bytes.to_vec()).ok()
}

/// Returns whether sshd has verified a public key.
pub(crate) fn public_key(handle: &mut PamHandle, uid: Uid) -> PublicKey {
    if keys(handle, uid).is_some() { PublicKey::Verified } else { PublicKey::Absent }
}

/// Returns the public keys that sshd has verified. `None` if there are none, or if the process does not run as root:
/// without root's rights, the PAM environment need not come from sshd.
fn keys(handle: &mut PamHandle, uid: Uid) -> Option<String> {
    let info = ffi::environment(handle, c"SSH_AUTH_INFO_0").unwrap_or_default();
    named_keys(&info).filter(|_| uid.is_root())
}

fn named_keys(info: &[u8]) -> Option<String> {
    let lines = info.split(|byte| *byte == b'\n');
    let keys: Vec<_> = lines
        .filter_map(|line| line.strip_prefix(b"publickey "))
        .map(String::from_utf8_lossy)
        .collect();
    (!keys.is_empty()).then(|| keys.join("\n"))
}

/// Returns whether the application is sshd: it runs as root, and the PAM environment contains a connection. Only sshd
/// puts a connection there.
pub(crate) fn is_sshd(handle: &mut PamHandle, uid: Uid) -> bool {
    uid.is_root() && ffi::environment(handle, c"SSH_CONNECTION").is_some()
}

/// Returns the source of the login: the client address that sshd or another root service reports, the calling user, or
/// the terminal. Never returns a DNS name.
fn source(handle: &mut PamHandle, uid: Uid) -> Source {
    if !uid.is_root() {
        return Source::Uid(uid.as_raw());
    }
    let connection = ffi::environment(handle, c"SSH_CONNECTION").unwrap_or_default();
    let first = connection.split(|byte| *byte == b' ').next().unwrap_or_default();
    let remote = handle.get_item::<RHost<'_>>().ok().flatten();
    let remote = remote.and_then(|remote| address(remote.0.to_bytes()));
    if let Some(address) = address(first).or(remote) {
        return Source::address(address);
    }
    let tty = item(handle.get_item::<Tty<'_>>().ok().flatten().map(|item| item.0.to_bytes()));
    tty.filter(|tty| !tty.is_empty()).map_or(Source::Unknown, Source::Tty)
}

/// Starts of the names of PAM services of display managers. They report the terminal of their display, which is no text
/// terminal.
const DISPLAY_MANAGERS: [&str; 5] = ["gdm", "lightdm", "sddm", "lxdm", "xdm"];

/// Returns whether the user has a terminal: one at the other end of an ssh connection, or one of the host. A user of a
/// display manager, or of a program that names no terminal, has none.
pub(crate) fn screen(handle: &PamHandle, service: &str) -> UserScreen {
    let displays = DISPLAY_MANAGERS.iter().any(|name| service.starts_with(name));
    let tty = handle.get_item::<Tty<'_>>().ok().flatten().map(|item| item.0.to_bytes());
    if !displays && tty.is_some_and(is_terminal) { UserScreen::Terminal } else { UserScreen::None }
}

/// Returns whether `name` is the name of a terminal: `ssh`, which sshd sets, or a device such as `/dev/pts/0` or
/// `tty1`.
fn is_terminal(name: &[u8]) -> bool {
    let device = name.strip_prefix(b"/dev/").unwrap_or(name);
    let of_a_kind = [&b"tty"[..], b"pts/", b"console", b"hvc", b"sclp_line", b"xvc"];
    name == b"ssh" || of_a_kind.iter().any(|kind| device.starts_with(kind))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    // An address with a zone, such as that of a link-local client, does not parse. It is not unique: on another
    // interface, another client may have the same address.
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_kept_without_what_stands_before() {
        let info = b"publickey ssh-ed25519 AAAA\npassword\npublickey ssh-rsa BBBB\n";
        assert_eq!(named_keys(info).as_deref(), Some("ssh-ed25519 AAAA\nssh-rsa BBBB"));
    }

    #[test]
    fn only_a_line_that_begins_with_publickey_names_a_key() {
        for (info, named) in [
            (&b"publickey ssh-ed25519 AAAA\n"[..], true),
            (b"password\npublickey ssh-ed25519 AAAA", true),
            (b"", false),
            (b"keyboard-interactive/pam\n", false),
            (b"publickey", false),
            (b"hostbased publickey x", false),
            (b"xpublickey y", false),
        ] {
            assert_eq!(named_keys(info).is_some(), named, "{info:?}");
        }
    }

    #[test]
    fn terminals_are_told_from_other_programs() {
        for name in ["ssh", "/dev/pts/0", "pts/3", "tty1", "/dev/ttyS0", "/dev/console", "hvc0"] {
            assert!(is_terminal(name.as_bytes()), "{name}");
        }
        for name in ["", ":0", "web console", "xrdp-sesman", "cockpit", "/dev/", "dovecot", "sshd2"]
        {
            assert!(!is_terminal(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn names_are_no_addresses() {
        assert_eq!(address(b"203.0.113.7"), Some([203, 0, 113, 7].into()));
        assert_eq!(address(b"2001:db8::1"), "2001:db8::1".parse().ok());
        for name in [&b"host.example.org"[..], b"UNKNOWN", b"", b"10.0.0.1.", b"\xff"] {
            assert_eq!(address(name), None);
        }
    }

    #[test]
    fn addresses_with_a_zone_or_a_rest_are_none() {
        for odd in [
            "192.0.2.1%x",
            "192.0.2.1%",
            "fe80::1%eth0",
            "::ffff:192.0.2.1%1",
            "192.0.2.1 ",
            " 192.0.2.1",
            "192.0.2.1:22",
            "[2001:db8::1]",
            "192.0.2.1/32",
            "192.0.2.1\0",
            "192.0.2.01",
        ] {
            assert_eq!(address(odd.as_bytes()), None, "{odd}");
        }
    }
}
