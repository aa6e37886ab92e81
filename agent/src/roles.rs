//! What members of a role may do with the accounts of other users. A role, defined in `roles.toml`, lets the members of
//! a group help users without being root. Each operation has its proofs (password and code), limits, log lines and
//! mails.

mod approval;
mod deed;
mod requests;
mod session;

use serde_json::json;
use twinlock_core::{
    authorization::{REASON_MAX, reason},
    base::{
        account::{Account, Folder},
        address::Address,
        error::FileError,
        request::SourceLabel,
        time::{DAY, Now},
    },
    dialogue::{
        context::DialogueContext, final_message::FinalMessage, own_account, owner_code::SERVICE,
    },
    event::log_line,
    message::{own_account::OwnAccount, role::RoleMessage},
    policy::{
        Echo,
        role_decision::{RoleBook, RoleRefusal, RoleTarget},
        roles::{Approval, Role, RoleVerb, Roles},
    },
    ports::{Accounts, Clock, Conversation, Ledger, LedgerKey, Records, UserLedger},
    text,
    verify::allowance::Allowance,
    wire::{AgentVerb, Begin},
};
use twinlock_host::{
    journal::Severity,
    settings::roles_file::{ROLES, RolesReadError, read_roles},
    trusted_dir::Owner,
};

use crate::{
    client::{OperationEnd, of_error},
    report,
    self_service::OwnUser,
    status,
};

/// Limit of how often one member may view the state or the refusals of other users: 100 times in a day.
const LOOKS: Allowance = Allowance { word: "role-look", most: 100, seconds: DAY };
/// Limit of refusals of one caller: 30 in an hour. Further refusals are not logged.
const REFUSALS: Allowance = Allowance { word: "role-refused", most: 30, seconds: 3600 };

/// An operation for which the caller needs a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delegated<'a> {
    /// An operation on the account of another user.
    Verb {
        /// Which operation it is, such as a reset.
        verb: RoleVerb,
        /// Name of the other user, as the caller typed it.
        user: &'a str,
        /// Why the caller wants the operation, as typed; empty if the agent has to ask for the reason.
        reason: &'a str,
    },
    /// Lists the changes that wait for the approval of a second member.
    Requests,
    /// Approves a request of another member.
    Approve {
        /// The id of the request: 8 hexadecimal digits.
        id: &'a str,
    },
}

impl<'a> Delegated<'a> {
    /// Returns the operation that the frame `begin` asks for; `None` if the operation needs no role, because it
    /// concerns the account of the caller `caller`.
    pub(crate) fn of(begin: &Begin<'a>, caller: &str) -> Option<Self> {
        let (user, reason) = (begin.word(0), begin.word(1));
        let of = |verb| Some(Self::Verb { verb, user, reason });
        let is_own = user.is_empty() || user == caller;
        match begin.verb {
            AgentVerb::Status if !is_own => of(RoleVerb::Status),
            AgentVerb::Why if !is_own => of(RoleVerb::Why),
            AgentVerb::Unlock => of(RoleVerb::Unlock),
            AgentVerb::Reset => of(RoleVerb::Reset),
            AgentVerb::Bypass => of(RoleVerb::Bypass),
            AgentVerb::Requests => Some(Self::Requests),
            AgentVerb::Approve => Some(Self::Approve { id: user }),
            AgentVerb::Status
            | AgentVerb::Devices
            | AgentVerb::Why
            | AgentVerb::Forget
            | AgentVerb::BackupCodes
            | AgentVerb::Change
            | AgentVerb::Remove
            | AgentVerb::Enroll
            | AgentVerb::Locker => None,
        }
    }
}

/// Runs the operation `wanted`, if a role allows the caller to run it.
pub(crate) fn serve(own: &OwnUser<'_>, wanted: &Delegated<'_>) -> OperationEnd {
    let member = RoleMember { own };
    let end = match wanted {
        Delegated::Verb { verb, user, reason } => member.act(*verb, user, reason),
        Delegated::Requests => member.list(),
        Delegated::Approve { id } => member.approve(id),
    };
    end.unwrap_or_else(|end| end)
}

/// A caller who asks to act as a member of a role.
struct RoleMember<'a> {
    own: &'a OwnUser<'a>,
}

/// The user on whose account a member of a role runs an operation.
struct TargetUser {
    account: Account,
    folder: Folder,
}

type Ended = Result<OperationEnd, OperationEnd>;

