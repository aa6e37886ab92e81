//! Reports the state of the daemon and of each endpoint, as texts.

use std::time::Duration;

use twinlock_core::wire::fleet::{FleetOutcome, FleetReply, StoreEntry};

use crate::{
    clock::{Deadline, since_boot, unix_time},
    daemon_state::DaemonState,
    etcd::{
        METRICS, STATUS,
        failure::{self, GatewayError},
        http_date,
        status::{self, EndpointMeasures, EndpointStatus},
    },
    store::{ENDPOINT_PATIENCE, HttpAnswer, StoreClient},
};

/// Returns the state. Asks all endpoints at the same time, within the deadline. If no time is left, the endpoints are
/// omitted.
pub(crate) fn report(daemon: &DaemonState, deadline: Deadline) -> FleetReply {
    let mut entries = own_state(daemon);
    if !deadline.left().is_zero() {
        entries.extend(endpoints(&daemon.store, deadline));
    }
    FleetReply { entries, ..FleetReply::of(FleetOutcome::Done) }
}

fn text(key: String, value: &str) -> StoreEntry {
    StoreEntry { key, revision: 0, value: value.as_bytes().to_vec() }
}

fn own_state(daemon: &DaemonState) -> Vec<StoreEntry> {
    let name = daemon.entry.name();
    let since = daemon.store.outage().since().map_or(String::new(), |since| since.to_string());
    let leases = daemon.store.leases().to_text(since_boot());
    let waiting = daemon.take_backs.lock().len().to_string();
    let days = daemon.tls.as_ref().and_then(|tls| tls.days_left(unix_time()));
    let mut entries = Vec::new();
    for (key, value) in [
        ("version", env!("CARGO_PKG_VERSION")),
        ("host", name.host.as_str()),
        ("fleet", name.fleet.as_str()),
        ("since", since.as_str()),
        ("stopped", daemon.entry.stop_word()),
        ("leases", leases.as_str()),
        ("waiting", waiting.as_str()),
    ] {
        entries.push(text(format!("daemon.{key}"), value));
    }
    entries.extend(days.map(|days| text("daemon.certificate_days".into(), &days.to_string())));
    entries
}

fn endpoints(store: &StoreClient, deadline: Deadline) -> Vec<StoreEntry> {
    let limit = deadline.left().min(ENDPOINT_PATIENCE);
    let states: Vec<String> = std::thread::scope(|scope| {
        let ask = |number| scope.spawn(move || endpoint(store, number, limit));
        let asked: Vec<_> = (0..store.endpoints().len()).map(ask).collect();
        let state = |one: std::thread::ScopedJoinHandle<'_, String>| {
            one.join().unwrap_or_else(|_| "failed panic".into())
        };
        asked.into_iter().map(state).collect()
    });
    let urls = store.endpoints().iter().zip(states);
    urls.map(|(url, state)| text(format!("endpoint.{url}"), &state)).collect()
}

/// Returns the state of one endpoint as text. The endpoint must answer within `limit`.
fn endpoint(store: &StoreClient, number: usize, limit: Duration) -> String {
    let deadline = Deadline::within(limit);
    let asked = since_boot();
    let answer = match store.send(number, STATUS, Some("{}"), limit) {
        Ok(answer) => answer,
        Err(error) => return format!("failed {}", status::word(error.what())),
    };
    let ms = since_boot().saturating_sub(asked).as_millis();
    let clock = answer.date.as_deref().and_then(http_date::read).and_then(ahead);
    if answer.status != 200 {
        return format!("failed {}", status::word(&refusal(&answer)));
    }
    let Some(state) = EndpointStatus::read(&answer.body) else { return "failed answer".into() };
    let left = deadline.left();
    let metrics = store.send(number, METRICS, None, left).ok().filter(|_| !left.is_zero());
    let quota = metrics.and_then(|answer| status::quota(&answer.body));
    state.to_text(EndpointMeasures { ms, clock, quota })
}

/// Returns the seconds by which a Unix time is ahead of this host's clock, negative if behind; `None` if the number is
/// too large.
fn ahead(clock: u64) -> Option<i64> {
    i64::try_from(clock).ok()?.checked_sub(i64::try_from(unix_time()).ok()?)
}

fn refusal(answer: &HttpAnswer) -> String {
    match failure::of_answer(answer.status, &answer.body) {
        GatewayError::Elsewhere(what)
        | GatewayError::Denied(what)
        | GatewayError::Token(what)
        | GatewayError::Malformed(what) => what,
        GatewayError::Full => "full".into(),
        GatewayError::LeaseLost | GatewayError::AuthIsOff => format!("status {}", answer.status),
    }
}
