//! The packages, the demo, and the harness itself.

mod authselect;
mod deb;
mod demo;
mod harness;
mod lists;
mod nixos;
mod preflight;
mod scripts;
