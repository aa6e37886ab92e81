//! The machine: files, clock, entropy, accounts and log behind the ports of twinlock-core.
