//! Every dialogue as a terminal shows it, word for word, in both languages; and what becomes of those that are cut off.

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
