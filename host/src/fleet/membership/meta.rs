//! The sealed entry `meta`, which describes the fleet: format, epoch, naming rule, the numbers of the sealing keys and
//! the limits on wrong codes.
//! It is text with one `WORD VALUE` per line, and is sealed with the epoch as its number. `fleet recover` raises the
//! epoch after the store was restored from a backup.

use twinlock_core::{
    base::error::FleetError,
    policy::Limits,
    wire::fleet::{Stay, StoreRead, StoreTest, StoreWrite, Transaction},
};

use crate::fleet::{
    key_file::NamingRule,
    membership::FleetMembership,
    meta_limits,
    names::META,
    seal::{self, SealedKind, SealedPlace},
    session::{compare, entry, is_done},
};

/// The newest format of the store's entries that this version reads and writes.
pub const FORMAT_MAX: u8 = 1;
const PLACE: SealedPlace<'_> = SealedPlace { kind: SealedKind::Record, store_key: META };

/// The description of the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetMeta {
    /// The format of sealed values, from 1. There is only one so far, which every host writes.
    pub format: u8,
    /// The current epoch, from 1. Each recovery of a restored store raises it.
    pub epoch: u64,
    /// How user names are mapped to names in the store.
    pub rule: NamingRule,
    /// The numbers of the sealing keys with which a value may be sealed.
    pub key_ids: Vec<u8>,
    /// The limits on wrong codes that hold on every host; `None` if only the settings of each host limit them.
    pub throttle: Option<Limits>,
}

/// The description of the fleet as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMeta {
    /// The description.
    pub meta: FleetMeta,
    /// The revision of the transaction that wrote the description.
    pub revision: u64,
}

impl FleetMeta {
    /// Returns the text of the entry.
    #[must_use]
    pub fn write(&self) -> String {
        let ids: Vec<String> = self.key_ids.iter().map(u8::to_string).collect();
        let (format, epoch) = (self.format, self.epoch);
        let (rule, ids) = (self.rule.word(), ids.join(","));
        let throttle = meta_limits::write(self.throttle);
        format!("format {format}\nepoch {epoch}\nnames {rule}\nkeys {ids}\n{throttle}")
    }

    /// Parses the text of the entry.
    ///
    /// # Errors
    /// [`FleetError::NewerFormat`] if the text names a format that this version does not know, [`FleetError::Unsealed`]
    /// if the text is malformed.
    pub fn read(text: &str) -> Result<Self, FleetError> {
        let value =
            |word: &str| text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        let format = value("format").and_then(|text| text.parse().ok());
        match format.ok_or(FleetError::Unsealed)? {
            1..=FORMAT_MAX => {}
            0 => return Err(FleetError::Unsealed),
            _ => return Err(FleetError::NewerFormat),
        }
        let found = || {
            let ids = value("keys")?.split(',').map(|id| id.parse().ok());
            Some(Self {
                format: format?,
                epoch: value("epoch")?.parse().ok()?,
                rule: NamingRule::named(value("names")?)?,
                key_ids: ids.collect::<Option<_>>()?,
                throttle: meta_limits::read(text.as_bytes()).ok()?,
            })
        };
        found().ok_or(FleetError::Unsealed)
    }
}

impl FleetMembership<'_> {
    /// Returns the description of the fleet; `None` if the store has none.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer, or the description cannot be opened.
    pub fn meta(&self) -> Result<Option<StoredMeta>, FleetError> {
        let reply = self.read(vec![StoreRead::Key(META.into())])?;
        let Some(found) = entry(&reply, META) else { return Ok(None) };
        let opened = seal::open(self.key, &PLACE, &found.value)?;
        let text = std::str::from_utf8(&opened.content).map_err(|_| FleetError::Unsealed)?;
        let meta = FleetMeta::read(text)?;
        if meta.epoch != opened.number {
            return Err(FleetError::Unsealed);
        }
        Ok(Some(StoredMeta { meta, revision: found.revision }))
    }

    /// Writes the description of the fleet if the store's description has the revision `after`, or with `None`, if the
    /// store has no description. Returns whether the description was written.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer.
    pub fn put_meta(&self, meta: &FleetMeta, after: Option<u64>) -> Result<bool, FleetError> {
        let text = meta.write();
        let value = seal::seal(self.key, &PLACE, meta.epoch, text.as_bytes(), self.entropy)?;
        let put = StoreWrite::Put {
            key: META.into(),
            value: value.clone(),
            stays: Stay::Forever,
            take_back: false,
        };
        let reply = self.transact(Transaction {
            compares: vec![compare(META, after.map_or(StoreTest::Absent, StoreTest::Revision))],
            writes: vec![put],
            reads: vec![StoreRead::Key(META.into())],
        })?;
        // After a lost answer, the entry is this command's own if the value is.
        Ok(is_done(&reply) || entry(&reply, META).is_some_and(|found| found.value == value))
    }

    /// Raises the epoch of the fleet, or writes a first description if the store has none. Returns the new description.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer, or the description cannot be opened.
    pub fn raise_epoch(&self) -> Result<FleetMeta, FleetError> {
        for _ in 0..8 {
            let found = self.meta()?;
            let mut meta = match &found {
                Some(found) => found.meta.clone(),
                None => self.first_meta(),
            };
            if found.is_some() {
                meta.epoch = meta.epoch.saturating_add(1);
            }
            if self.put_meta(&meta, found.map(|found| found.revision))? {
                return Ok(meta);
            }
        }
        Err(FleetError::Busy)
    }

    /// Sets the limits on wrong codes that hold on every host. Returns the new description; `None` if the store has no
    /// description.
    ///
    /// # Errors
    /// [`FleetError`] if the store does not answer, or the description cannot be opened.
    pub fn set_throttle(&self, throttle: Option<Limits>) -> Result<Option<FleetMeta>, FleetError> {
        for _ in 0..8 {
            let Some(found) = self.meta()? else { return Ok(None) };
            let meta = FleetMeta { throttle, ..found.meta };
            if self.put_meta(&meta, Some(found.revision))? {
                return Ok(Some(meta));
            }
        }
        Err(FleetError::Busy)
    }

    /// Returns the first description of a fleet with this key file.
    #[must_use]
    pub fn first_meta(&self) -> FleetMeta {
        let key_ids = self.key.sealing.iter().map(|one| one.id).collect();
        FleetMeta { format: FORMAT_MAX, epoch: 1, rule: self.key.rule, key_ids, throttle: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_come_back() {
        let rule = NamingRule::Exact;
        let meta = FleetMeta { format: 1, epoch: 3, rule, key_ids: vec![1, 2], throttle: None };
        assert_eq!(meta.write(), "format 1\nepoch 3\nnames exact\nkeys 1,2\n");
        assert_eq!(FleetMeta::read(&meta.write()), Ok(meta.clone()));
        assert_eq!(FleetMeta::read(&format!("{}later 5\n", meta.write())), Ok(meta.clone()));
        let limited = FleetMeta { throttle: Some(Limits::default()), ..meta.clone() };
        assert_eq!(FleetMeta::read(&limited.write()), Ok(limited));
        let newer = meta.write().replace("format 1", "format 2");
        assert_eq!(FleetMeta::read(&newer), Err(FleetError::NewerFormat));
        for (from, to) in [("format 1", "format 0"), ("epoch 3", ""), ("exact", "x"), ("1,2", "1,")]
        {
            let text = meta.write().replace(from, to);
            assert_eq!(FleetMeta::read(&text), Err(FleetError::Unsealed), "{text}");
        }
    }
}
