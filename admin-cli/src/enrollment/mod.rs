//! Reads and changes the enrollments of users: the steps that several commands share.
//!
//! May use: `authorize`, `cli`, `context`, `error`, `mail`, `terminal`, `text`.

pub(crate) mod ahead;
pub(crate) mod batch;
pub(crate) mod code_diagnosis;
pub(crate) mod exemption;
pub(crate) mod extras;
pub(crate) mod first_codes;
pub(crate) mod inviting;
pub(crate) mod key_display;
pub(crate) mod key_text;
pub(crate) mod listing;
pub(crate) mod one_time;
pub(crate) mod own_codes;
pub(crate) mod password;
pub(crate) mod past_code;
pub(crate) mod people_list;
pub(crate) mod person;
pub(crate) mod record_update;
pub(crate) mod reminder;
pub(crate) mod report_file;
pub(crate) mod ticket;
