//! The doctor against real PAM and sshd.

mod differential;
mod numbers;
mod pam_dispatch;
mod services;
mod verdicts;
