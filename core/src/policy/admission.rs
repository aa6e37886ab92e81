//! Admission: decides on a login before any code is compared.

use crate::{
    base::{
        error::{FleetError, LookupError, StoreError},
        request::PublicKey,
        time::{Now, UnixTime},
    },
    event::Reason,
    policy::{Action, AfterReset, NotEnrolled, Policy, TicketNeed, rules::Decided},
    record::{
        Record, State,
        extras::{Purpose, Ticket},
    },
};

/// The facts by which [`admit`] decides.
pub struct AdmissionInput<'a> {
    /// What NSS knows about the account.
    pub account: AccountState,
    /// The rule that applies, or the error if a group could not be looked up.
    pub decided: Result<Decided, LookupError>,
    /// The user's newest record; `None` if it is proven that the user has none.
    pub record: Result<Option<&'a Record>, StoreError>,
    /// The settings of the host, which say how to treat a user who is not enrolled.
    pub policy: &'a Policy,
    /// Whether sshd has verified a public key.
    pub public_key: PublicKey,
    /// The current time. Tickets expire by it.
    pub now: Now,
}

/// What NSS knows about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    /// The account exists.
    Exists {
        /// The user id of the account.
        uid: u32,
    },
    /// NSS says that there is no such account.
    Unknown,
    /// NSS did not answer.
    Failed,
}

/// How a login continues before any code is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// Access is granted without a code. Holds the reason.
    Exempt(Reason),
    /// The user is asked for a code, which is verified.
    Ask,
    /// Set-up is offered after a proven first factor.
    SetUp(Offer),
    /// The login is refused. Holds the reason, which the user is told after a proven first factor.
    Refuse(Reason),
}

/// An offer of set-up: whether set-up needs a ticket, and what happens to the login if the user declines the offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Whether the user needs a ticket to set up.
    pub ticket: TicketNeed,
    /// What happens to the login if the user does not set up.
    pub without: Without,
}

/// What happens to a login if the user does not set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Without {
    /// Access is denied.
    Refused,
    /// Access is granted. Holds the time from which it is denied; `None` if there is no such time.
    LetThrough(Option<UnixTime>),
}

impl Admission {
    /// Returns the decision, with an offer of set-up replaced by a refusal ([`Reason::NotSetUp`]) or by an exemption.
    /// Use it for a login with a proven first factor that may ask only for a code.
    pub fn with_code_only(self) -> Self {
        match self {
            Self::SetUp(Offer { without: Without::Refused, .. }) => Self::Refuse(Reason::NotSetUp),
            Self::SetUp(Offer { without: Without::LetThrough(_), .. }) => {
                Self::Exempt(Reason::Reminded)
            }
            Self::Exempt(_) | Self::Ask | Self::Refuse(_) => self,
        }
    }

    /// Returns the decision, with an offer of set-up replaced by a refusal ([`Reason::NotEnrolled`]) or by an
    /// exemption. Use it for a login in which no dialogue is possible.
    pub fn without_set_up(self) -> Self {
        match self {
            Self::SetUp(Offer { without: Without::Refused, .. }) => {
                Self::Refuse(Reason::NotEnrolled)
            }
            Self::SetUp(Offer { without: Without::LetThrough(_), .. }) => {
                Self::Exempt(Reason::Reminded)
            }
            Self::Exempt(_) | Self::Ask | Self::Refuse(_) => self,
        }
    }
}

/// Decides how a login continues before a code is compared. Must not be called for a login whose first factor failed.
pub fn admit(known: &AdmissionInput<'_>) -> Admission {
    let uid = match known.account {
        AccountState::Exists { uid } => uid,
        AccountState::Unknown => return Admission::Refuse(Reason::UnknownUser),
        AccountState::Failed => return Admission::Refuse(Reason::LookupFailed),
    };
    let remind = match known.decided {
        Err(LookupError) => return Admission::Refuse(Reason::LookupFailed),
        Ok(Decided { action: Action::Exempt, rule, .. }) => {
            return Admission::Exempt(Reason::Rule(rule.unwrap_or(0)));
        }
        Ok(Decided { action: Action::Require, .. }) => None,
        Ok(Decided { action: Action::Remind, until, .. }) => Some(until),
    };
    match known.record {
        Err(fault) => Admission::Refuse(Reason::Store(fault)),
        Ok(Some(Record { state: State::Active, .. })) => Admission::Ask,
        // Root is neither admitted without a record nor offered set-up at a login.
        Ok(_) if uid == 0 => Admission::Refuse(Reason::NotEnrolled),
        Ok(Some(found)) if found.extras.reset.is_some() => after_reset(known),
        Ok(found) => {
            let admission = match remind {
                Some(until) => set_up(known, Without::LetThrough(until)),
                None => absent(known, found),
            };
            let is_shared = known.policy.fleet.is_on && known.policy.fleet.shares(uid);
            if is_shared { closed(known, found, admission) } else { admission }
        }
    }
}

