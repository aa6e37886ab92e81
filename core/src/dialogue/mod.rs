//! Dialogues with the user, one file each.
pub mod asking;
pub mod fresh_ticket;
pub mod hand_over;
pub mod new_codes;
pub mod new_key;
pub mod other_ways;
pub mod parting;
pub mod proving;
pub mod remember;
pub mod second_code;
pub mod self_service;
pub mod set_up;
pub mod talk;
