//! Logins through a program that does not run as root, such as a screen locker: the agent verifies the code.
//!
//! The rules are applied in this process, because it knows the PAM service. Only the agent can read the record.

use alloc::string::String;

use crate::{
    answer::{self, Answer},
    base::{
        account::Account,
        error::AgentError,
        request::{FirstFactor, Request, Source},
    },
    dialogue::{asking::AskingEnd, final_message::FinalMessage},
    event::{Kind, Reason, verdict::Verdict},
    login::{LoginFlow, login},
    policy::{Action, Policy, rules::Decided},
    ports::{AgentReply, CodeAgent, Part, Ports},
};

/// Exit status with which the agent reports that the request succeeded.
const DONE: u8 = 0;
/// Exit status with which the agent reports too many connections, or too many wrong codes, of the user.
const THROTTLED: u8 = 5;
/// Exit status with which the agent reports a fault of the host.
const UNAVAILABLE: u8 = 6;

/// Decides one login of a program that is not root, and logs the reason. Denies access unless the agent accepts a code
/// for the user who runs the program, or an exemption is proven.
pub fn login_by_agent(
    request: &Request,
    policy: &Policy,
    ports: Ports<'_>,
    agent: &dyn CodeAgent,
) -> Verdict {
    let flow = LoginFlow {
        request,
        policy,
        ports,
        first_factor: request.first_factor(),
        source: request.source.label(),
        final_message: FinalMessage::default(),
    };
    match flow.to_unlock() {
        Ok(Some(account)) => ByAgent { flow: &flow, agent, account: &account }.unlock(),
        Ok(None) => login(request, policy, ports),
        Err(Refusal { account, reason }) => flow.refuse(account.as_ref(), reason),
    }
}

/// A login that is refused before the agent is asked.
struct Refusal {
    account: Option<Account>,
    reason: Reason,
}

impl LoginFlow<'_> {
    /// Returns the account whose code the agent must verify. Returns `None` if the agent need not be asked: a rule
    /// exempts the login, or the first factor failed.
    fn to_unlock(&self) -> Result<Option<Account>, Refusal> {
        if self.first_factor == FirstFactor::Decoy {
            return Ok(None);
        }
        let refusal = |account, reason| Err(Refusal { account, reason });
        let account = match self.look_up() {
            Ok(Some(account)) => account,
            Ok(None) => return refusal(None, Reason::UnknownUser),
            Err(_) => return refusal(None, Reason::LookupFailed),
        };
        let Ok(now) = self.ports.clock.now() else { return refusal(Some(account), Reason::Clock) };
        match self.decide(&account, now.unix) {
            Ok(Decided { action: Action::Exempt, .. }) => return Ok(None),
            Ok(Decided { action: Action::Require | Action::Remind, .. }) => {}
            Err(_) => return refusal(Some(account), Reason::LookupFailed),
        }
        // The agent verifies a code of the caller, so the caller must be the user who logs in.
        let caller = self.ports.accounts.caller();
        if caller != account.uid || self.request.source != Source::Uid(account.uid) {
            return refusal(Some(account), Reason::CallerNotRoot { uid: caller });
        }
        Ok(Some(account))
    }
}

/// A login whose code the agent verifies.
struct ByAgent<'a> {
    flow: &'a LoginFlow<'a>,
    agent: &'a dyn CodeAgent,
    account: &'a Account,
}

