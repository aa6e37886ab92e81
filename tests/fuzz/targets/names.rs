//! Fuzz targets for names and single words: ledger names, folder names, the epoch, networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use twinlock_core::base::account::Folder;
use twinlock_core::base::request::SourceLabel;
use twinlock_core::ledger::{epoch_text as epochs, names};
use twinlock_core::policy::Network;

use super::{is_one_harmless_line, text};

/// Checks that a ledger name is unchanged after it is parsed and written.
pub(crate) fn ledger_name(bytes: &[u8]) {
    let text = text(bytes);
    if let Some(used) = names::read_used(&text) {
        is_a_name_of_ours(&names::used_name(&used));
        assert_eq!(names::read_used(&names::used_name(&used)), Some(used));
    }
    if let Some(charged) = names::read_try(&text) {
        is_a_name_of_ours(&names::try_name(&charged));
        assert_eq!(names::read_try(&names::try_name(&charged)), Some(charged));
    }
    if let Some(row) = names::read_row(&text) {
        is_a_name_of_ours(&names::row_name(row));
        assert_eq!(names::read_row(&names::row_name(row)), Some(row));
    }
    if let Some(at) = names::read_instant(&text) {
        assert_eq!(names::read_instant(&names::instant(at)), Some(at));
    }
    if let Some(refused) = names::read_refused(&text) {
        let again = names::read_refused(&names::write_refused(&refused)).expect("what was written");
        assert!(again.at == refused.at && again.source == refused.source);
    }
    if let Some(source) = SourceLabel::read(&text) {
        assert_eq!(source.as_str(), text);
        is_a_name_of_ours(source.as_str());
    }
}

/// Checks that a ledger name is one line of harmless characters, of at most 128 bytes. A link of this size is stored in
/// its inode, so it can be created on a full disk.
fn is_a_name_of_ours(name: &str) {
    is_one_harmless_line(name);
    assert!(name.len() <= 128 && !name.contains('/'), "{name}");
}

pub(crate) fn epoch(bytes: &[u8]) {
    let text = text(bytes);
    if let Some(found) = epochs::read(&text) {
        assert_eq!(epochs::read(&epochs::write(&found)), Some(found));
    }
    let boot = epochs::boot_id(&text);
    assert!(boot.len() <= text.len());
    assert!(!boot.contains(['-', '\n']), "{boot:?}");
}

/// Checks that each user name has one folder, and that each folder has one user name.
pub(crate) fn folder(bytes: &[u8]) {
    let text = text(bytes);
    if let Some(name) = Folder::name_of(&text) {
        assert_eq!(Folder::of(&name).expect("a name that was read").as_str(), text);
    }
    if let Ok(folder) = Folder::of(&text) {
        let folder = folder.as_str();
        assert!(!folder.starts_with('.') && (1..=255).contains(&folder.len()));
        assert!(!folder.contains(['/', '\0']) && folder.is_ascii());
        assert_eq!(Folder::name_of(folder), Some(text));
    }
}

/// Checks that a network contains its own address and no address of the other family.
pub(crate) fn network(bytes: &[u8]) {
    let text = text(bytes);
    let Some(network) = Network::parse(&text) else { return };
    let address = text.trim().split('/').next().and_then(|part| part.parse::<IpAddr>().ok());
    assert!(network.holds(address.expect("the network's own address")), "{text}");
    let families = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    let others = [IpAddr::V4(Ipv4Addr::BROADCAST), IpAddr::V6(Ipv6Addr::from(u128::MAX))];
    let whole = |at: usize| network.holds(families[at]) && network.holds(others[at]);
    assert!(!(whole(0) && whole(1)), "{text}");
}
