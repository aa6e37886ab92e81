//! Reads and writes the entry of this host in the store: joining, the write every minute, rejoining and leaving. The
//! daemon saves a new value to disk before it sends the value to the store.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use twinlock_core::wire::fleet::{FleetOutcome, FleetReply, StoreEntry};

use crate::{
    clock::{Deadline, random, since_boot, unix_time},
    entry::{EntryAnswer, EntryGuard, EntryState, EntryStop, EntryWrite, GuardVerdict},
    entry_text::{self, HostName},
    entry_value::{self, HostFacts},
    etcd::{TXN, answer::TransactionAnswer, folder::FleetFolder, own_entry},
    log::{Log, LogLevel},
    state_dir::StateDir,
    store::{AskError, StoreAsk, StoreClient},
};

/// Name of the file with what the daemon knows of the entry.
const FILE: &str = "host";

/// Parameters of [`HostEntry::restored`].
#[derive(Debug)]
pub(crate) struct HostEntryParts {
    /// Name of the fleet and of the host.
    pub(crate) name: HostName,
    /// What the host says about itself in the entry.
    pub(crate) facts: HostFacts,
    /// The state directory.
    pub(crate) dir: Arc<StateDir>,
    /// The log.
    pub(crate) log: Arc<Log>,
}

/// The entry of this host.
pub(crate) struct HostEntry {
    parts: HostEntryParts,
    folder: FleetFolder,
    key: String,
    state: Mutex<EntryState>,
    /// Locked while the file is written.
    saving: Mutex<()>,
    /// Locked while the entry is written.
    writing: Mutex<()>,
    /// The entry that a clone has written, until this host has marked it; `None` if there is none.
    unmarked: Mutex<Option<StoreEntry>>,
}

impl HostEntry {
    /// Returns the entry with the state that the daemon saved before it ended.
    ///
    /// # Errors
    /// [`io::Error`] if the file cannot be read.
    pub(crate) fn restored(parts: HostEntryParts) -> io::Result<Self> {
        let state = match parts.dir.read(FILE)? {
            None => EntryState::default(),
            Some(text) => entry_text::read(&text, &parts.name).unwrap_or_else(|what| {
                parts.log.say(LogLevel::Alert, "fleet_state_not_used", &[("detail", &what)]);
                EntryState::default()
            }),
        };
        Ok(Self {
            folder: FleetFolder::of(&parts.name.fleet),
            key: format!("hosts/{}", parts.name.host),
            state: Mutex::new(state),
            saving: Mutex::default(),
            writing: Mutex::default(),
            unmarked: Mutex::default(),
            parts,
        })
    }

    /// Returns the folder of the fleet.
    pub(crate) fn folder(&self) -> &FleetFolder {
        &self.folder
    }

    /// Returns the key of the entry, relative to the folder.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Returns the name of the fleet and of the host.
    pub(crate) fn name(&self) -> &HostName {
        &self.parts.name
    }

    fn state(&self) -> MutexGuard<'_, EntryState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the comparison of this host's entry, which every transaction must contain.
    ///
    /// # Errors
    /// The outcome of the transaction, if it must not be carried out.
    pub(crate) fn guard(&self) -> Result<EntryGuard, FleetOutcome> {
        self.state().guard()
    }

    /// Decides why the store has refused a transaction. `entry` is this host's entry, which the transaction has read;
    /// `None` if the store has none.
    pub(crate) fn judge(&self, guard: EntryGuard, entry: Option<&StoreEntry>) -> GuardVerdict {
        let verdict = self.state().judge(guard, entry);
        if let GuardVerdict::Stopped(stop, true) = verdict {
            self.stopped(stop);
            if let Some(entry) = entry.filter(|_| stop == EntryStop::Cloned) {
                self.set_unmarked(Some(entry.clone()));
            }
        }
        verdict
    }

    fn stopped(&self, stop: EntryStop) {
        let event = match stop {
            EntryStop::Cloned => "fleet_cloned",
            EntryStop::RolledBack => "fleet_rolled_back",
        };
        self.parts.log.say(LogLevel::Alert, event, &[("fleet", &self.parts.name.fleet)]);
        self.saved();
    }

