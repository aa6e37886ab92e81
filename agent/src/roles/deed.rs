//! The changes that a member of a role makes for another user, and the limits of these changes.

use twinlock_core::{
    base::time::DAY,
    dialogue::{
        delegated::{self, DelegationError, RoleActor},
        final_message::FinalMessage,
    },
    message::role::RoleMessage,
    policy::roles::{Role, RoleVerb},
    ports::UserLedger,
    verify::allowance::{Allowance, Taken},
};
use twinlock_host::journal::Severity;

use crate::{
    client::{OperationEnd, of_error},
    roles::{Ended, RoleMember, TargetUser},
    status,
};

/// Limit of each change for one user in a day, counted for all members together.
const UNLOCKS: Allowance = Allowance { word: "role-unlock", most: 3, seconds: DAY };
const RESETS: Allowance = Allowance { word: "role-reset", most: 2, seconds: DAY };
const BYPASSES: Allowance = Allowance { word: "role-bypass", most: 2, seconds: DAY };

/// A change of another user's account, with the role that allows it and the member who asked for it.
pub(super) struct Deed<'a> {
    pub(super) verb: RoleVerb,
    pub(super) role: &'a Role,
    pub(super) reason: &'a str,
    /// The account name of the member who asked for the change.
    pub(super) by: &'a str,
    /// The user id of the member who asked for the change, if the caller only approves the change; `None` if the caller
    /// asked for it.
    pub(super) requested_by: Option<u32>,
}

impl RoleMember<'_> {
    /// Makes a change for which the role needs no approval.
    pub(super) fn change(
        &self,
        verb: RoleVerb,
        other: &TargetUser,
        role: &Role,
        reason: &str,
    ) -> Ended {
        let taken = self.own.take(of_member(role))?;
        let by = self.account().name.as_str();
        let deed = Deed { verb, role, reason, by, requested_by: None };
        self.make(&deed, other).inspect_err(|_| self.own.user_ledger.erase(&taken))
    }

    /// Makes a change, if the limits for the user `other` allow it.
    pub(super) fn make(&self, deed: &Deed<'_>, other: &TargetUser) -> Ended {
        let user_ledger = self.ledger(other)?;
        let taken = self.take_for(other_limit(deed.verb), user_ledger.as_ref())?;
        let done = self.run(deed, other, user_ledger.as_ref());
        done.map_err(|error| {
            user_ledger.erase(&taken);
            self.failed(error, deed, other)
        })
    }

    fn run(
        &self,
        deed: &Deed<'_>,
        other: &TargetUser,
        user_ledger: &dyn UserLedger,
    ) -> Result<OperationEnd, DelegationError> {
        let final_message = FinalMessage::default();
        let label = self.own.source.label();
        let context = self.context(other, user_ledger, &final_message, &label);
        let own_name = self.account().name.as_str();
        let approved_by = deed.requested_by.map(|_| own_name);
        let actor = RoleActor { name: deed.by, role: deed.role, approved_by };
        let user = other.account.name.clone();
        let (event, message) = match deed.verb {
            RoleVerb::Unlock => {
                let attempts = delegated::unlock(&context, &actor)?;
                ("unlocked", RoleMessage::Unlocked { user, attempts })
            }
            RoleVerb::Reset => {
                delegated::reset(&context, &actor)?;
                ("reset", RoleMessage::WasReset(user))
            }
            RoleVerb::Bypass => {
                delegated::bypass(&context, &actor)?;
                ("bypass_given", RoleMessage::BypassMailed { user, life: deed.role.bypass_for })
            }
            // These operations change nothing, so they are never run here.
            RoleVerb::Status | RoleVerb::Why => return Err(DelegationError::NoAttempts),
        };
        let requested_by = deed.requested_by.map(|uid| format!("uid:{uid}"));
        let mut pairs = vec![
            ("user", other.account.name.as_str()),
            ("role", &deed.role.name),
            ("reason", deed.reason),
            ("own_code", "given"),
        ];
        pairs.extend(requested_by.as_ref().map(|uid| ("requested_by", uid.as_str())));
        self.log(Severity::Notice, event, &pairs);
        Ok(self.changed(deed.verb, &other.account.name, &message))
    }

    fn failed(&self, error: DelegationError, deed: &Deed<'_>, other: &TargetUser) -> OperationEnd {
        let user = other.account.name.clone();
        let reason = match error {
            DelegationError::NotEnrolled => "not_enrolled",
            DelegationError::NoAttempts => "no_attempts",
            DelegationError::Dialogue(_) => "failed",
        };
        let pairs = [
            ("user", user.as_str()),
            ("verb", deed.verb.word()),
            ("role", &deed.role.name),
            ("reason", reason),
        ];
        self.log(Severity::Notice, "role_refused", &pairs);
        match error {
            DelegationError::NotEnrolled => {
                self.end(status::WRONG_STATE, &RoleMessage::NotEnrolled(user))
            }
            DelegationError::NoAttempts => {
                self.end(status::WRONG_STATE, &RoleMessage::NoAttempts(user))
            }
            DelegationError::Dialogue(error) => of_error(self.own.client, error),
        }
    }

    /// Counts one use of a limit in the ledger of the user on whose account the operation runs. Returns the ledger name
    /// of this use, by which the use can be taken back. `Err` holds the end of the operation if the limit is reached,
    /// or if the ledger cannot be used.
    fn take_for(
        &self,
        allowance: Allowance,
        user_ledger: &dyn UserLedger,
    ) -> Result<String, OperationEnd> {
        match allowance.take(user_ledger, self.now()?.boot) {
            Ok(Taken::Yes(name)) => Ok(name),
            Ok(Taken::No { wait }) => {
                Err(self.end(status::THROTTLED, &RoleMessage::TooOftenForUser { wait }))
            }
            Err(fault) => Err(self.own.client.fault(fault.reason())),
        }
    }
}

/// Returns the limit of how many changes one member of the role `role` may make in a day.
pub(super) fn of_member(role: &Role) -> Allowance {
    Allowance { word: "role", most: role.per_day, seconds: DAY }
}

fn other_limit(verb: RoleVerb) -> Allowance {
    match verb {
        RoleVerb::Reset => RESETS,
        RoleVerb::Bypass => BYPASSES,
        RoleVerb::Unlock | RoleVerb::Status | RoleVerb::Why => UNLOCKS,
    }
}
