//! The circuit breaker: after a time-out, requests are refused at once until the store answers again.

/// State of the circuit breaker: whether requests are refused, and since when the store does not answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    open: bool,
    since: Option<u64>,
}

impl Breaker {
    /// Returns a closed breaker. If the store did not answer when the daemon ended, `since` is the Unix time at which
    /// that outage began; otherwise `None`.
    pub(crate) fn after(since: Option<u64>) -> Self {
        Self { open: false, since }
    }

    /// Opens the breaker, because no endpoint has answered a request that began at the Unix time `since`. Returns
    /// whether the breaker was closed before.
    pub(crate) fn open(&mut self, since: u64) -> bool {
        self.since.get_or_insert(since);
        !std::mem::replace(&mut self.open, true)
    }

    /// Closes the breaker, because an endpoint has answered. Returns the Unix time at which the outage began; `None` if
    /// there was none.
    pub(crate) fn close(&mut self) -> Option<u64> {
        self.open = false;
        self.since.take()
    }

    /// Returns whether requests are refused.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Returns the Unix time at which the outage began; `None` if there is none.
    pub(crate) fn since(&self) -> Option<u64> {
        self.since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_time_out_counts() {
        let mut breaker = Breaker::default();
        assert!(!breaker.is_open());
        assert!(breaker.open(100));
        assert!(!breaker.open(103));
        assert_eq!((breaker.is_open(), breaker.since()), (true, Some(100)));
        assert_eq!(breaker.close(), Some(100));
        assert_eq!(breaker.close(), None);
        assert!(!breaker.is_open());
        assert!(breaker.open(200));
        assert_eq!(breaker.since(), Some(200));
    }

    #[test]
    fn a_restart_forgets_no_outage() {
        let mut breaker = Breaker::after(Some(50));
        assert_eq!((breaker.is_open(), breaker.since()), (false, Some(50)));
        assert!(breaker.open(90));
        assert_eq!(breaker.close(), Some(50));
    }
}
