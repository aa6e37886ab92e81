//! Free ports on 127.0.0.1. Tests that run at the same time get different ports.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// First port and number of ports to choose from. The kernel uses higher ports for outgoing connections, which could
/// take the port of a server before the server is started again.
const RANGE: (u16, u16) = (20_000, 12_000);

/// A port on 127.0.0.1. No other test gets it while this value exists.
pub(crate) struct Port {
    number: u16,
    // A name that only one process can have. The kernel takes it back when the process dies.
    _reserved: UnixListener,
}

impl Port {
    /// Reserves a port at which no server listens.
    pub(crate) fn free() -> Port {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        // Processes begin at different ports, so that they rarely try the same one.
        let start = std::process::id().wrapping_mul(37);
        for _ in 0..RANGE.1 {
            let place = start.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed));
            let number = RANGE.0 + u16::try_from(place % u32::from(RANGE.1)).expect("a port");
            let name = format!("twinlock-tests/port/{number}");
            let name = SocketAddr::from_abstract_name(name).expect("a short name");
            let Ok(reserved) = UnixListener::bind_addr(&name) else { continue };
            if TcpListener::bind(("127.0.0.1", number)).is_ok() {
                return Port { number, _reserved: reserved };
            }
        }
        panic!("no port is free on 127.0.0.1");
    }

    /// Returns the number of the port.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}
