//! Sets of one-time codes on disk. A set is a file `codes.SET` next to the record that names it. For each spent code,
//! there is one name.

use argon2::{Algorithm, Argon2, Params, Version};
use rustix::{
    fs::{self, AtFlags},
    io::Errno,
};
#[cfg(feature = "tools")]
use twinlock_core::record::code_set::Cost;
use twinlock_core::{
    base::{
        account::Folder,
        error::{CommitError, FileError, MachineError, StoreError},
        time::UnixTime,
    },
    ledger::names,
    ports::{CodeSets, Creation, Entropy},
    record::{
        SetId,
        code_set::{CODES_MAX, CodeSet, Digest, Recipe, Shape},
        code_set_text as form,
    },
};
use zeroize::Zeroizing;

use crate::{
    argon_memory::Blocks,
    entropy::KernelEntropy,
    store::{
        commit,
        records::HostRecords,
        uniform_reads::{self, NOBODY},
    },
    trusted_dir::{self, TrustedDir},
};

/// The id of the dummy set. The probability that a random set gets this id is 2^-64.
const NOBODYS: SetId = SetId(0);

impl CodeSets for HostRecords {
    fn set(&self, folder: &Folder, id: SetId) -> Result<CodeSet, StoreError> {
        read(self, &self.open(folder)?, id)
    }

    fn set_uniform(&self, of: Option<(&Folder, SetId)>) -> Result<CodeSet, StoreError> {
        let path = uniform_reads::path_of(of.map(|(folder, _)| folder));
        let (dir, _) = self.root()?.below_or(&path, NOBODY, self.owner)?;
        read(self, &dir, of.map_or(NOBODYS, |(_, id)| id))
    }

    fn spent(&self, folder: &Folder, id: SetId) -> Result<Vec<u8>, StoreError> {
        let names = self.open(folder)?.names().map_err(trusted_dir::fault)?;
        let found = names.iter().filter_map(|name| form::read_spent(name));
        Ok(found.filter(|(set, _)| *set == id).map(|(_, place)| place).collect())
    }

    fn spend(
        &self,
        folder: &Folder,
        id: SetId,
        place: u8,
        now: UnixTime,
    ) -> Result<Creation, StoreError> {
        let dir = self.open(folder)?;
        let name = form::spent_name(id, place);
        match dir.link(&name, &names::instant(now)) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Ok(Creation::Taken),
            Err(errno) => return Err(trusted_dir::fault(errno).into()),
        }
        make_durable(&dir, &name).map_err(trusted_dir::fault)?;
        Ok(Creation::Made)
    }

    fn digest(&self, code: &str, recipe: &Recipe) -> Result<Digest, MachineError> {
        let cost = recipe.cost;
        let params = Params::new(cost.memory_kib(), cost.passes(), 1, Some(32));
        let params = params.map_err(|_| MachineError)?;
        let blocks = Blocks::map(params.block_count()).map_err(|_| MachineError)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut out = Zeroizing::new([0; 32]);
        argon2
            .hash_password_into_with_memory(code.as_bytes(), &recipe.salt, &mut *out, blocks)
            .map_err(|_| MachineError)?;
        Ok(Digest::new(out))
    }

    fn lay_down(
        &self,
        folder: &Folder,
        shape: Shape,
        codes: &[Zeroizing<String>],
    ) -> Result<SetId, CommitError> {
        let set = hashed(self, shape, codes).map_err(CommitError::Store)?;
        let mut name = [0; 8];
        KernelEntropy.fill(&mut name).map_err(|MachineError| CommitError::Store(io()))?;
        let id = SetId(u64::from_ne_bytes(name));
        let text = form::write(&set);
        commit::lay_beside(self, folder, &form::set_name(id), text.as_bytes())?;
        Ok(id)
    }

    fn take_away(&self, folder: &Folder, id: SetId) {
        // If the file cannot be removed now, the next change of the record after a day removes it.
        if let Ok(dir) = self.open(folder) {
            let _ = fs::unlinkat(dir.fd(), form::set_name(id), AtFlags::empty());
        }
    }
}

fn read(records: &HostRecords, dir: &TrustedDir, id: SetId) -> Result<CodeSet, StoreError> {
    let bytes = dir.read(&form::set_name(id), records.owner, form::FILE_MAX)?;
    let bytes = Zeroizing::new(bytes);
    let text = std::str::from_utf8(&bytes).map_err(|_| StoreError::Malformed { line: 0 })?;
    form::read(text)
}

