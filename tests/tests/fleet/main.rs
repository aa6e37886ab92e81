//! Tests the fleet: hosts that share state through etcd. So far, the clusters, links and hosts of these tests themselves.

mod cluster;
mod gateway;
mod hosts;
mod links;
