//! The client of the store. It sends a request to one endpoint after the other, requests tokens and leases, and records
//! whether the store answers.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use twinlock_core::wire::fleet::Stay;

use crate::{
    clock::{Deadline, random, since_boot, unix_time},
    etcd::{
        AUTHENTICATE, GRANT, answer,
        failure::{self, GatewayError},
    },
    leases::{LeaseKind, Leases},
    log::{Log, LogLevel},
    store::{
        AskError, ENDPOINT_PATIENCE, EndpointAttempt, HttpAnswer, HttpCall, HttpError, Outage,
        StoreAsk, StoreAsked, StoreToken, StoreUser, Transport, Trip,
        ask::SHORTEST,
        token::{TokenState, TokenUse},
    },
};

/// Maximum time in which an endpoint must have checked the password. The check is slow on purpose, and one endpoint
/// checks the passwords of all hosts.
const PASSWORD_PATIENCE: Duration = Duration::from_secs(2);

/// Parameters of [`StoreClient::new`].
pub(crate) struct StoreParts {
    /// The transport that sends the requests.
    pub(crate) transport: Box<dyn Transport>,
    /// URLs of the endpoints.
    pub(crate) endpoints: Vec<String>,
    /// The token.
    pub(crate) token: StoreToken,
    /// The circuit breaker, which knows since when the store does not answer.
    pub(crate) outage: Outage,
    /// The log.
    pub(crate) log: Arc<Log>,
}

/// The client of the store.
pub(crate) struct StoreClient {
    parts: StoreParts,
    /// Number of the endpoint that answered last.
    last: AtomicUsize,
    leases: Mutex<Leases>,
    granting: Mutex<()>,
}

impl StoreClient {
    /// Returns a client of the store with these parameters.
    pub(crate) fn new(parts: StoreParts) -> Self {
        let last = AtomicUsize::new(0);
        Self { parts, last, leases: Mutex::default(), granting: Mutex::default() }
    }

    /// Returns the URLs of the endpoints.
    pub(crate) fn endpoints(&self) -> &[String] {
        &self.parts.endpoints
    }

    /// Returns the circuit breaker of the store.
    pub(crate) fn outage(&self) -> &Outage {
        &self.parts.outage
    }

    /// Returns the leases.
    pub(crate) fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request to one endpoint after the other until one answers, beginning with the endpoint that answered
    /// last.
    pub(crate) fn ask(&self, ask: &StoreAsk<'_>) -> StoreAsked {
        let mut trip = Trip::begin(self.last.load(Ordering::Relaxed), self.parts.endpoints.len());
        let mut copies = 0;
        loop {
            if ask.deadline.left() < SHORTEST {
                self.unanswered(&trip);
                return StoreAsked { result: Err(AskError::Unanswered), copies };
            }
            match self.attempt(trip.endpoint(), ask, &mut copies) {
                EndpointAttempt::Answered(result) => {
                    self.answered(trip.endpoint(), &result);
                    return StoreAsked { result, copies };
                }
                EndpointAttempt::Failed => trip.next(false, ask.deadline),
                EndpointAttempt::Untrusted => trip.next(true, ask.deadline),
            }
            if trip.is_denied() {
                let detail = "no endpoint trusts this host, or is trusted by it";
                self.parts.log.say(LogLevel::Alert, "fleet_store_denied", &[("detail", detail)]);
                return StoreAsked { result: Err(AskError::Denied), copies };
            }
            // Another request has waited long enough to be sure, so this one need not wait as long.
            if trip.has_asked_all() && self.parts.outage.is_open() {
                return StoreAsked { result: Err(AskError::Unanswered), copies };
            }
        }
    }

    /// Sends a request to one endpoint only. Returns whether the endpoint has answered. If its answer ends an outage,
    /// later requests are sent to this endpoint first.
    pub(crate) fn ask_one(&self, endpoint: usize, ask: &StoreAsk<'_>) -> bool {
        let has_answered =
            matches!(self.attempt(endpoint, ask, &mut 0), EndpointAttempt::Answered(_));
        if has_answered && self.parts.outage.is_open() {
            self.last.store(endpoint, Ordering::Relaxed);
            self.parts.outage.end();
        }
        has_answered
    }

