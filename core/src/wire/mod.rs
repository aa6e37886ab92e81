//! The frames that the agent and its clients exchange on a Unix socket. The clients are the `twinlock` command of an
//! ordinary user, and the module where a program that is not root calls it. `agent/PROTOCOL.md` describes the order.
//!
//! A connection begins with [`MAGIC`] from the client. Each frame is a length of two bytes (big-endian, 1 to
//! [`FRAME_MAX`]), a byte that names its type, and a body. Texts are UTF-8.
//!
//! May use: nothing of this crate.

mod begin;
mod frame;

pub use begin::{Begin, Output, Verb};
pub use frame::{Ask, End, Frame, Received, WireError, push};

/// The first eight bytes of a client. The last one is the version of the protocol.
pub const MAGIC: [u8; 8] = *b"TWINLCK\x01";

/// Maximum length of a frame in bytes: the type and the body, without the length itself.
pub const FRAME_MAX: usize = 4096;

/// Path of the socket of the agent.
pub const SOCKET: &str = "/run/twinlock-agent/socket";
