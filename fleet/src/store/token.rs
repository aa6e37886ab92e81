//! The token that the store issues to the daemon for the password of its user.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use zeroize::Zeroizing;

/// Time for which the daemon relies on the answer that the password is wrong, or that no password is needed.
const BELIEVED: Duration = Duration::from_secs(5);

/// A user of the store.
#[derive(Debug)]
pub(crate) struct StoreUser {
    /// The name of the user.
    pub(crate) name: String,
    /// The password of the user.
    pub(crate) password: Zeroizing<String>,
}

impl StoreUser {
    /// Returns the body of the request for a token.
    pub(crate) fn body(&self) -> Zeroizing<String> {
        let body = serde_json::json!({ "name": self.name, "password": self.password.as_str() });
        Zeroizing::new(body.to_string())
    }
}

/// The answer of the store to the last request for a token. Times are since boot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum TokenState {
    /// No token was requested, or the store has refused the last one.
    #[default]
    Unknown,
    /// The store has issued this token.
    Known(String),
    /// The store needs no password, as it answered at this time.
    Off(Duration),
    /// The password is wrong, as the store answered at this time.
    Wrong(Duration),
}

/// What a request must do about the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenUse {
    /// Be sent with this token, or without one (`None`).
    Send(Option<String>),
    /// Get a token first.
    SignIn,
    /// Fail, because the password was wrong a moment ago.
    Refuse,
}

/// The token, and the user that it belongs to.
#[derive(Debug, Default)]
pub(crate) struct StoreToken {
    user: Option<StoreUser>,
    state: Mutex<TokenState>,
    renewing: Mutex<()>,
}

impl StoreToken {
    /// Returns the token of this user, which is not requested yet. With `None`, requests are sent without a token.
    pub(crate) fn of(user: Option<StoreUser>) -> Self {
        Self { user, ..Self::default() }
    }

    fn state(&self) -> MutexGuard<'_, TokenState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the user; `None` if requests are sent without a token.
    pub(crate) fn user(&self) -> Option<&StoreUser> {
        self.user.as_ref()
    }

    /// Decides what a request must do about the token at the time `now`.
    pub(crate) fn decide(&self, now: Duration) -> TokenUse {
        if self.user.is_none() {
            return TokenUse::Send(None);
        }
        let is_new = |at: Duration| now.saturating_sub(at) < BELIEVED;
        match &*self.state() {
            TokenState::Known(token) => TokenUse::Send(Some(token.clone())),
            TokenState::Off(at) if is_new(*at) => TokenUse::Send(None),
            TokenState::Wrong(at) if is_new(*at) => TokenUse::Refuse,
            TokenState::Unknown | TokenState::Off(_) | TokenState::Wrong(_) => TokenUse::SignIn,
        }
    }

    /// Records that the store has refused a request with the token `sent`, or without a token (`None`). If another
    /// thread has renewed the token since, the new one is kept.
    pub(crate) fn refused(&self, sent: Option<&str>) {
        let mut state = self.state();
        let is_current = match &*state {
            TokenState::Known(token) => Some(token.as_str()) == sent,
            TokenState::Off(_) => sent.is_none(),
            TokenState::Unknown | TokenState::Wrong(_) => false,
        };
        if is_current {
            *state = TokenState::Unknown;
        }
    }

    /// Stores the answer to a request for a token.
    pub(crate) fn keep(&self, state: TokenState) {
        *self.state() = state;
    }

    /// Waits until no other thread asks for a token.
    pub(crate) fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.renewing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> StoreToken {
        let password = Zeroizing::new("pass\"word".to_owned());
        StoreToken::of(Some(StoreUser { name: "web1".into(), password }))
    }

    #[test]
    fn a_token_is_asked_for_once() {
        let at = Duration::from_secs;
        let token = token();
        assert_eq!(token.decide(at(1)), TokenUse::SignIn);
        token.keep(TokenState::Known("a".into()));
        assert_eq!(token.decide(at(1)), TokenUse::Send(Some("a".into())));
        token.refused(Some("older"));
        assert_eq!(token.decide(at(1)), TokenUse::Send(Some("a".into())));
        token.refused(Some("a"));
        assert_eq!(token.decide(at(1)), TokenUse::SignIn);
    }

    #[test]
    fn a_wrong_password_is_not_sent_again_at_once() {
        let at = Duration::from_secs;
        let token = token();
        token.keep(TokenState::Wrong(at(10)));
        assert_eq!(
            (token.decide(at(14)), token.decide(at(15))),
            (TokenUse::Refuse, TokenUse::SignIn)
        );
        token.keep(TokenState::Off(at(10)));
        assert_eq!(
            (token.decide(at(14)), token.decide(at(15))),
            (TokenUse::Send(None), TokenUse::SignIn)
        );
        token.refused(None);
        assert_eq!(token.decide(at(14)), TokenUse::SignIn);
    }

    #[test]
    fn without_a_user_no_token_is_sent() {
        let token = StoreToken::of(None);
        token.refused(None);
        assert_eq!(token.decide(Duration::ZERO), TokenUse::Send(None));
    }

    #[test]
    fn a_password_is_quoted() {
        let body = token().user().unwrap().body();
        assert_eq!(*body, r#"{"name":"web1","password":"pass\"word"}"#);
    }
}