    /// Saves to disk what the daemon knows of this host's entry. Returns whether this succeeded; if not, the log says
    /// why.
    fn saved(&self) -> bool {
        let _one = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.state().clone();
        let is_empty = state.revision == 0 && state.intended.is_none();
        let saved = if is_empty {
            self.parts.dir.remove(FILE)
        } else {
            self.parts.dir.write(FILE, &entry_text::write(&self.parts.name, &state))
        };
        if let Err(error) = &saved {
            let pairs = [("file", FILE), ("detail", &error.to_string())];
            self.parts.log.say(LogLevel::Alert, "fleet_state_not_written", &pairs);
        }
        saved.is_ok()
    }

    fn fresh_value(&self, counter: u64) -> String {
        // Clones of a running machine may draw the same random number, but not in the same nanosecond.
        let nonce = u128::from(random()) << 64 | (since_boot().as_nanos() & u128::from(u64::MAX));
        self.parts.facts.value(counter, unix_time(), nonce)
    }

    fn put(
        &self,
        store: &StoreClient,
        write: &EntryWrite,
        deadline: Deadline,
    ) -> Result<EntryAnswer, AskError> {
        let revision = write.guard.revision;
        let body = own_entry::put(&self.folder, &self.key, revision, &write.value);
        self.answer(store, &body, deadline)
    }

    /// Sends a transaction that writes or reads this host's entry.
    fn answer(
        &self,
        store: &StoreClient,
        body: &str,
        deadline: Deadline,
    ) -> Result<EntryAnswer, AskError> {
        let body = store.ask(&StoreAsk { path: TXN, body, deadline }).result?;
        let answer = TransactionAnswer::read(&body, &self.folder).ok_or(AskError::Unanswered)?;
        Ok(answered(answer))
    }

    /// Writes this host's entry, which the daemon does every minute. Repeats the previous write if its outcome is
    /// unknown.
    pub(crate) fn tick(&self, store: &StoreClient, deadline: Deadline) {
        let _one = self.one_writer();
        self.mark(store, deadline);
        let write = self.state().begin_write(|counter| self.fresh_value(counter));
        let Some(write) = write else { return };
        // After a crash the write is recognized by the value on disk.
        if !self.saved() {
            return;
        }
        let Ok(answer) = self.put(store, &write, deadline) else { return };
        let stop = self.state().settle(&write, &answer);
        let Some(stop) = stop else {
            self.saved();
            return;
        };
        self.stopped(stop);
        if let EntryAnswer::Found(entry) = answer {
            self.set_unmarked(entry.filter(|_| stop == EntryStop::Cloned));
            self.mark(store, deadline);
        }
    }

    /// Changes the entry that a clone has written, so that the clone's next write fails and it stops as well.
    fn mark(&self, store: &StoreClient, deadline: Deadline) {
        let unmarked = self.unmarked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(entry) = unmarked else { return };
        let is_stopped = self.state().stop == Some(EntryStop::Cloned);
        let Some(value) = entry_value::marked(&entry.value).filter(|_| is_stopped) else {
            return self.set_unmarked(None);
        };
        let body = own_entry::put(&self.folder, &self.key, entry.revision, &value);
        match self.answer(store, &body, deadline) {
            // The clone has written again meanwhile.
            Ok(EntryAnswer::Found(newer)) => self.set_unmarked(newer),
            Ok(EntryAnswer::Written(_)) => self.set_unmarked(None),
            Err(_) => {}
        }
    }

    fn set_unmarked(&self, entry: Option<StoreEntry>) {
        *self.unmarked.lock().unwrap_or_else(PoisonError::into_inner) = entry;
    }

