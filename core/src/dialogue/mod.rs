//! What is asked and said, one file a dialogue.
pub mod asking;
pub mod other_ways;
