//! Tests the agent: users who are not root see and change their own second factor.

mod client;
mod connections;
mod hostile;
mod lockers;
mod roles;
mod screens;
mod self_service;

use twinlock_tests::{Machine, PASSWORD};

/// Returns a machine with the agent and the enrolled user ada, who has a password.
pub(crate) fn machine() -> Machine {
    let m = Machine::new();
    m.twinlock().agent().person("ada").epoch_minutes_ago(60);
    m
}

/// Returns the password of each user.
pub(crate) fn password() -> &'static str {
    PASSWORD
}
