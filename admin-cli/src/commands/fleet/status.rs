//! `twinlock fleet status`: shows the servers of etcd, the hosts of the fleet, and how many records differ.

mod warnings;

pub(crate) use warnings::of_this_host;

use serde_json::{Value, json};
use twinlock_core::base::{error::FleetError, time::UnixTime};
use twinlock_host::fleet::{
    key_file::FleetKey,
    membership::{
        CompareView, Comparison, DaemonReport, EndpointReport, FleetHostReport, StoredMeta,
    },
};

use crate::{
    commands::fleet::{key_access, membership, shared, socket, throttle},
    context::Context,
    error::exit::{CliError, Exit},
    terminal::table::Columns,
    text::{WIDTH, instant, minute, plain, wrap},
};

/// State of the fleet, as this host sees it.
struct FleetOverview {
    /// Whether the settings make logins use the fleet.
    is_enabled: bool,
    /// The key file; `None` if there is none.
    key: Option<FleetKey>,
    report: DaemonReport,
    /// Content of the store; an error if the store does not answer or this host has not joined.
    store: Result<StoreOverview, FleetError>,
    now: UnixTime,
}

/// Content of the store, and its difference from this host's records.
struct StoreOverview {
    hosts: Vec<FleetHostReport>,
    meta: Option<StoredMeta>,
    /// Number of records of this host that are shared.
    records_here: usize,
    compared: Comparison,
}

/// Prints the state of the fleet. The exit status is 6 if etcd does not answer.
pub(super) fn run(context: &Context) -> Result<(), CliError> {
    let found = FleetOverview::of(context)?;
    if context.json {
        context.print(&format!("{}\n", found.object()))?;
    } else {
        context.print(&found.text())?;
    }
    match &found.store {
        Ok(_) | Err(FleetError::NotJoined | FleetError::Key) => Ok(()),
        Err(_) => Err(CliError::told(Exit::StoreUnreachable)),
    }
}

impl FleetOverview {
    fn of(context: &Context) -> Result<Self, CliError> {
        let socket = socket();
        let key = match key_access::exists(context) {
            true => Some(key_access::read(context)?),
            false => None,
        };
        let store = match &key {
            None => Err(FleetError::Key),
            Some(key) => {
                let (users, fleet) = (shared(context, key)?.users, membership(key, &socket));
                fleet.meta().and_then(|meta| {
                    let compared = fleet.compare(&users, CompareView::IsMember)?;
                    let (hosts, records_here) = (fleet.hosts()?, users.len());
                    Ok(StoreOverview { hosts, meta, records_here, compared })
                })
            }
        };
        // Asked last: whether the store answers is known by then.
        let report = DaemonReport::ask(&socket)?;
        let (is_enabled, now) = (context.policy.fleet.is_on, context.now()?.unix);
        Ok(Self { is_enabled, key, report, store, now })
    }

    fn text(&self) -> String {
        let report = &self.report;
        let mut lines =
            vec![format!("Fleet {}, host {}", plain(&report.fleet), plain(&report.host))];
        lines.push(self.said().into());
        lines.extend(
            report
                .since
                .map(|since| format!("etcd does not answer since {}.", instant(UnixTime(since)))),
        );
        let mut text: String =
            lines.iter().map(|line| format!("{}\n", wrap(line, WIDTH, 0))).collect();
        text.push('\n');
        text.push_str(&endpoints(&report.endpoints));
        match &self.store {
            Ok(store) => {
                text.push('\n');
                text.push_str(&self.hosts(&store.hosts));
                text.push_str(&format!("\n{}\n", wrap(&store.counts(), WIDTH, 0)));
            }
            Err(FleetError::NotJoined | FleetError::Key) => {}
            Err(fault) => text.push_str(&format!(
                "\n{}\n",
                wrap(&format!("The records were not compared: {fault}."), WIDTH, 0)
            )),
        }
        let warnings = self.warnings();
        if !warnings.is_empty() {
            text.push('\n');
        }
        for warning in warnings {
            text.push_str(&format!("{}\n", wrap(&format!("warning: {warning}"), WIDTH, 2)));
        }
        text
    }

