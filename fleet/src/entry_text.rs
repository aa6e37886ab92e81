//! The file in the state directory with what the daemon knows of this host's entry: lines `KEY=VALUE`.

use crate::entry::{EntryState, EntryStop};

/// Name of the fleet and of this host in it. A file of another host, or of another fleet, is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostName {
    /// Name of the fleet.
    pub(crate) fleet: String,
    /// Name of the host.
    pub(crate) host: String,
}

const ROLLED_BACK: &str = "rolled_back";
const CLONED: &str = "cloned";

/// Returns the word for a stop, which `daemon.stopped` in the state report has, too.
pub(crate) fn word(stop: EntryStop) -> &'static str {
    match stop {
        EntryStop::RolledBack => ROLLED_BACK,
        EntryStop::Cloned => CLONED,
    }
}

/// Returns the text of the file.
pub(crate) fn write(name: &HostName, state: &EntryState) -> String {
    let mut text = format!(
        "fleet={}\nhost={}\nrevision={}\ncounter={}\n",
        name.fleet, name.host, state.revision, state.counter
    );
    if let Some(intended) = &state.intended {
        text.push_str(&format!("intended={intended}\n"));
    }
    if let Some(stop) = state.stop {
        text.push_str(&format!("stopped={}\n", word(stop)));
    }
    text
}

/// Parses the text of the file.
///
/// # Errors
/// What is wrong, as a clause.
pub(crate) fn read(text: &str, name: &HostName) -> Result<EntryState, String> {
    let mut values = std::collections::HashMap::new();
    for line in text.lines() {
        let (key, value) = line.split_once('=').ok_or("it has a line without =")?;
        if values.insert(key, value).is_some() {
            return Err(format!("it has {key} twice"));
        }
    }
    let mut take = |key: &str| values.remove(key);
    for (key, wanted) in [("fleet", &name.fleet), ("host", &name.host)] {
        let found = take(key);
        if found != Some(wanted.as_str()) {
            let found = found.unwrap_or_default();
            return Err(format!("it is of the {key} {found}, not of {wanted}"));
        }
    }
    let mut number = |key: &str| take(key)?.parse().ok();
    let revision = number("revision").ok_or("it has no revision")?;
    let counter = number("counter").ok_or("it has no counter")?;
    let intended = take("intended").map(str::to_owned);
    let stop = match take("stopped") {
        None => None,
        Some(ROLLED_BACK) => Some(EntryStop::RolledBack),
        Some(CLONED) => Some(EntryStop::Cloned),
        Some(other) => return Err(format!("stopped is {other}")),
    };
    if let Some(key) = values.into_keys().next() {
        return Err(format!("it has {key}"));
    }
    Ok(EntryState::restored(revision, counter, intended, stop))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> HostName {
        HostName { fleet: "prod".into(), host: "web1".into() }
    }

    #[test]
    fn a_state_comes_back() {
        for stop in [None, Some(EntryStop::RolledBack), Some(EntryStop::Cloned)] {
            for intended in [None, Some("counter=8 at=5".to_owned())] {
                let state = EntryState::restored(12, 7, intended, stop);
                assert_eq!(read(&write(&name(), &state), &name()), Ok(state));
            }
        }
    }

    #[test]
    fn another_file_is_refused() {
        let whole = "fleet=prod\nhost=web1\nrevision=12\ncounter=7\n";
        assert!(read(whole, &name()).is_ok());
        for (from, to, what) in [
            ("prod", "test", "it is of the fleet test, not of prod"),
            ("web1", "web2", "it is of the host web2, not of web1"),
            ("revision=12\n", "", "it has no revision"),
            ("=7", "=x", "it has no counter"),
            ("counter", "stopped=x\ncounter", "stopped is x"),
            ("counter", "more=1\ncounter", "it has more"),
            ("counter", "host=web1\ncounter", "it has host twice"),
            ("counter=7", "counter", "it has a line without ="),
        ] {
            assert_eq!(read(&whole.replacen(from, to, 1), &name()), Err(what.to_owned()));
        }
    }
}
