//! Unit tests of the client of the store, with endpoints whose answers a test prescribes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use twinlock_core::wire::fleet::Stay;
use zeroize::Zeroizing;

use super::*;
use crate::{clock::Deadline, leases::LeaseIds, log::Log, state_dir::StateDir};

/// A request that an endpoint has received.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    endpoint: usize,
    path: String,
    token: Option<String>,
}

#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<Result<HttpAnswer, HttpError>>>,
    heard: Mutex<Vec<Heard>>,
}

struct Scripted(Arc<Script>);

impl Transport for Scripted {
    fn send(&self, endpoint: usize, call: &HttpCall<'_>) -> Result<HttpAnswer, HttpError> {
        let token = call.token.map(str::to_owned);
        let heard = Heard { endpoint, path: call.path.to_owned(), token };
        self.0.heard.lock().unwrap().push(heard);
        let next = self.0.answers.lock().unwrap().pop_front();
        next.unwrap_or_else(|| Err(HttpError::NotSent("refused".into())))
    }
}

struct Scene {
    _folder: tempfile::TempDir,
    script: Arc<Script>,
    client: StoreClient,
}

fn scene(endpoints: usize, user: bool) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let dir = Arc::new(StateDir::open(folder.path()).unwrap());
    let log = Arc::new(Log::new("web1"));
    let script = Arc::new(Script::default());
    let password = Zeroizing::new("b".to_owned());
    let user = user.then(|| StoreUser { name: "a".into(), password });
    let client = StoreClient::new(StoreParts {
        transport: Box::new(Scripted(script.clone())),
        endpoints: (0..endpoints).map(|number| format!("https://e{number}:1")).collect(),
        token: StoreToken::of(user),
        outage: Outage::restored(dir, log.clone()),
        log,
    });
    Scene { _folder: folder, script, client }
}

fn ok(body: &str) -> Result<HttpAnswer, HttpError> {
    Ok(HttpAnswer { status: 200, body: body.into(), date: None })
}

