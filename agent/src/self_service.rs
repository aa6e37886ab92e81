//! Operations of users on their own accounts. Each operation says which proof it needs (password, code, both or none),
//! and how often a user may run it.

mod proof;

use serde_json::Value;
use twinlock_core::{
    answer::Code,
    base::{
        account::Folder,
        error::LedgerError,
        request::{Source, SourceLabel},
        time::{DAY, HOUR},
    },
    dialogue::{
        context::{DialogueContext, DialogueError, Judge},
        final_message::FinalMessage,
        own_account::{self, Forgetting},
        owner_code::{OwnerCode, SERVICE},
        self_service::{self, Served},
        set_up::{self, Came},
    },
    event::{Kind, Reason},
    ledger::Budget,
    message::own_account::OwnAccount,
    policy::{
        Field, Policy, TicketNeed,
        admission::{Offer, Without},
    },
    ports::{Records, Snapshot, UserLedger},
    record::{Record, State, extras::Purpose},
    verify::{
        allowance::Allowance,
        attempt::{Attempt, Outcome},
        resync::Memory,
    },
};

use crate::{
    client::{Client, OperationEnd, of_error},
    report, status,
    turn::{self, Turn},
};

const LOOKS: Allowance = Allowance { word: "look", most: 60, seconds: HOUR };
const FORGETTING: Allowance = Allowance { word: "forget", most: 10, seconds: DAY };
const CHANGES: Allowance = Allowance { word: "change", most: 3, seconds: DAY };
const ENROLLING: Allowance = Allowance { word: "enroll", most: 10, seconds: HOUR };

/// A user who acts on their own account.
pub(crate) struct OwnUser<'a> {
    /// The client of the conversation.
    pub(crate) client: &'a Client<'a>,
    /// The user's folder in the store.
    pub(crate) folder: &'a Folder,
    /// The user's entries in the ledger.
    pub(crate) user_ledger: &'a dyn UserLedger,
    /// The source of the user's codes, as it is logged and counted: the agent, with the user id.
    pub(crate) source: Source,
    /// Whether the client wants JSON.
    pub(crate) json: bool,
    /// The messages to show when the operation ends.
    pub(crate) final_message: FinalMessage,
}

/// A dialogue that changes the second factor. It runs after the user has given the password and a first code.
type ChangeDialogue<'a> =
    &'a mut dyn FnMut(&DialogueContext<'_>, &Record, Judge<'_>) -> Result<Served, DialogueError>;

