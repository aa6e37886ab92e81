//! Problems that prevent a host from joining a fleet: in its settings, its clock, its fleet.toml or the store.

use twinlock_core::policy::open_without_record;
use twinlock_host::fleet::membership::{DaemonReport, SharedUsers};

use crate::{
    context::Context,
    error::exit::{CliError, Exit},
    text::plain,
};

/// Maximum difference in seconds between the clock of an etcd server and the clock of this host.
pub(super) const CLOCK_MAX: u64 = 2;

/// A problem that prevents this host from joining a fleet, and how to solve it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JoinProblem {
    /// What is wrong: a clause without a full stop.
    pub(super) what: String,
    /// What to do, as whole sentences.
    pub(super) remedy: &'static str,
}

impl JoinProblem {
    /// Returns the problem as the error of a command.
    pub(super) fn error(&self) -> CliError {
        CliError::new(Exit::NotInState, self.what.clone(), self.remedy)
    }
}

/// Returns the problems in the daemon's report, the settings and the records of this host that prevent it from joining
/// a fleet.
pub(super) fn problems(
    context: &Context,
    report: &DaemonReport,
    shared: &SharedUsers,
) -> Vec<JoinProblem> {
    let mut found = of_report(report);
    if let Some(setting) = open_without_record(&context.policy) {
        let what = format!(
            "a fleet forbids `{setting}`, because it lets a user in whose record is absent"
        );
        let remedy = "Set `not_enrolled = \"deny\"`, or \"enroll\" with `enroll_needs_ticket = true`, remove rules with `action = \"remind\"`, and run: twinlock settings apply";
        found.push(JoinProblem { what, remedy });
    }
    found.extend(shared.same_name.iter().map(|names| JoinProblem {
        what: format!("these users have one name in the fleet: {}", plain(names)),
        remedy: "Remove all but one of them (twinlock remove USER), or begin the fleet with --names exact.",
    }));
    found
}

fn of_report(report: &DaemonReport) -> Vec<JoinProblem> {
    let mut found = Vec::new();
    if let Some(stopped) = report.stopped.as_deref().filter(|word| *word != "not_joined") {
        let what = match stopped {
            "cloned" => "another machine uses this host's name in the fleet".to_owned(),
            "rolled_back" => "etcd, or this host, was put back to an earlier state".to_owned(),
            other => format!("twinlock-fleet has stopped ({})", plain(other)),
        };
        let remedy = "If etcd was restored from a backup: twinlock fleet recover. If this host was: twinlock fleet rejoin.";
        found.push(JoinProblem { what, remedy });
    }
    let (answers, all) =
        (report.endpoints.iter().filter(|one| one.failure.is_none()), &report.endpoints);
    if answers.count() * 2 <= all.len() {
        found.push(JoinProblem {
            what: "fewer than half of the servers of etcd answer".to_owned(),
            remedy: "See twinlock fleet status, and the journal of etcd.",
        });
    }
    for one in all {
        if let Some(clock) = one.clock.filter(|clock| clock.unsigned_abs() > CLOCK_MAX) {
            found.push(JoinProblem {
                what: format!("the clock of {} is {}", plain(&one.url), off_by(clock)),
                remedy: "Synchronize the clocks of all machines (chrony, systemd-timesyncd).",
            });
        }
    }
    found
}

/// Returns a difference between a clock and this host's as text, such as `3 s ahead of this host's`. `clock` is in
/// seconds, negative if that clock is behind.
pub(super) fn off_by(clock: i64) -> String {
    let side = if clock < 0 { "behind" } else { "ahead of" };
    format!("{} s {side} this host's", clock.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_host::fleet::membership::EndpointReport;

    fn endpoint(clock: i64, failure: Option<&str>) -> EndpointReport {
        let failure = failure.map(str::to_owned);
        EndpointReport {
            url: "https://a:1".into(),
            clock: Some(clock),
            failure,
            ..EndpointReport::default()
        }
    }

    #[test]
    fn a_report_is_judged() {
        let judged = |report: &DaemonReport| of_report(report).len();
        let mut report =
            DaemonReport { endpoints: vec![endpoint(2, None)], ..DaemonReport::default() };
        assert_eq!(judged(&report), 0);
        report.endpoints.push(endpoint(-3, None));
        assert_eq!(
            of_report(&report)[0].what,
            "the clock of https://a:1 is 3 s behind this host's"
        );
        report.endpoints = vec![endpoint(0, None), endpoint(0, Some("x")), endpoint(0, Some("x"))];
        assert_eq!(judged(&report), 1);
        report.endpoints.clear();
        assert_eq!(judged(&report), 1);
        report.endpoints.push(endpoint(0, None));
        report.stopped = Some("not_joined".into());
        assert_eq!(judged(&report), 0);
        report.stopped = Some("cloned".into());
        assert_eq!(judged(&report), 1);
    }
}
