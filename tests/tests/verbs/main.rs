//! Tests the administrator's commands: their texts, exit statuses, JSON and log lines, and who may call them.

mod acting;
mod afterwards;
mod authorization;
mod bad_settings;
mod caller_files;
mod carry;
mod enroll;
mod hostile;
mod json;
mod own_ways;
mod people;
mod raw_controls;
mod removing;
mod rollout;
mod settings;
mod verify;
mod why;
mod words;
