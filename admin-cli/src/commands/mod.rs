//! The commands, one file a verb.

pub mod doctor;
mod epoch;
mod import_uri;

use crate::{
    desk::Desk,
    exit::Failure,
    verbs::{Epoch, Import, Verb},
};

/// Runs a verb.
pub fn run(desk: &Desk, verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::Import(Import::Uri { user }) => import_uri::run(desk, user),
        Verb::Epoch(Epoch::Ensure) => epoch::ensure(desk),
        Verb::Epoch(Epoch::Now) => epoch::now(desk),
        // Answered without a desk, before this.
        Verb::Doctor(_) => Ok(()),
    }
}
