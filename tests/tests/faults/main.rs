//! Tests of faults at each system call: kills, full disks, and two programs at the same time.

mod batch;
mod batch_disk;
mod ends;
mod enroll;
mod first;
mod import;
mod login;
mod mail;
mod own_codes;
mod pairs;
mod reset_meanwhile;
mod scratch;
mod stopped;
mod verbs;
mod verbs_fail;
