//! Admission: what becomes of a login before any code is looked at.

use crate::{
    event::Reason,
    fault::{LookupFault, StoreFault},
    policy::{Action, NotEnrolled},
    record::{Record, State},
    rules::Decided,
};

/// What the machine knows about the person.
pub struct Known<'a> {
    /// What NSS said.
    pub account: AccountState,
    /// What the rules said, where they were asked.
    pub decided: Result<Decided, LookupFault>,
    /// What the records said, where they were asked.
    pub record: Result<Option<&'a Record>, StoreFault>,
    /// What the settings do with people who are not enrolled.
    pub not_enrolled: NotEnrolled,
}

/// What NSS said about the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// There is such an account.
    Exists {
        /// Its user id.
        uid: u32,
    },
    /// There is none.
    Unknown,
    /// It did not answer.
    Failed,
}

/// What becomes of the login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// No code is needed.
    Exempt(Reason),
    /// A code is asked for and judged.
    Ask,
    /// No code would help; who stands behind a proven first factor is told.
    Refuse(Reason),
}

/// Decides; a login that is a decoy is refused without coming here.
pub fn admit(known: &Known<'_>) -> Admission {
    let uid = match known.account {
        AccountState::Exists { uid } => uid,
        AccountState::Unknown => return Admission::Refuse(Reason::UnknownUser),
        AccountState::Failed => return Admission::Refuse(Reason::LookupFailed),
    };
    match known.decided {
        Err(LookupFault) => return Admission::Refuse(Reason::LookupFailed),
        Ok(Decided { action: Action::Exempt, rule }) => {
            return Admission::Exempt(Reason::Rule(rule.unwrap_or(0)));
        }
        Ok(Decided { action: Action::Require, .. }) => {}
    }
    match known.record {
        Err(fault) => Admission::Refuse(Reason::Store(fault)),
        Ok(Some(Record { state: State::Active, .. })) => Admission::Ask,
        Ok(Some(Record { state: State::Removed, .. }) | None) => absent(uid, known.not_enrolled),
    }
}

/// Root is never let through for want of a record: who opens a root shell proves a code.
fn absent(uid: u32, not_enrolled: NotEnrolled) -> Admission {
    match not_enrolled {
        NotEnrolled::Allow if uid != 0 => Admission::Exempt(Reason::NotEnrolled),
        NotEnrolled::Allow | NotEnrolled::Deny => Admission::Refuse(Reason::NotEnrolled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Generation;
    use crate::time::UnixTime;
    use alloc::vec::Vec;

    fn record(state: State) -> Record {
        Record {
            user: "ada".into(),
            uid: 1000,
            state,
            generation: Generation(1),
            since: UnixTime(0),
            authenticators: Vec::new(),
            codes: None,
        }
    }

    fn decided(action: Action) -> Result<Decided, LookupFault> {
        Ok(Decided { action, rule: Some(1) })
    }

    fn known(record: Result<Option<&Record>, StoreFault>, not_enrolled: NotEnrolled) -> Known<'_> {
        Known {
            account: AccountState::Exists { uid: 1000 },
            decided: decided(Action::Require),
            record,
            not_enrolled,
        }
    }

    #[test]
    fn only_a_proven_absence_can_be_allowed() {
        let fault = StoreFault::StoreIdMissing;
        let refused = Admission::Refuse(Reason::Store(fault));
        assert_eq!(admit(&known(Err(fault), NotEnrolled::Allow)), refused);
        let allowed = Admission::Exempt(Reason::NotEnrolled);
        assert_eq!(admit(&known(Ok(None), NotEnrolled::Allow)), allowed);
        let removed = record(State::Removed);
        assert_eq!(admit(&known(Ok(Some(&removed)), NotEnrolled::Allow)), allowed);
        let denied = Admission::Refuse(Reason::NotEnrolled);
        assert_eq!(admit(&known(Ok(None), NotEnrolled::Deny)), denied);
        assert_eq!(admit(&known(Ok(Some(&removed)), NotEnrolled::Deny)), denied);
    }

    #[test]
    fn who_is_enrolled_is_asked() {
        let active = record(State::Active);
        assert_eq!(admit(&known(Ok(Some(&active)), NotEnrolled::Allow)), Admission::Ask);
    }

    #[test]
    fn root_without_a_record_is_refused() {
        let mut root = known(Ok(None), NotEnrolled::Allow);
        root.account = AccountState::Exists { uid: 0 };
        assert_eq!(admit(&root), Admission::Refuse(Reason::NotEnrolled));
    }

    #[test]
    fn a_failed_look_up_exempts_nobody() {
        let active = record(State::Active);
        let mut failed = known(Ok(Some(&active)), NotEnrolled::Allow);
        failed.decided = Err(LookupFault);
        assert_eq!(admit(&failed), Admission::Refuse(Reason::LookupFailed));
        failed.account = AccountState::Failed;
        failed.decided = decided(Action::Exempt);
        assert_eq!(admit(&failed), Admission::Refuse(Reason::LookupFailed));
        failed.account = AccountState::Unknown;
        assert_eq!(admit(&failed), Admission::Refuse(Reason::UnknownUser));
    }
}
