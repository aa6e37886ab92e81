//! Tests real logins by sshd, sudo, su and login, and measures what they cost.

mod attacks;
mod callers;
mod change;
mod clients;
mod clocks;
mod cost;
mod enumeration;
mod guessing;
mod hostile;
mod hotp;
mod ledger;
mod malformed;
mod memory;
mod once;
mod onefield;
mod onefield_clients;
mod other_prompts;
mod own_enrollment;
mod panic;
mod resync;
mod scratch;
mod secrets;
mod sshd;
mod stores;
