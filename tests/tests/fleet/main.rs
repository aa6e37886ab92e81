//! Tests the fleet: hosts that share state through etcd. So far, the clusters and links of these tests themselves.

mod cluster;
mod gateway;
mod links;
