//! What is asked of the store, and how it ended.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    clock::{Deadline, since_boot},
    store::ENDPOINT_PATIENCE,
};

/// Pause after all endpoints have failed, before the first one is asked again.
const PAUSE: Duration = Duration::from_millis(100);
/// Time after which a request without an answer shows that the store does not answer, although not every endpoint was
/// asked.
const WHOLE: Duration = Duration::from_secs(1);
/// Shortest time for which an endpoint is asked. A request that is cut off earlier was made in vain, and may be carried
/// out.
pub(crate) const SHORTEST: Duration = Duration::from_millis(20);

/// A request to the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreAsk<'a> {
    /// The path.
    pub(crate) path: &'a str,
    /// The body.
    pub(crate) body: &'a str,
    /// Until when an answer is waited for.
    pub(crate) deadline: Deadline,
}

/// Why the store has not carried out a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AskError {
    /// No endpoint has answered in time.
    Unanswered,
    /// The store has no room.
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

/// How a request to the store ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoreAsked {
    /// The body of the answer, or why there is none.
    pub(crate) result: Result<Vec<u8>, AskError>,
    /// How many copies of the request the store may have received.
    pub(crate) copies: u32,
}

/// How the attempt with one endpoint ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EndpointAttempt {
    /// The endpoint has answered.
    Answered(Result<Vec<u8>, AskError>),
    /// It has not answered, or another endpoint must be asked.
    Failed,
    /// It does not trust this host, or this host does not trust it.
    Untrusted,
}

/// The order in which the endpoints are asked for one request: first the one that answered last.
#[derive(Debug)]
pub(crate) struct Trip {
    begun: Duration,
    first: usize,
    endpoints: usize,
    tried: usize,
    /// Numbers of the endpoints that are not trusted, or do not trust this host.
    untrusted: BTreeSet<usize>,
}

impl Trip {
    /// Begins with the endpoint of this number, out of `endpoints`.
    pub(crate) fn begin(first: usize, endpoints: usize) -> Self {
        let (begun, untrusted) = (since_boot(), BTreeSet::new());
        Self { begun, first, endpoints: endpoints.max(1), tried: 0, untrusted }
    }

    /// Returns the number of the endpoint that is asked now.
    pub(crate) fn endpoint(&self) -> usize {
        (self.first + self.tried) % self.endpoints
    }

    /// Goes on to the next endpoint. Pauses if all have failed.
    pub(crate) fn next(&mut self, untrusted: bool, deadline: Deadline) {
        if untrusted {
            self.untrusted.insert(self.endpoint());
        }
        self.tried += 1;
        if self.tried.is_multiple_of(self.endpoints) && !self.is_denied() {
            std::thread::sleep(PAUSE.min(deadline.left()));
        }
    }

    /// Returns whether no endpoint is trusted, or trusts this host. An endpoint that refuses a certificate may also just
    /// end the connection, so that only one of several attempts shows it.
    pub(crate) fn is_denied(&self) -> bool {
        self.untrusted.len() >= self.endpoints
    }

    /// Returns whether so much was tried that the store as a whole does not answer. A request that had to wait for a
    /// thread may leave too little time for that.
    pub(crate) fn is_whole(&self) -> bool {
        let endpoints = u32::try_from(self.endpoints).unwrap_or(u32::MAX);
        self.elapsed() >= ENDPOINT_PATIENCE.saturating_mul(endpoints).min(WHOLE)
    }

    /// Returns the time since the request was begun.
    pub(crate) fn elapsed(&self) -> Duration {
        since_boot().saturating_sub(self.begun)
    }
}
