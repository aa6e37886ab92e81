//! The questions of a login: the prompts, the messages after a wrong answer, and how the questions end.

use alloc::string::String;
use core::cell::Cell;

use crate::{
    answer::{self, Answer, Code},
    base::{
        account::{Account, Folder},
        request::FirstFactor,
    },
    dialogue::{
        final_message::FinalMessage,
        other_ways::{self, Chosen},
    },
    event::{Accepted, Reason},
    message::{Message, Ways},
    policy::{Field, Policy, Questions},
    ports::{CodeSets, Conversation},
    record::{SetId, code_set::Shape, extras::Ticket},
    text,
    verify::{attempt::Outcome, code_match, code_set_verify::LastCode},
};

/// How the questions of a login ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskingEnd {
    /// The user entered a correct code.
    Granted(Accepted),
    /// The user entered the last backup code of a set. A new set must be shown before access is granted.
    LastCode(LastCode),
    /// The user entered a correct ticket.
    Ticket(Ticket),
    /// No answer was correct. Holds the reason why the last answer was refused.
    Denied(Reason),
    /// The user cancelled with an empty answer.
    Stopped,
    /// The conversation failed, so there is no answer.
    CutOff,
    /// A fault of the host occurred, so no further answer can help. Holds the reason.
    Broken(Reason),
}

/// The user to ask, and the state that determines what may be disclosed.
pub struct Asking<'a> {
    /// The settings of the host.
    pub policy: &'a Policy,
    /// The conversation with the user.
    pub conversation: &'a dyn Conversation,
    /// Whether the first factor is proven, which decides what may be disclosed.
    pub first_factor: FirstFactor,
    /// The account, whose name is shown only if the first factor is proven; `None` for a name without an account.
    pub account: Option<&'a Account>,
    /// The user's set of backup codes; `None` if the user has none.
    pub backup: Option<Backup<'a>>,
    /// Whether the user has a valid ticket for new backup codes.
    pub has_ticket: bool,
    /// What the user wants to do besides logging in.
    pub wish: Cell<Wish>,
    /// The messages to show after the login is logged.
    pub final_message: &'a FinalMessage,
}

/// What the user wants to do besides logging in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wish {
    /// The user only wants to log in.
    #[default]
    Nothing,
    /// The user wants new backup codes, or to change an authenticator.
    Change,
}

/// The backup codes of the user who is asked.
pub struct Backup<'a> {
    /// The port that reads the sets of backup codes.
    pub codes: &'a dyn CodeSets,
    /// The user's folder below the records folder.
    pub folder: Folder,
    /// The id of the set whose codes are valid now.
    pub id: SetId,
}

/// What the user entered at a prompt, or in the menu of other ways to sign in.
enum Entered {
    Answer(Answer),
    /// The user made too many invalid choices in the menu. Holds the entries of the menu.
    NoSuchWay(Ways),
}

impl Backup<'_> {
    fn has_unspent(&self) -> bool {
        let set = self.codes.set(&self.folder, self.id);
        let spent = self.codes.spent(&self.folder, self.id);
        matches!((set, spent), (Ok(set), Ok(spent)) if code_match::left(&set, &spent) > 0)
    }
}

/// The message and the reason that follow a wrong answer.
struct Rejection {
    message: Message,
    reason: Reason,
}

