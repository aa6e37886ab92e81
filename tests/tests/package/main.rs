//! The package, the demo, and the harness itself.

mod deb;
mod demo;
mod harness;
