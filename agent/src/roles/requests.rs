//! The open requests, which are symbolic links in a folder of root. Only one process can create a given link, and only
//! one can remove it, so a request is used at most once.

use std::{fs, os::unix::fs::DirBuilderExt};

use rustix::{
    fs::{AtFlags, readlinkat, unlinkat},
    io,
};
use twinlock_core::{base::time::BootTime, policy::role_request::RoleRequest, ports::Entropy};
use twinlock_host::{
    entropy::KernelEntropy,
    trusted_dir::{Owner, TrustedDir},
};

const FOLDER: &str = "/run/twinlock-agent/requests";
/// Maximum number of open requests on a host.
const REQUESTS_MAX: usize = 256;
/// Length in bytes of the random id of a request. The id is written as twice as many hexadecimal digits.
const WORD: usize = 4;

/// An open request, and the id by which a member approves it.
pub(super) struct Open {
    pub(super) id: String,
    pub(super) request: RoleRequest,
    /// Seconds until the request expires.
    pub(super) left: u64,
}

/// The folder of the open requests.
pub(super) struct Requests(TrustedDir);

impl Requests {
    /// Opens the folder of the open requests, and creates it if it is missing. `None` if it cannot be used.
    pub(super) fn open() -> Option<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(FOLDER).ok()?;
        TrustedDir::open(FOLDER, Owner(0)).ok().map(Self)
    }

    /// Stores a request and returns its id; `None` if it cannot be stored, or if too many requests are open.
    pub(super) fn add(&self, request: &RoleRequest) -> Option<String> {
        let text = request.written()?;
        // The call of `all` first removes requests that have expired.
        if self.all(request.at)?.len() >= REQUESTS_MAX {
            return None;
        }
        let mut bytes = [0; WORD];
        KernelEntropy.fill(&mut bytes).ok()?;
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.0.link(&id, &text).ok()?;
        Some(id)
    }

    /// Returns the open requests, the one that expires first at the front, and removes those that have expired. `None`
    /// if the folder cannot be read.
    pub(super) fn all(&self, now: BootTime) -> Option<Vec<Open>> {
        let mut open = Vec::new();
        for id in self.0.names().ok()? {
            match self.read(&id, now) {
                Some(one) => open.push(one),
                None => drop(self.remove(&id)),
            }
        }
        open.sort_by_key(|one| (one.left, one.id.clone()));
        Some(open)
    }

    /// Returns the open request with the id `id`; `None` if there is none, or if it has expired.
    pub(super) fn get(&self, id: &str, now: BootTime) -> Option<Open> {
        let is_word = id.len() == 2 * WORD && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_word { self.read(id, now) } else { None }
    }

    fn read(&self, id: &str, now: BootTime) -> Option<Open> {
        let text = readlinkat(self.0.fd(), id, Vec::new()).ok()?;
        let request = RoleRequest::read(std::str::from_utf8(text.to_bytes()).ok()?)?;
        let left = request.left(now)?;
        Some(Open { id: id.to_owned(), request, left })
    }

    /// Removes a request. If several processes remove it at the same time, only one succeeds.
    pub(super) fn remove(&self, id: &str) -> io::Result<()> {
        unlinkat(self.0.fd(), id, AtFlags::empty())
    }
}
