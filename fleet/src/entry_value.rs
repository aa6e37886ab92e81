//! The value of the entry of a host: words `KEY=VALUE`, separated by spaces.

/// Versions of the formats of values that this version of twinlock reads and writes.
const FORMATS: &str = "1";
/// The last word of an entry whose host has stopped because another machine uses its name.
const MARK: &str = " stopped=cloned";

/// What a host says about itself in its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostFacts {
    /// Numbers of the sealing keys that the host can read.
    pub(crate) key_ids: Vec<u16>,
}

impl HostFacts {
    /// Returns the value of a write. `counter` is the number of the write and `at` the Unix time. `nonce` distinguishes
    /// the write from one of a clone of this machine, which has the same state and may write in the same second.
    pub(crate) fn value(&self, counter: u64, at: u64, nonce: u128) -> String {
        let key_ids: Vec<String> = self.key_ids.iter().map(u16::to_string).collect();
        let (version, key_ids) = (env!("CARGO_PKG_VERSION"), key_ids.join(","));
        format!(
            "counter={counter} version={version} formats={FORMATS} key_ids={key_ids} at={at} nonce={nonce:032x}"
        )
    }
}

/// Returns the value with a mark that this host has stopped. Because the mark changes the entry, the next write of the
/// clone fails, and the clone stops as well. Returns `None` if the value has the mark already.
pub(crate) fn marked(value: &[u8]) -> Option<String> {
    let value = String::from_utf8_lossy(value);
    (!value.ends_with(MARK)).then(|| format!("{value}{MARK}"))
}

/// Returns the number of the write to which a value belongs; 0 if the value has another form.
pub(crate) fn counter_of(value: &[u8]) -> u64 {
    let value = String::from_utf8_lossy(value);
    let counter = value.split(' ').find_map(|word| word.strip_prefix("counter="));
    counter.and_then(|counter| counter.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_says_what_the_host_reads() {
        let facts = HostFacts { key_ids: vec![1, 2] };
        let value = facts.value(7, 1_796_069_760, 0xab);
        let version = env!("CARGO_PKG_VERSION");
        let wanted = format!(
            "counter=7 version={version} formats=1 key_ids=1,2 at=1796069760 nonce=000000000000000000000000000000ab"
        );
        assert_eq!(value, wanted);
        assert_eq!(counter_of(value.as_bytes()), 7);
        assert_eq!((counter_of(b""), counter_of(b"\xff counter=x")), (0, 0));
    }

    #[test]
    fn a_value_is_marked_once() {
        let marked_value = marked(b"counter=7 version=1").unwrap();
        assert_eq!(marked_value, "counter=7 version=1 stopped=cloned");
        assert_eq!(marked(marked_value.as_bytes()), None);
    }
}
