//! Tests every dialogue as a terminal shows it, word for word in both languages, and dialogues that are interrupted.

mod abuse;
mod built_upon;
mod callers;
mod codes;
mod device;
mod killed;
mod menu;
mod other_clients;
mod people;
mod refused;
mod rivals;
mod seen;
mod self_service;
mod set_up;
mod square;
mod vouchers;