/// Returns the decision on a shared user who is not enrolled. In a fleet, the absence of a record is never a way in:
/// otherwise a user could log in without a code after the record is deleted in the store, or an older one restored.
fn closed(known: &AdmissionInput<'_>, found: Option<&Record>, admission: Admission) -> Admission {
    match admission {
        Admission::Exempt(_)
        | Admission::SetUp(
            Offer { without: Without::LetThrough(_), .. } | Offer { ticket: TicketNeed::Free, .. },
        ) => match is_invited(known, found) {
            true => BY_TICKET,
            false => {
                Admission::Refuse(Reason::Store(StoreError::Fleet(FleetError::OpenWithoutRecord)))
            }
        },
        Admission::Ask | Admission::SetUp(_) | Admission::Refuse(_) => admission,
    }
}

fn set_up(known: &AdmissionInput<'_>, without: Without) -> Admission {
    Admission::SetUp(Offer { ticket: known.policy.set_up.ticket, without })
}

/// Decides how the login of a user who was reset continues. The user must set up again, even if the settings do not
/// require a code from users who are not enrolled.
fn after_reset(known: &AdmissionInput<'_>) -> Admission {
    let ticket = match (known.policy.set_up.after_reset, known.public_key) {
        (AfterReset::Login, _) | (AfterReset::Ticket, PublicKey::Verified) => TicketNeed::Free,
        (AfterReset::Ticket, PublicKey::Absent) => TicketNeed::Needed,
    };
    Admission::SetUp(Offer { ticket, without: Without::Refused })
}

/// Set-up with a ticket, without which access is denied.
const BY_TICKET: Admission =
    Admission::SetUp(Offer { ticket: TicketNeed::Needed, without: Without::Refused });

/// Returns whether the user has a ticket for set-up that works.
fn is_invited(known: &AdmissionInput<'_>, found: Option<&Record>) -> bool {
    let works =
        |ticket: &Ticket| ticket.purpose == Purpose::SetUp && !ticket.voucher.is_over(known.now);
    found.is_some_and(|found| found.extras.tickets.iter().any(works))
}