    fn one_writer(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes this host's entry for the first time.
    pub(crate) fn join(&self, store: &StoreClient, deadline: Deadline) -> FleetReply {
        let _one = self.one_writer();
        let write = self.state().begin_join(|counter| self.fresh_value(counter));
        let Some(write) = write else { return FleetReply::of(FleetOutcome::Refused) };
        if !self.saved() {
            return FleetReply::of(FleetOutcome::Unreachable);
        }
        match self.put(store, &write, deadline) {
            Ok(answer) => {
                let joined = self.state().settle_join(&write, &answer);
                self.saved();
                self.joined(joined, "fleet_joined")
            }
            Err(error) => FleetReply::of(outcome_of(error)),
        }
    }

    fn joined(&self, joined: bool, event: &'static str) -> FleetReply {
        if !joined {
            return FleetReply::of(FleetOutcome::Refused);
        }
        self.parts.log.say(LogLevel::Notice, event, &[("fleet", &self.parts.name.fleet)]);
        FleetReply { revision: self.state().revision, ..FleetReply::of(FleetOutcome::Done) }
    }

    /// Accepts this host's entry as it is in the store, or writes it if there is none. If the daemon had stopped
    /// carrying out transactions, it carries them out again.
    pub(crate) fn rejoin(&self, store: &StoreClient, deadline: Deadline) -> FleetReply {
        let found = {
            let _one = self.one_writer();
            self.set_unmarked(None);
            let read = own_entry::get(&self.folder, &self.key);
            match self.answer(store, &read, deadline) {
                Ok(EntryAnswer::Found(Some(entry))) => {
                    self.state().adopt(&entry);
                    self.saved();
                    true
                }
                Ok(EntryAnswer::Found(None) | EntryAnswer::Written(_)) => {
                    self.state().leave();
                    false
                }
                Err(error) => return FleetReply::of(outcome_of(error)),
            }
        };
        if found { self.joined(true, "fleet_rejoined") } else { self.join(store, deadline) }
    }

    /// Deletes this host's entry and forgets it. If another machine has written the entry, the entry stays and the
    /// outcome is [`FleetOutcome::Refused`].
    pub(crate) fn leave(&self, store: &StoreClient, deadline: Deadline) -> FleetReply {
        let _one = self.one_writer();
        let state = self.state().clone();
        if state.revision == 0 && state.intended.is_none() {
            return FleetReply::of(FleetOutcome::NotJoined);
        }
        let outcome = match self.deleted(store, &state, deadline) {
            Ok(true) => FleetOutcome::Done,
            Ok(false) => FleetOutcome::Refused,
            Err(error) => return FleetReply::of(outcome_of(error)),
        };
        self.state().leave();
        self.saved();
        self.parts.log.say(LogLevel::Notice, "fleet_left", &[("fleet", &self.parts.name.fleet)]);
        FleetReply::of(outcome)
    }

    /// Deletes this host's entry, unless another machine has written it. Returns `false` if the store still has an
    /// entry.
    fn deleted(
        &self,
        store: &StoreClient,
        state: &EntryState,
        deadline: Deadline,
    ) -> Result<bool, AskError> {
        let delete = |revision| own_entry::delete(&self.folder, &self.key, revision);
        let entry = match self.answer(store, &delete(state.revision), deadline)? {
            EntryAnswer::Written(_) | EntryAnswer::Found(None) => return Ok(true),
            EntryAnswer::Found(Some(entry)) => entry,
        };
        let intended = state.intended.as_ref().map(String::as_bytes);
        if intended != Some(entry.value.as_slice()) {
            return Ok(false);
        }
        let again = self.answer(store, &delete(entry.revision), deadline)?;
        Ok(!matches!(again, EntryAnswer::Found(Some(_))))
    }

    /// Returns a word that says why the daemon carries out no transactions; an empty text if it carries them out.
    pub(crate) fn stop_word(&self) -> &'static str {
        let state = self.state();
        match state.stop {
            Some(stop) => entry_text::word(stop),
            None if state.revision == 0 => "not_joined",
            None => "",
        }
    }
}

fn answered(mut answer: TransactionAnswer) -> EntryAnswer {
    if answer.succeeded && answer.reads.is_empty() {
        return EntryAnswer::Written(answer.revision);
    }
    EntryAnswer::Found(answer.take_last())
}

/// Returns the outcome of a request that the store has not carried out.
pub(crate) fn outcome_of(error: AskError) -> FleetOutcome {
    match error {
        AskError::Full => FleetOutcome::Full,
        AskError::Denied => FleetOutcome::Denied,
        AskError::Malformed => FleetOutcome::Malformed,
        AskError::Unanswered | AskError::LeaseLost | AskError::TooLarge => {
            FleetOutcome::Unreachable
        }
    }
}
