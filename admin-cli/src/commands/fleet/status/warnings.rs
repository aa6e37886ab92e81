//! Warnings about a fleet: problems that make logins fail now or soon, and differences between hosts.

use twinlock_core::base::{error::FleetError, time::DAY};
use twinlock_host::fleet::membership::{DaemonReport, EndpointReport, FORMAT_MAX};

use crate::{
    commands::fleet::{
        findings::{CLOCK_MAX, off_by},
        socket,
        status::{FleetOverview, StoreOverview},
    },
    text::plain,
};

/// Used part of an etcd server's quota, in percent, above which `status` prints a warning.
const QUOTA_WARNED: u64 = 50;
/// Remaining days of a certificate below which `status` prints a warning.
const CERTIFICATE_WARNED: i64 = 30;

impl FleetOverview {
    /// Returns the warnings, each a sentence.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut found = self.of_daemon();
        found.extend(self.report.endpoints.iter().flat_map(of_endpoint));
        if let Ok(store) = &self.store {
            found.extend(self.of_store(store));
        }
        found
    }

    fn of_daemon(&self) -> Vec<String> {
        let mut found = of_report(&self.report);
        if self.is_enabled && self.report.stopped.as_deref() == Some("not_joined") {
            found.push("Logins of shared users are refused: run twinlock fleet join.".into());
        }
        if self.key.as_ref().is_some_and(|key| key.fleet != self.report.fleet) {
            found.push("fleet.key is that of another fleet than fleet.toml names.".into());
        }
        match &self.store {
            Err(FleetError::MetaMissing) => {
                found.push("etcd does not describe the fleet: run twinlock fleet recover.".into());
            }
            Ok(store) if store.meta.is_none() => {
                found.push("etcd does not describe the fleet: run twinlock fleet recover.".into());
            }
            Ok(_) | Err(_) => {}
        }
        found
    }

    fn of_store(&self, store: &StoreOverview) -> Vec<String> {
        let mut found = Vec::new();
        let newest = self.key.as_ref().and_then(|key| key.sealing.last()).map(|last| last.id);
        for host in &store.hosts {
            let name = plain(&host.name);
            if self.now.0.saturating_sub(host.at) > DAY {
                found.push(format!("{name} was not seen for a day."));
            }
            if host.version != self.report.version {
                let (theirs, ours) = (plain(&host.version), plain(&self.report.version));
                found.push(format!("{name} has version {theirs}, this host {ours}."));
            }
            let format = store.meta.as_ref().map_or(FORMAT_MAX, |meta| meta.meta.format);
            if !host.formats.contains(&format) {
                found.push(format!("{name} does not read format {format}."));
            }
            if newest.is_some_and(|id| !host.key_ids.contains(&id.into())) {
                let id = newest.unwrap_or_default();
                found.push(format!("{name} does not have sealing key {id}."));
            }
        }
        if !store.compared.conflicts.is_empty() {
            found.push(
                "Users with two different records are refused: run twinlock fleet join.".into(),
            );
        }
        if self.is_enabled && !store.compared.only_here.is_empty() {
            found.push(
                "Users whose record etcd has lost are refused: run twinlock fleet recover.".into(),
            );
        }
        if self.is_enabled && !store.compared.newer_here.is_empty() {
            found.push(
                "Users whose record is newer here are refused: run twinlock fleet recover.".into(),
            );
        }
        found
    }
}

/// Returns the problems that the daemon of this host reports, each a sentence. `doctor` calls this function if the
/// settings make logins use the fleet.
pub(crate) fn of_this_host() -> Vec<String> {
    let report = match DaemonReport::ask(&socket()) {
        Ok(report) => report,
        Err(fault) => return vec![format!("Logins of shared users are refused: {fault}.")],
    };
    let mut found = of_report(&report);
    if report.stopped.as_deref() == Some("not_joined") {
        found.push("Logins of shared users are refused: run twinlock fleet join.".into());
    }
    if report.since.is_some() {
        found.push("Logins of shared users are refused: etcd does not answer.".into());
    }
    for one in &report.endpoints {
        let failure = one.failure.as_ref();
        found.extend(failure.map(|why| format!("{}: {}.", plain(&one.url), plain(why))));
        found.extend(of_endpoint(one));
    }
    found
}

fn of_report(report: &DaemonReport) -> Vec<String> {
    let mut found = Vec::new();
    match report.stopped.as_deref() {
        None | Some("not_joined") => {}
        Some("rolled_back") => found.push(
            "etcd, or this host, was put back to an earlier state. Run twinlock fleet recover if it was etcd, twinlock fleet rejoin if it was this host.".into(),
        ),
        Some("cloned") => found.push(
            "Another machine uses this host's name. Take it out of the fleet, then run twinlock fleet rejoin here.".into(),
        ),
        Some(other) => found.push(format!("twinlock-fleet has stopped ({}).", plain(other))),
    }
    if let Some(days) = report.certificate_days.filter(|days| *days < CERTIFICATE_WARNED) {
        found.push(format!("The certificate of this host is valid for {days} more days."));
    }
    found
}

fn of_endpoint(one: &EndpointReport) -> Vec<String> {
    let url = plain(&one.url);
    let mut found = Vec::new();
    if let Some(used) = one.used_percent().filter(|used| *used > QUOTA_WARNED) {
        found.push(format!("{url} has used {used} % of its quota: see FULL in twinlock-fleet(8)."));
    }
    if let Some(clock) = one.clock.filter(|clock| clock.unsigned_abs() > CLOCK_MAX) {
        found.push(format!("The clock of {url} is {}.", off_by(clock)));
    }
    found.extend(one.errors.iter().map(|error| format!("{url} reports {}.", plain(error))));
    found
}
