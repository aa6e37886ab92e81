//! One connection: sends and receives frames with deadlines, and is the conversation of core's dialogues.

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

/// Time within which the first frame must come.
const FIRST: Duration = Duration::from_secs(2);
/// Time within which an answer must come.
const ANSWER: Duration = Duration::from_secs(120);
/// Time within which a conversation must end.
const WHOLE: Duration = Duration::from_secs(300);
/// Time within which a client must take what is sent.
const WRITE: Duration = Duration::from_secs(5);
/// Size of a part of a text that is too long for one frame.
const PART: usize = FRAME_MAX - 16;

/// A connection to a client.
pub(crate) struct Connection {
    socket: UnixStream,
    begun: Instant,
    received: RefCell<Zeroizing<Vec<u8>>>,
}

/// A frame of the client, with texts of its own.
pub(crate) enum Said {
    /// The first frame.
    Begin {
        /// The frame as it came, without its length.
        bytes: Zeroizing<Vec<u8>>,
    },
    /// An answer.
    Answer(Typed),
    /// The user stopped.
    Cancel,
}

impl Connection {
    /// Takes the connection of a client.
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

    /// Receives the magic and the first frame.
    ///
    /// # Errors
    /// [`ConversationError`] if other bytes come, or nothing within two seconds.
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

    /// Receives the next frame.
    fn receive(&self, until: Instant) -> Result<Said, ConversationError> {
        loop {
            if let Some(said) = self.taken()? {
                return Ok(said);
            }
            self.fill(until.min(self.begun + WHOLE))?;
        }
    }

    /// Takes a whole frame from what was received; `None` if there is none yet.
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
            // Only the agent sends these.
            Frame::Ask(_) | Frame::Tell(_) | Frame::Show(_) | Frame::End(_) => {
                return Err(ConversationError);
            }
        };
        let size = found.size;
        // `drain` moves what follows and leaves a copy of it behind the end, which may be a secret.
        let rest = Zeroizing::new(received.get(size..).unwrap_or_default().to_vec());
        received.zeroize();
        received.extend_from_slice(&rest);
        Ok(Some(said))
    }

    /// Waits until more bytes have come.
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
                // A client that sends more than it is asked for.
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

    /// Sends the beginning of a text that is too long for one frame, and returns its last part.
    fn send_beginning<'t>(&self, text: &'t str) -> Result<&'t str, ConversationError> {
        let mut rest = text;
        while rest.len() > PART {
            // A character has at most four bytes, so one of these four ends one.
            let cut = (PART - 3..=PART).rfind(|place| rest.is_char_boundary(*place));
            let (part, more) = rest.split_at(cut.unwrap_or(PART));
            self.send(&Frame::Show(part))?;
            rest = more;
        }
        Ok(rest)
    }

    /// Ends the conversation. The client exits with the status.
    pub(crate) fn end(&self, status: u8, text: &str) {
        // Nobody is there to be told if this fails.
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
        // The next question fails if the client is gone.
        let _ = self.send_beginning(text).and_then(|text| self.send(&Frame::Tell(text)));
    }
}
