//! Makes up a record for a real account, and generates the codes of that record, for the test logins.

use std::{fs::DirBuilder, io, os::unix::fs::DirBuilderExt, path::Path};

use twinlock_core::{
    base::{
        account::{Account, Folder},
        time::UnixTime,
    },
    otp::{
        hotp::{self, Keyed},
        otpauth,
    },
    policy::Policy,
    ports::{Entropy, Records},
    record::{
        Authenticator, Generation,
        enrollment::{self, ChangeStamp},
    },
};
use twinlock_host::{create_store, entropy::KernelEntropy, machine::Machine, trusted_dir::Owner};

const OWNER: Owner = Owner(0);
/// The 32 characters of base32 (RFC 4648), in which a key is written.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// A wrong code must differ from this many codes of the record, beginning with that of the counter 0.
const NEAR: u64 = 100;

/// Generates the codes of the record with which setup makes its test logins. The codes depend on a counter (HOTP, RFC
/// 4226) and not on the time.
pub(super) struct TestCodes {
    keyed: Keyed,
    authenticator: Authenticator,
    counter: u64,
}

impl TestCodes {
    /// Returns the code of the present counter, and increments the counter.
    pub(super) fn next(&mut self) -> String {
        let code = self.at(self.counter);
        self.counter += 1;
        code
    }

    /// Returns the code of the present counter and leaves the counter unchanged. Use this for a login that must fail,
    /// because such a login does not use up its code.
    pub(super) fn unused(&self) -> String {
        self.at(self.counter)
    }

    /// Returns a code of six digits that no test login can accept: it is none of the first [`NEAR`] codes.
    pub(super) fn wrong(&self) -> String {
        let near: Vec<String> = (0..NEAR).map(|counter| self.at(counter)).collect();
        let all = (0_u32..).map(|number| format!("{number:06}"));
        all.into_iter().find(|code| !near.contains(code)).unwrap_or_default()
    }

    fn at(&self, counter: u64) -> String {
        let digits = self.authenticator.parameters.digits;
        hotp::digits_of(self.keyed.truncated(counter), digits).to_string()
    }
}

/// Writes a store with a made-up record of each account into the subfolder `records` of the folder. Returns the codes of
/// these records, in the same order.
///
/// # Errors
/// [`io::Error`] if the store cannot be written.
pub(super) fn enroll(
    folder: &Path,
    policy: &Policy,
    accounts: &[&Account],
) -> io::Result<Vec<TestCodes>> {
    let records = folder.join("records");
    let places = twinlock_core::policy::Places {
        records: records.display().to_string().into(),
        ledger: folder.join("ledger").display().to_string().into(),
        ledger_mounted: false,
        ..policy.places.clone()
    };
    let policy = Policy { places, ..policy.clone() };
    let settings = folder.join("twinlock.toml").display().to_string();
    let machine = Machine::new(&policy, &settings, OWNER);
    DirBuilder::new().mode(0o700).create(&records)?;
    create_store::prepare_store(&machine).map_err(|error| io::Error::other(error.to_string()))?;
    accounts.iter().map(|account| record(&machine, account)).collect()
}

/// Writes a made-up record of an account, and returns its codes.
fn record(machine: &Machine, account: &Account) -> io::Result<TestCodes> {
    let odd = |what: &dyn core::fmt::Display| io::Error::other(what.to_string());
    let mut bytes = [0; 32];
    KernelEntropy.fill(&mut bytes).map_err(|error| odd(&error))?;
    let letter = |byte: &u8| BASE32.get(usize::from(byte % 32)).map(|one| char::from(*one));
    let key: String = bytes.iter().filter_map(letter).collect();
    let uri = format!("otpauth://hotp/proof?secret={key}&counter=0");
    let authenticator = otpauth::parse(&uri).map_err(|error| odd(&error))?;
    let keyed = Keyed::new(&authenticator.key, authenticator.parameters.algorithm)
        .ok_or_else(|| odd(&"the key cannot be used"))?;
    let codes = TestCodes { keyed, authenticator: authenticator.copied(), counter: 0 };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = UnixTime(now.map_or(0, |since| since.as_secs()));
    let stamp = ChangeStamp { generation: Generation(u64::from_ne_bytes([1; 8])), at: now };
    let successor = enrollment::enroll(account, None, authenticator, stamp)
        .map_err(|error| odd(&format!("{error:?}")))?;
    let name = Folder::of(&account.name).map_err(|error| odd(&format!("{error:?}")))?;
    machine
        .records
        .commit(&name, successor.after, &successor.record)
        .map_err(|error| odd(&error))?;
    Ok(codes)
}
