//! Tests that need a booted machine: the acting user, and twinlock's units under systemd.

mod acting;
mod agent;
mod resetting;
mod setup;
mod units;
