//! One frame: its types, and how it is read and written.

use alloc::vec::Vec;
use core::fmt;

use crate::wire::{Begin, FRAME_MAX};

/// Number of bytes in front of a frame that hold its length.
const LENGTH: usize = 2;

/// A frame from the client or from the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame<'a> {
    /// The client sends this frame first. It says which operation the client asks for.
    Begin(Begin<'a>),
    /// The client sends the answer to the last question. The answer may be a secret.
    Answer(&'a str),
    /// The client says that the user cancelled the operation (Ctrl-C, or the end of the input).
    Cancel,
    /// The agent asks a question.
    Ask(Ask<'a>),
    /// The agent sends a text for the terminal. The client shows it with a line break after it. The text may contain a
    /// key or codes.
    Tell(&'a str),
    /// The agent sends the beginning of a text that is too long for one frame. The frame after this one has the next
    /// part.
    Show(&'a str),
    /// The agent sends this frame last. It says how the operation ended.
    End(End<'a>),
}

/// A question to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Whether the answer is shown while it is typed.
    pub shown: bool,
    /// The question.
    pub text: &'a str,
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End<'a> {
    /// The exit status of the command: 0 done, 1 refused, 2 wrong request, 3 wrong state, 4 not permitted, 5 throttled,
    /// 6 unavailable, 130 interrupted.
    pub status: u8,
    /// The result for standard output, or why there is none and what to do next; empty if there is nothing left to say.
    pub text: &'a str,
}

/// A frame at the start of a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received<'a> {
    /// The frame.
    pub frame: Frame<'a>,
    /// Size of the frame in the buffer in bytes, with its length in front.
    pub size: usize,
}

/// Why bytes are not a frame, or why a frame cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireError {
    /// The length is 0 or greater than [`FRAME_MAX`].
    Length(usize),
    /// No frame has this type.
    Type(u8),
    /// The body does not have the form of its type, or is not UTF-8.
    Body,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => {
                write!(f, "a frame of {length} bytes; 1 to {FRAME_MAX} are allowed")
            }
            Self::Type(kind) => write!(f, "no frame has the type {kind}"),
            Self::Body => f.write_str("the body of a frame does not have the form of its type"),
        }
    }
}

impl core::error::Error for WireError {}

impl<'a> Received<'a> {
    /// Reads the frame at the start of `bytes`. Returns `None` if more bytes are needed.
    ///
    /// # Errors
    /// [`WireError`] if the bytes are not the start of a frame. The caller must close the connection.
    pub fn read(bytes: &'a [u8]) -> Result<Option<Self>, WireError> {
        let Some((length, rest)) = bytes.split_at_checked(LENGTH) else { return Ok(None) };
        let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        if length == 0 || length > FRAME_MAX {
            return Err(WireError::Length(length));
        }
        let Some((kind, _)) = rest.split_first() else { return Ok(None) };
        // A wrong type is refused before its body is waited for.
        if !(Frame::BEGIN..=Frame::END).contains(kind) {
            return Err(WireError::Type(*kind));
        }
        let Some(whole) = rest.get(..length) else { return Ok(None) };
        let body = whole.get(1..).unwrap_or_default();
        Ok(Some(Self { frame: Frame::of_body(*kind, body)?, size: LENGTH + length }))
    }
}

impl<'a> Frame<'a> {
    const BEGIN: u8 = 1;
    const ANSWER: u8 = 2;
    const CANCEL: u8 = 3;
    const ASK: u8 = 4;
    const TELL: u8 = 5;
    const SHOW: u8 = 6;
    const END: u8 = 7;

    fn of_body(kind: u8, body: &'a [u8]) -> Result<Self, WireError> {
        let text = |bytes| core::str::from_utf8(bytes).map_err(|_| WireError::Body);
        Ok(match (kind, body) {
            (Self::BEGIN, _) => Self::Begin(Begin::read(body).ok_or(WireError::Body)?),
            (Self::ANSWER, _) => Self::Answer(text(body)?),
            (Self::CANCEL, []) => Self::Cancel,
            (Self::ASK, [shown @ 0..=1, rest @ ..]) => {
                Self::Ask(Ask { shown: *shown == 1, text: text(rest)? })
            }
            (Self::TELL, _) => Self::Tell(text(body)?),
            (Self::SHOW, _) => Self::Show(text(body)?),
            (Self::END, [status, rest @ ..]) => {
                Self::End(End { status: *status, text: text(rest)? })
            }
            _ => return Err(WireError::Body),
        })
    }
}

