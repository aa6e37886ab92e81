//! The acting user: what the kernel, sudo and logind report about a process, and where they contradict each other.

/// What is known about the login that a process belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoginTraces {
    /// `/proc/self/loginuid`; `None` if it is unset.
    pub login: Option<u32>,
    /// The user whom sudo, doas or pkexec names as its caller.
    pub invoker: Option<u32>,
    /// The owner of the logind session, or of the user slice, that the process runs in.
    pub session: Option<u32>,
    /// Whether the controlling terminal is a console of this host, according to the kernel and logind.
    pub console: bool,
}

/// The acting user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The user who logged in; su and sudo do not change that.
    Person(u32),
    /// Root logged in.
    Root,
    /// The login uid is unset, and the terminal is a console of this host.
    Console,
    /// Unknown.
    Unproven(Doubt),
}

/// Why the acting user is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The login uid is unset: a service or a container.
    NoLogin,
    /// sudo, doas or pkexec was called by a user other than the login uid.
    Invoker(u32),
    /// The process runs in the session of a user other than the login uid.
    Session(u32),
}

impl LoginTraces {
    /// Determines the acting user by the login uid. Any process can set it while it is unset, so a sudo caller or
    /// session of another user contradicts it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let other = |uid: &Option<u32>| uid.filter(|_| *uid != self.login);
        if let Some(uid) = other(&self.invoker) {
            return Actor::Unproven(Doubt::Invoker(uid));
        }
        // A console without a login has root's session or none.
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
    /// Returns the uid of the user who logged in, if it is certain.
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
