//! Unit tests of the daemon's knowledge of the host's entry: lost answers, stores that were restored to an earlier
//! state, and clones.

use super::*;

fn fresh(counter: u64) -> String {
    format!("counter={counter} nonce=a")
}

fn entry(revision: u64, value: &str) -> StoreEntry {
    StoreEntry { key: "hosts/web1".into(), revision, value: value.into() }
}

fn found(revision: u64, value: &str) -> EntryAnswer {
    EntryAnswer::Found(Some(entry(revision, value)))
}

/// Returns the state of a host whose first write has the revision 10.
fn joined() -> EntryState {
    let mut state = EntryState::default();
    let write = state.begin_join(fresh).unwrap();
    assert_eq!((write.guard.revision, write.value.as_str()), (0, "counter=1 nonce=a"));
    assert!(state.settle_join(&write, &EntryAnswer::Written(10)));
    state
}

/// Returns the state as it is after a restart of the daemon.
fn restarted(state: &EntryState) -> EntryState {
    EntryState::restored(state.revision, state.counter, state.intended.clone(), state.stop)
}

#[test]
fn a_host_joins_once() {
    let mut state = EntryState::default();
    assert_eq!(state.guard(), Err(FleetOutcome::NotJoined));
    assert_eq!(state.begin_write(fresh), None);
    let write = state.begin_join(fresh).unwrap();
    assert!(!state.settle_join(&write, &found(4, "another host")));
    assert_eq!((state.guard(), &state.intended), (Err(FleetOutcome::NotJoined), &None));
    assert_eq!(joined().begin_join(fresh), None);
}

#[test]
fn a_join_whose_answer_was_lost_is_recognized() {
    let mut state = EntryState::default();
    let lost = state.begin_join(fresh).unwrap();
    let mut state = restarted(&state);
    assert_eq!(state.guard(), Err(FleetOutcome::NotJoined));
    let write = state.begin_join(|_| "another value".into()).unwrap();
    assert_eq!(write.value, lost.value);
    assert!(state.settle_join(&write, &found(4, &lost.value)));
    assert_eq!(state.guard().map(|guard| guard.revision), Ok(4));
}

#[test]
fn a_write_whose_answer_was_lost_is_repeated() {
    let mut state = joined();
    let lost = state.begin_write(fresh).unwrap();
    assert_eq!((lost.guard.revision, lost.value.as_str()), (10, "counter=2 nonce=a"));
    // The old revision counts until the write is confirmed.
    assert_eq!(state.guard().map(|guard| guard.revision), Ok(10));
    for mut state in [state.clone(), restarted(&state)] {
        let again = state.begin_write(|_| "another value".into()).unwrap();
        assert_eq!((again.guard.revision, &again.value), (10, &lost.value));
        assert_eq!(state.settle(&again, &found(14, &lost.value)), None);
        assert_eq!(state.guard().map(|guard| guard.revision), Ok(14));
        let next = state.begin_write(fresh).unwrap();
        assert_eq!(next.value, "counter=3 nonce=a");
        assert_eq!(state.settle(&next, &EntryAnswer::Written(20)), None);
        assert_eq!(state.guard().map(|guard| guard.revision), Ok(20));
    }
}

#[test]
fn a_lost_comparison_is_a_clone() {
    let mut state = joined();
    let write = state.begin_write(fresh).unwrap();
    assert_eq!(state.settle(&write, &found(12, "counter=2 nonce=b")), Some(EntryStop::Cloned));
    assert_eq!(state.guard(), Err(FleetOutcome::Cloned));
    assert_eq!(state.begin_write(fresh), None);
    assert_eq!(restarted(&state).guard(), Err(FleetOutcome::Cloned));
}

#[test]
fn an_earlier_entry_is_a_store_that_was_put_back() {
    for answer in [EntryAnswer::Found(None), found(9, "counter=0 nonce=a")] {
        let mut state = joined();
        let write = state.begin_write(fresh).unwrap();
        assert_eq!(state.settle(&write, &answer), Some(EntryStop::RolledBack));
        assert_eq!(state.guard(), Err(FleetOutcome::RolledBack));
    }
}

#[test]
fn a_refused_transaction_shows_the_entry() {
    let state = joined();
    let guard = state.guard().unwrap();
    let stopped = |stop| GuardVerdict::Stopped(stop, true);
    for (entry, verdict) in [
        (Some(entry(10, "counter=1 nonce=a")), GuardVerdict::Held),
        (Some(entry(11, "counter=2 nonce=b")), stopped(EntryStop::Cloned)),
        (Some(entry(9, "counter=1 nonce=a")), stopped(EntryStop::RolledBack)),
        (None, stopped(EntryStop::RolledBack)),
    ] {
        let mut state = state.clone();
        assert_eq!(state.judge(guard, entry.as_ref()), verdict);
        if let GuardVerdict::Stopped(stop, _) = verdict {
            assert_eq!(state.guard(), Err(stop.outcome()));
            assert_eq!(state.judge(guard, None), GuardVerdict::Stopped(stop, false));
        }
    }
}

#[test]
fn a_transaction_beside_an_own_write_is_not_a_clone() {
    let mut state = joined();
    let guard = state.guard().unwrap();
    let write = state.begin_write(fresh).unwrap();
    let seen = entry(14, &write.value);
    assert_eq!(state.judge(guard, Some(&seen)), GuardVerdict::Held);
    assert_eq!(state.settle(&write, &EntryAnswer::Written(14)), None);
    assert_eq!(state.judge(guard, Some(&seen)), GuardVerdict::Held);
    // The answer of a transaction that was sent before the write comes after it.
    assert_eq!(state.judge(guard, Some(&entry(10, "counter=1 nonce=a"))), GuardVerdict::Held);
    let next = state.begin_write(fresh).unwrap();
    assert_eq!(state.settle(&next, &EntryAnswer::Written(15)), None);
    assert_eq!(state.judge(guard, Some(&seen)), GuardVerdict::Held);
}

#[test]
fn rejoining_takes_the_entry_as_it_is() {
    let mut state = joined();
    let before = state.guard().unwrap();
    let _ = state.judge(before, None);
    state.adopt(&entry(5, "counter=40 nonce=x stopped=cloned"));
    assert_eq!(state.guard().map(|guard| guard.revision), Ok(5));
    // An answer from before says nothing any more.
    assert_eq!(state.judge(before, None), GuardVerdict::Outdated);
    assert_eq!(state.begin_write(fresh).unwrap().value, "counter=41 nonce=a");
}

#[test]
fn a_write_from_before_leaving_changes_nothing() {
    let mut state = joined();
    let write = state.begin_write(fresh).unwrap();
    state.leave();
    assert_eq!(state.settle(&write, &EntryAnswer::Written(11)), None);
    assert_eq!(state.guard(), Err(FleetOutcome::NotJoined));
}
