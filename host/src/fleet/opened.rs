//! Opens the fleet if the settings turn it on: reads the key file, and connects to the daemon at the first request.

use std::rc::Rc;

use nix::unistd::User;
use rustix::system::uname;
use twinlock_core::{
    base::error::FleetError,
    policy::Policy,
    wire::fleet::{FleetReply, FleetTask},
};
use zeroize::Zeroizing;

use crate::{
    clock::KernelClock,
    entropy::KernelEntropy,
    fleet::{
        Fleet, FleetScope, FleetSocket, FleetStore,
        key_file::{FleetKey, KEY_FILE, KEY_FILE_MAX, NamingRule},
    },
    trusted_dir::{self, Owner},
};

/// Returns the fleet of this host; `None` if the settings do not turn it on. `settings_path` is the settings file,
/// whose folder contains the key file. If the key file cannot be read, every request fails.
pub(crate) fn of_host(policy: &Policy, settings_path: &str, owner: Owner) -> Option<Rc<Fleet>> {
    if !policy.fleet.is_on {
        return None;
    }
    let (key, store): (FleetKey, Box<dyn FleetStore>) = match read_key(settings_path, owner) {
        Ok(key) => (key, Box::new(FleetSocket::for_login(owner))),
        Err(fault) => (no_key(), Box::new(NoStore(fault))),
    };
    let scope = FleetScope {
        lowest_uid: policy.fleet.lowest_uid,
        uids: policy.fleet.uids,
        host: uname().nodename().to_string_lossy().into_owned(),
        uid_of: |user| User::from_name(user).ok().flatten().map(|user| user.uid.as_raw()),
    };
    let fleet = Fleet::new(key, store, scope, Box::new(KernelEntropy), Box::new(KernelClock));
    if policy.remember_for == 0 {
        fleet.trust_active_records();
    }
    Some(Rc::new(fleet))
}

/// Reads the key file from the folder of the settings file.
///
/// # Errors
/// [`FleetError::Key`] if it is missing, is not private to `owner`, or is not a valid key file.
pub fn read_key(settings_path: &str, owner: Owner) -> Result<FleetKey, FleetError> {
    let path = crate::settings::sibling(settings_path, KEY_FILE);
    let bytes = trusted_dir::read_file(&path, owner, trusted_dir::PRIVATE, KEY_FILE_MAX);
    let bytes = Zeroizing::new(bytes.map_err(|_| FleetError::Key)?);
    FleetKey::read(std::str::from_utf8(&bytes).map_err(|_| FleetError::Key)?)
}

/// A store that refuses every request, used if the key file cannot be read.
struct NoStore(FleetError);

impl FleetStore for NoStore {
    fn ask(&self, _: FleetTask) -> Result<FleetReply, FleetError> {
        Err(self.0)
    }
}

/// Returns a key file without keys. It seals nothing, because no request is made with it.
fn no_key() -> FleetKey {
    FleetKey {
        fleet: String::new(),
        rule: NamingRule::Exact,
        naming: Zeroizing::new([0; 32]),
        sealing: Vec::new(),
        seals_with: 0,
    }
}
