//! Tests the mail to users: its texts, its delivery, and the timer of the delivery.

mod queue;
mod texts;
mod units;
