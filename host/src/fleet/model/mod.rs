//! A model checker for what hosts do to the store at the same time: the real code of this folder and of
//! `twinlock_core::verify` runs on two or three hosts, and the explorer tries every order of their requests, together
//! with lost answers, late copies, crashes, and a store that is restored to an earlier state or sends false replies.
//!
//! - `etcd`: the store in memory, with the transactions of etcd.
//! - `local`: the disk, the ledger and the clock of one host, in memory.
//! - `world`: a store with one user, and the disks of hosts.
//! - `ports`: the ports of a host, decorated by the fleet.
//! - `process`: the logins of a host; each request to the store is a point at which another host may go on.
//! - `state`: all hosts and the store at one time.
//! - `scenario`: what a test explores, and what must hold.
//! - `explorer`: visits every state that can be reached.
//! - `races`, `resets`, `rollbacks`, `lies`: one test for each promise.
//!
//! A login is a function of the replies that it has received. To continue a login, the checker runs it again from its
//! start with one more reply, and remembers the next request. So no state of the real code needs to be copied, and two
//! orders that lead to the same store and the same replies are one state. `stateright` does the same for models that
//! are written for it. Here the real code is the model, and the search is one function.
//!
//! Each test prints the number of schedules that it has tried. The ignored tests allow one more fault in each schedule.

mod etcd;
mod explorer;
mod lies;
mod local;
mod ports;
mod process;
mod races;
mod resets;
mod rollbacks;
mod scenario;
mod state;
mod world;
