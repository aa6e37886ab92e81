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

/// URL path for transactions.
pub(crate) const TXN: &str = "/v3/kv/txn";
/// URL path for reads.
pub(crate) const RANGE: &str = "/v3/kv/range";
/// URL path for requesting a lease.
pub(crate) const GRANT: &str = "/v3/lease/grant";
/// URL path for requesting a token.
pub(crate) const AUTHENTICATE: &str = "/v3/auth/authenticate";
/// URL path for requesting the state of one member of the cluster.
pub(crate) const STATUS: &str = "/v3/maintenance/status";
/// URL path for the metrics of one member of the cluster. The answer is text.
pub(crate) const METRICS: &str = "/metrics";
