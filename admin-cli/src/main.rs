//! twinlock: what a person types.
fn main() {}
