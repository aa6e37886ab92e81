//! What is around a login in the world of maps: a person who types, clocks, accounts, a log.

use twinlock_core::{
    account::{Account, Membership},
    event::Event,
    fault::{LookupFault, MachineFault},
    policy::Echo,
    ports::{Accounts, Clock, Conversation, ConversationFault, Journal, Part},
    secret::Typed,
    time::{BootTime, Now, UnixTime},
};

use super::{Line, World};

impl Conversation for World {
    fn ask(&self, text: &str, _: Echo) -> Result<Typed, ConversationFault> {
        self.said.borrow_mut().push(text.into());
        match self.lines.borrow_mut().pop_front() {
            Some(Line::Type(text)) => Ok(Typed::new(text)),
            Some(Line::Cut) | None => Err(ConversationFault),
        }
    }

    fn hand_on(&self, part: Part) {
        self.handed_on.borrow_mut().push(part);
    }

    fn tell(&self, text: &str) {
        self.said.borrow_mut().push(text.into());
    }
}

impl Clock for World {
    fn now(&self) -> Result<Now, MachineFault> {
        if self.fails() {
            return Err(MachineFault);
        }
        let boot = BootTime(self.boot.get() * 1_000_000_000);
        Ok(Now { unix: UnixTime(self.unix.get()), boot })
    }
}

impl Accounts for World {
    fn by_name(&self, name: &str) -> Result<Option<Account>, LookupFault> {
        if self.fails() {
            return Err(LookupFault);
        }
        Ok(self.accounts.borrow().get(name).cloned())
    }

    fn membership(&self, _: &Account, _: &str) -> Result<Membership, LookupFault> {
        if self.fails() { Err(LookupFault) } else { Ok(Membership::Outside) }
    }
}

impl Journal for World {
    fn note(&self, event: &Event) {
        self.events.borrow_mut().push(event.clone());
    }
}
