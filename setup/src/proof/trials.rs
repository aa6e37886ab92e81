//! The test logins, and whether each must succeed.

use crate::wishes::{ServiceName, With};

/// Whether the client gives the right password or code, a wrong one, or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Brings {
    /// The right password or code.
    Right,
    /// A wrong password or code.
    Wrong,
    /// No password or code.
    Nothing,
}

impl Brings {
    fn word(self) -> &'static str {
        match self {
            Self::Right => "the right",
            Self::Wrong => "a wrong",
            Self::Nothing => "no",
        }
    }
}

/// The factors that a service must ask an account for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginRole {
    /// The service must ask for all of its factors.
    Asked,
    /// The service must ask for all of its factors except the code, because a rule exempts the user or the address.
    NotAsked,
    /// A code and first factors, which a Match block of sshd may have changed: a login with all factors succeeds, and
    /// none without a code does.
    Matched,
    /// As [`LoginRole::Matched`], but sshd may refuse the account even with all factors, as it may refuse root.
    Guarded,
    /// The service must ask for a key alone. Without a key, no login succeeds.
    Robot,
    /// No login succeeds: the account is a robot (only a program uses it), and the address is outside of its networks.
    RobotElsewhere,
}

impl LoginRole {
    /// Returns whether the account gives codes in the test logins, so that it needs a made-up record.
    #[must_use]
    pub fn needs_record(self) -> bool {
        match self {
            Self::Asked | Self::Matched => true,
            Self::NotAsked | Self::Guarded | Self::Robot | Self::RobotElsewhere => false,
        }
    }
}

/// How the client of a test login answers prompts, and which shell it asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientForm {
    /// The client answers every prompt.
    Plain,
    /// The client answers every prompt, and the program starts a login shell, as with `sudo -i`.
    LoginShell,
    /// The client answers no prompt, as ssh with `BatchMode=yes`.
    Robot,
}

impl ClientForm {
    /// Returns the word for this kind of login in the script that makes the test logins.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::LoginShell => "login",
            Self::Robot => "robot",
        }
    }
}

/// One test login: the factors that the client gives, and whether it must get in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trial {
    /// Whether the client has the account's key.
    pub key: bool,
    /// The password that the client gives: the right one, a wrong one or none.
    pub password: Brings,
    /// The code that the client gives: the right one, a wrong one or none.
    pub code: Brings,
    /// How the client answers prompts, and which shell it asks for.
    pub form: ClientForm,
    /// Whether the login must succeed.
    pub gets_in: bool,
}

impl Trial {
    /// Returns the factors that the client gives, as text for a message.
    #[must_use]
    pub fn said(&self, service: &ServiceName) -> String {
        let key = if self.key { "the key" } else { "no key" };
        let rest = format!("{} password and {} code", self.password.word(), self.code.word());
        if service.is_ssh() { format!("{key}, {rest}") } else { rest }
    }
}

use Brings::{Nothing, Right, Wrong};

/// Returns the test logins of an account with this role at a service. The logins that must succeed come before those
/// that must fail, because a wrong code would delay the logins after it.
#[must_use]
pub fn of(service: &ServiceName, with: With, role: LoginRole) -> Vec<Trial> {
    let mut all = match role {
        LoginRole::Asked => asked(service, with),
        LoginRole::NotAsked => not_asked(service, with),
        LoginRole::Matched => matched(true),
        LoginRole::Guarded => matched(false),
        LoginRole::Robot => robot(true),
        LoginRole::RobotElsewhere => robot(false),
    };
    all.sort_by_key(|trial| !trial.gets_in);
    all
}

fn asked(service: &ServiceName, with: With) -> Vec<Trial> {
    let one = |key: bool, password: Brings, code: Brings| Trial {
        key,
        password,
        code,
        form: ClientForm::Plain,
        gets_in: gets_in(service, with, key, [password, code]),
    };
    let password = vec![
        one(false, Right, Right),
        one(false, Wrong, Right),
        one(false, Right, Nothing),
        one(false, Right, Wrong),
    ];
    if !service.is_ssh() {
        return with_login_shell(service, password);
    }
    let mut all = password;
    all.extend([
        one(true, Right, Right),
        one(true, Nothing, Right),
        one(true, Wrong, Right),
        one(true, Nothing, Nothing),
        one(true, Right, Nothing),
        one(false, Nothing, Right),
        one(true, Right, Wrong),
    ]);
    all
}

