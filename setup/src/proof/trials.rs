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

/// One test login: the factors that the client gives, and whether it must get in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trial {
    /// Whether the client has the account's key.
    pub key: bool,
    /// Whether the client gives the right password.
    pub password: Brings,
    /// Whether the client gives the right code.
    pub code: Brings,
    /// Whether the program starts a login shell, as with `sudo -i`.
    pub is_login: bool,
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

/// Returns the test logins of a service, those that must succeed first: a wrong code before them would delay them.
#[must_use]
pub fn of(service: &ServiceName, with: With) -> Vec<Trial> {
    let one = |key: bool, password: Brings, code: Brings| Trial {
        key,
        password,
        code,
        is_login: false,
        gets_in: gets_in(service, with, key, [password, code]),
    };
    let password = vec![
        one(false, Right, Right),
        one(false, Wrong, Right),
        one(false, Right, Nothing),
        one(false, Right, Wrong),
    ];
    if service.as_str() == "sudo" {
        let shells = password.iter().map(|trial| Trial { is_login: true, ..*trial });
        return password.iter().copied().chain(shells).collect();
    }
    if !service.is_ssh() {
        return password;
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
    all.sort_by_key(|trial| !trial.gets_in);
    all
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
            let trials = of(&ssh, with);
            let first_out = trials.iter().position(|trial| !trial.gets_in).unwrap();
            assert!(first_out > 0 && trials.iter().skip(first_out).all(|trial| !trial.gets_in));
            assert!(trials.iter().any(|one| !one.gets_in && one.code == Wrong), "{with:?}");
            assert!(trials.iter().any(|one| !one.gets_in && one.code == Nothing), "{with:?}");
            assert!(trials.iter().any(|one| !one.gets_in && one.code == Right), "{with:?}");
        }
        let sudo = of(&ServiceName::of("sudo").unwrap(), With::Password);
        assert_eq!(sudo.iter().filter(|one| one.gets_in).count(), 2);
        assert_eq!(of(&ServiceName::of("su").unwrap(), With::Password).len(), 4);
    }
}