    fn said(&self) -> &'static str {
        match (self.report.stopped.as_deref(), &self.key, self.is_enabled) {
            (Some("not_joined"), _, _) => "This host has not joined it.",
            (Some(_), _, _) => "The daemon of this host has stopped (see the warnings).",
            (None, None, _) => "This host has no fleet.key.",
            (None, Some(_), false) => {
                "This host has joined it; logins do not use it yet ([fleet] enabled = false)."
            }
            (None, Some(_), true) => "This host has joined it, and logins use it.",
        }
    }

    fn hosts(&self, hosts: &[FleetHostReport]) -> String {
        let mut rows = vec![["HOST", "LAST SEEN", "VERSION", "KEYS", "NOTE"].map(str::to_owned)];
        rows.extend(hosts.iter().map(|host| {
            let ids: Vec<String> = host.key_ids.iter().map(u16::to_string).collect();
            let note = if host.is_stopped {
                "stopped: another machine uses its name"
            } else if host.name == self.report.host {
                "this host"
            } else {
                ""
            };
            let seen = if host.at == 0 { "-".into() } else { minute(UnixTime(host.at)) };
            [plain(&host.name), seen, plain(&host.version), ids.join(","), note.into()]
        }));
        Columns::default().align(&rows)
    }

    fn object(&self) -> Value {
        let report = &self.report;
        let endpoint = |one: &EndpointReport| {
            json!({
                "url": one.url, "failure": one.failure, "version": none_if_empty(&one.version),
                "ms": one.ms, "clock": one.clock, "leader": one.is_leader, "db": one.db,
                "quota": one.quota, "errors": one.errors,
            })
        };
        let host = |one: &FleetHostReport| {
            json!({
                "host": one.name, "seen": (one.at > 0).then_some(one.at), "version": one.version,
                "formats": one.formats, "keys": one.key_ids, "stopped": one.is_stopped,
            })
        };
        let store = self.store.as_ref().ok();
        let hosts = store.map(|store| store.hosts.iter().map(host).collect::<Vec<_>>());
        let meta = store.and_then(|store| store.meta.as_ref()).map(|meta| {
            json!({
                "format": meta.meta.format, "epoch": meta.meta.epoch, "keys": meta.meta.key_ids,
                "throttle": throttle::object(meta.meta.throttle),
            })
        });
        let records = store.map(|store| {
            json!({
                "here": store.records_here, "only_here": store.compared.only_here.len(),
                "only_there": store.compared.only_there, "newer_here": store.compared.newer_here.len(),
                "older_here": store.compared.older_here.len(), "conflicts": store.compared.conflicts.len(),
            })
        });
        let error = self.store.as_ref().err().map(|fault| fault.reason());
        json!({
            "fleet": report.fleet, "host": report.host, "enabled": self.is_enabled,
            "daemon": { "version": report.version, "stopped": report.stopped,
                        "certificate_days": report.certificate_days },
            "unreachable_since": report.since, "error": error,
            "endpoints": report.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
            "hosts": hosts, "meta": meta, "records": records, "warnings": self.warnings(),
        })
    }
}

impl StoreOverview {
    fn counts(&self) -> String {
        let found = &self.compared;
        let mut parts = vec![format!("{} here", self.records_here)];
        for (number, what) in [
            (found.only_here.len(), "only here"),
            (found.only_there, "only in the fleet"),
            (found.newer_here.len(), "newer here"),
            (found.older_here.len(), "older here, until the next login"),
            (found.conflicts.len(), "different with the same number"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        let format = self.meta.as_ref().map_or_else(
            || "The fleet is not described in etcd.".to_owned(),
            |meta| {
                let limits = meta.meta.throttle.as_ref().map(throttle::spoken);
                let limits = limits.map(|limits| format!(" Limits of all hosts: {limits}."));
                let (format, epoch) = (meta.meta.format, meta.meta.epoch);
                format!("Format {format}, epoch {epoch}.{}", limits.unwrap_or_default())
            },
        );
        format!("Shared records: {}. {format}", parts.join(", "))
    }
}

fn none_if_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn endpoints(endpoints: &[EndpointReport]) -> String {
    let mut rows = vec![["SERVER", "ETCD", "TIME", "CLOCK", "ROLE", "DATABASE"].map(str::to_owned)];
    for one in endpoints {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        let [version, role] = match &one.failure {
            Some(failure) => [format!("failed: {}", plain(failure)), String::new()],
            None => {
                let role = if one.is_leader { "leader" } else { "follower" };
                [plain(&one.version), role.into()]
            }
        };
        let size = one.db.map(|db| match one.quota {
            Some(quota) => format!("{} of {} MiB", mebibytes(db), mebibytes(quota)),
            None => format!("{} MiB", mebibytes(db)),
        });
        rows.push([
            plain(&one.url),
            version,
            or_dash(one.ms.map(|ms| format!("{ms} ms"))),
            or_dash(one.clock.map(|clock| format!("{clock:+} s"))),
            role,
            or_dash(size),
        ]);
    }
    Columns::default().align(&rows)
}

/// Returns bytes in MiB, rounded up.
fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1024 * 1024)
}
