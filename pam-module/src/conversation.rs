//! The person on the other side of libpam's conversation.

use pam::{
    constants::{PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON},
    conv::Conv,
};
use twinlock_core::{
    answer::ANSWER_MAX,
    policy::Echo,
    ports::{Conversation, ConversationFault},
    secret::Typed,
};

/// A conversation, where the application offers one.
pub(crate) struct PamConversation<'a>(pub(crate) Option<Conv<'a>>);

impl Conversation for PamConversation<'_> {
    fn ask(&self, text: &str, echo: Echo) -> Result<Typed, ConversationFault> {
        let conversation = self.0.as_ref().ok_or(ConversationFault)?;
        let style = match echo {
            Echo::Hidden => PAM_PROMPT_ECHO_OFF,
            Echo::Shown => PAM_PROMPT_ECHO_ON,
        };
        let answer = conversation.send(style, text).map_err(|_| ConversationFault)?;
        let answer = answer.ok_or(ConversationFault)?;
        Ok(typed(answer.as_bytes()))
    }

    fn tell(&self, text: &str) {
        if let Some(conversation) = &self.0 {
            // Some applications answer messages with an error; what is said last decides nothing.
            let _ = conversation.send(PAM_ERROR_MSG, text);
        }
    }
}

/// What is too long or not UTF-8 is no code, and is handed on as something that is none either.
fn typed(bytes: &[u8]) -> Typed {
    let fits = bytes.len() <= ANSWER_MAX;
    let text = std::str::from_utf8(bytes).ok().filter(|_| fits);
    Typed::new(text.unwrap_or("not a code").to_owned())
}
