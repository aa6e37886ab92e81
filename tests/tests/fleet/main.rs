//! Tests the fleet: hosts that share records, used codes and attempts through etcd.

mod changes;
mod clones;
mod cluster;
mod endpoints;
mod faults;
mod figures;
mod gateway;
mod hang;
mod hosts;
mod leaving;
mod lies;
mod limits;
mod links;
mod load;
mod loss;
mod mail;
mod members;
mod middle;
mod moments;
mod once;
mod outages;
mod pair;
mod proof;
mod throttle;
mod uniform;
mod which_host;
