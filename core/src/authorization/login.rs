//! The acting user: what the kernel, sudo and logind report about a process, and whether their reports agree.

/// The reports of the kernel, sudo and logind about the login that a process belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoginTraces {
    /// User id in `/proc/self/loginuid`; `None` if it is unset.
    pub login: Option<u32>,
    /// User id that sudo, doas or pkexec names as its caller; `None` if none of them runs the process.
    pub invoker: Option<u32>,
    /// User id of the owner of the logind session or user slice that the process runs in; `None` if there is none.
    pub session: Option<u32>,
    /// Whether the controlling terminal is a console of this host, as reported by the kernel and logind.
    pub console: bool,
}

/// The user who runs the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A user other than root logged in. su and sudo do not change who logged in.
    Person(u32),
    /// Root logged in.
    Root,
    /// The user sits at a console of this host: the login uid is unset, and the terminal is a console.
    Console,
    /// The acting user is unknown. Holds the reason.
    Unproven(Doubt),
}

/// Why the acting user is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The login uid is unset, because the process belongs to a service or a container.
    NoLogin,
    /// The user with this uid called sudo, doas or pkexec, but the login uid belongs to another user.
    Invoker(u32),
    /// The user with this uid owns the session that the process runs in, but the login uid belongs to another user.
    Session(u32),
}

impl LoginTraces {
    /// Determines the acting user by the login uid. Any process can set a login uid that is unset, so the login uid is
    /// not believed if the caller of sudo or the owner of the session is another user.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let other = |uid: &Option<u32>| uid.filter(|_| *uid != self.login);
        if let Some(uid) = other(&self.invoker) {
            return Actor::Unproven(Doubt::Invoker(uid));
        }
        // A process at a console without a login belongs to a session of root or to no session.
        let expected = |uid: &u32| self.login.is_none() && self.console && *uid == 0;
        if let Some(uid) = other(&self.session).filter(|uid| !expected(uid)) {
            return Actor::Unproven(Doubt::Session(uid));
        }
        match self.login {
            Some(0) => Actor::Root,
            Some(uid) => Actor::Person(uid),
            None if self.console => Actor::Console,
            None => Actor::Unproven(Doubt::NoLogin),
        }
    }
}

impl Actor {
    /// Returns the uid of the user who logged in; `None` if it is unknown or the user is at a console.
    #[must_use]
    pub fn uid(self) -> Option<u32> {
        match self {
            Self::Person(uid) => Some(uid),
            Self::Root => Some(0),
            Self::Console | Self::Unproven(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(login: Option<u32>, invoker: Option<u32>, session: Option<u32>) -> LoginTraces {
        LoginTraces { login, invoker, session, console: false }
    }

    #[test]
    fn login_uid_decides() {
        for (login, actor) in [
            (Some(1000), Actor::Person(1000)),
            (Some(0), Actor::Root),
            (None, Actor::Unproven(Doubt::NoLogin)),
        ] {
            assert_eq!(traces(login, None, None).actor(), actor);
            assert_eq!(traces(login, login, login).actor(), actor);
        }
    }

    #[test]
    fn another_caller_or_session_is_a_doubt() {
        for login in [None, Some(0), Some(1000)] {
            let invoker = Actor::Unproven(Doubt::Invoker(1001));
            assert_eq!(traces(login, Some(1001), None).actor(), invoker);
            assert_eq!(traces(login, Some(1001), login).actor(), invoker);
            let session = Actor::Unproven(Doubt::Session(1001));
            assert_eq!(traces(login, None, Some(1001)).actor(), session);
            assert_eq!(traces(login, login, Some(1001)).actor(), session);
        }
        let by_root = traces(Some(1000), Some(0), None).actor();
        assert_eq!(by_root, Actor::Unproven(Doubt::Invoker(0)));
        assert_eq!(traces(None, Some(0), None).actor(), Actor::Unproven(Doubt::Invoker(0)));
    }

    #[test]
    fn console_is_for_where_no_login_is() {
        let console = |login, invoker, session| {
            LoginTraces { console: true, ..traces(login, invoker, session) }.actor()
        };
        assert_eq!(console(None, None, None), Actor::Console);
        assert_eq!(console(None, None, Some(0)), Actor::Console);
        assert_eq!(console(None, None, Some(1000)), Actor::Unproven(Doubt::Session(1000)));
        assert_eq!(console(None, Some(1000), None), Actor::Unproven(Doubt::Invoker(1000)));
        assert_eq!(console(Some(1000), None, None), Actor::Person(1000));
        assert_eq!(console(Some(0), None, None), Actor::Root);
    }
}