impl Asking<'_> {
    /// Asks for codes and verifies each code with `judge`. A code is wrong if `judge` returns `None`. Asks up to
    /// `tries` times, or once if the first factor failed or if one answer contains the password and the code.
    pub fn ask(&self, judge: &mut dyn FnMut(&Code) -> Option<Outcome>) -> AskingEnd {
        match self.policy.field {
            Field::Code => self.ask_for_a_code(judge),
            Field::Missing => AskingEnd::Denied(Reason::NoFirstPass),
            Field::Given | Field::PasswordAndCode => self.take_one_answer(judge),
        }
    }

    /// Asks once, and shows no message after a wrong code. A program that sends the same answer to every prompt thus
    /// costs its user only one attempt, and a user with a wrong password does not learn whether the code was correct.
    fn take_one_answer(&self, judge: &mut dyn FnMut(&Code) -> Option<Outcome>) -> AskingEnd {
        match self.prompt(None) {
            Err(end) => end,
            Ok(Answer::Stop) => AskingEnd::Stopped,
            Ok(Answer::Help | Answer::Other) => AskingEnd::Denied(Reason::NotACode),
            Ok(Answer::Code(code)) => match self.check(judge(&code), 0) {
                Err(end) => end,
                Ok(rejection) => AskingEnd::Denied(rejection.reason),
            },
        }
    }

    fn ask_for_a_code(&self, judge: &mut dyn FnMut(&Code) -> Option<Outcome>) -> AskingEnd {
        let mut last: Option<Rejection> = None;
        // After a failed first factor, no code helps. The user is asked once, and then sshd asks for the password
        // again.
        let tries = if self.first_factor == FirstFactor::Decoy { 1 } else { self.policy.tries };
        for left in (0..tries).rev() {
            let answer = match self.ask_once(last.as_ref()) {
                Ok(answer) => answer,
                Err(end) => return end,
            };
            let rejection = match answer {
                Entered::Answer(Answer::Code(code)) => self.check(judge(&code), left),
                Entered::Answer(Answer::Stop) => return AskingEnd::Stopped,
                Entered::Answer(Answer::Help | Answer::Other) => {
                    Ok(Rejection { message: Message::NotACode, reason: Reason::NotACode })
                }
                Entered::NoSuchWay(ways) => {
                    Ok(Rejection { message: Message::NoSuchWay(ways), reason: Reason::NotACode })
                }
            };
            match rejection {
                Ok(rejection) => last = Some(rejection),
                Err(end) => return end,
            }
        }
        let reason = last.map_or(Reason::NotACode, |rejection| {
            self.final_message.leave(self.sayable(&rejection.message));
            rejection.reason
        });
        AskingEnd::Denied(reason)
    }

    /// Explains a fault of the host, which no code can overcome. Shows the message as a prompt, because every client
    /// shows a prompt, and ignores the answer.
    pub fn explain(&self, message: &Message) {
        let _ =
            self.conversation.ask(&text::login(self.policy.language, message), self.policy.echo);
    }

    /// Tells the user what an accepted code has changed, if the first factor is proven. Some clients do not show the
    /// message, because no prompt follows it; `twinlock status` shows the same facts.
    pub fn tell_accepted(&self, accepted: &Accepted) {
        let codes = self.policy.backup_codes;
        let message = match *accepted {
            // The user has just been shown a whole new set.
            Accepted::BackupCode { shape: Shape::Letters20, left: Some(left) }
                if left >= codes.count =>
            {
                return;
            }
            Accepted::BackupCode { left: Some(left), .. } if left <= codes.warn_below => {
                Message::FewCodesLeft { left }
            }
            Accepted::BackupCode { left: Some(left), .. } => Message::CodesLeft { left },
            Accepted::App { resynced: Some(resynced), .. } => Message::Resynced(resynced),
            Accepted::BackupCode { left: None, .. }
            | Accepted::App { resynced: None, .. }
            | Accepted::Bypass { .. }
            | Accepted::Ticket
            | Accepted::Device => return,
        };
        if self.first_factor == FirstFactor::Proven {
            self.conversation.tell(&text::login(self.policy.language, &message));
        }
    }

    /// Shows one prompt, and the menu of other ways to sign in, if the user asks for it. Returns the answer or an
    /// invalid choice. `before` is the rejection of the previous answer, shown above the prompt; `None` for the first
    /// prompt.
    fn ask_once(&self, before: Option<&Rejection>) -> Result<Entered, AskingEnd> {
        match self.prompt(before)? {
            Answer::Help => {}
            other @ (Answer::Stop | Answer::Code(_) | Answer::Other) => {
                return Ok(Entered::Answer(other));
            }
        }
        let ways = self.ways();
        match other_ways::choose(self.policy, self.conversation, ways) {
            Ok(Chosen::App) => self.prompt(None).map(Entered::Answer),
            Ok(Chosen::Change) => {
                self.wish.set(Wish::Change);
                self.prompt(None).map(Entered::Answer)
            }
            Ok(Chosen::Backup(answer) | Chosen::Ticket(answer)) => {
                Ok(Entered::Answer(self.worth_judging(answer)))
            }
            Ok(Chosen::Stop) => Ok(Entered::Answer(Answer::Stop)),
            Ok(Chosen::Nothing) => Ok(Entered::NoSuchWay(ways)),
            Err(_) => Err(AskingEnd::CutOff),
        }
    }

    /// Returns the entries for the menu of other ways to sign in. If the first factor is not proven, every user gets
    /// the same entries, and no file is read to determine them.
    fn ways(&self) -> Ways {
        match (self.first_factor, &self.backup) {
            // A change cannot be offered if only a code is asked for.
            _ if self.policy.questions() != Questions::All => Ways::Everybodys,
            (FirstFactor::Proven, _) if self.has_ticket => Ways::WithTicket,
            (FirstFactor::Proven, Some(backup)) if backup.has_unspent() => Ways::WithCodes,
            (FirstFactor::Proven, _) => Ways::AppOnly,
            (FirstFactor::Ahead | FirstFactor::Decoy, _) => Ways::Everybodys,
        }
    }

    /// Returns the text of the first prompt.
    #[must_use]
    pub fn question(&self) -> String {
        let question = match self.policy.field {
            Field::PasswordAndCode => Message::AskPasswordAndCode,
            Field::Code if self.has_ticket => Message::AskCodeOrTicket,
            Field::Code | Field::Given | Field::Missing => Message::AskCode,
        };
        let built_in = || text::login(self.policy.language, &question);
        self.policy.prompt.clone().unwrap_or_else(built_in)
    }

    fn prompt(&self, before: Option<&Rejection>) -> Result<Answer, AskingEnd> {
        let mut prompt = self.question();
        if let Some(rejection) = before {
            prompt = alloc::format!("\n{}\n{prompt}", self.sayable(&rejection.message));
        }
        let typed = self.conversation.ask(&prompt, self.policy.echo);
        let answer = typed.map(|typed| answer::read_field(self.policy.field, &typed));
        answer.map(|answer| self.worth_judging(answer)).map_err(|_| AskingEnd::CutOff)
    }

    /// Returns [`Answer::Other`] for a ticket or bypass code if the first factor is not proven, and otherwise `answer`.
    /// Without a proven first factor, tickets and bypass codes are refused, whether or not the user is throttled.
    fn worth_judging(&self, answer: Answer) -> Answer {
        match answer {
            Answer::Code(code) if self.first_factor != FirstFactor::Proven && code.is_voucher() => {
                Answer::Other
            }
            other @ (Answer::Stop | Answer::Code(_) | Answer::Help | Answer::Other) => other,
        }
    }

    fn check(&self, outcome: Option<Outcome>, left: u8) -> Result<Rejection, AskingEnd> {
        let (message, reason) = match outcome {
            None => (Message::NotAccepted, Reason::WrongCode),
            Some(Outcome::Granted(accepted)) => return Err(AskingEnd::Granted(accepted)),
            Some(Outcome::LastCode(last)) => return Err(AskingEnd::LastCode(last)),
            Some(Outcome::Ticket(ticket)) => return Err(AskingEnd::Ticket(ticket)),
            Some(Outcome::NoBypass) => (Message::NoBypass, Reason::NotACode),
            Some(Outcome::NoTicket) => (Message::NoTicket, Reason::NotACode),
            Some(Outcome::HalfJudged(fault)) => {
                return self.check(Some(Outcome::Faulty(Reason::Codes(fault))), left);
            }
            Some(Outcome::Faulty(reason)) if self.first_factor == FirstFactor::Proven => {
                return Err(AskingEnd::Broken(reason));
            }
            // If the first factor is not proven, the questions continue as for every user.
            Some(Outcome::Faulty(reason)) => (Message::NotAccepted, reason),
            Some(Outcome::Wrong) => (Message::Wrong { left }, Reason::WrongCode),
            Some(Outcome::Replayed { wait } | Outcome::Repeated { wait }) => {
                (Message::Replayed { wait }, Reason::Replayed)
            }
            Some(Outcome::Spent) => (Message::Spent, Reason::Spent),
            Some(Outcome::BeforeEpoch { wait, ahead }) => {
                (Message::BeforeEpoch { wait, ahead }, Reason::BeforeEpoch)
            }
            Some(Outcome::ClockOff { ahead, wait }) => {
                (Message::ClockOff { ahead, wait }, Reason::ClockOff)
            }
            Some(Outcome::Throttled { until, wait }) => {
                (Message::Throttled { until, wait }, Reason::Throttled)
            }
            Some(Outcome::Locked) => {
                let user = self.account.map_or_else(String::new, Account::plain_name);
                (Message::Locked { user }, Reason::Locked)
            }
        };
        Ok(Rejection { message, reason })
    }

    /// Returns the text of a message that may be shown. If the first factor is not proven, all messages have the same
    /// text.
    fn sayable(&self, message: &Message) -> String {
        let said =
            if self.first_factor == FirstFactor::Proven { message } else { &Message::NotAccepted };
        text::login(self.policy.language, said)
    }
}