/// Appends a frame to `bytes`, which the caller wipes if the frame is an answer.
///
/// # Errors
/// [`WireError::Length`] if the frame is longer than [`FRAME_MAX`]. Nothing is appended then.
pub fn push(bytes: &mut Vec<u8>, frame: &Frame<'_>) -> Result<(), WireError> {
    let start = bytes.len();
    bytes.extend([0; LENGTH]);
    match frame {
        Frame::Begin(begin) => {
            bytes.push(Frame::BEGIN);
            begin.push(bytes);
        }
        Frame::Answer(text) => of_text(bytes, Frame::ANSWER, text),
        Frame::Cancel => bytes.push(Frame::CANCEL),
        Frame::Ask(ask) => {
            bytes.extend([Frame::ASK, u8::from(ask.shown)]);
            bytes.extend(ask.text.bytes());
        }
        Frame::Tell(text) => of_text(bytes, Frame::TELL, text),
        Frame::Show(text) => of_text(bytes, Frame::SHOW, text),
        Frame::End(end) => {
            bytes.extend([Frame::END, end.status]);
            bytes.extend(end.text.bytes());
        }
    }
    let length = bytes.len() - start - LENGTH;
    match u16::try_from(length) {
        Ok(short) if length <= FRAME_MAX => {
            for (place, byte) in bytes.iter_mut().skip(start).zip(short.to_be_bytes()) {
                *place = byte;
            }
            Ok(())
        }
        Ok(_) | Err(_) => {
            bytes.truncate(start);
            Err(WireError::Length(length))
        }
    }
}

fn of_text(bytes: &mut Vec<u8>, kind: u8, text: &str) {
    bytes.push(kind);
    bytes.extend(text.bytes());
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec};

    use super::*;
    use crate::wire::AgentVerb;

    fn frames() -> Vec<Frame<'static>> {
        vec![
            Frame::Begin(Begin {
                verb: AgentVerb::Remove, json: true, words: vec!["", "phone å"]
            }),
            Frame::Answer("123456"),
            Frame::Answer(""),
            Frame::Cancel,
            Frame::Ask(Ask { shown: false, text: "Password: " }),
            Frame::Tell("Verifieringskod ✓"),
            Frame::Show("█▀"),
            Frame::End(End { status: 130, text: "" }),
        ]
    }

    #[test]
    fn frames_come_back_however_they_are_cut() {
        let mut all = Vec::new();
        for frame in frames() {
            push(&mut all, &frame).unwrap();
        }
        let mut rest = all.as_slice();
        for frame in frames() {
            let received = Received::read(rest).unwrap().unwrap();
            for cut in 0..received.size {
                assert_eq!(Received::read(&rest[..cut]), Ok(None), "{frame:?} {cut}");
            }
            assert_eq!(received.frame, frame);
            rest = &rest[received.size..];
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn what_is_no_frame_is_refused_at_once() {
        for (bytes, error) in [
            (&b"\0\0"[..], WireError::Length(0)),
            (b"\x10\x01", WireError::Length(4097)),
            (b"GET / HTTP", WireError::Length(0x4745)),
            (b"\0\x05\0", WireError::Type(0)),
            (b"\0\x05\x08", WireError::Type(8)),
            (b"\0\x02\x03x", WireError::Body),
            (b"\0\x01\x04", WireError::Body),
            (b"\0\x02\x04\x02", WireError::Body),
            (b"\0\x03\x02\xff\xfe", WireError::Body),
            (b"\0\x01\x07", WireError::Body),
            (b"\0\x01\x01", WireError::Body),
        ] {
            assert_eq!(Received::read(bytes), Err(error), "{bytes:?}");
        }
    }

    #[test]
    fn frames_that_are_too_long_are_not_written() {
        let mut bytes = vec![7];
        let long = "x".repeat(FRAME_MAX);
        assert_eq!(push(&mut bytes, &Frame::Tell(&long)), Err(WireError::Length(FRAME_MAX + 1)));
        assert_eq!(
            push(&mut bytes, &Frame::Tell(&"x".repeat(70_000))),
            Err(WireError::Length(70_001))
        );
        assert_eq!(bytes, [7]);
        let fits: String = "x".repeat(FRAME_MAX - 1);
        push(&mut bytes, &Frame::Tell(&fits)).unwrap();
        assert_eq!(Received::read(&bytes[1..]).unwrap().unwrap().size, FRAME_MAX + 2);
    }
}
