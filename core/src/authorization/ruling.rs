//! Decides whether an operation may run: without proof, after codes of the acting user, or not at all.

use crate::{
    authorization::{Actor, Doubt, Permission, Proof},
    policy::OwnCodeNeed,
};

/// The facts that determine whether one run of an operation is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Situation {
    /// The value of the setting `require_own_code`.
    pub need: OwnCodeNeed,
    /// The user who runs the operation.
    pub actor: Actor,
    /// The state of the acting user's second factor.
    pub factor: ActorFactor,
    /// The user or users that the operation affects.
    pub target: Target,
    /// Whether the host has ever had an enrolled account.
    pub population: Population,
    /// Whether `--break-glass` was given.
    pub break_glass: bool,
}

/// The state of the acting user's second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorFactor {
    /// The acting user is enrolled, so a code can be required.
    Enrolled,
    /// The acting user was never enrolled, was removed, or has a first enrollment in progress.
    NotEnrolled,
    /// The second factor of the acting user was reset. The user needs a set-up ticket to enroll again.
    Reset,
    /// The acting user's account is listed in `own_code_exempt`.
    Exempt,
    /// NSS knows no account with the login uid.
    NoAccount,
}

/// The user or users that an operation affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The acting user is the target.
    ActingUser,
    /// One other user.
    Another,
    /// Several users, or the host.
    Many,
}

/// Whether an account of the host was ever enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Population {
    /// It is proven that no account was ever enrolled: every record can be read, and none belongs to an enrolled, reset
    /// or removed account.
    NeverEnrolled,
    /// An account was enrolled. Also used if a record cannot be read, because an enrollment must then be assumed.
    Enrolled,
}

/// The proof required of the acting user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizationRuling {
    /// The acting user must enter this many verification codes, 1 or 2.
    Codes(u8),
    /// The acting user needs no code. Holds the reason.
    Free(Ground),
}

/// Why an operation requires no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The setting `require_own_code` is `false`.
    Off,
    /// The user is at a console of the host, and the login uid is unset.
    Console,
    /// The option `--break-glass` was given.
    BreakGlass,
    /// The acting user's account is listed in `own_code_exempt`.
    Exempt,
    /// No account of the host was ever enrolled.
    FirstOfHost,
    /// The acting user enrolls their own account.
    OwnEnrollment,
    /// The operation requires no proof.
    NotNeeded,
}

impl Ground {
    /// Returns the value of `own_code=` in log lines.
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
pub enum AuthorizationError {
    /// `--break-glass` was given, although the acting user is known.
    NothingToBreak,
    /// The acting user is unknown. Holds the reason.
    Unproven(Doubt),
    /// The acting user has no second factor.
    NoSecondFactor,
    /// The second factor of the acting user was reset, and the user has not enrolled again.
    Reset,
    /// NSS knows no account with the login uid.
    NoAccount,
}

impl core::fmt::Display for AuthorizationError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NothingToBreak => "--break-glass is not accepted: the acting user is known",
            Self::Unproven(Doubt::NoLogin) => {
                "no user has logged in here, so there is no acting user to ask for a code"
            }
            Self::Unproven(Doubt::Invoker(_)) => "another user called sudo",
            Self::Unproven(Doubt::Session(_)) => "the session belongs to another user",
            Self::NoSecondFactor => "the acting user has no second factor",
            Self::Reset => "the acting user was reset",
            Self::NoAccount => "the account that logged in here no longer exists",
        })
    }
}

impl core::error::Error for AuthorizationError {}

/// Decides which proof the acting user must give before an operation.
///
/// # Errors
/// [`AuthorizationError`] if the operation must not run.
pub fn rule(
    permission: &Permission,
    case: &Situation,
) -> Result<AuthorizationRuling, AuthorizationError> {
    if permission.proof == Proof::Nothing {
        return Ok(AuthorizationRuling::Free(Ground::NotNeeded));
    }
    if case.break_glass && case.actor.uid().is_some() {
        return Err(AuthorizationError::NothingToBreak);
    }
    if case.need == OwnCodeNeed::NotAsked {
        return Ok(AuthorizationRuling::Free(Ground::Off));
    }
    if case.break_glass {
        return Ok(AuthorizationRuling::Free(Ground::BreakGlass));
    }
    if permission.proof == Proof::OwnCodeUnlessFirst && case.factor != ActorFactor::Exempt {
        // No account is enrolled, so no user could be asked for a code.
        if case.population == Population::NeverEnrolled {
            return Ok(AuthorizationRuling::Free(Ground::FirstOfHost));
        }
        let own = case.target == Target::ActingUser && case.actor.uid().is_some();
        if own && case.factor == ActorFactor::NotEnrolled {
            return Ok(AuthorizationRuling::Free(Ground::OwnEnrollment));
        }
    }
    match case.actor {
        Actor::Unproven(doubt) => Err(AuthorizationError::Unproven(doubt)),
        Actor::Console => Ok(AuthorizationRuling::Free(Ground::Console)),
        Actor::Person(_) | Actor::Root => of_login(permission, case),
    }
}

fn of_login(
    permission: &Permission,
    case: &Situation,
) -> Result<AuthorizationRuling, AuthorizationError> {
    let own = case.target == Target::ActingUser;
    match case.factor {
        ActorFactor::Exempt => Ok(AuthorizationRuling::Free(Ground::Exempt)),
        ActorFactor::Enrolled if own && permission.proof == Proof::OwnCodeForAnother => {
            Ok(AuthorizationRuling::Free(Ground::NotNeeded))
        }
        ActorFactor::Enrolled => Ok(AuthorizationRuling::Codes(if own { 2 } else { 1 })),
        ActorFactor::Reset => Err(AuthorizationError::Reset),
        ActorFactor::NotEnrolled => Err(AuthorizationError::NoSecondFactor),
        ActorFactor::NoAccount => Err(AuthorizationError::NoAccount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorization::{OPERATIONS, Operation};

    /// Returns a situation in which `actor` acts on another user, and an account of the host is enrolled.
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

    fn ruled(one: Operation, case: &Situation) -> Result<AuthorizationRuling, AuthorizationError> {
        rule(&one.permission(), case)
    }

    #[test]
    fn without_a_second_factor_root_is_refused_like_a_user() {
        for one in OPERATIONS {
            for actor in [Actor::Root, Actor::Person(1000)] {
                for target in [Target::ActingUser, Target::Another, Target::Many] {
                    let case = Situation { target, ..case(actor, ActorFactor::NotEnrolled) };
                    let proof = one.permission().proof;
                    let expected = match (proof, target) {
                        (Proof::Nothing, _) => Ok(AuthorizationRuling::Free(Ground::NotNeeded)),
                        (Proof::OwnCodeUnlessFirst, Target::ActingUser) => {
                            Ok(AuthorizationRuling::Free(Ground::OwnEnrollment))
                        }
                        _ => Err(AuthorizationError::NoSecondFactor),
                    };
                    assert_eq!(ruled(one, &case), expected, "{one:?} {actor:?} {target:?}");
                    let reset = Situation { factor: ActorFactor::Reset, ..case };
                    if proof != Proof::Nothing {
                        assert_eq!(
                            ruled(one, &reset),
                            Err(AuthorizationError::Reset),
                            "{one:?} {actor:?}"
                        );
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
                let first = ruled(one, &case) == Ok(AuthorizationRuling::Free(Ground::FirstOfHost));
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
        assert_eq!(
            ruled(Operation::EnrollList, &robot),
            Ok(AuthorizationRuling::Free(Ground::Exempt))
        );
    }
}
