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
    if permission.proof == Proof::OwnCodeUnlessFirst && case.factor != ActorFactor::Exempt {
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
        ActorFactor::Reset => Err(Denial::Reset),
        ActorFactor::NotEnrolled => Err(Denial::NoSecondFactor),
        ActorFactor::NoAccount => Err(Denial::NoAccount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::{OPERATIONS, Operation};

    /// Another account of the host is enrolled, and `actor` acts for a third one.
    fn case(actor: Actor, factor: ActorFactor) -> Situation {
        Situation {
            need: OwnCodeNeed::Asked,
            actor,
            factor,
            target: Target::Another,
            population: Population::Enrolled,
            break_glass: false,
        }
    }

    fn ruled(one: Operation, case: &Situation) -> Result<Ruling, Denial> {
        rule(&one.permission(), case)
    }

    #[test]
    fn without_a_second_factor_root_is_refused_like_a_user() {
        for one in OPERATIONS {
            for actor in [Actor::Root, Actor::Person(1000)] {
                for target in [Target::Oneself, Target::Another, Target::Many] {
                    let case = Situation { target, ..case(actor, ActorFactor::NotEnrolled) };
                    let proof = one.permission().proof;
                    let expected = match (proof, target) {
                        (Proof::Nothing, _) => Ok(Ruling::Free(Ground::NotNeeded)),
                        (Proof::OwnCodeUnlessFirst, Target::Oneself) => {
                            Ok(Ruling::Free(Ground::OwnEnrollment))
                        }
                        _ => Err(Denial::NoSecondFactor),
                    };
                    assert_eq!(ruled(one, &case), expected, "{one:?} {actor:?} {target:?}");
                    let reset = Situation { factor: ActorFactor::Reset, ..case };
                    if proof != Proof::Nothing {
                        assert_eq!(ruled(one, &reset), Err(Denial::Reset), "{one:?} {actor:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn new_host_frees_what_enrolls_and_nothing_else() {
        for one in OPERATIONS {
            for actor in [Actor::Root, Actor::Person(1000), Actor::Unproven(Doubt::NoLogin)] {
                let factor = match actor.uid() {
                    Some(_) => ActorFactor::NotEnrolled,
                    None => ActorFactor::NoAccount,
                };
                let case =
                    Situation { population: Population::NeverEnrolled, ..case(actor, factor) };
                let enrolls = one.permission().proof == Proof::OwnCodeUnlessFirst;
                let first = ruled(one, &case) == Ok(Ruling::Free(Ground::FirstOfHost));
                assert_eq!(first, enrolls, "{one:?} {actor:?}");
            }
        }
    }

    #[test]
    fn exempt_account_is_logged_as_exempt_on_a_new_host_too() {
        let robot = Situation {
            population: Population::NeverEnrolled,
            target: Target::Many,
            ..case(Actor::Root, ActorFactor::Exempt)
        };
        assert_eq!(ruled(Operation::EnrollList, &robot), Ok(Ruling::Free(Ground::Exempt)));
    }
}
