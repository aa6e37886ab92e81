//! A request to the store, and its result.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    clock::{Deadline, since_boot},
    store::ENDPOINT_PATIENCE,
};

/// Pause after all endpoints have failed, before the first one is asked again.
const PAUSE: Duration = Duration::from_millis(100);
/// Time without an answer after which the store as a whole counts as unreachable, even if not every endpoint was asked.
const WHOLE: Duration = Duration::from_secs(1);
/// Shortest time for which an endpoint is asked. A request that is cut off earlier gets no answer, but may still be
/// carried out.
pub(crate) const SHORTEST: Duration = Duration::from_millis(20);

/// A request to the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreAsk<'a> {
    /// The path of the URL.
    pub(crate) path: &'a str,
    /// The body of the HTTP request.
    pub(crate) body: &'a str,
    /// Time until which an answer is awaited.
    pub(crate) deadline: Deadline,
}

/// Why the store has not carried out a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AskError {
    /// No endpoint has answered in time.
    Unanswered,
    /// The database of the store is full.
    Full,
    /// The store refuses this host.
    Denied,
    /// The store does not know a lease of the request.
    LeaseLost,
    /// The request has a form that the store refuses.
    Malformed,
    /// The store has carried out the request, and its answer is too large.
    TooLarge,
}

/// Result of a request to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreAsked {
    /// The body of the answer, or why there is none.
    pub(crate) result: Result<Vec<u8>, AskError>,
    /// How many copies of the request the store may have received.
    pub(crate) copies: u32,
}

/// Result of a request to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EndpointAttempt {
    /// The endpoint has answered. If its answer is an error, the request fails, and no other endpoint is asked.
    Answered(Result<Vec<u8>, AskError>),
    /// The endpoint has not answered, or another endpoint must be asked.
    Failed,
    /// The endpoint does not trust this host, or this host does not trust the endpoint.
    Untrusted,
}

/// The order in which the endpoints are asked for one request, beginning with the endpoint that answered last.
#[derive(Debug)]
pub(crate) struct Trip {
    begun: Duration,
    first: usize,
    endpoints: usize,
    tried: usize,
    /// Numbers of the endpoints that do not trust this host, or that this host does not trust.
    untrusted: BTreeSet<usize>,
}

impl Trip {
    /// Begins with the endpoint number `first` out of `endpoints`.
    pub(crate) fn begin(first: usize, endpoints: usize) -> Self {
        let (begun, untrusted) = (since_boot(), BTreeSet::new());
        Self { begun, first, endpoints: endpoints.max(1), tried: 0, untrusted }
    }

    /// Returns the number of the endpoint that is asked now.
    pub(crate) fn endpoint(&self) -> usize {
        (self.first + self.tried) % self.endpoints
    }

    /// Advances to the next endpoint. Pauses if all endpoints have failed.
    pub(crate) fn next(&mut self, untrusted: bool, deadline: Deadline) {
        if untrusted {
            self.untrusted.insert(self.endpoint());
        }
        self.tried += 1;
        if self.tried.is_multiple_of(self.endpoints) && !self.is_denied() {
            std::thread::sleep(PAUSE.min(deadline.left()));
        }
    }

    /// Returns whether there is no endpoint left with mutual trust. An endpoint that refuses a certificate may just
    /// close the connection, so that only one of several attempts shows it.
    pub(crate) fn is_denied(&self) -> bool {
        self.untrusted.len() >= self.endpoints
    }

    /// Returns whether each endpoint was asked at least once.
    pub(crate) fn has_asked_all(&self) -> bool {
        self.tried >= self.endpoints
    }

    /// Returns whether enough was tried to conclude that the store as a whole does not answer. A request that had to
    /// wait for a thread may have too little time left for this.
    pub(crate) fn is_whole(&self) -> bool {
        let endpoints = u32::try_from(self.endpoints).unwrap_or(u32::MAX);
        self.elapsed() >= ENDPOINT_PATIENCE.saturating_mul(endpoints).min(WHOLE)
    }

    /// Returns the time since the request was begun.
    pub(crate) fn elapsed(&self) -> Duration {
        since_boot().saturating_sub(self.begun)
    }
}