fn absent(known: &AdmissionInput<'_>, found: Option<&Record>) -> Admission {
    match known.policy.not_enrolled {
        NotEnrolled::Allow => Admission::Exempt(Reason::NotEnrolled),
        NotEnrolled::Remind => set_up(known, Without::LetThrough(None)),
        NotEnrolled::Enroll => set_up(known, Without::Refused),
        NotEnrolled::Deny if is_invited(known, found) => BY_TICKET,
        NotEnrolled::Deny => Admission::Refuse(Reason::NotEnrolled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::BootTime;
    use crate::record::Generation;
    use crate::record::extras::{AuditStamp, RecordExtras};
    use crate::record::voucher::Voucher;
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
            extras: RecordExtras::default(),
        }
    }

    fn decided(action: Action) -> Result<Decided, LookupError> {
        Ok(Decided { action, rule: Some(1), until: None })
    }

    fn policy(not_enrolled: NotEnrolled) -> &'static Policy {
        alloc::boxed::Box::leak(alloc::boxed::Box::new(Policy {
            not_enrolled,
            ..Policy::default()
        }))
    }

    fn known(
        record: Result<Option<&Record>, StoreError>,
        not_enrolled: NotEnrolled,
    ) -> AdmissionInput<'_> {
        AdmissionInput {
            account: AccountState::Exists { uid: 1000 },
            decided: decided(Action::Require),
            record,
            policy: policy(not_enrolled),
            public_key: PublicKey::Absent,
            now: at(1000),
        }
    }

    const FORCED: Admission =
        Admission::SetUp(Offer { ticket: TicketNeed::Needed, without: Without::Refused });

    fn at(unix: u64) -> Now {
        Now { unix: UnixTime(unix), boot: BootTime(0) }
    }

    #[test]
    fn set_up_is_offered_as_the_settings_say() {
        let offered = |without| Admission::SetUp(Offer { ticket: TicketNeed::Needed, without });
        for (not_enrolled, admission) in [
            (NotEnrolled::Enroll, FORCED),
            (NotEnrolled::Remind, offered(Without::LetThrough(None))),
        ] {
            assert_eq!(admit(&known(Ok(None), not_enrolled)), admission);
            let mut root = known(Ok(None), not_enrolled);
            root.account = AccountState::Exists { uid: 0 };
            assert_eq!(admit(&root), Admission::Refuse(Reason::NotEnrolled));
        }
        let until = Some(UnixTime(5000));
        for not_enrolled in [NotEnrolled::Deny, NotEnrolled::Enroll, NotEnrolled::Allow] {
            let mut reminded = known(Ok(None), not_enrolled);
            reminded.decided = Ok(Decided { action: Action::Remind, rule: Some(1), until });
            assert_eq!(admit(&reminded), offered(Without::LetThrough(until)));
        }
    }

    #[test]
    fn where_nothing_can_be_asked_set_up_is_what_it_is_without() {
        assert_eq!(FORCED.without_set_up(), Admission::Refuse(Reason::NotEnrolled));
        let reminder = admit(&known(Ok(None), NotEnrolled::Remind));
        assert_eq!(reminder.without_set_up(), Admission::Exempt(Reason::Reminded));
        assert_eq!(Admission::Ask.without_set_up(), Admission::Ask);
    }

    #[test]
    fn who_was_reset_gets_in_by_set_up_alone() {
        let audit = AuditStamp { by: "kim".into(), at: UnixTime(1) };
        let extras = RecordExtras { reset: Some(audit), ..RecordExtras::default() };
        let found = Record { extras, ..record(State::Pending) };
        for not_enrolled in [NotEnrolled::Deny, NotEnrolled::Remind, NotEnrolled::Allow] {
            let mut reset = known(Ok(Some(&found)), not_enrolled);
            assert_eq!(admit(&reset), FORCED);
            reset.decided = decided(Action::Remind);
            assert_eq!(admit(&reset), FORCED);
            reset.public_key = PublicKey::Verified;
            let free = Offer { ticket: TicketNeed::Free, without: Without::Refused };
            assert_eq!(admit(&reset), Admission::SetUp(free));
        }
    }

    #[test]
    fn a_ticket_that_works_opens_set_up_where_nothing_else_does() {
        let voucher =
            Voucher { salt: [0; 16], hash: [0; 32], until: UnixTime(1001), by_boot: None };
        let audit = AuditStamp { by: "kim".into(), at: UnixTime(1) };
        let ticket = Ticket { purpose: Purpose::SetUp, voucher, audit };
        let extras = RecordExtras { tickets: alloc::vec![ticket], ..RecordExtras::default() };
        let found = Record { extras, ..record(State::Pending) };
        let mut invited = known(Ok(Some(&found)), NotEnrolled::Deny);
        assert_eq!(admit(&invited), FORCED);
        invited.now = at(1001);
        assert_eq!(admit(&invited), Admission::Refuse(Reason::NotEnrolled));
    }

    #[test]
    fn absence_is_no_way_into_a_fleet() {
        let refused =
            Admission::Refuse(Reason::Store(StoreError::Fleet(FleetError::OpenWithoutRecord)));
        let removed = record(State::Removed);
        for (not_enrolled, ticket, action) in [
            (NotEnrolled::Allow, TicketNeed::Needed, Action::Require),
            (NotEnrolled::Remind, TicketNeed::Needed, Action::Require),
            (NotEnrolled::Enroll, TicketNeed::Free, Action::Require),
            (NotEnrolled::Deny, TicketNeed::Needed, Action::Remind),
        ] {
            let mut policy = Policy { not_enrolled, ..Policy::default() };
            policy.set_up.ticket = ticket;
            let outside = policy.clone();
            policy.fleet.is_on = true;
            for found in [None, Some(&removed)] {
                let mut input = known(Ok(found), not_enrolled);
                input.decided = decided(action);
                input.policy = &policy;
                assert_eq!(admit(&input), refused);
                // Accounts below `lowest_uid` are not shared.
                input.account = AccountState::Exists { uid: 999 };
                let admission = admit(&input);
                assert_ne!(admission, refused);
                input.policy = &outside;
                assert_eq!(admit(&input), admission);
            }
        }
    }

    #[test]
    fn only_a_proven_absence_can_be_allowed() {
        let fault = StoreError::StoreIdMissing;
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
        failed.decided = Err(LookupError);
        assert_eq!(admit(&failed), Admission::Refuse(Reason::LookupFailed));
        failed.account = AccountState::Failed;
        failed.decided = decided(Action::Exempt);
        assert_eq!(admit(&failed), Admission::Refuse(Reason::LookupFailed));
        failed.account = AccountState::Unknown;
        assert_eq!(admit(&failed), Admission::Refuse(Reason::UnknownUser));
    }
}
