//! Compares what doctor says with what a real PAM and a real sshd do.

mod differential;
mod numbers;
mod pam_dispatch;
mod services;
mod verdicts;
