//! Tests of the daemon with a real etcd: the variable `TWINLOCK_ETCD` names its program. Without it, each test says
//! that it is skipped, and passes.

#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod certificates;
mod client;
mod entry;
mod outages;
mod rights;
mod scene;
mod speed;
mod store;
