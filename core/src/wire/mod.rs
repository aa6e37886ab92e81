//! The frames that the agent and its clients exchange on a Unix socket. The clients are the `twinlock` command of an
//! ordinary user, and the PAM module in a program that does not run as root. `agent/PROTOCOL.md` describes the order of
//! the frames. [`fleet`] has the messages of the daemon `twinlock-fleet`.
//!
//! A connection begins with [`MAGIC`] from the client. Each frame is a length of two bytes (big-endian, 1 to
//! [`FRAME_MAX`]), a byte that names its type, and a body. Texts are UTF-8.
//!
//! May use: nothing of this crate.

mod begin;
mod cursor;
pub mod fleet;
mod frame;

pub use begin::{AgentVerb, Begin};
pub use frame::{Ask, End, Frame, Received, WireError, push};

/// The first eight bytes that a client sends. The last one is the version of the protocol.
pub const MAGIC: [u8; 8] = *b"TWINLCK\x01";

/// Maximum length of a frame in bytes: the type and the body, without the length itself.
pub const FRAME_MAX: usize = 4096;

/// Path of the socket of the agent.
pub const SOCKET: &str = "/run/twinlock-agent/socket";
