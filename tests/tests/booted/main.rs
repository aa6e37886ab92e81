//! What only a machine that has booted shows: who acts, and what systemd makes of twinlock's units.

mod acting;
mod resetting;
mod units;
