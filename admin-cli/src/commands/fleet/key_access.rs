//! Reads, writes and removes the key file of the fleet, in the folder of the settings.

use twinlock_core::base::error::{FileError, FleetError};
use twinlock_host::{
    fleet::{
        key_file::{FleetKey, KEY_FILE},
        read_key,
    },
    settings::{private_file, sibling},
};

use crate::{
    commands::fleet::OWNER,
    context::Context,
    error::exit::{CliError, Exit},
    text::plain,
};

/// Returns the path of the key file.
pub(super) fn path(context: &Context) -> String {
    sibling(&context.config, KEY_FILE)
}

/// Returns whether the key file exists, without reading it.
pub(super) fn exists(context: &Context) -> bool {
    std::fs::symlink_metadata(path(context)).is_ok()
}

/// Reads the key file. If there is none, the error says how to create or join a fleet.
pub(super) fn read(context: &Context) -> Result<FleetKey, CliError> {
    if !exists(context) {
        let what = format!("there is no {}, so this host is in no fleet", plain(&path(context)));
        let remedy = "To begin a fleet: twinlock fleet init. To join one: copy the file from another host (owner root, mode 0600), then twinlock fleet join.";
        return Err(CliError::new(Exit::NotInState, what, remedy));
    }
    read_key(&context.config, OWNER).map_err(CliError::from)
}

/// Parses the key file of another host, which this host is about to copy.
pub(super) fn parsed(text: &str) -> Result<FleetKey, CliError> {
    FleetKey::read(text).map_err(|_: FleetError| {
        let remedy = "Give the file /etc/twinlock/fleet.key of another host.";
        CliError::new(Exit::Usage, "that is no key file of a fleet", remedy)
    })
}

/// Creates the key file.
pub(super) fn create(context: &Context, key: &FleetKey) -> Result<(), CliError> {
    match private_file::create(&path(context), key.write().as_bytes(), OWNER) {
        Ok(true) => Ok(()),
        Ok(false) => Err(taken(context)),
        Err(fault) => Err(failed(context, fault)),
    }
}

/// Replaces the key file.
pub(super) fn replace(context: &Context, key: &FleetKey) -> Result<(), CliError> {
    let replaced = private_file::replace(&path(context), key.write().as_bytes(), OWNER);
    replaced.map_err(|fault| failed(context, fault))
}

/// Removes the key file.
pub(super) fn remove(context: &Context) -> Result<(), CliError> {
    private_file::remove(&path(context), OWNER).map_err(|fault| failed(context, fault))
}

/// Returns the error of a command that must create the key file although the file exists.
pub(super) fn taken(context: &Context) -> CliError {
    let what = format!("{} exists, so this host has the key of a fleet", plain(&path(context)));
    let remedy = "If that fleet is to be kept, also after an interrupted init: twinlock fleet join. To leave it: twinlock fleet leave.";
    CliError::new(Exit::NotInState, what, remedy)
}

fn failed(context: &Context, fault: FileError) -> CliError {
    let what = format!("{} {fault}", plain(&path(context)));
    CliError::bare(what, "Check the folder /etc/twinlock and its disk.")
}
