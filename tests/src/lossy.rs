//! A link between a client and etcd that loses answers, delivers requests late or twice, or hangs.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::lossy_connection::pass;
use crate::machine::Machine;

/// A TCP proxy in front of one node of etcd. At first it passes everything.
///
/// The first bytes of the server after bytes of the client count as an answer. If the client uses TLS, the answer to
/// its first message belongs to the handshake and is never lost. A message that the server sends by itself after the
/// handshake counts as an answer, too. When the link loses an answer, it closes the connection after the request has
/// been carried out.
///
/// ```no_run
/// use twinlock_tests::{EtcdCluster, EtcdOptions, LossyLink};
///
/// let etcd = EtcdCluster::start(1, &EtcdOptions { tls: false, ..EtcdOptions::default() });
/// let link = LossyLink::to(&etcd.address(0), 1);
/// link.lose(60);
/// let endpoint = format!("http://{}", link.address());
/// ```
pub struct LossyLink {
    address: SocketAddr,
    shared: Arc<Shared>,
    seed: u64,
}

/// What a link does with requests and answers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LinkBehavior {
    /// Percentage of answers that are lost.
    pub(crate) lost: u8,
    /// How long a request is delayed.
    pub(crate) delay: Duration,
    /// Time after which a request is delivered a second time; `None` for never.
    pub(crate) copy_after: Option<Duration>,
    /// Whether the link passes nothing for now.
    hangs: bool,
    /// Whether the link has been dropped.
    pub(crate) ended: bool,
}

/// State of a link that its connections share.
pub(crate) struct Shared {
    pub(crate) target: SocketAddr,
    behavior: Mutex<LinkBehavior>,
    changed: Condvar,
    random: Mutex<u64>,
    pub(crate) counts: LinkCounts,
}

/// Counters of a link.
#[derive(Debug, Default)]
pub(crate) struct LinkCounts {
    pub(crate) passed: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) copied: AtomicU64,
}

impl LossyLink {
    /// Starts a link on 127.0.0.1 to a node, whose address is `HOST:PORT`. With the same seed, the link loses the same
    /// answers of a sequence of requests. A failed test prints the seed.
    #[track_caller]
    pub fn to(node: &str, seed: u64) -> LossyLink {
        LossyLink::start(node, seed, || {})
    }

    /// Starts a link as [`LossyLink::to`] does, but on 127.0.0.1 of a machine that can reach the node. The fleet's
    /// daemon accepts plain HTTP only for endpoints on loopback.
    #[track_caller]
    pub fn inside(machine: &Machine, node: &str, seed: u64) -> LossyLink {
        LossyLink::start(node, seed, || machine.enter_network())
    }

    #[track_caller]
    fn start(node: &str, seed: u64, enter: impl FnOnce() + Send) -> LossyLink {
        let shared = Arc::new(Shared {
            target: node.parse().expect("an address with a port"),
            behavior: Mutex::default(),
            changed: Condvar::new(),
            // Adjacent seeds must not give similar numbers, and zero would stay zero.
            random: Mutex::new(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            counts: LinkCounts::default(),
        });
        let theirs = Arc::clone(&shared);
        // The thread that listens enters the network, and not the thread of the test.
        let address = std::thread::scope(|scope| {
            let listening = scope.spawn(|| {
                enter();
                let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
                let address = listener.local_addr().expect("an address");
                std::thread::spawn(move || accept(&listener, &theirs));
                address
            });
            listening.join().expect("a thread in the network")
        });
        LossyLink { address, shared, seed }
    }

    /// Returns the address at which the link listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Loses this percentage of the answers, from now on.
    pub fn lose(&self, percent: u8) -> &Self {
        self.change(|behavior| behavior.lost = percent)
    }

    /// Delivers each request only after this time, from now on, even if the client has closed its connection meanwhile.
    pub fn delay(&self, time: Duration) -> &Self {
        self.change(|behavior| behavior.delay = time)
    }

    /// Delivers each request a second time, on a new connection, `time` after the first delivery; `None` ends that. The
    /// answer to the copy is discarded. Only for clients without TLS, whose requests have a `Content-Length` or no
    /// body: a connection with TLS is closed.
    pub fn copy_after(&self, time: Option<Duration>) -> &Self {
        self.change(|behavior| behavior.copy_after = time)
    }

    /// Lets nothing pass from now on. Connections stay open, and new ones are accepted.
    pub fn hang(&self) -> &Self {
        self.change(|behavior| behavior.hangs = true)
    }

    /// Ends [`LossyLink::hang`]: what has arrived meanwhile passes now.
    pub fn go_on(&self) -> &Self {
        self.change(|behavior| behavior.hangs = false)
    }

    /// Returns how many answers of the node the link has passed to clients so far.
    pub fn passed(&self) -> u64 {
        self.shared.counts.passed.load(Ordering::SeqCst)
    }

    /// Returns how many answers of the node the link has lost so far.
    pub fn lost(&self) -> u64 {
        self.shared.counts.lost.load(Ordering::SeqCst)
    }

    /// Returns how many copies of requests the link has delivered so far.
    pub fn copied(&self) -> u64 {
        self.shared.counts.copied.load(Ordering::SeqCst)
    }

    fn change(&self, change: impl FnOnce(&mut LinkBehavior)) -> &Self {
        change(&mut self.shared.lock());
        self.shared.changed.notify_all();
        self
    }
}

impl Drop for LossyLink {
    fn drop(&mut self) {
        self.change(|behavior| {
            behavior.ended = true;
            behavior.hangs = false;
        });
        if std::thread::panicking() {
            use std::io::Write as _;
            let told = format!("lossy link to {}: seed {}\n", self.shared.target, self.seed);
            let _ = std::io::stderr().write_all(told.as_bytes());
        }
    }
}

impl Shared {
    /// Waits while the link hangs, and returns its behavior afterwards.
    pub(crate) fn behavior(&self) -> LinkBehavior {
        let passes = self.changed.wait_while(self.lock(), |behavior| behavior.hangs);
        *passes.unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides whether the next answer is lost.
    pub(crate) fn loses(&self) -> bool {
        let lost = self.behavior().lost;
        // xorshift64*
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        *random ^= *random >> 12;
        *random ^= *random << 25;
        *random ^= *random >> 27;
        (random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % 100 < u64::from(lost)
    }

    fn lock(&self) -> MutexGuard<'_, LinkBehavior> {
        self.behavior.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections until the link is dropped.
fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    listener.set_nonblocking(true).expect("a socket that polls");
    loop {
        match listener.accept() {
            Ok((client, _)) => begin(client, shared),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
        if shared.lock().ended {
            return;
        }
    }
}

fn begin(client: TcpStream, shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    client.set_nonblocking(false).expect("a socket that waits");
    std::thread::spawn(move || pass(client, &shared));
}
