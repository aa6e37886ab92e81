//! The verbs and their arguments: help texts, man page and completions come from here.

use clap::{Parser, Subcommand};

/// A second lock on Linux logins: codes from an authenticator app.
#[derive(Parser)]
#[command(name = "twinlock", version, max_term_width = 78)]
pub struct Command {
    /// Settings file
    #[arg(long, global = true, value_name = "FILE", default_value = twinlock_host::settings::PATH)]
    pub config: String,
    /// Print JSON for scripts
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Subcommand)]
pub enum Verb {
    /// Take over a key that an app already has
    #[command(subcommand)]
    Import(Import),
    /// The ledger's memory: since when used codes are known
    #[command(subcommand)]
    Epoch(Epoch),
    /// Find a way in without a code, or a lock-out
    #[command(subcommand)]
    Doctor(twinlock_doctor::Doctor),
}

/// Where a key comes from.
#[derive(Subcommand)]
pub enum Import {
    /// An otpauth:// line on standard input
    Uri {
        /// The account that it is for
        user: String,
    },
}

/// What to do with the ledger's memory.
#[derive(Subcommand)]
pub enum Epoch {
    /// Make folders, store-id and epoch where they are missing (a unit runs this before sshd)
    Ensure,
    /// Begin a new epoch now: after a restored snapshot, or a clock that was set back
    Now,
}
