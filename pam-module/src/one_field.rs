//! One answer that contains both password and code. An earlier module may have read it. This file keeps the answer
//! until it is known which part is the password, and passes that part to the next module.

use std::{
    cell::{Cell, RefCell},
    ffi::CStr,
};

use pam::{items::AuthTok, module::PamHandle, secret::SecretBytes};
use twinlock_core::{
    base::secret::Typed,
    policy::{
        Echo,
        pam_line::{FirstPass, Forward},
    },
    ports::{Conversation, ConversationError, Part},
};
use zeroize::Zeroizing;

use crate::conversation::{PamConversation, typed};

/// The text that replaces the password in `PAM_AUTHTOK` before a code is asked for. The next module gets it unless this
/// module passes the password on. That module then fails at the same point as after a wrong password, so its prompt
/// does not show whether the code was right. sshd passes the same text for users who may not log in.
pub(crate) const STAND_IN: &CStr = c"\x08\n\r\x7fINCORRECT";

/// Returns the answer that an earlier module stored; `None` if there is none, it is empty, or the PAM line ignores it.
pub(crate) fn given(handle: &PamHandle, first_pass: FirstPass) -> Option<SecretBytes> {
    match first_pass {
        FirstPass::Ignored => None,
        FirstPass::Tried | FirstPass::Used => {
            let token = handle.get_item::<AuthTok<'_>>().ok().flatten();
            token.map(|token| token.to_owned_secret()).filter(|token| !token.is_empty())
        }
    }
}

/// The conversation with the user, and the answer that an earlier module may have stored.
pub(crate) struct OneField<'a> {
    person: PamConversation<'a>,
    given: Cell<Option<SecretBytes>>,
    forward: Forward,
    kept: RefCell<Option<SecretBytes>>,
    part: Cell<Option<Part>>,
}

impl<'a> OneField<'a> {
    pub(crate) fn new(
        person: PamConversation<'a>,
        given: Option<SecretBytes>,
        forward: Forward,
    ) -> Self {
        Self {
            person,
            given: Cell::new(given),
            forward,
            kept: RefCell::new(None),
            part: Cell::new(None),
        }
    }

    /// Returns the conversation with the user, which may have unsent messages.
    pub(crate) fn person(&self) -> &PamConversation<'a> {
        &self.person
    }

    /// Returns the password part of the last answer, with a NUL byte at its end, for the next module. `None` if it is
    /// not known which part that is, or if the part is empty.
    pub(crate) fn password(self) -> Option<Zeroizing<Vec<u8>>> {
        let (kept, part) = (self.kept.into_inner()?, self.part.into_inner()?);
        let length = match part {
            Part::Whole => kept.len(),
            Part::AllBut(code) => kept.len().checked_sub(code)?,
        };
        let password = kept.as_bytes().get(..length).filter(|password| !password.is_empty())?;
        let mut text = Zeroizing::new(Vec::with_capacity(length + 1));
        text.extend_from_slice(password);
        text.push(0);
        Some(text)
    }
}

impl Conversation for OneField<'_> {
    fn ask(&self, text: &str, echo: Echo) -> Result<Typed, ConversationError> {
        let answer = match self.given.take() {
            Some(given) => given,
            None => self.person.bytes(text, echo)?,
        };
        let typed = typed(answer.as_bytes());
        if self.forward == Forward::Password {
            // What was known about the parts of an earlier answer does not apply to this answer.
            self.part.set(None);
            self.kept.replace(Some(answer));
        }
        Ok(typed)
    }

    fn tell(&self, text: &str) {
        self.person.tell(text);
    }

    fn say_last(&self, words: &str, question: &str) {
        self.person.say_last(words, question);
    }

    fn show(&self, text: &str) {
        self.person.show(text);
    }

    fn is_terminal(&self) -> bool {
        self.person.is_terminal()
    }

    fn hand_on(&self, part: Part) {
        self.part.set(Some(part));
    }
}