fn error(code: u8, message: &str) -> Result<HttpAnswer, HttpError> {
    let body = format!(r#"{{"error":"{message}","message":"{message}","code":{code}}}"#);
    Ok(HttpAnswer { status: 400, body: body.into(), date: None })
}

fn lost() -> Result<HttpAnswer, HttpError> {
    Err(HttpError::Lost("timeout".into()))
}

impl Scene {
    fn ask(&self, answers: Vec<Result<HttpAnswer, HttpError>>) -> StoreAsked {
        self.ask_within(150, answers)
    }

    fn ask_within(
        &self,
        milliseconds: u64,
        answers: Vec<Result<HttpAnswer, HttpError>>,
    ) -> StoreAsked {
        self.script.answers.lock().unwrap().extend(answers);
        let deadline = Deadline::within(Duration::from_millis(milliseconds));
        self.client.ask(&StoreAsk { path: "/p", body: "{}", deadline })
    }

    /// Returns the endpoints, paths and tokens of the requests since the last call.
    fn heard(&self) -> Vec<String> {
        let heard = std::mem::take(&mut *self.script.heard.lock().unwrap());
        let one =
            |one: Heard| format!("{} {} {}", one.endpoint, one.path, one.token.unwrap_or_default());
        heard.into_iter().map(one).collect()
    }
}

#[test]
fn the_next_endpoint_gets_the_same_request() {
    let s = scene(3, false);
    let asked = s.ask(vec![lost(), error(14, "etcdserver: no leader"), ok("{}")]);
    assert_eq!(asked, StoreAsked { result: Ok(b"{}".to_vec()), copies: 3 });
    assert_eq!(s.heard(), ["0 /p ", "1 /p ", "2 /p "]);
    // The one that answered last is asked first.
    let refused = Err(HttpError::NotSent("refused".into()));
    assert_eq!(s.ask(vec![refused, ok("{}")]).copies, 1);
    assert_eq!(s.heard(), ["2 /p ", "0 /p "]);
    assert!(!s.client.outage().is_open());
}

#[test]
fn a_store_that_is_silent_opens_the_breaker() {
    let s = scene(2, false);
    let asked = s.ask(vec![lost(), lost()]);
    assert_eq!((asked.result, asked.copies), (Err(AskError::Unanswered), 2));
    assert!(s.heard().len() >= 4);
    // There was too little time to be sure.
    assert!(!s.client.outage().is_open());
    assert_eq!(s.ask_within(850, vec![]).result, Err(AskError::Unanswered));
    assert!(s.client.outage().is_open() && s.client.outage().since().is_some());
    assert!(s.ask(vec![ok("{}")]).result.is_ok());
    assert!(!s.client.outage().is_open());
}

#[test]
fn a_request_that_waits_ends_when_another_opens_the_breaker() {
    let s = scene(2, false);
    s.client.outage().begin(500);
    let begun = crate::clock::since_boot();
    assert_eq!(s.ask_within(60_000, vec![lost(), lost()]).result, Err(AskError::Unanswered));
    assert!(crate::clock::since_boot() - begun < Duration::from_secs(10));
    assert_eq!(s.heard().len(), 2);
}

#[test]
fn a_deadline_that_has_passed_says_nothing_about_the_store() {
    let s = scene(2, false);
    let deadline = Deadline::within(Duration::ZERO);
    let asked = s.client.ask(&StoreAsk { path: "/p", body: "", deadline });
    assert_eq!(asked, StoreAsked { result: Err(AskError::Unanswered), copies: 0 });
    assert!(!s.client.outage().is_open());
}

#[test]
fn errors_that_are_answers_end_the_request() {
    let s = scene(2, false);
    for (answer, wanted) in [
        (error(8, "etcdserver: mvcc: database space exceeded"), AskError::Full),
        (error(7, "etcdserver: permission denied"), AskError::Denied),
        (error(5, "etcdserver: requested lease not found"), AskError::LeaseLost),
        (error(3, "etcdserver: duplicate key given in txn request"), AskError::Malformed),
        (error(3, "etcdserver: user name is empty"), AskError::Denied),
        (Err(HttpError::TooLarge), AskError::TooLarge),
    ] {
        assert_eq!(s.ask(vec![answer]), StoreAsked { result: Err(wanted), copies: 1 });
        assert!(!s.client.outage().is_open());
    }
}

#[test]
fn endpoints_that_are_not_trusted_refuse_at_once() {
    let s = scene(2, false);
    let tls = || Err(HttpError::Tls("unknown CA".into()));
    assert_eq!(s.ask(vec![tls(), tls()]), StoreAsked { result: Err(AskError::Denied), copies: 0 });
    let asked = s.ask(vec![lost(), tls(), tls()]);
    assert_eq!(asked, StoreAsked { result: Err(AskError::Denied), copies: 1 });
    assert!(s.ask(vec![tls(), ok("{}")]).result.is_ok());
}

#[test]
fn a_token_is_asked_for_and_renewed_once() {
    let s = scene(2, true);
    assert!(s.ask(vec![ok(r#"{"token":"t1"}"#), ok("{}")]).result.is_ok());
    assert_eq!(s.heard(), ["0 /v3/auth/authenticate ", "0 /p t1"]);
    let invalid = || error(16, "etcdserver: invalid auth token");
    assert!(s.ask(vec![invalid(), ok(r#"{"token":"t2"}"#), ok("{}")]).result.is_ok());
    assert_eq!(s.heard(), ["0 /p t1", "0 /v3/auth/authenticate ", "0 /p t2"]);
    let asked = s.ask(vec![invalid(), ok(r#"{"token":"t3"}"#), invalid()]);
    assert_eq!(asked.result, Err(AskError::Denied));
}

#[test]
fn a_wrong_password_is_sent_once() {
    let s = scene(2, true);
    let wrong = error(3, "etcdserver: authentication failed, invalid user ID or password");
    assert_eq!(s.ask(vec![wrong]).result, Err(AskError::Denied));
    assert_eq!(s.ask(vec![]).result, Err(AskError::Denied));
    assert_eq!(s.heard(), ["0 /v3/auth/authenticate "]);
}

#[test]
fn a_store_without_passwords_gets_none() {
    let s = scene(1, true);
    let off = error(9, "etcdserver: authentication is not enabled");
    assert!(s.ask(vec![off, ok("{}")]).result.is_ok());
    assert_eq!(s.heard(), ["0 /v3/auth/authenticate ", "0 /p "]);
    // Passwords are switched on meanwhile.
    let empty = error(3, "etcdserver: user name is empty");
    assert!(s.ask(vec![empty, ok(r#"{"token":"t1"}"#), ok("{}")]).result.is_ok());
    assert_eq!(s.heard(), ["0 /p ", "0 /v3/auth/authenticate ", "0 /p t1"]);
}

#[test]
fn a_lease_is_asked_for_when_there_is_none() {
    let s = scene(1, false);
    let deadline = Deadline::within(Duration::from_millis(150));
    assert_eq!(s.client.lease(Stay::Forever, deadline), Ok(None));
    assert_eq!(s.client.lease(Stay::Days, deadline), Err(AskError::Unanswered));
    s.script.answers.lock().unwrap().push_back(ok(r#"{"ID":"9","TTL":"259200"}"#));
    let deadline = Deadline::within(Duration::from_millis(150));
    assert_eq!(s.client.lease(Stay::Days, deadline), Ok(Some(9)));
    assert_eq!(s.client.lease(Stay::Days, deadline), Ok(Some(9)));
    s.client.leases().forget(LeaseIds { days: Some(9), hour: None });
    s.script.answers.lock().unwrap().extend([ok(r#"{"ID":"10"}"#), ok(r#"{"ID":"11"}"#)]);
    s.client.renew_leases(Deadline::within(Duration::from_millis(150)));
    assert_eq!(s.client.lease(Stay::Hour, deadline), Ok(Some(11)));
}
