//! What is asked of the store, and how it ended.

use std::time::Duration;

use crate::clock::{Deadline, since_boot};

/// Pause after all endpoints have failed, before the first one is asked again.
const PAUSE: Duration = Duration::from_millis(100);
/// Time after which a request without an answer shows that the store does not answer, although not every endpoint was
/// asked.
const WHOLE: Duration = Duration::from_secs(1);

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
    untrusted: usize,
}

impl Trip {
    /// Begins with the endpoint of this number, out of `endpoints`.
    pub(crate) fn begin(first: usize, endpoints: usize) -> Self {
        Self { begun: since_boot(), first, endpoints: endpoints.max(1), tried: 0, untrusted: 0 }
    }

    /// Returns the number of the endpoint that is asked now.
    pub(crate) fn endpoint(&self) -> usize {
        (self.first + self.tried) % self.endpoints
    }

    /// Goes on to the next endpoint. Pauses if all have failed.
    pub(crate) fn next(&mut self, untrusted: bool, deadline: Deadline) {
        self.tried += 1;
        self.untrusted += usize::from(untrusted);
        if self.tried.is_multiple_of(self.endpoints) && !self.is_denied() {
            std::thread::sleep(PAUSE.min(deadline.left()));
        }
    }

    /// Returns whether no endpoint is trusted, or trusts this host.
    pub(crate) fn is_denied(&self) -> bool {
        self.tried >= self.endpoints && self.untrusted == self.tried
    }

    /// Returns whether so much was tried that the store as a whole does not answer.
    pub(crate) fn is_whole(&self) -> bool {
        self.tried >= self.endpoints || self.elapsed() >= WHOLE
    }

    /// Returns the time since the request was begun.
    pub(crate) fn elapsed(&self) -> Duration {
        since_boot().saturating_sub(self.begun)
    }
}
