//! The interface that sends one HTTP request to one endpoint.

use std::time::Duration;

/// Maximum time of one request to one endpoint, from the connection to the last byte of the answer.
pub(crate) const ENDPOINT_PATIENCE: Duration = Duration::from_millis(400);

/// A request to one endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HttpCall<'a> {
    /// The path of the URL.
    pub(crate) path: &'a str,
    /// The body of a POST; `None` for a GET.
    pub(crate) body: Option<&'a str>,
    /// The token of the store's user; `None` to send none.
    pub(crate) token: Option<&'a str>,
    /// Maximum time in which the endpoint must have answered.
    pub(crate) limit: Duration,
}

/// The answer of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpAnswer {
    /// The HTTP status code.
    pub(crate) status: u16,
    /// The body of the answer.
    pub(crate) body: Vec<u8>,
    /// The header field `Date`; `None` if there is none.
    pub(crate) date: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HttpError {
    /// The endpoint has not received the request.
    NotSent(String),
    /// It is unknown whether the endpoint has received the request.
    Lost(String),
    /// The endpoint does not trust this host, or this host does not trust the endpoint.
    Tls(String),
    /// The endpoint has carried out the request, and its answer is too large.
    TooLarge,
}

impl HttpError {
    /// Returns the error as a clause.
    pub(crate) fn what(&self) -> &str {
        match self {
            Self::NotSent(what) | Self::Lost(what) | Self::Tls(what) => what,
            Self::TooLarge => "the answer is too large",
        }
    }
}

/// Sends requests to the endpoints, which are numbered from 0.
pub(crate) trait Transport: Send + Sync {
    /// Sends a request to one endpoint and returns its answer.
    ///
    /// # Errors
    /// [`HttpError`] if the endpoint has not answered within the limit.
    fn send(&self, endpoint: usize, call: &HttpCall<'_>) -> Result<HttpAnswer, HttpError>;
}
