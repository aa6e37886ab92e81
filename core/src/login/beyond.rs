//! The part of a login after a correct code, or in place of one: set-up, key replacement, new codes, self-service,
//! remembered devices.

use crate::login::{Held, Visit};
use crate::{
    account::{Account, Folder},
    admission::Offer,
    attempt::Trial,
    beside::{Purpose, Ticket},
    change::change,
    dialogue::{
        asking::{End, Wish},
        fresh_ticket,
        hand_over::{self, HandOver},
        new_codes,
        new_key::Place,
        self_service::{self, Served},
        set_up::{self, Came, CodesShown, Owed},
        talk::{OVERTAKEN, Stop, Talk},
    },
    enrolment,
    event::{Accepted, Kind, Reason},
    fault::StoreFault,
    fingerprint,
    message::{
        change::Change,
        new_codes::{NewCodes, Why},
    },
    ports::{Shelf, Snapshot},
    record::{Generation, Record, State},
    spend::LastCode,
    throttle::Familiarity,
    verdict::Verdict,
};

impl Visit<'_> {
    /// Offers set-up to a user who is not enrolled.
    pub(super) fn set_up(&self, account: Option<&Account>, held: Held, offer: Offer) -> Verdict {
        let Some((account, folder)) =
            account.and_then(|account| Folder::of(&account.name).ok().map(|it| (account, it)))
        else {
            return self.refuse(account, Reason::Store(StoreFault::NameTooLong));
        };
        let shelf = match self.open_shelf(Some(account)) {
            Ok(shelf) => shelf,
            Err(fault) => return self.refuse(Some(account), Reason::Ledger(fault)),
        };
        let reset = held.record.as_ref().and_then(|found| found.record.beside.reset.clone());
        let mut trial = self.trial(Some(account), held, shelf.as_ref());
        let talk = self.talk(account, &folder, shelf.as_ref());
        fresh_ticket::request(&talk, offer, trial.person.as_ref().map(|(_, found)| &found.record));
        let came = set_up::offer(&talk, (offer, reset.as_ref()), &mut |code| {
            self.judge(Some(account), (&mut trial, None), code)
        });
        match came {
            Ok(Came::Without) => {
                self.note(Some(account), Kind::Exempt, Reason::Reminded);
                Verdict::Exempt
            }
            Ok(Came::Enrolled(accepted, generation)) => {
                self.log(Some(account), Kind::Enrolled, (None, Some(accepted.clone())));
                let course = Course { generation, shown: Shown::Something };
                match self.still_stands(&talk, &course) {
                    Ok(()) => {
                        self.afterwards(Some(account), Familiarity::Stranger);
                        self.conclude(Some(account), End::Granted(accepted))
                    }
                    Err(stop) => self.conclude(Some(account), ended(stop)),
                }
            }
            Err(stop) => self.conclude(Some(account), ended(stop)),
        }
    }

    pub(super) fn talk<'t>(
        &'t self,
        account: &'t Account,
        folder: &'t Folder,
        shelf: &'t dyn Shelf,
    ) -> Talk<'t> {
        Talk {
            policy: self.policy,
            ports: self.ports,
            account,
            folder,
            shelf,
            service: &self.request.service,
            source: &self.source,
            fingerprint: self.request.keys.as_deref().map(fingerprint::of),
            parting: &self.parting,
        }
    }

    /// Continues after the questions, if a dialogue is possible.
    pub(super) fn go_on(
        &self,
        account: &Account,
        trial: &mut Trial<'_>,
        (end, wish): (End, Wish),
    ) -> End {
        let Ok(folder) = Folder::of(&account.name) else { return end };
        let shelf = trial.shelf;
        let talk = self.talk(account, &folder, shelf);
        let done = match end {
            End::Granted(accepted) => self.after_code(&talk, trial, (accepted, wish)),
            End::LastCode(last) => self.after_last(&talk, trial, last, wish),
            End::Ticket(ticket) if ticket.purpose == Purpose::Codes => {
                self.after_ticket(&talk, trial, &ticket, wish)
            }
            other @ (End::Ticket(_)
            | End::Denied(_)
            | End::Stopped
            | End::CutOff
            | End::Broken(_)) => return other,
        };
        done.map_or_else(ended, End::Granted)
    }

    /// Continues after a correct code that is used up: first what the record owes, then what the user asked for. All
    /// of it applies to the record that the code was compared with, or to this login's own changes of it; a
    /// concurrent change takes precedence.
    fn after_code(
        &self,
        talk: &Talk<'_>,
        trial: &mut Trial<'_>,
        (accepted, wish): (Accepted, Wish),
    ) -> Result<Accepted, Stop> {
        // A bypass code grants one login and no lasting change.
        let Some(judged) = generation_of(trial).filter(|_| !is_bypass(&accepted)) else {
            return Ok(accepted);
        };
        let mut course = Course { generation: judged, shown: Shown::Nothing };
        if let Some(place) = self.seen_place(trial, &accepted) {
            self.hand_over(talk, (trial, place), &mut course)?;
            self.show_successor(talk, &mut course);
        }
        if let Some(why) = self.owed(trial, &accepted) {
            self.show_owed(talk, why, &mut course);
        }
        self.finish(talk, trial, wish, &mut course).map(|()| accepted)
    }

    /// Runs what can follow every code: the requested change, then the offer to remember the device.
    fn finish(
        &self,
        talk: &Talk<'_>,
        trial: &mut Trial<'_>,
        wish: Wish,
        course: &mut Course,
    ) -> Result<(), Stop> {
        if wish == Wish::Change {
            self.serve(talk, trial, course)?;
        }
        self.offer_to_remember(talk, course);
        self.still_stands(talk, course)
    }

    /// Shows backup codes that are owed. The code was correct, so access is granted even if this fails: the codes
    /// stay owed and are shown at the next login.
    fn show_owed(&self, talk: &Talk<'_>, why: Why, course: &mut Course) {
        course.shown = Shown::Something;
        let shown = set_up::codes_or_later(talk, why, course.generation);
        if shown.codes == CodesShown::InForce {
            self.log(Some(talk.account), Kind::CodesRenewed, (None, None));
        }
        course.generation = shown.generation;
    }

    /// Shows the new set after the last backup code of a set was the second code of a change.
    fn show_successor(&self, talk: &Talk<'_>, course: &mut Course) {
        let record = self.newest(talk).filter(|record| is_as_judged(record, course));
        let used_up = |record: &Record| {
            let owed = record.beside.owed_codes.as_ref();
            record.codes.is_none() && owed.is_some_and(|owed| owed.by == record.user)
        };
        if record.as_ref().is_some_and(used_up) {
            self.show_owed(talk, Why::None, course);
        }
    }

    /// Checks the record again: the dialogue may have been held open for any time.
    fn still_stands(&self, talk: &Talk<'_>, course: &Course) -> Result<(), Stop> {
        if course.shown == Shown::Nothing {
            return Ok(());
        }
        match self.ports.records.newest(talk.account) {
            Ok(Some(found)) if is_as_judged(&found.record, course) => Ok(()),
            Ok(_) => Err(OVERTAKEN),
            Err(fault) => Err(Stop::Broken(Reason::Store(fault))),
        }
    }

    /// Returns the index of the authenticator that matched, if others have seen its key.
    pub(super) fn seen_place(&self, trial: &Trial<'_>, accepted: &Accepted) -> Option<usize> {
        let Accepted::App { authenticator, .. } = accepted else { return None };
        let (_, snapshot) = trial.person.as_ref()?;
        let mut all = snapshot.record.authenticators.iter();
        all.position(|one| one.name == *authenticator && one.seen.is_some())
    }

    fn hand_over(
        &self,
        talk: &Talk<'_>,
        (trial, at): (&mut Trial<'_>, usize),
        course: &mut Course,
    ) -> Result<(), Stop> {
        let Some((place, seen)) = trial.person.as_ref().and_then(|(_, snapshot)| {
            let found = snapshot.record.authenticators.get(at)?;
            let (name, generation) = (found.name.clone(), snapshot.record.generation);
            Some((Place { place: at, name, generation }, found.seen.clone()?))
        }) else {
            return Ok(());
        };
        let account = Some(talk.account);
        let done = hand_over::hand_over(talk, (&place, &seen), &mut |code| {
            self.judge(account, (trial, None), code)
        })?;
        course.shown = Shown::Something;
        if let HandOver::Replaced(generation) = done {
            course.generation = generation;
            self.log(account, Kind::KeyChanged, (None, None));
        }
        Ok(())
    }

    /// Returns why new codes must be shown: the record owes them, or the last one was just used.
    fn owed(&self, trial: &Trial<'_>, accepted: &Accepted) -> Option<Why> {
        let record = trial.person.as_ref().map(|(_, snapshot)| &snapshot.record)?;
        let used_up = matches!(accepted, Accepted::BackupCode { left: Some(0), .. });
        (used_up || record.beside.owed_codes.is_some()).then(|| new_codes::why_owed(record))
    }

    /// Runs the choice from the menu; access is granted even if the user changes nothing.
    fn serve(
        &self,
        talk: &Talk<'_>,
        trial: &mut Trial<'_>,
        course: &mut Course,
    ) -> Result<(), Stop> {
        let judged = |record: &Record| is_as_judged(record, course);
        let found = self.newest_snapshot(talk).filter(|found| judged(&found.record));
        let (Some(found), Some(record)) = (found, self.newest(talk).filter(judged)) else {
            return Err(OVERTAKEN);
        };
        // A second code is compared with what this login has put in force, including codes just shown.
        if let Some((_, snapshot)) = &mut trial.person {
            *snapshot = found;
        }
        let account = Some(talk.account);
        course.shown = Shown::Something;
        let served = self_service::serve(talk, &record, &mut |code| {
            self.judge(account, (trial, None), code)
        });
        match served {
            Ok(Served::Nothing) => {}
            Ok(Served::Codes(generation)) => {
                course.generation = generation;
                self.log(account, Kind::CodesRenewed, (None, None));
            }
            Ok(Served::Key(generation)) => {
                course.generation = generation;
                self.log(account, Kind::KeyChanged, (None, None));
                self.show_successor(talk, course);
            }
            // If the store failed after the change, `still_stands` decides by the record that is now in force.
            Err(_) if self.newest(talk).is_some_and(|newest| is_as_judged(&newest, course)) => {
                talk.person().tell(&talk.change(&Change::Unchanged));
            }
            Err(_) => {}
        }
        Ok(())
    }

    pub(super) fn newest(&self, talk: &Talk<'_>) -> Option<Record> {
        self.newest_snapshot(talk).map(|found| found.record)
    }

    fn newest_snapshot(&self, talk: &Talk<'_>) -> Option<Snapshot> {
        let found = self.ports.records.newest(talk.account).ok().flatten();
        found.filter(enrolment::is_enrolled)
    }

    /// Handles the last code of a set: access is granted by the change that puts a new set in force, not before.
    fn after_last(
        &self,
        talk: &Talk<'_>,
        trial: &mut Trial<'_>,
        last: LastCode,
        wish: Wish,
    ) -> Result<Accepted, Stop> {
        let generation = talk.stamp()?.0;
        let renewed = new_codes::renew(talk, Why::LastTyped, &mut |id| {
            let stamp = (generation, talk.now()?.unix);
            let spent = talk.ports.codes.spent(talk.folder, last.id);
            if spent.map_err(|fault| Stop::Broken(Reason::Store(fault)))?.contains(&last.place) {
                return Err(OVERTAKEN);
            }
            Ok(change(talk.ports.records, talk.account, &mut |found| match found {
                Some(found) if last.is_of(&found.record) => {
                    Ok(enrolment::with_codes(found.record, id, stamp))
                }
                _ => Err(OVERTAKEN),
            })?)
        });
        if renewed == Err(Stop::Declined(Reason::Unconfirmed)) {
            talk.leave_word((*talk.new_codes(&NewCodes::OldOneStays)).clone());
        }
        let left = renewed?;
        trial.forgive_late();
        self.log(Some(talk.account), Kind::CodesRenewed, (None, None));
        let mut course = Course { generation, shown: Shown::Something };
        self.finish(talk, trial, wish, &mut course)?;
        Ok(Accepted::BackupCode { shape: last.shape, left: Some(left) })
    }

    /// Handles a ticket for new codes: the change that puts them in force uses it up, and access is granted.
    fn after_ticket(
        &self,
        talk: &Talk<'_>,
        trial: &mut Trial<'_>,
        ticket: &Ticket,
        wish: Wish,
    ) -> Result<Accepted, Stop> {
        let record = trial.person.as_ref().map(|(_, snapshot)| &snapshot.record);
        let why = record.map_or(Why::None, new_codes::why_owed);
        let judged = generation_of(trial).ok_or(OVERTAKEN)?;
        let owed = Owed { generation: judged, ticket: Some(ticket) };
        let generation = talk.stamp()?.0;
        let shown = set_up::first_codes(talk, why, (&owed, generation));
        if matches!(shown, Err(Stop::Declined(Reason::Unconfirmed))) {
            talk.leave_word((*talk.new_codes(&NewCodes::TicketStays)).clone());
        }
        shown?;
        trial.forgive_late();
        self.log(Some(talk.account), Kind::CodesRenewed, (None, None));
        let mut course = Course { generation, shown: Shown::Something };
        // A user with a ticket has no device to remember yet.
        if wish == Wish::Change {
            self.serve(talk, trial, &mut course)?;
        }
        self.still_stands(talk, &course)?;
        Ok(Accepted::Ticket)
    }
}

/// The record that the steps after a code apply to, and whether a dialogue was shown since it was compared.
pub(super) struct Course {
    pub(super) generation: Generation,
    pub(super) shown: Shown,
}

/// Whether the user was asked anything after the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    Something,
}

pub(super) fn is_as_judged(record: &Record, course: &Course) -> bool {
    record.state == State::Active && record.generation == course.generation
}

fn generation_of(trial: &Trial<'_>) -> Option<Generation> {
    trial.person.as_ref().map(|(_, snapshot)| snapshot.record.generation)
}

fn is_bypass(accepted: &Accepted) -> bool {
    matches!(accepted, Accepted::Bypass { .. })
}

pub(super) fn ended(stop: Stop) -> End {
    match stop {
        Stop::CutOff => End::CutOff,
        Stop::Declined(reason) => End::Denied(reason),
        Stop::Broken(reason) => End::Broken(reason),
    }
}