impl RoleMember<'_> {
    fn act(&self, verb: RoleVerb, user: &str, typed: &str) -> Ended {
        self.must_be_member(verb)?;
        let reason = if verb.changes() { self.reason(typed)? } else { String::new() };
        self.own.prove()?;
        let other = self.other(user)?;
        // The proofs take up to some minutes. If the caller has lost the right in the meantime, this is noticed here.
        let role = self.decide(self.account(), &other, verb, None)?;
        if !verb.changes() {
            return self.look(verb, &other, &role);
        }
        match role.approval {
            Approval::Alone => self.change(verb, &other, &role, &reason),
            Approval::Another => self.request(verb, &other, &role, &reason),
        }
    }

    fn account(&self) -> &Account {
        self.own.client.account
    }

    /// Reads the roles file. Each decision reads it, so that a change of the file takes effect at once.
    fn roles(&self) -> Result<Roles, OperationEnd> {
        read_roles(ROLES, Owner(0)).map_err(|error| {
            let (status, message) = match error {
                RolesReadError::File(FileError::Missing) => {
                    (status::NOT_PERMITTED, RoleMessage::NoRole)
                }
                RolesReadError::File(_)
                | RolesReadError::Folder(_)
                | RolesReadError::Mistake(_) => {
                    let end = self.end(status::UNAVAILABLE, &RoleMessage::RolesUnusable);
                    return self.refused(Severity::Warning, &[("reason", "roles_file")], end);
                }
            };
            self.end(status, &message)
        })
    }

    /// Checks that a role lets the caller run the operation `verb` for at least one user. The agent reveals nothing
    /// about the other user before the caller has given password and code.
    fn must_be_member(&self, verb: RoleVerb) -> Result<(), OperationEnd> {
        let roles = self.roles()?;
        let book = RoleBook { roles: &roles, memberships: &self.own.client.machine.accounts };
        let found = book.roles_of(self.account(), verb).map(drop);
        found.map_err(|refusal| self.refuse(&refusal, verb, None))
    }

    /// Returns the role by which `caller` may run the operation `verb` for the user `other`. If `named` is given, only
    /// the role with this name counts.
    fn decide(
        &self,
        caller: &Account,
        other: &TargetUser,
        verb: RoleVerb,
        named: Option<&str>,
    ) -> Result<Role, OperationEnd> {
        let machine = self.own.client.machine;
        let account = &other.account;
        let has_one_name = machine.accounts.has_one_name(account);
        let has_one_name = has_one_name.map_err(|_| self.own.client.fault("lookup_failed"))?;
        let roles = self.roles()?;
        let book = RoleBook { roles: &roles, memberships: &machine.accounts };
        let refuse = |refusal| self.refuse(&refusal, verb, Some(&account.name));
        // If no role applies to the user, the record of the user is not read.
        let target = RoleTarget { account, has_one_name };
        let role = book.decide(caller, &target, verb, named).map_err(refuse)?.clone();
        let found = machine.records.newest(account);
        let found = found.map_err(|fault| self.own.client.fault(fault.reason()))?;
        let on_record = found.as_ref().and_then(|found| found.record.extras.mail.as_deref());
        let domain = self.own.client.policy.mail.domain.as_deref();
        match Address::of(&account.name, on_record, domain) {
            Ok(_) => Ok(role),
            Err(_) => Err(refuse(RoleRefusal::NoAddress)),
        }
    }

    fn refuse(&self, refusal: &RoleRefusal, verb: RoleVerb, user: Option<&str>) -> OperationEnd {
        let (status, message) = match refusal {
            RoleRefusal::Unresolved(_) => (status::UNAVAILABLE, RoleMessage::RolesUnusable),
            RoleRefusal::NoRole => (status::NOT_PERMITTED, RoleMessage::NoRole),
            RoleRefusal::OwnAccount => (status::NOT_PERMITTED, RoleMessage::OwnAccount),
            RoleRefusal::SystemAccount
            | RoleRefusal::SecondName
            | RoleRefusal::Protected(_)
            | RoleRefusal::RoleMember => (status::NOT_PERMITTED, RoleMessage::OutOfReach),
            RoleRefusal::Elsewhere => (status::NOT_PERMITTED, RoleMessage::Elsewhere),
            RoleRefusal::NoAddress => (status::WRONG_STATE, RoleMessage::NoAddress),
        };
        let mut pairs = vec![("verb", verb.word()), ("reason", refusal.word())];
        if let Some(user) = user {
            pairs.insert(0, ("user", user));
        }
        if let RoleRefusal::Unresolved(group) | RoleRefusal::Protected(group) = refusal {
            pairs.push(("group", group));
        }
        self.refused(Severity::Notice, &pairs, self.end(status, &message))
    }

    /// Logs a refusal and returns `end`. If the caller was refused too often, logs nothing and returns an end that says
    /// so. A caller can therefore not hide log lines of other users by a flood of refusals.
    fn refused(
        &self,
        severity: Severity,
        pairs: &[(&str, &str)],
        end: OperationEnd,
    ) -> OperationEnd {
        match self.own.take(REFUSALS) {
            Ok(_) => {
                self.log(severity, "role_refused", pairs);
                end
            }
            Err(too_often) => too_often,
        }
    }

    /// Returns the reason that the caller typed on the command line. If it is empty, asks for a reason.
    fn reason(&self, typed: &str) -> Result<String, OperationEnd> {
        let asked;
        let typed = if typed.is_empty() {
            let question = self.text(&RoleMessage::AskReason);
            let answer = self.own.client.connection.ask(&question, Echo::Shown);
            asked = answer.map_err(|_| self.stopped())?;
            asked.text()
        } else {
            typed
        };
        let odd = || self.end(status::USAGE, &RoleMessage::OddReason { most: REASON_MAX });
        reason(typed).ok_or_else(odd)
    }

    fn other(&self, user: &str) -> Result<TargetUser, OperationEnd> {
        let found = self.own.client.machine.accounts.by_name(user);
        let found = found.map_err(|_| self.own.client.fault("lookup_failed"))?;
        let unknown = || {
            // The typed name may be a password by mistake, so it is not logged.
            let end = self.end(status::WRONG_STATE, &RoleMessage::NoSuchUser);
            self.refused(Severity::Notice, &[("reason", "unknown_user")], end)
        };
        let account = found.ok_or_else(unknown)?;
        let folder =
            Folder::of(&account.name).map_err(|_| self.own.client.fault("name_too_long"))?;
        Ok(TargetUser { account, folder })
    }

    fn look(&self, verb: RoleVerb, other: &TargetUser, role: &Role) -> Ended {
        self.own.take(LOOKS)?;
        let user_ledger = self.ledger(other)?;
        let final_message = FinalMessage::default();
        let label = self.own.source.label();
        let context = self.context(other, user_ledger.as_ref(), &final_message, &label);
        let shown = if verb == RoleVerb::Status {
            own_account::status(&context)
                .map(|status| (report::of_status(&status), RoleMessage::Status(status)))
        } else {
            own_account::why(&context)
                .map(|refusals| (report::of_refusals(&refusals), RoleMessage::Why(refusals)))
        };
        let (object, message) = shown.map_err(|error| of_error(self.own.client, error))?;
        let pairs =
            [("user", other.account.name.as_str()), ("verb", verb.word()), ("role", &role.name)];
        self.log(Severity::Notice, "role_looked", &pairs);
        Ok(self.done(&object, &message))
    }

    /// Opens the entries of the other user in the ledger.
    fn ledger(&self, other: &TargetUser) -> Result<Box<dyn UserLedger + '_>, OperationEnd> {
        let key = LedgerKey::of(Some(&other.account), &other.account.name);
        let opened = self.own.client.machine.ledger.open(&key);
        opened.map_err(|fault| self.own.client.fault(fault.reason()))
    }

    fn context<'t>(
        &'t self,
        other: &'t TargetUser,
        user_ledger: &'t dyn UserLedger,
        final_message: &'t FinalMessage,
        label: &'t SourceLabel,
    ) -> DialogueContext<'t> {
        DialogueContext {
            policy: self.own.client.policy,
            ports: self.own.client.machine.ports(self.own.client.connection),
            account: &other.account,
            folder: &other.folder,
            user_ledger,
            service: SERVICE,
            source: label,
            fingerprint: None,
            final_message,
        }
    }

    fn now(&self) -> Result<Now, OperationEnd> {
        self.own.client.machine.clock.now().map_err(|_| self.own.client.fault("clock_failed"))
    }

    /// Writes a line to the log. Its last key, `actor`, contains the user id of the caller.
    fn log(&self, severity: Severity, event: &str, pairs: &[(&str, &str)]) {
        let actor = format!("uid:{}", self.account().uid);
        let mut pairs = pairs.to_vec();
        pairs.push(("actor", &actor));
        let line = log_line::of_administration(event, &pairs);
        self.own.client.machine.journal.send_waiting(severity, &line);
    }

    fn text(&self, message: &RoleMessage) -> String {
        text::role(self.own.client.policy.language, message)
    }

    fn end(&self, status: u8, message: &RoleMessage) -> OperationEnd {
        self.own.client.end_role(status, message)
    }

    fn stopped(&self) -> OperationEnd {
        let stopped = OwnAccount::Stopped;
        self.own.client.end(status::INTERRUPTED, &stopped)
    }

    /// Returns the end of an operation that succeeded. The client prints `object` for a script, or `message` for a
    /// user.
    fn done(&self, object: &serde_json::Value, message: &RoleMessage) -> OperationEnd {
        let json = self.own.json;
        let text = if json { object.to_string() } else { self.text(message) };
        OperationEnd { status: status::DONE, text }
    }

    /// Returns the end of an operation that has changed the account of another user. In the JSON output, `request` is
    /// null, because the change does not wait for an approval.
    fn changed(&self, verb: RoleVerb, user: &str, message: &RoleMessage) -> OperationEnd {
        self.done(&json!({ "user": user, "verb": verb.word(), "request": null }), message)
    }
}
