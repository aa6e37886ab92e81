//! Creates the folders and files that must exist before the first login: the records folder, the store-id (which ties
//! the records to the settings), the clock mark (latest trusted time), the ledger, and the time at which the ledger
//! begins (epoch).

use std::mem;

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{self, CWD, Mode, OFlags, Timespec, Timestamps},
    io::{self, Errno},
};
use twinlock_core::{
    base::{
        error::{LedgerError, MachineError, StoreError},
        secret::Key,
        time::UnixTime,
    },
    ports::{Clock, Entropy, Ledger},
    record::Record,
};
use zeroize::Zeroizing;

use crate::{
    clock_mark::{self, CLOCK},
    entropy::KernelEntropy,
    far_ahead,
    machine::Machine,
    outbox::OUTBOX,
    settings::last_good_settings,
    store::{
        code_sets, commit,
        records::{self, UIDS, USERS},
        store_id,
        uniform_reads::NOBODY,
    },
    trusted_dir::{self, Owner, TrustedDir},
};

/// Why the records or the ledger could not be prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateStoreError {
    /// The records folder cannot be created or trusted.
    Store(StoreError),
    /// The ledger cannot be created or trusted.
    Ledger(LedgerError),
    /// The clock or the entropy source failed.
    Machine,
}

impl core::fmt::Display for CreateStoreError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Ledger(error) => error.fmt(f),
            Self::Machine => MachineError.fmt(f),
        }
    }
}

impl core::error::Error for CreateStoreError {}

/// Creates the missing parts of the records folder and the ledger. Returns the second from which the ledger knows all
/// used codes (its epoch). Idempotent.
///
/// # Errors
/// [`CreateStoreError`] if a part cannot be created or trusted. If there is a store-id next to the settings but none in
/// the records folder, no store-id is created: the records are then not mounted or were lost.
pub fn prepare(machine: &Machine) -> Result<UnixTime, CreateStoreError> {
    prepare_store(machine).map_err(CreateStoreError::Store)?;
    let now = machine.clock.now().map_err(|MachineError| CreateStoreError::Machine)?;
    machine.ledger.empty_below().map_err(CreateStoreError::Ledger)?;
    let floor = machine.ledger.floor(now).map_err(CreateStoreError::Ledger)?.floor;
    machine.ledger.make_buckets().map_err(CreateStoreError::Ledger)?;
    Ok(floor)
}

/// Begins a new epoch of the ledger: from now on, codes of earlier times count as used. Also sets the clock mark
/// (latest trusted time) to the current time, even if the mark is later. Returns the second at which the epoch begins.
///
/// # Errors
/// [`CreateStoreError`] if the records, the clock mark or the epoch cannot be written.
pub fn restart(machine: &Machine) -> Result<UnixTime, CreateStoreError> {
    prepare_store(machine).map_err(CreateStoreError::Store)?;
    let now = machine.clock.now().map_err(|MachineError| CreateStoreError::Machine)?;
    let far = far_ahead::all(machine, now.unix);
    let dropped: Vec<_> = far.iter().map(|one| one.time).collect();
    // The ledger names are removed only after their content is stored in the clock mark. An interruption in between may
    // cause valid codes to be refused, but never causes used codes to be accepted.
    clock_mark::believe(&machine.records.path, now, &dropped)
        .map_err(|errno| CreateStoreError::Store(trusted_dir::fault(errno).into()))?;
    let floor = machine.ledger.begin_epoch(now).map_err(CreateStoreError::Ledger)?;
    far_ahead::forget(machine, &far);
    Ok(floor)
}

/// Creates the missing parts of the records folder, for commands that write records.
///
/// # Errors
/// [`StoreError`] if a part cannot be created or trusted.
pub fn prepare_store(machine: &Machine) -> Result<(), StoreError> {
    let records = &machine.records;
    trusted_dir::make_folder(CWD, &records.path, records.owner).map_err(trusted_dir::fault)?;
    let root = records.root()?;
    agree_on_store_id(machine, &root)?;
    for folder in [USERS, UIDS, OUTBOX] {
        root.make(folder, records.owner).map_err(trusted_dir::fault)?;
    }
    make_nobody(machine, &root)?;
    Ok(make_clock(machine).map_err(trusted_dir::fault)?)
}

/// Number of times that this process tries to create the store-id (the random id that ties the records to the settings)
/// while other processes create it first.
const ROUNDS: usize = 8;

/// Creates both copies of the store-id, the random id that ties the records to the settings, if both are missing. If
/// several processes do this at the same time, all of them use one store-id.
fn agree_on_store_id(machine: &Machine, root: &TrustedDir) -> Result<(), StoreError> {
    let records = &machine.records;
    for _ in 0..ROUNDS {
        // The copy next to the settings is read first, because it is created last. If it exists, the other copy exists
        // as well.
        let theirs = store_id::of_settings(&records.store_id_copy, records.owner)?;
        let ours = store_id::of_records(root, records.owner)?;
        match (ours, theirs) {
            (Some(ours), Some(theirs)) if ours == theirs => return Ok(()),
            (Some(_), Some(_)) => return Err(StoreError::StoreIdMismatch),
            // There is a store-id next to the settings, but none in the records folder. The records are not mounted or
            // were lost, so a new store-id must not be created.
            (None, Some(_)) => return Err(StoreError::StoreIdMissing),
            (Some(ours), None) => write_copy(machine, &ours)?,
            (None, None) => {
                let fresh = fresh_id().map_err(trusted_dir::fault)?;
                write_new(&format!("{}/{}", records.path, store_id::NAME), &fresh, records.owner)?;
            }
        }
    }
    Err(trusted_dir::fault(Errno::AGAIN).into())
}

