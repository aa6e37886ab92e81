//! Dialogues with the user, one file each.
//!
//! May use every folder but `authorization`, `format` and `login`.
pub mod asking;
pub mod context;
pub mod delegated;
pub mod final_message;
pub mod fresh_ticket;
pub mod hand_over;
pub mod locker;
pub mod new_codes;
pub mod new_key;
pub mod other_ways;
pub mod own_account;
pub mod owner_code;
pub mod proving;
pub mod remember;
pub mod second_code;
pub mod self_service;
pub mod set_up;
