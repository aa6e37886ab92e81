//! The doctor against real PAM and sshd.

mod pam_dispatch;
mod services;
mod verdicts;
