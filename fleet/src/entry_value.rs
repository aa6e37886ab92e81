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
    /// System name of the host, by which logins mark what they write; `None` if it has a letter that could be mistaken
    /// for another word of the entry.
    pub(crate) node: Option<String>,
}

impl HostFacts {
    /// Returns what this host says about itself.
    pub(crate) fn of_this_host(key_ids: Vec<u16>) -> Self {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { key_ids, node: Some(name).filter(|name| is_plain(name)) }
    }

    /// Returns the value of a write. `counter` is the number of the write and `at` the Unix time. `nonce` distinguishes
    /// the write from one of a clone of this machine, which has the same state and may write in the same second.
    pub(crate) fn value(&self, counter: u64, at: u64, nonce: u128) -> String {
        let key_ids: Vec<String> = self.key_ids.iter().map(u16::to_string).collect();
        let (version, key_ids) = (env!("CARGO_PKG_VERSION"), key_ids.join(","));
        let node = self.node.as_ref().map(|node| format!(" node={node}")).unwrap_or_default();
        format!(
            "counter={counter} version={version} formats={FORMATS} key_ids={key_ids} at={at} nonce={nonce:032x}{node}"
        )
    }
}

/// Returns whether a name has only letters, digits, `.`, `_` and `-`.
fn is_plain(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.bytes().all(fits)
}

/// Returns the value with a mark that this host has stopped. Because the mark changes the entry, the next write of the
/// clone fails, and the clone stops as well. Returns `None` if the value has the mark already.
pub(crate) fn marked(value: &[u8]) -> Option<String> {
    let value = String::from_utf8_lossy(value);
    (!value.ends_with(MARK)).then(|| format!("{value}{MARK}"))
}

/// Returns the number of the write to which a value belongs; 0 if the value is not of this form.
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
        let mut facts = HostFacts { key_ids: vec![1, 2], node: None };
        let value = facts.value(7, 1_796_069_760, 0xab);
        let version = env!("CARGO_PKG_VERSION");
        let wanted = format!(
            "counter=7 version={version} formats=1 key_ids=1,2 at=1796069760 nonce=000000000000000000000000000000ab"
        );
        assert_eq!(value, wanted);
        facts.node = Some("web1".into());
        assert_eq!(facts.value(7, 1_796_069_760, 0xab), format!("{wanted} node=web1"));
        assert!(
            is_plain("web1.example.org") && !is_plain("a b") && !is_plain("a=b") && !is_plain("")
        );
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