    /// Sends a request to one endpoint, and returns its answer unchanged. `body` is the body of a POST; `None` for a
    /// GET.
    ///
    /// # Errors
    /// [`HttpError`] if the endpoint has not answered within `limit`.
    pub(crate) fn send(
        &self,
        endpoint: usize,
        path: &str,
        body: Option<&str>,
        limit: Duration,
    ) -> Result<HttpAnswer, HttpError> {
        let token = match self.parts.token.decide(since_boot()) {
            TokenUse::Send(token) => token,
            TokenUse::SignIn | TokenUse::Refuse => None,
        };
        let call = HttpCall { path, body, token: token.as_deref(), limit };
        self.parts.transport.send(endpoint, &call)
    }

    fn answered(&self, endpoint: usize, result: &Result<Vec<u8>, AskError>) {
        self.last.store(endpoint, Ordering::Relaxed);
        self.parts.outage.end();
        if result == &Err(AskError::Full) {
            self.parts.log.say(LogLevel::Alert, "fleet_store_full", &[]);
        }
    }

    fn unanswered(&self, trip: &Trip) {
        if trip.is_whole() {
            self.parts.outage.begin(unix_time().saturating_sub(trip.elapsed().as_secs()));
        }
    }

    /// Sends a request to one endpoint. If the store refuses the token, requests a new token and sends the request once
    /// more.
    fn attempt(&self, endpoint: usize, ask: &StoreAsk<'_>, copies: &mut u32) -> EndpointAttempt {
        let mut renewed = false;
        loop {
            let token = match self.parts.token.decide(since_boot()) {
                TokenUse::Send(token) => token,
                TokenUse::Refuse => return EndpointAttempt::Answered(Err(AskError::Denied)),
                TokenUse::SignIn => match self.sign_in(endpoint, ask.deadline) {
                    Ok(()) => continue,
                    Err(attempt) => return attempt,
                },
            };
            let limit = ask.deadline.left().min(ENDPOINT_PATIENCE);
            let call =
                HttpCall { path: ask.path, body: Some(ask.body), token: token.as_deref(), limit };
            match self.exchange(endpoint, &call, copies) {
                Err(GatewayError::Token(_)) if !renewed && self.parts.token.user().is_some() => {
                    self.parts.token.refused(token.as_deref());
                    renewed = true;
                }
                result => return self.concluded(endpoint, result),
            }
        }
    }

    /// Sends a request to one endpoint. `copies` counts the requests that the store may have received.
    fn exchange(
        &self,
        endpoint: usize,
        call: &HttpCall<'_>,
        copies: &mut u32,
    ) -> Result<EndpointAttempt, GatewayError> {
        let sent = self.parts.transport.send(endpoint, call);
        *copies += u32::from(!matches!(sent, Err(HttpError::NotSent(_) | HttpError::Tls(_))));
        match sent {
            Ok(answer) if answer.status == 200 => Ok(EndpointAttempt::Answered(Ok(answer.body))),
            Ok(answer) => Err(failure::of_answer(answer.status, &answer.body)),
            Err(HttpError::TooLarge) => Ok(EndpointAttempt::Answered(Err(AskError::TooLarge))),
            Err(HttpError::Tls(what)) => {
                self.failed(endpoint, &what);
                Ok(EndpointAttempt::Untrusted)
            }
            Err(HttpError::NotSent(what) | HttpError::Lost(what)) => {
                Err(GatewayError::Elsewhere(what))
            }
        }
    }

    fn concluded(
        &self,
        endpoint: usize,
        result: Result<EndpointAttempt, GatewayError>,
    ) -> EndpointAttempt {
        let error = match result {
            Ok(attempt) => return attempt,
            Err(GatewayError::Elsewhere(what)) => {
                self.failed(endpoint, &what);
                return EndpointAttempt::Failed;
            }
            Err(GatewayError::Full) => AskError::Full,
            Err(GatewayError::LeaseLost) => AskError::LeaseLost,
            Err(GatewayError::Malformed(what)) => {
                self.parts.log.say(
                    LogLevel::Warning,
                    "fleet_request_refused",
                    &[("detail", &what)],
                );
                AskError::Malformed
            }
            Err(GatewayError::Denied(what) | GatewayError::Token(what)) => {
                self.parts.log.say(LogLevel::Alert, "fleet_store_denied", &[("detail", &what)]);
                AskError::Denied
            }
            Err(GatewayError::AuthIsOff) => AskError::Denied,
        };
        EndpointAttempt::Answered(Err(error))
    }

