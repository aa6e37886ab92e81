//! Dialogues besides the login itself, one file each.
pub mod other_ways;
