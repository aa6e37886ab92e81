//! The daemon of the fleet, the only program that talks to the store (etcd). It carries out transactions for the PAM
//! module, the agent and the command of this host, which send them over a Unix socket.
//!
//! The daemon has no key of the fleet and sees only opaque keys and values. `PROTOCOL.md` describes what it reads and
//! writes. Start with [`daemon`]; [`transact`] carries out one request.

#![forbid(unsafe_code)]

mod arrival;
mod background;
mod breaker;
mod clock;
pub mod daemon;
mod daemon_state;
mod delivery;
mod entry;
mod entry_text;
mod entry_value;
mod etcd;
mod host_entry;
mod https;
mod jobs;
mod leases;
mod listener;
mod log;
mod options;
mod program_files;
mod resolver;
mod state_dir;
mod state_report;
mod store;
mod take_back;
mod tls;
mod transact;
mod worker;