    fn failed(&self, endpoint: usize, what: &str) {
        let url = self.parts.endpoints.get(endpoint).map_or("", String::as_str);
        let pairs = [("endpoint", url), ("detail", what)];
        self.parts.log.say(LogLevel::Warning, "fleet_endpoint_failed", &pairs);
    }

    /// Requests a token from an endpoint. Only one thread at a time does so; the others then use its token.
    ///
    /// # Errors
    /// The result of the attempt for which the token is needed.
    fn sign_in(&self, endpoint: usize, deadline: Deadline) -> Result<(), EndpointAttempt> {
        let _one = self.parts.token.one_at_a_time();
        let Some(user) = self.parts.token.user() else { return Ok(()) };
        if self.parts.token.decide(since_boot()) != TokenUse::SignIn {
            return Ok(());
        }
        let limit = deadline.left().min(PASSWORD_PATIENCE);
        if limit.is_zero() {
            return Err(EndpointAttempt::Failed);
        }
        let state = self.token_of(user, endpoint, limit)?;
        self.parts.token.keep(state);
        Ok(())
    }

    fn token_of(
        &self,
        user: &StoreUser,
        endpoint: usize,
        limit: Duration,
    ) -> Result<TokenState, EndpointAttempt> {
        let body = user.body();
        let call = HttpCall { path: AUTHENTICATE, body: Some(&body), token: None, limit };
        match self.exchange(endpoint, &call, &mut 0) {
            Ok(EndpointAttempt::Answered(Ok(body))) => {
                answer::token(&body).map(TokenState::Known).ok_or(EndpointAttempt::Failed)
            }
            Err(GatewayError::AuthIsOff) => {
                self.parts.log.say(LogLevel::Warning, "fleet_store_asks_no_password", &[]);
                Ok(TokenState::Off(since_boot()))
            }
            Err(GatewayError::Denied(what) | GatewayError::Malformed(what)) => {
                self.parts.log.say(LogLevel::Alert, "fleet_store_denied", &[("detail", &what)]);
                Ok(TokenState::Wrong(since_boot()))
            }
            other => Err(self.concluded(endpoint, other)),
        }
    }

    /// Returns the number of the lease for values that stay this long, and requests a lease if there is none; `None` if
    /// the values stay forever.
    ///
    /// # Errors
    /// [`AskError`] if there is no lease, and the store grants none.
    pub(crate) fn lease(&self, stay: Stay, deadline: Deadline) -> Result<Option<u64>, AskError> {
        let Some(kind) = LeaseKind::of(stay) else { return Ok(None) };
        if let Some(id) = self.leases().current(stay, since_boot()) {
            return Ok(Some(id));
        }
        let _one = self.granting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = self.leases().current(stay, since_boot()) {
            return Ok(Some(id));
        }
        self.grant(stay, kind, deadline).map(Some)
    }

    /// Requests the leases that will be needed soon.
    pub(crate) fn renew_leases(&self, deadline: Deadline) {
        for stay in [Stay::Days, Stay::Hour] {
            let kind = LeaseKind::of(stay).filter(|_| self.leases().is_due(stay, since_boot()));
            if let Some(kind) = kind {
                // If it fails, the current lease still takes values, or a login asks for one.
                let _ = self.grant(stay, kind, deadline);
            }
        }
    }

    fn grant(&self, stay: Stay, kind: LeaseKind, deadline: Deadline) -> Result<u64, AskError> {
        let body = json!({ "TTL": kind.ttl.to_string() }).to_string();
        let asked = since_boot();
        let body = self.ask(&StoreAsk { path: GRANT, body: &body, deadline }).result?;
        let id = answer::lease(&body).ok_or(AskError::Unanswered)?;
        self.leases().keep(stay, id, asked, random());
        Ok(id)
    }
}
