//! The first frame of a client: the operation that it asks for, and the user whom the operation concerns.

use alloc::vec::Vec;

/// Maximum number of words in a request.
const WORDS_MAX: usize = 4;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin<'a> {
    /// The operation that the agent is to run.
    pub verb: AgentVerb,
    /// Whether the client wants the results as JSON.
    pub json: bool,
    /// The words of the request, at most four. [`AgentVerb`] says what they mean.
    pub words: Vec<&'a str>,
}

/// An operation of the agent. Unless the comment on a variant says otherwise, the first word of the request is the name
/// of the user whom the operation concerns; the word is empty for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum AgentVerb {
    /// `status [USER]`.
    Status = 1,
    /// `devices`.
    Devices = 2,
    /// `why [USER]`.
    Why = 3,
    /// `forget`; the second word is the number of a device, or empty for all.
    Forget = 4,
    /// `backup-codes`.
    BackupCodes = 5,
    /// `change`.
    Change = 6,
    /// `remove`; the second word is the name of the authenticator.
    Remove = 7,
    /// `enroll`.
    Enroll = 8,
    /// Verifies one app code for a program that does not run as root, such as a screen locker. The second word is the
    /// PAM service; the third word says what the answer contains.
    Locker = 9,
    /// `unlock USER`; the second word is the reason.
    Unlock = 10,
    /// `reset USER`; the second word is the reason.
    Reset = 11,
    /// `bypass USER`; the second word is the reason.
    Bypass = 12,
    /// `requests`.
    Requests = 13,
    /// `approve ID`; the first word is the request's id.
    Approve = 14,
}

impl AgentVerb {
    const ALL: [Self; 14] = [
        Self::Status,
        Self::Devices,
        Self::Why,
        Self::Forget,
        Self::BackupCodes,
        Self::Change,
        Self::Remove,
        Self::Enroll,
        Self::Locker,
        Self::Unlock,
        Self::Reset,
        Self::Bypass,
        Self::Requests,
        Self::Approve,
    ];

    /// Returns the name of the operation. Except for `locker`, this is the subcommand of `twinlock`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Devices => "devices",
            Self::Why => "why",
            Self::Forget => "forget",
            Self::BackupCodes => "backup-codes",
            Self::Change => "change",
            Self::Remove => "remove",
            Self::Enroll => "enroll",
            Self::Locker => "locker",
            Self::Unlock => "unlock",
            Self::Reset => "reset",
            Self::Bypass => "bypass",
            Self::Requests => "requests",
            Self::Approve => "approve",
        }
    }
}

impl<'a> Begin<'a> {
    /// Parses the body of the first frame; `None` if the body is malformed.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let [verb, json @ 0..=1, rest @ ..] = body else { return None };
        let verb = AgentVerb::ALL.into_iter().find(|one| *one as u8 == *verb)?;
        let (mut words, mut rest) = (Vec::new(), rest);
        while !rest.is_empty() {
            let ([high, low], more) = rest.split_first_chunk()?;
            let (word, after) =
                more.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
            words.push(core::str::from_utf8(word).ok()?);
            rest = after;
        }
        let json = *json == 1;
        (words.len() <= WORDS_MAX).then_some(Self { verb, json, words })
    }

    /// Appends the body of the frame.
    pub(super) fn push(&self, bytes: &mut Vec<u8>) {
        bytes.extend([self.verb as u8, u8::from(self.json)]);
        for word in &self.words {
            // A longer word makes the frame too long, which is not written.
            bytes.extend(u16::try_from(word.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend(word.bytes());
        }
    }

    /// Returns the word at an index, from 0; empty if there is none.
    #[must_use]
    pub fn word(&self, place: usize) -> &'a str {
        self.words.get(place).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_another_form_are_refused() {
        for body in [
            &[][..],
            &[1],
            &[0, 0],
            &[15, 0],
            &[1, 2],
            &[1, 0, 0],
            &[1, 0, 0, 1],
            &[1, 0, 0, 2, b'a'],
            &[1, 0, 0, 1, 0xff],
            &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(Begin::read(body), None, "{body:?}");
        }
        for verb in AgentVerb::ALL {
            let body = [verb as u8, 0, 0, 1, b'a'];
            assert_eq!(Begin::read(&body).unwrap().word(0), "a", "{verb:?}");
        }
    }
}
