//! The fleet: what this host shares with other hosts through the store. Wraps the ports of the records, the backup
//! codes and the ledger, so that the code of a login is the same with and without a fleet.
//!
//! The store can only cause more refusals. The local ledger, records and spent codes work as without a fleet. A code
//! must be unused on this host and in the store, and both must allow an attempt.
//!
//! - `key_file`: the keys of the fleet.
//! - `names`: the keys of the store.
//! - `seal`: encrypts what is stored.
//! - `session`: the state of each user during one login.
//! - `records`, `commit`, `ledger`, `claim`, `codes`: the wrapped ports.
//! - `meta_limits`: the limits on wrong codes that hold on every host.
//! - `entries`: the entries of a user's ledger in the store.
//! - `shared_records`, `shared_ledger`: the ports of a host, with or without a fleet.
//! - `socket`: the connection to the daemon.
//! - `opened`: reads the key file.
//! - `membership`: the administrator's operations on the fleet as a whole.
//!
//! May use: `clock`, `daemon_socket`, `entropy`, `ledger`, `settings`, `store`, `trusted_dir`.

mod claim;
mod codes;
mod commit;
mod entries;
pub mod key_file;
mod ledger;
#[cfg(feature = "tools")]
pub mod membership;
mod meta_limits;
#[cfg(test)]
mod model;
pub mod names;
mod opened;
mod records;
pub mod seal;
mod session;
mod shared_ledger;
mod shared_records;
mod socket;
pub use codes::LocalCodes;
pub(crate) use opened::of_host;
pub use opened::read_key;
pub use session::{Fleet, FleetScope, FleetStore};
pub use shared_ledger::SharedLedger;
pub use shared_records::SharedRecords;
pub use socket::FleetSocket;
