//! Whether an operation may go on: without a proof, after codes of the acting user, or not at all.

use crate::{
    authorization::{Actor, Doubt, Permission, Proof},
    policy::OwnCodeNeed,
};

/// Everything that decides about one run of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// `require_own_code`.
    pub need: OwnCodeNeed,
    /// Who acts.
    pub actor: Actor,
    /// What the acting user's account is asked.
    pub factor: ActorFactor,
    /// Whom the operation is about.
    pub target: Target,
    /// Whether the host has ever had an enrolled account.
    pub population: Population,
    /// Whether `--break-glass` was given.
    pub break_glass: bool,
}

/// What is known of the acting user's own second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorFactor {
    /// Enrolled: a code can be asked for.
    Enrolled,
    /// Never enrolled, removed, or on the way to a first enrollment.
    NotEnrolled,
    /// Reset: setting up again is a matter of the ticket.
    Reset,
    /// The account stands in `own_code_exempt`.
    Exempt,
    /// The login uid has no account.
    NoAccount,
}

/// Whom an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The acting user.
    Oneself,
    /// One other user.
    Another,
    /// Several users, or the host.
    Many,
}

/// Whether the host has ever had an enrolled account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Population {
    /// Proven: no record of an enrolled, reset or removed account, and none that cannot be read.
    NeverEnrolled,
    /// Anything else.
    Enrolled,
}

/// What is asked of the acting user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// So many codes of their own.
    Codes(u8),
    /// Nothing, for this reason.
    Free(Ground),
}

/// Why no code is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// `require_own_code = false`.
    Off,
    /// Somebody at a console of the machine where no login has set the login uid.
    Console,
    /// `--break-glass`.
    BreakGlass,
    /// The account stands in `own_code_exempt`.
    Exempt,
    /// Root has logged in and is not enrolled.
    RootNotEnrolled,
    /// The first enrollment of the host.
    FirstOfHost,
    /// The acting user enrolls themselves.
    OwnEnrollment,
    /// The operation takes no proof.
    NotNeeded,
}

impl Ground {
    /// Returns the word of `own_code=` in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Console => "console",
            Self::BreakGlass => "break_glass",
            Self::Exempt => "exempt",
            Self::RootNotEnrolled => "none",
            Self::FirstOfHost => "bootstrap",
            Self::OwnEnrollment => "own_enrollment",
            Self::NotNeeded => "not_needed",
        }
    }
}

/// Why an operation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// `--break-glass` where it is known who acts.
    NothingToBreak,
    /// It cannot be told who acts.
    Unproven(Doubt),
    /// The acting user has no second factor.
    NoSecondFactor,
    /// The acting user was reset and has not set up again.
    Reset,
    /// The login uid has no account.
    NoAccount,
}

/// Decides what is asked of the acting user before an operation.
///
/// # Errors
/// [`Denial`] where it is not to go on, whatever is typed.
pub fn rule(permission: &Permission, case: &Situation) -> Result<Ruling, Denial> {
    if permission.proof == Proof::Nothing {
        return Ok(Ruling::Free(Ground::NotNeeded));
    }
    if case.break_glass && case.actor.uid().is_some() {
        return Err(Denial::NothingToBreak);
    }
    if case.need == OwnCodeNeed::NotAsked {
        return Ok(Ruling::Free(Ground::Off));
    }
    if case.break_glass {
        return Ok(Ruling::Free(Ground::BreakGlass));
    }
    if permission.proof == Proof::OwnCodeUnlessFirst && case.target != Target::Many {
        // Nobody's code could be asked for, whoever acts.
        if case.population == Population::NeverEnrolled {
            return Ok(Ruling::Free(Ground::FirstOfHost));
        }
        let own = case.target == Target::Oneself && case.actor.uid().is_some();
        if own && case.factor == ActorFactor::NotEnrolled {
            return Ok(Ruling::Free(Ground::OwnEnrollment));
        }
    }
    match case.actor {
        Actor::Unproven(doubt) => Err(Denial::Unproven(doubt)),
        Actor::Console => Ok(Ruling::Free(Ground::Console)),
        Actor::Person(_) | Actor::Root => of_login(permission, case),
    }
}

fn of_login(permission: &Permission, case: &Situation) -> Result<Ruling, Denial> {
    let own = case.target == Target::Oneself;
    match case.factor {
        ActorFactor::Exempt => Ok(Ruling::Free(Ground::Exempt)),
        ActorFactor::Enrolled if own && permission.proof == Proof::OwnCodeForAnother => {
            Ok(Ruling::Free(Ground::NotNeeded))
        }
        ActorFactor::Enrolled => Ok(Ruling::Codes(if own { 2 } else { 1 })),
        ActorFactor::NotEnrolled | ActorFactor::Reset if case.actor == Actor::Root => {
            Ok(Ruling::Free(Ground::RootNotEnrolled))
        }
        ActorFactor::Reset => Err(Denial::Reset),
        ActorFactor::NotEnrolled => Err(Denial::NoSecondFactor),
        ActorFactor::NoAccount => Err(Denial::NoAccount),
    }
}
