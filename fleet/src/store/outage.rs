//! The time since which the store does not answer. It is saved in a file, so that it survives a restart of the daemon.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    breaker::Breaker,
    clock::unix_time,
    log::{Log, LogLevel},
    state_dir::StateDir,
};

/// Name of the file with the Unix time at which the outage began.
const FILE: &str = "unreachable_since";

/// The circuit breaker, with its file and its log lines.
#[derive(Debug)]
pub(crate) struct Outage {
    breaker: Mutex<Breaker>,
    opened: Condvar,
    /// Locked while the file is written.
    writing: Mutex<()>,
    dir: Arc<StateDir>,
    log: Arc<Log>,
}

impl Outage {
    /// Returns the state that was saved before the daemon ended.
    pub(crate) fn restored(dir: Arc<StateDir>, log: Arc<Log>) -> Self {
        let since = dir.read(FILE).ok().flatten().and_then(|text| text.trim().parse().ok());
        let breaker = Mutex::new(Breaker::after(since));
        Self { breaker, opened: Condvar::new(), writing: Mutex::default(), dir, log }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether requests are refused.
    pub(crate) fn is_open(&self) -> bool {
        self.breaker().is_open()
    }

    /// Returns the Unix time at which the outage began; `None` if there is none.
    pub(crate) fn since(&self) -> Option<u64> {
        self.breaker().since()
    }

    /// Records that no endpoint has answered a request that began at the Unix time `since`.
    pub(crate) fn begin(&self, since: u64) {
        let mut breaker = self.breaker();
        if !breaker.open(since) {
            return;
        }
        let since = breaker.since().unwrap_or(since).to_string();
        drop(breaker);
        self.opened.notify_all();
        self.log.say(LogLevel::Warning, "fleet_store_unreachable", &[("since", &since)]);
        self.write();
    }

    /// Records that an endpoint has answered.
    pub(crate) fn end(&self) {
        let Some(since) = self.breaker().close() else { return };
        let seconds = unix_time().saturating_sub(since).to_string();
        self.log.say(LogLevel::Notice, "fleet_store_back", &[("seconds", &seconds)]);
        self.write();
    }

    /// Waits until requests are refused, but no longer than `most`. Returns whether they are refused.
    pub(crate) fn wait(&self, most: Duration) -> bool {
        let breaker = self.breaker();
        let waited = self.opened.wait_timeout_while(breaker, most, |breaker| !breaker.is_open());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_open()
    }

    fn write(&self) {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match self.since() {
            Some(since) => self.dir.write(FILE, &format!("{since}\n")),
            None => self.dir.remove(FILE),
        };
        if let Err(error) = written {
            let pairs = [("file", FILE), ("detail", &error.to_string())];
            self.log.say(LogLevel::Alert, "fleet_state_not_written", &pairs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_outlives_the_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Arc::new(StateDir::open(folder.path()).unwrap());
        let log = Arc::new(Log::new("web1"));
        let outage = || Outage::restored(dir.clone(), log.clone());
        let first = outage();
        assert!(!first.wait(Duration::ZERO));
        first.begin(500);
        first.begin(600);
        assert!(first.wait(Duration::from_secs(9)));
        let second = outage();
        assert_eq!((second.is_open(), second.since()), (false, Some(500)));
        second.end();
        assert_eq!((second.since(), outage().since()), (None, None));
    }
}
