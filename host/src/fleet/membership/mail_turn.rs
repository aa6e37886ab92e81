//! Decides which host sends a mail of a kind that users get at most once per hour, so that a user of many hosts gets one
//! mail and not one from each host.

use twinlock_core::{
    base::{account::Account, error::FleetError, time::UnixTime},
    wire::fleet::{Stay, StoreRead, StoreTest, StoreWrite, Transaction},
};

use crate::fleet::{
    entries::number,
    names::{StoreName, with_host},
    session::{Fleet, compare, entry, guarded_delete, is_done},
};

/// Time in seconds within which a user gets one mail of a kind.
const HOUR: u64 = 60 * 60;
/// Length in bytes of a value up to the mark of the host: the time.
const START: usize = 8;
/// Maximum number of tries while other hosts change the entry.
const ROUNDS: usize = 4;

/// The turn of a host to send a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTurn {
    key: String,
    value: Vec<u8>,
}

impl Fleet {
    /// Takes the turn to send a mail of a kind to a user. `at` is the time of the event. Returns `None` if another host
    /// has taken it for an event less than an hour before, so that this host must send no mail. A host that asks again,
    /// because sending failed, gets the turn again.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer.
    pub fn mail_turn(
        &self,
        account: &Account,
        kind: &str,
        at: UnixTime,
    ) -> Result<Option<MailTurn>, FleetError> {
        let key = StoreName::of_user(&self.key, &account.name).mail(kind);
        let marked = |start: &[u8]| with_host(&self.key, &key, start, &self.scope.host);
        let value = marked(&at.0.to_be_bytes());
        let mut test = StoreTest::Absent;
        for _ in 0..ROUNDS {
            let reply = self.transact(Transaction {
                compares: vec![compare(key.clone(), test)],
                writes: vec![StoreWrite::Put {
                    key: key.clone(),
                    value: value.clone(),
                    stays: Stay::Hour,
                    take_back: false,
                }],
                reads: vec![StoreRead::Key(key.clone())],
            })?;
            let stored = entry(&reply, &key).map(|stored| stored.value.clone());
            let Some(stored) = stored.filter(|stored| !is_done(&reply) && *stored != value) else {
                return Ok(Some(MailTurn { key, value }));
            };
            let is_own = marked(stored.get(..START).unwrap_or_default()) == stored;
            let is_over = number(&stored).is_none_or(|since| at.0 >= since.saturating_add(HOUR));
            if !is_own && !is_over {
                return Ok(None);
            }
            test = StoreTest::Value(stored);
        }
        Err(FleetError::Busy)
    }

    /// Gives a turn back, best effort, after sending has failed. Then another host may send its mail.
    pub fn give_turn_back(&self, turn: &MailTurn) {
        let _ = self.transact(guarded_delete(&turn.key, &turn.value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::KernelClock,
        entropy::KernelEntropy,
        fleet::{
            FleetScope, FleetStore,
            membership::test_store::{MemoryStore, key},
        },
    };
    use std::rc::Rc;
    use twinlock_core::{
        policy::FleetUids,
        wire::fleet::{FleetReply, FleetTask},
    };

    struct SharedStore(Rc<MemoryStore>);

    impl FleetStore for SharedStore {
        fn ask(&self, task: FleetTask) -> Result<FleetReply, FleetError> {
            self.0.ask(task)
        }
    }

    fn host(store: &Rc<MemoryStore>, name: &str) -> Fleet {
        let scope = FleetScope {
            lowest_uid: 1000,
            uids: FleetUids::Same,
            host: name.into(),
            uid_of: |_| Some(1000),
        };
        let store = Box::new(SharedStore(Rc::clone(store)));
        Fleet::new(key(&[1]), store, scope, Box::new(KernelEntropy), Box::new(KernelClock))
    }

    fn account() -> Account {
        Account { name: "ada".into(), uid: 1000, gid: 1000, full_name: String::new() }
    }

    #[test]
    fn one_host_an_hour_has_the_turn() {
        let store = Rc::new(MemoryStore::joined());
        let [one, two] = ["web1", "web2"].map(|name| host(&store, name));
        let asks = |of: &Fleet, kind, at| of.mail_turn(&account(), kind, UnixTime(at)).unwrap();
        assert!(asks(&one, "guessed", 10_000).is_some());
        assert!(asks(&one, "guessed", 10_000).is_some());
        assert_eq!(asks(&two, "guessed", 10_005), None);
        assert!(asks(&two, "few-codes-left", 10_005).is_some());
        // The next mail of the same host is limited by its own outbox.
        assert!(asks(&one, "guessed", 12_000).is_some());
        assert_eq!(asks(&two, "guessed", 15_599), None);
        assert!(asks(&two, "guessed", 15_600).is_some());
        assert_eq!(asks(&one, "guessed", 15_700), None);
    }

    #[test]
    fn failed_mail_gives_the_turn_back() {
        let store = Rc::new(MemoryStore::joined());
        let [one, two] = ["web1", "web2"].map(|name| host(&store, name));
        let asks = |of: &Fleet| of.mail_turn(&account(), "guessed", UnixTime(10_000)).unwrap();
        let turn = asks(&one).unwrap();
        one.give_turn_back(&turn);
        assert!(asks(&two).is_some());
        // A late copy of the deletion takes no turn of another host.
        one.give_turn_back(&turn);
        assert_eq!(asks(&one), None);
    }

    #[test]
    fn lost_answers_cost_no_mail() {
        let store = Rc::new(MemoryStore::joined());
        let one = host(&store, "web1");
        store.lose_answers(1);
        assert_eq!(one.mail_turn(&account(), "guessed", UnixTime(5)), Err(FleetError::Unreachable));
        assert!(one.mail_turn(&account(), "guessed", UnixTime(5)).unwrap().is_some());
    }
}
