//! The part of the daemon's report about one endpoint.

use serde_json::Value;

use crate::etcd::fields;

/// State of one endpoint, from its own answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndpointStatus {
    version: String,
    is_leader: bool,
    db: u64,
    raft_term: u64,
    errors: Vec<String>,
}

/// Measurements of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct EndpointMeasures {
    /// Milliseconds until the endpoint answered.
    pub(crate) ms: u128,
    /// Seconds by which the endpoint's clock is ahead of this host's, negative if behind; `None` if the answer has no
    /// date.
    pub(crate) clock: Option<i64>,
    /// Maximum size of the endpoint's database in bytes; `None` if unknown.
    pub(crate) quota: Option<u64>,
}

impl EndpointStatus {
    /// Parses the answer of an endpoint to the request for its state; `None` if the answer is malformed.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let body = fields::parse(body)?;
        let header = body.get("header")?;
        let (leader, member) =
            (fields::number(&body, "leader")?, fields::number(header, "member_id")?);
        let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten();
        Some(Self {
            version: word(fields::text(&body, "version")),
            is_leader: leader == member && leader != 0,
            db: fields::number(&body, "dbSize")?,
            raft_term: fields::number(&body, "raftTerm")?,
            errors: errors.filter_map(Value::as_str).map(word).collect(),
        })
    }

    /// Returns the state as text: `ok version=3.4.23 ms=3 …`.
    pub(crate) fn to_text(&self, measures: EndpointMeasures) -> String {
        let mut text = format!("ok version={} ms={}", self.version, measures.ms);
        if let Some(clock) = measures.clock {
            text.push_str(&format!(" clock={clock}"));
        }
        text.push_str(&format!(" leader={} db={}", u8::from(self.is_leader), self.db));
        if let Some(quota) = measures.quota {
            text.push_str(&format!(" quota={quota}"));
        }
        text.push_str(&format!(" raft_term={}", self.raft_term));
        if !self.errors.is_empty() {
            text.push_str(&format!(" errors={}", self.errors.join(",")));
        }
        text
    }
}

/// Returns a text of another program as one word of at most 200 characters. All but visible ASCII characters become
/// `_`.
pub(crate) fn word(text: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_graphic() { letter } else { '_' };
    text.chars().take(200).map(plain).collect()
}

/// Returns the maximum size of the database from the metrics of an endpoint; `None` if they do not contain it.
pub(crate) fn quota(metrics: &[u8]) -> Option<u64> {
    let metrics = std::str::from_utf8(metrics).ok()?;
    let name = "etcd_server_quota_backend_bytes ";
    let bytes = metrics.lines().find_map(|line| line.strip_prefix(name))?;
    whole(bytes.trim())
}

/// Parses a whole number of the metrics, such as `2.147483648e+09`; `None` if the text is not one.
fn whole(text: &str) -> Option<u64> {
    let (mantissa, exponent) = text.split_once("e+").unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: usize = exponent.parse().ok().filter(|exponent| *exponent <= 18)?;
    let fraction = fraction.get(..exponent.min(fraction.len()))?;
    format!("{whole}{fraction:0<exponent$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"header":{"cluster_id":"32","member_id":"33","revision":"1","raft_term":"2"},
        "version":"3.4.23","dbSize":"20480","leader":"33","raftIndex":"4","raftTerm":"2","dbSizeInUse":"16384"}"#;

    #[test]
    fn the_state_of_an_endpoint_is_one_line() {
        let status = EndpointStatus::read(BODY).unwrap();
        let measures = EndpointMeasures { ms: 3, clock: Some(-1), quota: Some(2_147_483_648) };
        let text = "ok version=3.4.23 ms=3 clock=-1 leader=1 db=20480 quota=2147483648 raft_term=2";
        assert_eq!(status.to_text(measures), text);
        let text = String::from_utf8(BODY.to_vec()).unwrap();
        let text =
            text.replace("\"leader\":\"33\"", "\"leader\":\"34\",\"errors\":[\"a b\",\"c\"]");
        let status = EndpointStatus::read(text.as_bytes()).unwrap();
        let text = "ok version=3.4.23 ms=0 leader=0 db=20480 raft_term=2 errors=a_b,c";
        assert_eq!(status.to_text(EndpointMeasures::default()), text);
        assert_eq!(EndpointStatus::read(b"{}"), None);
    }

    #[test]
    fn the_quota_is_in_the_metrics() {
        let metrics = b"# HELP etcd_server_quota_backend_bytes Current\netcd_server_quota_backend_bytes 8.388608e+06\na 1\n";
        assert_eq!(quota(metrics), Some(8_388_608));
        assert_eq!(quota(b"a 1\n"), None);
        for (text, number) in [
            ("0", Some(0)),
            ("1048576", Some(1_048_576)),
            ("2.147483648e+09", Some(2_147_483_648)),
            ("8e+09", Some(8_000_000_000)),
            ("1.5", Some(1)),
            ("NaN", None),
            ("1e+99", None),
            ("-1", None),
        ] {
            assert_eq!(whole(text), number, "{text}");
        }
    }
}