impl OwnUser<'_> {
    /// Shows the state of the user's account.
    pub(crate) fn status(&self) -> OperationEnd {
        self.look(&mut |context| {
            let status = own_account::status(context)?;
            Ok(Shown { json: report::of_status(&status), text: OwnAccount::Status(status) })
        })
    }

    /// Lists the user's remembered devices.
    pub(crate) fn devices(&self) -> OperationEnd {
        self.look(&mut |context| {
            let devices = own_account::devices(context)?;
            Ok(Shown { json: report::of_devices(&devices), text: OwnAccount::Devices(devices) })
        })
    }

    /// Lists the last times that the user was refused, with the reasons.
    pub(crate) fn why(&self) -> OperationEnd {
        self.look(&mut |context| {
            let refusals = own_account::why(context)?;
            Ok(Shown { json: report::of_refusals(&refusals), text: OwnAccount::Why(refusals) })
        })
    }

    fn look(
        &self,
        read: &mut dyn FnMut(&DialogueContext<'_>) -> Result<Shown, DialogueError>,
    ) -> OperationEnd {
        if let Err(end) = self.take(LOOKS) {
            return end;
        }
        let label = self.source.label();
        match read(&self.context(self.client.policy, &label)) {
            Ok(shown) => {
                let text =
                    if self.json { shown.json.to_string() } else { self.client.text(&shown.text) };
                OperationEnd { status: status::DONE, text }
            }
            Err(error) => of_error(self.client, error),
        }
    }

    /// Forgets one remembered device. `number` is the number of the device, from 1, as text. If the text is empty,
    /// forgets all devices.
    pub(crate) fn forget(&self, number: &str) -> OperationEnd {
        let number = match number {
            "" => None,
            number => match number.parse() {
                Ok(number) => Some(number),
                Err(_) => return self.end(status::USAGE, &OwnAccount::NoSuchDevice { devices: 0 }),
            },
        };
        if let Err(end) = self.ask_password() {
            return end;
        }
        let taken = match self.take(FORGETTING) {
            Ok(taken) => taken,
            Err(end) => return end,
        };
        let label = self.source.label();
        match own_account::forget(&self.context(self.client.policy, &label), number) {
            Ok(Forgetting::Done(devices)) => {
                self.end(status::DONE, &OwnAccount::Forgotten { devices })
            }
            Ok(Forgetting::NoSuch(devices)) => {
                self.user_ledger.erase(&taken);
                self.end(status::WRONG_STATE, &OwnAccount::NoSuchDevice { devices })
            }
            Err(error) => of_error(self.client, error),
        }
    }

    /// Creates and shows new backup codes, which replace the old ones.
    pub(crate) fn backup_codes(&self) -> OperationEnd {
        self.changed(&mut self_service::codes)
    }

    /// Replaces one of the user's authenticators by a new one.
    pub(crate) fn change(&self) -> OperationEnd {
        self.changed(&mut self_service::key)
    }

    /// Removes the authenticator with the name `name`. It must not be the only one.
    pub(crate) fn remove(&self, name: &str) -> OperationEnd {
        let found = match self.enrolled() {
            Ok(found) => found,
            Err(end) => return end,
        };
        let names: Vec<String> =
            found.record.authenticators.iter().map(|one| one.name.clone()).collect();
        if !names.iter().any(|one| one == name) {
            return self.end(status::WRONG_STATE, &OwnAccount::NoSuchAuthenticator { names });
        }
        if names.len() < 2 {
            return self.end(status::WRONG_STATE, &OwnAccount::LastAuthenticator);
        }
        self.changed(&mut |context, _, judge| own_account::remove(context, name, judge))
    }

    /// Enrolls the user, who must have a set-up ticket.
    pub(crate) fn enroll(&self) -> OperationEnd {
        let found = match self.newest() {
            Ok(Some(found)) if found.record.state == State::Active => {
                return self.end(status::WRONG_STATE, &OwnAccount::AlreadyEnrolled);
            }
            Ok(Some(found)) if has_ticket(&found.record) => found,
            Ok(_) => return self.end(status::WRONG_STATE, &OwnAccount::NoTicket),
            Err(end) => return end,
        };
        if let Err(end) = self.ask_password() {
            return end;
        }
        if let Err(end) = self.take(ENROLLING) {
            return end;
        }
        let policy = self.policy();
        let label = self.source.label();
        let reset = found.record.extras.reset.clone();
        let mut owner = self.owner(&policy, &label, found);
        let context = self.context(&policy, &label);
        let offer = Offer { ticket: TicketNeed::Needed, without: Without::Refused };
        let came = set_up::offer(&context, offer, reset.as_ref(), &mut |code| {
            self.judge(&mut owner, code)
        });
        match came {
            Ok(Came::Enrolled(accepted, _)) => {
                owner.note_change(Kind::Enrolled, Some(accepted));
                self.done()
            }
            Ok(Came::Without) => self.end(status::REFUSED, &OwnAccount::Stopped),
            Err(error) => self.not_done(error),
        }
    }

    /// Runs a change. Asks for the password and for an app code, and then runs the dialogue `change`, which asks for a
    /// second code.
    fn changed(&self, change: ChangeDialogue<'_>) -> OperationEnd {
        let found = match self.enrolled() {
            Ok(found) => found,
            Err(end) => return end,
        };
        if let Err(end) = self.ask_password() {
            return end;
        }
        let policy = self.policy();
        let label = self.source.label();
        let mut owner = self.owner(&policy, &label, found);
        let context = self.context(&policy, &label);
        if let Err(error) =
            own_account::ask_app_code(&context, &mut |code| self.judge(&mut owner, code))
        {
            return self.not_done(error);
        }
        let taken = match self.take(CHANGES) {
            Ok(taken) => taken,
            Err(end) => return end,
        };
        // The record is read here for a second time, because the first code may have moved a counter in it.
        let record = match self.enrolled() {
            Ok(found) => found.record,
            Err(end) => return end,
        };
        let served = change(&context, &record, &mut |code| self.judge(&mut owner, code));
        let kind = match served {
            Ok(Served::Codes(_)) => Kind::CodesRenewed,
            Ok(Served::Key(_)) => Kind::KeyChanged,
            Ok(Served::Nothing) => {
                return self.unchanged(&taken, DialogueError::Declined(Reason::Stopped));
            }
            Err(error) => return self.unchanged(&taken, error),
        };
        owner.note_change(kind, None);
        self.done()
    }

    /// Ends an operation that changed nothing, and takes back its use of the limit. `taken` is the ledger name of this
    /// use.
    fn unchanged(&self, taken: &str, error: DialogueError) -> OperationEnd {
        self.user_ledger.erase(taken);
        self.not_done(error)
    }

    fn done(&self) -> OperationEnd {
        self.final_message.tell(self.client.connection);
        OperationEnd { status: status::DONE, text: String::new() }
    }

    /// Verifies a code. Only a few processes may hash a backup code at the same time, because each of them needs much
    /// memory.
    pub(super) fn judge(&self, owner: &mut OwnerCode<'_>, code: &Code) -> Outcome {
        match Turn::wait_for(turn::ARGON, self.client.account.uid) {
            Some(_turn) => owner.judge(code),
            None => Outcome::Faulty(Reason::Ledger(LedgerError::Io { errno: 0 })),
        }
    }

    fn newest(&self) -> Result<Option<Snapshot>, OperationEnd> {
        let found = self.client.machine.records.newest(self.client.account);
        found.map_err(|fault| self.client.fault(fault.reason()))
    }

    pub(super) fn enrolled(&self) -> Result<Snapshot, OperationEnd> {
        let found = self.newest()?.filter(|found| found.record.state == State::Active);
        found.ok_or_else(|| self.end(status::WRONG_STATE, &OwnAccount::NotEnrolled))
    }

    /// Returns the settings of the host, changed so that an answer contains only a code: the agent asks for the
    /// password separately.
    pub(super) fn policy(&self) -> Policy {
        Policy { field: Field::Code, ..self.client.policy.clone() }
    }

    pub(super) fn owner<'t>(
        &'t self,
        policy: &'t Policy,
        label: &'t SourceLabel,
        found: Snapshot,
    ) -> OwnerCode<'t> {
        OwnerCode {
            account: self.client.account,
            attempt: Attempt {
                policy,
                ports: self.client.machine.ports(self.client.connection),
                user_ledger: self.user_ledger,
                person: Some((self.client.account, found)),
                stand_in: None,
                broken: None,
                source: label,
                budget: Budget::Proven,
                memory: Memory::new(policy.resync),
            },
            source: self.source.clone(),
        }
    }

    pub(super) fn context<'t>(
        &'t self,
        policy: &'t Policy,
        label: &'t SourceLabel,
    ) -> DialogueContext<'t> {
        DialogueContext {
            policy,
            ports: self.client.machine.ports(self.client.connection),
            account: self.client.account,
            folder: self.folder,
            user_ledger: self.user_ledger,
            service: SERVICE,
            source: label,
            fingerprint: None,
            final_message: &self.final_message,
        }
    }

    pub(super) fn not_done(&self, error: DialogueError) -> OperationEnd {
        self.final_message.tell(self.client.connection);
        of_error(self.client, error)
    }

    fn end(&self, status: u8, message: &OwnAccount) -> OperationEnd {
        self.client.end(status, message)
    }
}

/// A result in two forms: as JSON for a script, and as text for a user.
struct Shown {
    json: Value,
    text: OwnAccount,
}

fn has_ticket(record: &Record) -> bool {
    record.extras.tickets.iter().any(|ticket| ticket.purpose == Purpose::SetUp)
}
