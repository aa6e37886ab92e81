//! Decides who may log in: pure functions over time, randomness and records that come in as arguments.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