/// Creates the dummy record. Logins of users without a record read it in place of one, so that every login takes the
/// same time.
fn make_nobody(machine: &Machine, root: &TrustedDir) -> Result<(), StoreError> {
    let records = &machine.records;
    root.make(NOBODY, records.owner).map_err(trusted_dir::fault)?;
    let dir = root.below(NOBODY, records.owner)?;
    code_sets::make_nobodys(records, &dir)?;
    let name = records::record_name(1);
    if dir.has(&name).map_err(trusted_dir::fault)? {
        return Ok(());
    }
    let mut bytes = Zeroizing::new(vec![0; 20]);
    KernelEntropy.fill(&mut bytes).map_err(|MachineError| trusted_dir::fault(Errno::IO))?;
    let Some(record) = Key::new(mem::take(&mut *bytes)).ok().map(Record::of_nobody) else {
        return Ok(());
    };
    commit::put_first(records, &dir, &record)
}

fn write_copy(machine: &Machine, id: &str) -> Result<(), StoreError> {
    let copy = &machine.records.store_id_copy;
    if let Some((folder, _)) = copy.rsplit_once('/') {
        match fs::mkdirat(CWD, folder, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(trusted_dir::fault(errno).into()),
        }
    }
    write_new(copy, id, machine.records.owner)
}

/// Writes a file with the store-id (the random id that ties the records to the settings) atomically, because a
/// truncated store-id would never match its copy.
fn write_new(path: &str, id: &str, owner: Owner) -> Result<(), StoreError> {
    let fill = |fd: &OwnedFd| {
        // Every file system writes this few bytes at once, so a short write is a disk error.
        match io::write(fd, format!("{id}\n").as_bytes())? {
            written if written == id.len() + 1 => Ok(()),
            _ => Err(Errno::NOSPC),
        }
    };
    Ok(make_whole(path, owner, &fill).map_err(trusted_dir::fault)?)
}

/// Creates a private file atomically. `fill` writes its content. An existing file is kept.
fn make_whole(
    path: &str,
    owner: Owner,
    fill: &dyn Fn(&OwnedFd) -> io::Result<()>,
) -> io::Result<()> {
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = fs::openat(CWD, folder, flags, Mode::empty())?;
    let temporary = format!("{name}.{}", fresh_id()?.get(..16).unwrap_or_default());
    let placed = make_aside(&folder, &temporary, owner, fill)
        .and_then(|()| commit::place_once(folder.as_fd(), &temporary, name));
    last_good_settings::sweep(&folder, name);
    match placed {
        // If the temporary file is missing, another process was faster: it has created the file and removed the
        // temporary files of other processes.
        Ok(()) | Err(Errno::EXIST | Errno::NOENT) => fs::fsync(&folder),
        refused => refused,
    }
}

fn make_aside(
    folder: &OwnedFd,
    name: &str,
    owner: Owner,
    fill: &dyn Fn(&OwnedFd) -> io::Result<()>,
) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let fd = fs::openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?;
    trusted_dir::give_to(&fd, owner)?;
    fs::fchmod(&fd, Mode::RUSR | Mode::WUSR)?;
    fill(&fd)?;
    fs::fsync(&fd)
}

fn fresh_id() -> io::Result<String> {
    let mut bytes = [0; 16];
    KernelEntropy.fill(&mut bytes).map_err(|MachineError| Errno::IO)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

fn make_clock(machine: &Machine) -> io::Result<()> {
    let path = format!("{}/{CLOCK}", machine.records.path);
    if clock_mark::read(&machine.records.path)?.is_some() {
        return Ok(());
    }
    // No code was accepted yet, so the mark is set to time 0.
    let begin = Timespec { tv_sec: 0, tv_nsec: 0 };
    let times = Timestamps { last_access: begin, last_modification: begin };
    make_whole(&path, machine.records.owner, &|fd| fs::futimens(fd, &times))
}

#[cfg(test)]
mod tests {
    use super::*;
    use twinlock_core::policy::Policy;

    #[test]
    fn of_several_first_commands_all_end_with_one_store() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        let path = |name: &str| base.join(name).to_str().unwrap().to_owned();
        for round in 0..20 {
            let mut policy = Policy::default();
            policy.places.records = path(&format!("records{round}")).into();
            let settings = path(&format!("etc{round}/twinlock.toml"));
            let owner = Owner(rustix::process::getuid().as_raw());
            let prepare = || prepare_store(&Machine::new(&policy, &settings, owner));
            let all: Vec<_> = std::thread::scope(|scope| {
                let racers: Vec<_> = (0..8).map(|_| scope.spawn(prepare)).collect();
                racers.into_iter().map(|racer| racer.join().unwrap()).collect()
            });
            assert!(all.iter().all(Result::is_ok), "{all:?}");
            let machine = Machine::new(&policy, &settings, owner);
            let root = machine.records.root().unwrap();
            store_id::prove(&root, &machine.records.store_id_copy, owner).unwrap();
            for place in [path(&format!("etc{round}")), path(&format!("records{round}"))] {
                let names = std::fs::read_dir(place).unwrap().flatten();
                let ids = names
                    .filter(|name| name.file_name().to_string_lossy().starts_with(store_id::NAME));
                assert_eq!(ids.count(), 1);
            }
        }
    }
}