/// Makes the name of a spent code durable. If this fails, removes the name, because access is then not granted for the
/// code.
fn make_durable(dir: &TrustedDir, name: &str) -> rustix::io::Result<()> {
    let synced = fs::fsync(dir.fd());
    if synced.is_err() {
        let _ = fs::unlinkat(dir.fd(), name, AtFlags::empty());
    }
    synced
}

/// Creates the dummy set, whose hashes match no code. Logins of users without a set read it, so that every login takes
/// the same time.
#[cfg(feature = "tools")]
pub(crate) fn make_nobodys(records: &HostRecords, dir: &TrustedDir) -> Result<(), StoreError> {
    let name = form::set_name(NOBODYS);
    if dir.has(&name).map_err(trusted_dir::fault)? {
        return Ok(());
    }
    let mut salt = [0; 16];
    KernelEntropy.fill(&mut salt).map_err(|MachineError| io())?;
    let mut hashes = Vec::new();
    for _ in 0..5 {
        let mut bytes = Zeroizing::new([0; 32]);
        KernelEntropy.fill(&mut *bytes).map_err(|MachineError| io())?;
        hashes.push(Digest::new(bytes));
    }
    let recipe = Recipe { salt, cost: Cost::GUESSABLE };
    let text = form::write(&CodeSet { shape: Shape::Digits8, recipe, hashes });
    match commit::lay_in(records, dir, &name, text.as_bytes()) {
        Ok(()) | Err(CommitError::Overtaken) => Ok(()),
        Err(CommitError::Store(fault)) => Err(fault),
    }
}

fn hashed(
    records: &HostRecords,
    shape: Shape,
    codes: &[Zeroizing<String>],
) -> Result<CodeSet, StoreError> {
    if codes.is_empty() {
        return Err(StoreError::Malformed { line: 0 });
    }
    if codes.len() > CODES_MAX {
        return Err(StoreError::File(FileError::TooLarge));
    }
    let mut salt = [0; 16];
    KernelEntropy.fill(&mut salt).map_err(|MachineError| io())?;
    let recipe = Recipe { salt, cost: shape.cost() };
    let mut hashes = Vec::with_capacity(codes.len());
    for (line, code) in (1..).zip(codes) {
        if !shape.fits(code) {
            return Err(StoreError::Malformed { line });
        }
        let digest = records.digest(code, &recipe).map_err(|MachineError| io())?;
        if !hashes.contains(&digest) {
            hashes.push(digest);
        }
    }
    Ok(CodeSet { shape, recipe, hashes })
}

