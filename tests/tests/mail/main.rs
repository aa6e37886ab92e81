//! Mail to users: texts, delivery and its timer.

mod queue;
mod texts;
mod units;
