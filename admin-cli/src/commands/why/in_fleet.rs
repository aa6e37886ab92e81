//! Reports on which hosts of the fleet codes of the user were accepted, and on which hosts wrong codes were entered.

use serde_json::{Value, json};
use twinlock_core::{base::account::Account, record::Record};
use twinlock_host::fleet::membership::{FleetUse, FleetUseKind};

use crate::{
    context::Context,
    text::{instant, plain},
};

/// Returns the uses of a user's codes in the fleet, the newest first; `None` if the user is not shared or the store
/// does not answer.
pub(super) fn of(
    context: &Context,
    account: Option<&Account>,
    record: Option<&Record>,
) -> Option<Vec<FleetUse>> {
    let (fleet, account) = (context.machine.records.fleet()?, account?);
    if fleet.shares(account.uid) { fleet.uses(account, record).ok() } else { None }
}

/// Returns the uses as lines of text; none if there are no uses.
pub(super) fn spoken(uses: &[FleetUse]) -> Vec<String> {
    if uses.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["\nCodes in the fleet, newest first:".to_owned()];
    lines.extend(uses.iter().map(line));
    lines
}

fn line(one: &FleetUse) -> String {
    let (at, what) = (instant(one.at), what(one.kind));
    let host = one.host.as_deref().map_or_else(|| "a host that has left".into(), plain);
    match &one.source {
        Some(source) => format!("{at}  {what} on {host}, from {}", source.as_str()),
        None => format!("{at}  {what} on {host}"),
    }
}

fn what(kind: FleetUseKind) -> &'static str {
    match kind {
        FleetUseKind::Code => "code accepted",
        FleetUseKind::BackupCode => "backup code accepted",
        FleetUseKind::Attempt => "wrong code",
    }
}

/// Returns the uses as a JSON array.
pub(super) fn objects(uses: &[FleetUse]) -> Value {
    let object = |one: &FleetUse| {
        json!({
            "at": one.at.0, "kind": one.kind.word(),
            "source": one.source.as_ref().map(|source| source.as_str()), "host": one.host,
        })
    };
    uses.iter().map(object).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::base::{request::SourceLabel, time::UnixTime};

    #[test]
    fn each_use_names_its_host() {
        let one = |kind, source: Option<&str>, host: Option<&str>| FleetUse {
            kind,
            at: UnixTime(1_795_219_205),
            source: source.and_then(SourceLabel::read),
            host: host.map(str::to_owned),
        };
        let said = spoken(&[
            one(FleetUseKind::Attempt, Some("203.0.113.7"), Some("web1")),
            one(FleetUseKind::Code, None, Some("web2")),
            one(FleetUseKind::BackupCode, None, None),
        ]);
        assert!(said[1].ends_with("  wrong code on web1, from 203.0.113.7"), "{said:?}");
        assert!(said[2].ends_with("  code accepted on web2"), "{said:?}");
        assert!(said[3].ends_with("  backup code accepted on a host that has left"), "{said:?}");
        assert!(spoken(&[]).is_empty());
    }
}