/// Returns test logins in which the client gives no code. A login succeeds if the client gives the other factors of the
/// service, and fails otherwise.
fn not_asked(service: &ServiceName, with: With) -> Vec<Trial> {
    let one = |key: bool, password: Brings| Trial {
        key,
        password,
        code: Nothing,
        form: ClientForm::Plain,
        gets_in: gets_in(service, with, key, [password, Right]),
    };
    let password = vec![one(false, Right), one(false, Wrong)];
    match service.is_ssh() {
        true => password.into_iter().chain([one(true, Right), one(true, Nothing)]).collect(),
        false => with_login_shell(service, password),
    }
}

/// Returns test logins without a code and, if `gets_in` is set, one with all factors.
fn matched(gets_in: bool) -> Vec<Trial> {
    let one = |key: bool, password: Brings, code: Brings| Trial {
        key,
        password,
        code,
        form: ClientForm::Plain,
        gets_in: code == Right,
    };
    let mut all =
        vec![one(true, Nothing, Nothing), one(true, Right, Nothing), one(false, Right, Nothing)];
    all.extend(gets_in.then(|| one(true, Right, Right)));
    all
}

fn robot(gets_in: bool) -> Vec<Trial> {
    let one = |key: bool, password: Brings, form: ClientForm| Trial {
        key,
        password,
        code: Nothing,
        form,
        gets_in: gets_in && key,
    };
    vec![
        one(true, Nothing, ClientForm::Robot),
        one(true, Right, ClientForm::Plain),
        one(false, Right, ClientForm::Plain),
        one(false, Nothing, ClientForm::Robot),
    ]
}

/// For each test login, adds another one that asks for a login shell, if the service has a PAM file of its own for
/// login shells. Only sudo has such a file (sudo-i).
fn with_login_shell(service: &ServiceName, all: Vec<Trial>) -> Vec<Trial> {
    if service.as_str() != "sudo" {
        return all;
    }
    let shells = all.iter().map(|trial| Trial { form: ClientForm::LoginShell, ..*trial });
    all.iter().copied().chain(shells).collect()
}

fn gets_in(service: &ServiceName, with: With, key: bool, [password, code]: [Brings; 2]) -> bool {
    let by_password = password == Right;
    let first = match with {
        _ if !service.is_ssh() => by_password,
        With::Publickey => key,
        With::Password => by_password,
        With::Both => key || by_password,
        With::KeyAndPassword => key && by_password,
    };
    first && code == Right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_factor_is_left_out_once() {
        let ssh = ServiceName::of("ssh").unwrap();
        for with in With::ALL {
            let trials = of(&ssh, with, LoginRole::Asked);
            let first_out = trials.iter().position(|trial| !trial.gets_in).unwrap();
            assert!(first_out > 0 && trials.iter().skip(first_out).all(|trial| !trial.gets_in));
            assert!(trials.iter().any(|one| !one.gets_in && one.code == Wrong), "{with:?}");
            assert!(trials.iter().any(|one| !one.gets_in && one.code == Nothing), "{with:?}");
            assert!(trials.iter().any(|one| !one.gets_in && one.code == Right), "{with:?}");
        }
        let sudo = of(&ServiceName::of("sudo").unwrap(), With::Password, LoginRole::Asked);
        assert_eq!(sudo.iter().filter(|one| one.gets_in).count(), 2);
        let su = ServiceName::of("su").unwrap();
        assert_eq!(of(&su, With::Password, LoginRole::Asked).len(), 4);
    }

    #[test]
    fn without_a_code_a_first_factor_is_still_needed() {
        for (service, with) in [("su", With::Password), ("sudo", With::Password)]
            .into_iter()
            .chain(With::ALL.map(|with| ("ssh", with)))
        {
            let trials = of(&ServiceName::of(service).unwrap(), with, LoginRole::NotAsked);
            assert!(trials.iter().all(|one| one.code == Nothing));
            let empty = |one: &Trial| !one.key && one.password != Right;
            assert!(trials.iter().any(|one| one.gets_in) && trials.iter().any(empty), "{with:?}");
            assert!(!trials.iter().any(|one| one.gets_in && empty(one)), "{with:?}");
        }
        let ssh = ServiceName::of("ssh").unwrap();
        let robot = of(&ssh, With::Password, LoginRole::Robot);
        assert!(robot.iter().all(|one| one.gets_in == one.key));
        for (role, count) in [(LoginRole::Matched, 1), (LoginRole::Guarded, 0)] {
            let trials = of(&ssh, With::Publickey, role);
            assert_eq!(trials.iter().filter(|one| one.gets_in).count(), count);
            assert!(trials.iter().all(|one| one.gets_in == (one.code == Right)));
        }
        let elsewhere = of(&ssh, With::Password, LoginRole::RobotElsewhere);
        assert!(elsewhere.iter().any(|one| one.key) && !elsewhere.iter().any(|one| one.gets_in));
    }
}
