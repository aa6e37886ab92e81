//! Tests the packages, the demo, and the private machine of the tests itself.

mod authselect;
mod deb;
mod demo;
mod harness;
mod lists;
mod nixos;
mod preflight;
mod scripts;
