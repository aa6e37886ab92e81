//! Sends a request to an endpoint. Connections stay open for further requests.

use std::{io, time::Duration};

use ureq::{Agent, Body, Error, http::Response, unversioned::transport::DefaultConnector};

use crate::{
    resolver::KnownAddresses,
    store::{ENDPOINT_PATIENCE, HttpAnswer, HttpCall, HttpError, Transport},
    tls::TlsParts,
};

/// Maximum size of the body of an answer in bytes.
const BODY_MAX: u64 = 16 * 1024 * 1024;
/// Maximum number of connections that stay open to one endpoint: one for each thread that asks.
const CONNECTIONS_MAX: usize = 24;
/// Time after which an unused connection is closed. Firewalls drop an idle connection after a few minutes.
const IDLE_MAX: Duration = Duration::from_secs(150);

/// Sends requests with ureq.
#[derive(Debug)]
pub(crate) struct HttpsTransport {
    agent: Agent,
    endpoints: Vec<String>,
}

impl HttpsTransport {
    /// Returns the transport for these endpoints. `tls` is required if an endpoint uses `https`.
    pub(crate) fn new(endpoints: &[String], tls: Option<&TlsParts>) -> Self {
        let mut config = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent(concat!("twinlock-fleet/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(ENDPOINT_PATIENCE))
            .max_idle_connections(CONNECTIONS_MAX * endpoints.len())
            .max_idle_connections_per_host(CONNECTIONS_MAX)
            .max_idle_age(IDLE_MAX)
            .no_delay(true);
        if let Some(tls) = tls {
            config = config.tls_config(tls.config.clone());
        }
        let (connector, resolver) = (DefaultConnector::default(), KnownAddresses::default());
        let agent = Agent::with_parts(config.build(), connector, resolver);
        Self { agent, endpoints: endpoints.to_vec() }
    }

    fn response(&self, url: &str, call: &HttpCall<'_>) -> Result<Response<Body>, Error> {
        // ureq keeps the TLS state of connections only for requests without a configuration of their own.
        let own = (call.limit != ENDPOINT_PATIENCE).then_some(call.limit);
        if let Some(body) = call.body {
            let mut request = self.agent.post(url);
            if let Some(token) = call.token {
                request = request.header("authorization", token);
            }
            if let Some(limit) = own {
                request = request.config().timeout_global(Some(limit)).build();
            }
            return request.send(body);
        }
        let request = self.agent.get(url);
        match own {
            Some(limit) => request.config().timeout_global(Some(limit)).build().call(),
            None => request.call(),
        }
    }
}

impl Transport for HttpsTransport {
    fn send(&self, endpoint: usize, call: &HttpCall<'_>) -> Result<HttpAnswer, HttpError> {
        let Some(base) = self.endpoints.get(endpoint) else {
            return Err(HttpError::NotSent("there is no such endpoint".into()));
        };
        let mut response =
            self.response(&format!("{base}{}", call.path), call).map_err(of_error)?;
        let date = response.headers().get("date").and_then(|date| date.to_str().ok());
        let date = date.map(str::to_owned);
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(BODY_MAX).read_to_vec();
        Ok(HttpAnswer { status, body: body.map_err(of_error)?, date })
    }
}

/// Classifies an error by whether the endpoint may have received the request.
fn of_error(error: Error) -> HttpError {
    let what = error.to_string();
    let is_tls =
        |error: &io::Error| error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    if matches!(error, Error::BodyExceedsLimit(_)) {
        HttpError::TooLarge
    } else if matches!(error, Error::Rustls(_) | Error::Tls(_) | Error::Pem(_) | Error::TlsRequired)
        || matches!(&error, Error::Io(error) if is_tls(error))
    {
        HttpError::Tls(what)
    } else if matches!(error, Error::HostNotFound | Error::ConnectionFailed | Error::BadUri(_))
        || matches!(&error, Error::Io(error) if UNREACHED.contains(&error.kind()))
    {
        HttpError::NotSent(what)
    } else {
        HttpError::Lost(what)
    }
}

/// Kinds of errors that occur only if no connection was established.
const UNREACHED: [io::ErrorKind; 5] = [
    io::ErrorKind::ConnectionRefused,
    io::ErrorKind::HostUnreachable,
    io::ErrorKind::NetworkUnreachable,
    io::ErrorKind::NetworkDown,
    io::ErrorKind::AddrNotAvailable,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_whether_the_request_was_sent() {
        let io = |kind: io::ErrorKind| of_error(Error::Io(kind.into()));
        assert!(matches!(io(io::ErrorKind::ConnectionRefused), HttpError::NotSent(_)));
        assert!(matches!(io(io::ErrorKind::ConnectionReset), HttpError::Lost(_)));
        assert!(matches!(io(io::ErrorKind::UnexpectedEof), HttpError::Lost(_)));
        let tls = io::Error::other(rustls::Error::DecryptError);
        assert!(matches!(of_error(Error::Io(tls)), HttpError::Tls(_)));
        assert!(matches!(of_error(Error::Timeout(ureq::Timeout::Global)), HttpError::Lost(_)));
        assert!(matches!(of_error(Error::BodyExceedsLimit(9)), HttpError::TooLarge));
    }
}
