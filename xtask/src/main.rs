//! cargo xtask: every chore of the project.
fn main() {}
