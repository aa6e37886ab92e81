//! The request of a member of a role that another member must approve, and its text form.

use alloc::{
    format,
    string::{String, ToString},
};

use crate::{
    base::time::{BootTime, MINUTE},
    policy::roles::RoleVerb,
};

/// Time in seconds after which a request expires.
pub const REQUEST_LIFE: u64 = 10 * MINUTE;
/// The first line of a request.
const VERSION: &str = "1";
/// The text for a session that is not known.
const NOTHING: &str = "-";

/// A request that waits for the approval of another member of the role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRequest {
    /// The name of the role.
    pub role: String,
    /// The subcommand that the member requests.
    pub verb: RoleVerb,
    /// The account name of the user whom the change concerns.
    pub user: String,
    /// The user id of the member who made the request.
    pub uid: u32,
    /// The account name of the member who made the request.
    pub by: String,
    /// Time of the boot clock at which the request was made.
    pub at: BootTime,
    /// The audit session of the member who made the request; `None` if it is not known.
    pub session: Option<u32>,
    /// The reason that the member gave.
    pub reason: String,
}

impl RoleRequest {
    /// Returns the text form: one line for each field. Returns `None` if a field is empty or has a control character,
    /// such as a line break, which would forge another field.
    #[must_use]
    pub fn written(&self) -> Option<String> {
        let session = self.session.map_or_else(|| NOTHING.into(), |session| session.to_string());
        let fields = [&self.role, &self.user, &self.by, &self.reason];
        if fields.iter().any(|field| field.is_empty() || field.contains(char::is_control)) {
            return None;
        }
        Some(format!(
            "{VERSION}\n{}\n{}\n{}\n{}\n{}\n{}\n{session}\n{}",
            self.role,
            self.verb.word(),
            self.user,
            self.uid,
            self.by,
            // Whole seconds: a request ends up to a second early.
            self.at.seconds(),
            self.reason
        ))
    }

    /// Parses the text form of a request; `None` if the text is malformed.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let mut next = || lines.next().filter(|line| !line.is_empty());
        if next()? != VERSION {
            return None;
        }
        let request = Self {
            role: next()?.into(),
            verb: RoleVerb::named(next()?)?,
            user: next()?.into(),
            uid: next()?.parse().ok()?,
            by: next()?.into(),
            at: BootTime(0).plus(next()?.parse().ok()?),
            session: match next()? {
                NOTHING => None,
                session => Some(session.parse().ok()?),
            },
            reason: next()?.into(),
        };
        lines.next().is_none().then_some(request)
    }

    /// Returns the seconds until the request expires; `None` if it has expired, or was made at a later time than `now`.
    #[must_use]
    pub fn left(&self, now: BootTime) -> Option<u64> {
        let age = now.seconds().checked_sub(self.at.seconds())?;
        REQUEST_LIFE.checked_sub(age).filter(|left| *left > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> RoleRequest {
        RoleRequest {
            role: "desk".into(),
            verb: RoleVerb::Reset,
            user: "DOM\\ada b".into(),
            uid: 1002,
            by: "kim".into(),
            at: BootTime(0).plus(1000),
            session: Some(7),
            reason: "lost phone, #17".into(),
        }
    }

    #[test]
    fn requests_come_back_and_no_field_forges_another() {
        for request in [request(), RoleRequest { session: None, ..request() }] {
            let text = request.written().unwrap();
            assert_eq!(RoleRequest::read(&text), Some(request));
            for cut in 0..text.len() - 15 {
                assert_eq!(RoleRequest::read(&text[..cut]), None, "{cut}");
            }
            assert_eq!(RoleRequest::read(&format!("{text}\nx")), None);
        }
        for odd in [
            RoleRequest { user: "ada\nbob".into(), ..request() },
            RoleRequest { reason: "a\nb".into(), ..request() },
            RoleRequest { by: String::new(), ..request() },
        ] {
            assert_eq!(odd.written(), None);
        }
    }

    #[test]
    fn requests_end_after_ten_minutes() {
        let left = |at| request().left(BootTime(0).plus(at));
        assert_eq!([999, 1000, 1599, 1600, 9000].map(left), [None, Some(600), Some(1), None, None]);
    }
}