/// Returns the error for a failure without an errno.
fn io() -> StoreError {
    StoreError::File(FileError::Io { errno: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trusted_dir::Owner;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use twinlock_core::{record::code_set::Cost, verify::code_match};

    const FIRST: &str = include_str!("../../../tests/vectors/codes-1.toml");
    const ID: SetId = SetId(0x0123_4567_89ab_cdef);
    const NOW: UnixTime = UnixTime(1_800_000_000);

    struct Store {
        folder: tempfile::TempDir,
        records: HostRecords,
    }

    fn private(path: &std::path::Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    impl Store {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().canonicalize().unwrap();
            for part in ["", "users", "users/ada"] {
                std::fs::create_dir_all(path.join(part)).unwrap();
                private(&path.join(part), 0o700);
            }
            let owner = Owner(rustix::process::getuid().as_raw());
            let records = HostRecords::new(path.to_str().unwrap().to_owned(), "/none", owner);
            let store = Self { folder, records };
            std::fs::write(store.file(), FIRST).unwrap();
            private(&store.file(), 0o600);
            store
        }

        fn file(&self) -> std::path::PathBuf {
            self.folder.path().join("users/ada/codes.0123456789abcdef")
        }

        fn set(&self) -> Result<CodeSet, StoreError> {
            self.records.set(&ada(), ID)
        }
    }

    fn ada() -> Folder {
        Folder::of("ada").unwrap()
    }

    #[test]
    fn hashes_are_those_of_the_reference_implementation() {
        // The hashes were computed by: printf 12345678 | argon2 "made up sea salt" -id -t 2 -k 19456 -p 1 -l 32 -r
        let store = Store::new();
        let set = store.set().unwrap();
        for (place, code) in (0..).zip(["12345678", "87654321", "40961024"]) {
            let digest = store.records.digest(code, &set.recipe).unwrap();
            assert_eq!(code_match::place_in(&set, &digest), Some(place));
        }
        let digest = store.records.digest("12345679", &set.recipe).unwrap();
        assert_eq!(code_match::place_in(&set, &digest), None);
    }

    #[test]
    fn a_code_is_spent_once_by_one() {
        let store = Store::new();
        assert_eq!(store.records.spent(&ada(), ID).unwrap(), Vec::<u8>::new());
        let made = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..16)
                .map(|_| {
                    let path = store.records.path.clone();
                    scope.spawn(move || {
                        let owner = Owner(rustix::process::getuid().as_raw());
                        let records = HostRecords::new(path.clone(), "/none", owner);
                        records.spend(&ada(), ID, 1, NOW).unwrap()
                    })
                })
                .collect();
            let results = racers.into_iter().map(|racer| racer.join().unwrap());
            results.filter(|made| *made == Creation::Made).count()
        });
        assert_eq!(made, 1);
        assert_eq!(store.records.spend(&ada(), ID, 1, NOW).unwrap(), Creation::Taken);
        assert_eq!(store.records.spent(&ada(), ID).unwrap(), [1]);
        assert!(store.records.spent(&ada(), SetId(1)).unwrap().is_empty());
    }

    #[test]
    fn only_a_plain_private_file_is_a_set() {
        let store = Store::new();
        assert!(store.set().is_ok());
        private(&store.file(), 0o640);
        assert_eq!(store.set(), Err(StoreError::File(FileError::TooOpen)));
        private(&store.file(), 0o600);
        let other = store.folder.path().join("users/ada/other");
        std::fs::hard_link(store.file(), &other).unwrap();
        assert_eq!(store.set(), Err(StoreError::File(FileError::HardLink)));
        std::fs::remove_file(store.file()).unwrap();
        assert_eq!(store.set(), Err(StoreError::File(FileError::Missing)));
        symlink("other", store.file()).unwrap();
        assert_eq!(store.set(), Err(StoreError::File(FileError::Symlink)));
        std::fs::remove_file(store.file()).unwrap();
        std::fs::write(store.file(), " ".repeat(form::FILE_MAX + 1)).unwrap();
        private(&store.file(), 0o600);
        assert_eq!(store.set(), Err(StoreError::File(FileError::TooLarge)));
        std::fs::write(store.file(), [0xff; 9]).unwrap();
        assert_eq!(store.set(), Err(StoreError::Malformed { line: 0 }));
    }

    #[test]
    fn what_cannot_be_spent_leaves_no_name() {
        let store = Store::new();
        std::fs::remove_dir_all(store.folder.path().join("users/ada")).unwrap();
        assert!(store.records.spend(&ada(), ID, 0, NOW).is_err());
    }

    #[test]
    fn the_cheapest_and_the_dearest_recipe_are_evaluated() {
        let store = Store::new();
        for (memory, passes) in [(8, 1), (64 * 1024, 1)] {
            let recipe = Recipe { salt: [1; 16], cost: Cost::new(memory, passes).unwrap() };
            assert!(store.records.digest("12345678", &recipe).is_ok());
        }
    }

    fn text(codes: &[&str]) -> Vec<Zeroizing<String>> {
        codes.iter().map(|code| Zeroizing::new((*code).to_owned())).collect()
    }

    #[test]
    fn what_is_laid_down_is_found_again_each_code_once() {
        let store = Store::new();
        let codes = text(&["10000001", "20000002", "10000001"]);
        let id = store.records.lay_down(&ada(), Shape::Digits8, &codes).unwrap();
        let set = store.records.set(&ada(), id).unwrap();
        assert_eq!(set.hashes.len(), 2);
        let digest = store.records.digest("20000002", &set.recipe).unwrap();
        assert_eq!(code_match::place_in(&set, &digest), Some(1));
        let again = store.records.lay_down(&ada(), Shape::Digits8, &codes).unwrap();
        assert_ne!(again, id);
        assert_ne!(store.records.set(&ada(), again).unwrap().recipe.salt, set.recipe.salt);
    }

    #[test]
    fn what_is_no_code_is_not_laid_down() {
        let store = Store::new();
        let fault = |codes: &[&str]| {
            store.records.lay_down(&ada(), Shape::Digits8, &text(codes)).unwrap_err()
        };
        let malformed = |line| CommitError::Store(StoreError::Malformed { line });
        assert_eq!(fault(&[]), malformed(0));
        assert_eq!(fault(&["1000000"]), malformed(1));
        assert_eq!(fault(&["1000-000"]), malformed(1));
        assert_eq!(
            fault(&["10000001"; 65]),
            CommitError::Store(StoreError::File(FileError::TooLarge))
        );
        assert_eq!(std::fs::read_dir(store.folder.path().join("users/ada")).unwrap().count(), 1);
    }
}
