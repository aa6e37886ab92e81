//! A connection to a client. Sends and receives frames with deadlines. The dialogues of twinlock-core ask their
//! questions through it.

use std::{
    cell::RefCell,
    io::{Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    time::{Duration, Instant},
};

use twinlock_core::{
    base::secret::Typed,
    policy::Echo,
    ports::{Conversation, ConversationError},
    wire::{Ask, End, FRAME_MAX, Frame, MAGIC, Received, push},
};
use zeroize::{Zeroize, Zeroizing};

/// Maximum time from the start of the connection until the first frame is complete.
const FIRST: Duration = Duration::from_secs(2);
/// Maximum time to wait for one answer of the user.
const ANSWER: Duration = Duration::from_secs(120);
/// Maximum duration of a whole conversation.
const WHOLE: Duration = Duration::from_secs(300);
/// Maximum time to wait until the client reads a frame, so that the frame can be sent.
const WRITE: Duration = Duration::from_secs(5);
/// Maximum size in bytes of one part of a text. A text that is too long for one frame is split into such parts.
const PART: usize = FRAME_MAX - 16;

/// A connection to a client.
pub(crate) struct Connection {
    socket: UnixStream,
    begun: Instant,
    received: RefCell<Zeroizing<Vec<u8>>>,
}

/// A frame that the client has sent, with its own copies of the texts; [`Frame`] borrows them.
pub(crate) enum Said {
    /// The first frame, which says what the client asks for.
    Begin {
        /// The bytes of the frame, which begin with its length.
        bytes: Zeroizing<Vec<u8>>,
    },
    /// The answer of the user to a question.
    Answer(Typed),
    /// The user cancelled the operation.
    Cancel,
}

impl Connection {
    /// Creates a connection from the socket of an accepted connection.
    ///
    /// # Errors
    /// [`ConversationError`] if the deadline for writing cannot be set.
    pub(crate) fn new(socket: UnixStream) -> Result<Self, ConversationError> {
        socket.set_write_timeout(Some(WRITE)).map_err(|_| ConversationError)?;
        let received = RefCell::new(Zeroizing::new(Vec::with_capacity(2 * FRAME_MAX)));
        Ok(Self { socket, begun: Instant::now(), received })
    }

    /// Returns the socket.
    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Receives [`MAGIC`], the bytes with which a connection begins, and then the first frame.
    ///
    /// # Errors
    /// [`ConversationError`] if other bytes come, or if the frame is not complete within two seconds.
    pub(crate) fn begin(&self) -> Result<Said, ConversationError> {
        let until = self.begun + FIRST;
        loop {
            {
                let mut received = self.received.borrow_mut();
                let known = received.len().min(MAGIC.len());
                if received.get(..known) != MAGIC.get(..known) {
                    return Err(ConversationError);
                }
                if received.len() >= MAGIC.len() {
                    received.drain(..MAGIC.len());
                    break;
                }
            }
            self.fill(until)?;
        }
        self.receive(until)
    }

    /// Receives the next frame. Fails if it is not complete at the time `until`, or at the end of the whole
    /// conversation.
    fn receive(&self, until: Instant) -> Result<Said, ConversationError> {
        loop {
            if let Some(said) = self.taken()? {
                return Ok(said);
            }
            self.fill(until.min(self.begun + WHOLE))?;
        }
    }

    /// Removes the first frame from the received bytes and returns it; `None` if it is not complete yet.
    fn taken(&self) -> Result<Option<Said>, ConversationError> {
        let mut received = self.received.borrow_mut();
        let Some(found) = Received::read(&received).map_err(|_| ConversationError)? else {
            return Ok(None);
        };
        let said = match found.frame {
            Frame::Begin(_) => Said::Begin {
                bytes: Zeroizing::new(received.get(..found.size).unwrap_or_default().to_vec()),
            },
            Frame::Answer(text) => Said::Answer(Typed::new(text.to_owned())),
            Frame::Cancel => Said::Cancel,
            // Only the agent sends these frames, never a client.
            Frame::Ask(_) | Frame::Tell(_) | Frame::Show(_) | Frame::End(_) => {
                return Err(ConversationError);
            }
        };
        let size = found.size;
        // `drain` would move the bytes after the frame to the front and leave a copy of them at the end. They may be a
        // secret.
        let rest = Zeroizing::new(received.get(size..).unwrap_or_default().to_vec());
        received.zeroize();
        received.extend_from_slice(&rest);
        Ok(Some(said))
    }

    /// Waits until more bytes are received. Fails if none are received before the time `until`.
    fn fill(&self, until: Instant) -> Result<(), ConversationError> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ConversationError);
        }
        self.socket.set_read_timeout(Some(left)).map_err(|_| ConversationError)?;
        let mut part = Zeroizing::new([0; FRAME_MAX]);
        let mut socket = &self.socket;
        match socket.read(part.as_mut_slice()) {
            Ok(1..) | Err(_) if self.received.borrow().len() > 2 * FRAME_MAX => {
                // The client sends more than the agent asked for.
                Err(ConversationError)
            }
            Ok(count @ 1..) => {
                let new = part.get(..count).unwrap_or_default();
                self.received.borrow_mut().extend_from_slice(new);
                Ok(())
            }
            Ok(0) => Err(ConversationError),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(()),
            Err(_) => Err(ConversationError),
        }
    }

    fn send(&self, frame: &Frame<'_>) -> Result<(), ConversationError> {
        let mut bytes = Zeroizing::new(Vec::new());
        push(&mut bytes, frame).map_err(|_| ConversationError)?;
        let mut socket = &self.socket;
        socket.write_all(&bytes).map_err(|_| ConversationError)
    }

    /// Sends all parts except the last one of a text that is too long for one frame. Returns the last part. Returns the
    /// whole text if it fits one frame.
    fn send_beginning<'t>(&self, text: &'t str) -> Result<&'t str, ConversationError> {
        let mut rest = text;
        while rest.len() > PART {
            // A character has at most four bytes, so one of these four places is the end of a character.
            let cut = (PART - 3..=PART).rfind(|place| rest.is_char_boundary(*place));
            let (part, more) = rest.split_at(cut.unwrap_or(PART));
            self.send(&Frame::Show(part))?;
            rest = more;
        }
        Ok(rest)
    }

    /// Ends the conversation. The client shows `text` and exits with `status`.
    pub(crate) fn end(&self, status: u8, text: &str) {
        // If this fails, the client is gone, and there is nobody to tell.
        let _ =
            self.send_beginning(text).and_then(|text| self.send(&Frame::End(End { status, text })));
    }
}

impl Conversation for Connection {
    fn ask(&self, text: &str, echo: Echo) -> Result<Typed, ConversationError> {
        let text = self.send_beginning(text)?;
        self.send(&Frame::Ask(Ask { shown: echo == Echo::Shown, text }))?;
        match self.receive(Instant::now() + ANSWER)? {
            Said::Answer(typed) => Ok(typed),
            Said::Cancel | Said::Begin { .. } => Err(ConversationError),
        }
    }

    fn tell(&self, text: &str) {
        // If the client is gone, the next question fails.
        let _ = self.send_beginning(text).and_then(|text| self.send(&Frame::Tell(text)));
    }
}
