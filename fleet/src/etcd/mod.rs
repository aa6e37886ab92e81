//! Translates between the requests of clients and the JSON gateway of etcd, which writes bytes in base64 and 64-bit
//! numbers as strings.

pub(crate) mod answer;
pub(crate) mod failure;
pub(crate) mod fields;
pub(crate) mod folder;
pub(crate) mod http_date;
pub(crate) mod own_entry;
pub(crate) mod status;
pub(crate) mod transaction;

/// Path of a transaction.
pub(crate) const TXN: &str = "/v3/kv/txn";
/// Path of a read.
pub(crate) const RANGE: &str = "/v3/kv/range";
/// Path of the request for a lease.
pub(crate) const GRANT: &str = "/v3/lease/grant";
/// Path of the request for a token.
pub(crate) const AUTHENTICATE: &str = "/v3/auth/authenticate";
/// Path of the request for the state of one member.
pub(crate) const STATUS: &str = "/v3/maintenance/status";
/// Path of the metrics of one member, a text.
pub(crate) const METRICS: &str = "/metrics";
