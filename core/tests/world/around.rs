//! The ports of a `World` except the stores: the user at the prompt, clocks, accounts, log, random bytes and mail.

use twinlock_core::{
    base::{
        account::{Account, Membership},
        error::{LookupError, MachineError},
        secret::Typed,
        time::{BootTime, Now, UnixTime},
    },
    event::Event,
    notify::notification::Notification,
    policy::Echo,
    ports::{Accounts, Clock, Conversation, ConversationError, Entropy, Journal, Outbox, Part},
};

use super::{Line, World, apps::code_of, reader};

impl Conversation for World {
    fn ask(&self, text: &str, echo: Echo) -> Result<Typed, ConversationError> {
        self.echoes.borrow_mut().push(echo);
        self.said.borrow_mut().push(text.into());
        let line = self.lines.borrow_mut().pop_front();
        if let Some(Line::Do(deed, _)) = &line {
            deed(self);
        }
        match line {
            Some(Line::Type(text) | Line::Do(_, text)) => {
                let typed = self.typed(text);
                self.typed.borrow_mut().push(typed.clone());
                Ok(Typed::new(typed))
            }
            Some(Line::Cut) | None => Err(ConversationError),
        }
    }

    fn hand_on(&self, part: Part) {
        self.handed_on.borrow_mut().push(part);
    }

    fn tell(&self, text: &str) {
        self.said.borrow_mut().push(text.into());
    }

    fn is_terminal(&self) -> bool {
        self.terminal.get()
    }
}

impl World {
    /// Returns the current code of ada's authenticator, with her current key.
    fn code_now(&self) -> String {
        let record = self.records.borrow().contains_key("ada").then(|| self.newest_record("ada"));
        let first = record.as_ref().and_then(|record| record.authenticators.first());
        first.map_or_else(String::new, |app| code_of(app, self.unix.get() / 30))
    }

    /// Returns what a user types who reads the screen: `<group>` is the last group of the last code shown, `<new>` the
    /// whole last code, `<first>` a code of the key shown, `<own>` a code of the user's app, `<next>` a code of a later
    /// time step.
    fn typed(&self, text: String) -> String {
        let said = self.said.borrow().join("\n");
        match text.as_str() {
            "<group>" => reader::last_group(&said),
            "<first>" => reader::code_of_key(&said, self.unix.get()),
            "<new>" => reader::codes(&said).last().cloned().unwrap_or_default(),
            "<own>" => self.code_now(),
            "<next>" => {
                self.unix.set(self.unix.get() + 60);
                self.boot.set(self.boot.get() + 60);
                self.code_now()
            }
            _ => text,
        }
    }
}

impl Clock for World {
    fn now(&self) -> Result<Now, MachineError> {
        if self.fails() {
            return Err(MachineError);
        }
        let boot = BootTime(self.boot.get() * 1_000_000_000);
        Ok(Now { unix: UnixTime(self.unix.get()), boot })
    }
}

impl Accounts for World {
    fn by_name(&self, name: &str) -> Result<Option<Account>, LookupError> {
        if self.fails() {
            return Err(LookupError);
        }
        Ok(self.accounts.borrow().get(name).cloned())
    }

    fn membership(&self, _: &Account, _: &str) -> Result<Membership, LookupError> {
        if self.fails() { Err(LookupError) } else { Ok(Membership::Outside) }
    }

    fn host_name(&self) -> String {
        "web01".into()
    }

    fn caller(&self) -> u32 {
        self.caller.get()
    }
}

impl Entropy for World {
    /// Fills the buffer from a small reproducible generator (xorshift).
    fn fill(&self, buffer: &mut [u8]) -> Result<(), MachineError> {
        if self.fails() {
            return Err(MachineError);
        }
        let mut state = self.seed.get();
        for byte in buffer {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = (state >> 32) as u8;
        }
        self.seed.set(state);
        Ok(())
    }
}

impl Outbox for World {
    fn put(&self, letter: &Notification) -> bool {
        let mut letters = self.letters.borrow_mut();
        if !letters.iter().any(|other| (&other.user, other.kind) == (&letter.user, letter.kind)) {
            letters.push(letter.clone());
        }
        true
    }
}

impl Journal for World {
    fn note(&self, event: &Event) {
        self.events.borrow_mut().push(event.clone());
    }
}