impl ByAgent<'_> {
    /// Runs the login. If the first factor is proven, the agent is asked first, so that the user sees no prompt if no
    /// code is needed. Otherwise the user is prompted first, because a locker may show the prompt for hours, and the
    /// agent waits only two minutes for the code.
    fn unlock(&self) -> Verdict {
        match self.flow.first_factor {
            FirstFactor::Proven => match self.begin() {
                Ok(()) => self.ask().map_or_else(|end| end, |answer| self.verify(&answer)),
                Err(end) => end,
            },
            FirstFactor::Ahead | FirstFactor::Decoy => match self.ask() {
                Ok(answer) => self.begin().map_or_else(|end| end, |()| self.verify(&answer)),
                Err(end) => end,
            },
        }
    }

    /// Asks the user for a code and returns the answer. `Err` holds the verdict of a login that ended without an
    /// answer.
    fn ask(&self) -> Result<Answer, Verdict> {
        let conclude = |end| Err(self.flow.conclude(Some(self.account), end));
        let policy = self.flow.policy;
        if policy.field == crate::policy::Field::Missing {
            return conclude(AskingEnd::Denied(Reason::NoFirstPass));
        }
        let question = self.flow.asking(Some(self.account)).question();
        match self.flow.ports.conversation.ask(&question, policy.echo) {
            Ok(typed) => match answer::read_field(policy.field, &typed) {
                Answer::Stop => conclude(AskingEnd::Stopped),
                other @ (Answer::Code(_) | Answer::Help | Answer::Other) => Ok(other),
            },
            Err(_) => conclude(AskingEnd::CutOff),
        }
    }

    /// Connects to the agent. Returns `Ok` if the agent asks for a code; `Err` holds the verdict of a login that has
    /// ended.
    fn begin(&self) -> Result<(), Verdict> {
        let reply = self.agent.begin(&self.flow.request.service, self.flow.policy.field);
        let fault = match reply {
            Ok(AgentReply::Asks) => return Ok(()),
            Ok(AgentReply::Ended { status: DONE, .. }) => {
                // The agent has logged the exemption.
                self.flow.ports.conversation.hand_on(Part::Whole);
                return Err(Verdict::Exempt);
            }
            Ok(AgentReply::Ended { status: THROTTLED, .. }) => AgentError::Busy,
            Ok(AgentReply::Ended { .. }) => AgentError::Refused,
            Err(fault) => fault,
        };
        Err(self.broken(fault))
    }

    /// Sends the answer to the agent and returns the verdict of the login, which the agent has logged already.
    fn verify(&self, answer: &Answer) -> Verdict {
        let relayed = match answer {
            Answer::Code(code) => code.relayed(),
            Answer::Stop | Answer::Help | Answer::Other => None,
        };
        // What is no code of an app stays here: it may be a password. The agent logs that there was none.
        let sent = relayed.as_deref().map_or("-", String::as_str);
        match self.agent.answer(sent) {
            Ok(AgentReply::Ended { status: DONE, text }) => match digits(&text, sent) {
                Some(digits) => {
                    self.flow.ports.conversation.hand_on(Part::AllBut(digits));
                    Verdict::Granted
                }
                None => self.broken(AgentError::Broken),
            },
            Ok(AgentReply::Ended { status, text }) => {
                self.tell(text);
                if status == UNAVAILABLE { Verdict::Unavailable } else { Verdict::Denied }
            }
            Ok(AgentReply::Asks) => self.broken(AgentError::Broken),
            Err(fault) => self.broken(fault),
        }
    }

    /// Shows the text of the agent to the user, if the first factor is proven.
    fn tell(&self, text: String) {
        if self.flow.first_factor == FirstFactor::Proven {
            self.flow.final_message.leave(text);
            self.flow.say_last();
        }
    }

    /// Ends the login because the agent gave no verdict.
    fn broken(&self, fault: AgentError) -> Verdict {
        let reason = Reason::Agent(fault);
        match self.flow.first_factor {
            FirstFactor::Proven => {
                self.flow.conclude(Some(self.account), AskingEnd::Broken(reason))
            }
            // Without a proven first factor the user is told nothing.
            FirstFactor::Ahead | FirstFactor::Decoy => {
                self.flow.note(Some(self.account), Kind::Refused, reason);
                Verdict::Denied
            }
        }
    }
}

/// Parses `text`, the number of digits that the agent has accepted as a code. Returns `None` if the number is not 6 to
/// 8, or if `sent`, the answer to the agent, does not end with that number of digits.
fn digits(text: &str, sent: &str) -> Option<usize> {
    let digits = text.parse().ok().filter(|digits| (6..=8).contains(digits))?;
    let end = sent.get(sent.len().checked_sub(digits)?..)?;
    end.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)
}
