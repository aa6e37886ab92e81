//! Creates a private machine for each test and runs real sshd, sudo, su and login in it.
//!
//! ```no_run
//! use twinlock_tests::{Machine, shipped};
//!
//! let m = Machine::new();
//! m.user("ada").password("ada", "correct horse").key("ada");
//! m.pam("sshd", &shipped("pam.d/sshd-publickey"));
//! m.drop_in("10-twinlock-publickey.conf").twinlock().enrolled("ada", "JBSWY3DPEHPK3PXP");
//! m.sshd("");
//! let mut s = m.ssh("ada").key().open();
//! s.expect("Verification code").send_line(&m.code("ada"));
//! assert!(s.logged_in());
//! ```
//!
//! A machine is a set of namespaces (mount, process, network, name, IPC, time) over an overlay
//! of the real root file system. All writes go to a tmpfs that is removed with the machine.
//! The machine ends when it is dropped, or when the test process dies for any reason.
//! A machine needs root and the Debian packages listed in `packages.txt`.

mod artefacts;
mod bare;
mod booted;
mod call;
mod caller;
mod certificates;
mod codes;
mod crowd;
mod cut;
mod cut_dialogue;
mod dialogue;
mod doors;
mod etcd;
mod etcd_admin;
mod etcd_node;
mod extent;
mod facts;
mod files;
mod fleet_host;
mod fleet_network;
mod golden;
mod holder;
mod http_frames;
mod in_force;
mod lossy;
mod lossy_connection;
mod machine;
mod own_root;
mod picture;
mod ports;
mod postfix;
mod programs;
mod race;
mod reader;
mod repository;
mod ruler;
mod rush;
mod scratch;
mod server_room;
mod session;
mod shipped;
mod sshd;
mod syscalls;
mod syslog;
mod trace;
mod tracer;
mod transcript;
mod twinlock;
mod unpacked;

pub use artefacts::{built, chores, shipped, stock};
pub use booted::Booted;
pub use call::{Call, Finished};
pub use caller::{Caller, Next, Reply};
pub use certificates::{ClientKind, Identity};
pub use codes::{Otp, Token, now};
pub use crowd::crowd_name;
pub use cut::Cut;
pub use cut_dialogue::{CutDialogue, CutOutcome};
pub use dialogue::Dialogue;
pub use etcd::{EtcdCluster, EtcdOptions};
pub use etcd_admin::{EtcdGrant, NodeStatus};
pub use extent::thorough;
pub use files::MachineFile;
pub use fleet_host::{FLEET_SOCKET, FleetAccess, FleetHost};
pub use fleet_network::FleetNetwork;
pub use golden::{golden, placed, said};
pub use in_force::says_in_force;
pub use lossy::LossyLink;
pub use machine::Machine;
pub use own_root::private_machines;
pub use picture::{photographed, scanned, svg_to_png};
pub use postfix::Mail;
pub use programs::{LOGGED_IN, Ssh};
pub use reader::{codes_shown, key_shown};
pub use repository::{found, repository};
pub use ruler::{Host, Login};
pub use rush::{Rush, RushEnd, RushLogin};
pub use scratch::Scratch;
pub use session::Session;
pub use shipped::{First, PASSWORD, PROMPT, Server};
pub use trace::Trace;
pub use tracer::{Blow, Ended, Part, Place};
