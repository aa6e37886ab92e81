//! The optional tables of a record file: set-up in progress, tickets, bypass codes, and the actions of administrators.

use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
    vec::Vec,
};

use toml::Spanned;
use zeroize::Zeroizing;

use crate::record::text::{RecordFile, quoted};
use crate::{
    base::{
        base32,
        request::SourceLabel,
        time::{BootTime, UnixTime},
    },
    format::tables::{Table, TableError},
    record::{
        extras::{
            AuditStamp, Bypass, FreshKey, KeyDisclosure, Pending, Purpose, RecordExtras, Ticket,
        },
        voucher::{EndByBoot, VOUCHERS_MAX, Voucher},
    },
};

/// Maximum length in bytes of a mail address, account name or fingerprint in a record.
const TEXT_MAX: usize = 320;

pub(crate) struct TraceTable {
    by: String,
    at: u64,
}

pub(crate) struct PendingTable {
    key: Zeroizing<String>,
    since: u64,
    source: String,
    fingerprint: Option<String>,
    until_boot: Option<u64>,
}

pub(crate) struct TicketTable {
    purpose: String,
    salt: String,
    hash: String,
    until: u64,
    boot: Option<String>,
    by: String,
    at: u64,
}

pub(crate) struct BypassTable {
    salt: String,
    hash: String,
    until: u64,
    boot: Option<String>,
    uses: u8,
    by: String,
    at: u64,
}

/// Takes the string with this key from a table.
///
/// # Errors
/// [`TableError`] if the key is missing or its value is not a string.
pub(super) fn text(table: &mut Table<'_>, key: &'static str) -> Result<String, TableError> {
    let found = table.string(key)?;
    table.must(key, found).map(Spanned::into_inner)
}

/// Takes the number with this key from a table.
///
/// # Errors
/// [`TableError`] if the key is missing or its value is not a number that fits.
pub(super) fn number<N: TryFrom<i128>>(
    table: &mut Table<'_>,
    key: &'static str,
) -> Result<N, TableError> {
    let found = table.number(key)?;
    table.must(key, found).map(Spanned::into_inner)
}

impl TraceTable {
    pub(super) fn of(mut table: Table<'_>) -> Result<Self, TableError> {
        let audit = Self { by: text(&mut table, "by")?, at: number(&mut table, "at")? };
        table.end().map(|()| audit)
    }
}

impl PendingTable {
    pub(super) fn of(mut table: Table<'_>) -> Result<Self, TableError> {
        let pending = Self {
            key: Zeroizing::new(text(&mut table, "key")?),
            since: number(&mut table, "since")?,
            source: text(&mut table, "source")?,
            fingerprint: table.string("fingerprint")?.map(Spanned::into_inner),
            until_boot: table.number("until_boot")?.map(Spanned::into_inner),
        };
        table.end().map(|()| pending)
    }
}

impl TicketTable {
    pub(super) fn of(mut table: Table<'_>) -> Result<Self, TableError> {
        let ticket = Self {
            purpose: text(&mut table, "purpose")?,
            salt: text(&mut table, "salt")?,
            hash: text(&mut table, "hash")?,
            until: number(&mut table, "until")?,
            boot: table.string("boot")?.map(Spanned::into_inner),
            by: text(&mut table, "by")?,
            at: number(&mut table, "at")?,
        };
        table.end().map(|()| ticket)
    }
}

impl BypassTable {
    pub(super) fn of(mut table: Table<'_>) -> Result<Self, TableError> {
        let bypass = Self {
            salt: text(&mut table, "salt")?,
            hash: text(&mut table, "hash")?,
            until: number(&mut table, "until")?,
            boot: table.string("boot")?.map(Spanned::into_inner),
            uses: number(&mut table, "uses")?,
            by: text(&mut table, "by")?,
            at: number(&mut table, "at")?,
        };
        table.end().map(|()| bypass)
    }
}

/// Takes the optional parts of the record from `file` and returns them; `None` if one of them is invalid.
pub(super) fn values(file: &mut RecordFile<'_>) -> Option<RecordExtras> {
    let tickets = core::mem::take(&mut file.ticket);
    let bypasses = core::mem::take(&mut file.bypass);
    if tickets.len() > VOUCHERS_MAX || bypasses.len() > VOUCHERS_MAX {
        return None;
    }
    Some(RecordExtras {
        mail: plain(file.mail.take(), harmless)?,
        changed: file.changed.map(UnixTime),
        reset: plain(file.reset.take(), audit)?,
        owed_codes: plain(file.owed_codes.take(), audit)?,
        pending: plain(file.pending.take(), pending)?,
        tickets: tickets.into_iter().map(ticket).collect::<Option<Vec<_>>>()?,
        bypasses: bypasses.into_iter().map(bypass).collect::<Option<Vec<_>>>()?,
        fresh_key: plain(file.fresh_key.take(), fresh_key)?,
    })
}

fn fresh_key(text: String) -> Option<FreshKey> {
    let (mark, since) = text.split_once('.')?;
    let EndByBoot { boot_id, until: since } = end_by_boot(since.into())?;
    let mut fresh = FreshKey { mark: [0; 16], boot_id, since };
    hex(mark, &mut fresh.mark)?;
    Some(fresh)
}

/// Converts a value that may be absent. Returns `Some(None)` if the value is absent, and `None` if it is invalid.
fn plain<T, U>(value: Option<T>, read: fn(T) -> Option<U>) -> Option<Option<U>> {
    value.map_or(Some(None), |value| read(value).map(Some))
}

fn harmless(found: String) -> Option<String> {
    let fits = (1..=TEXT_MAX).contains(&found.len()) && !found.contains(char::is_control);
    fits.then_some(found)
}

fn audit(table: TraceTable) -> Option<AuditStamp> {
    Some(AuditStamp { by: harmless(table.by)?, at: UnixTime(table.at) })
}

/// Returns which other user has seen an authenticator's key, and when. Returns `Some(None)` if no other user has, and
/// `None` if `by`, `at` or `postponed` contradict each other.
pub(super) fn seen(
    by: Option<String>,
    at: Option<u64>,
    postponed: Option<u8>,
) -> Option<Option<KeyDisclosure>> {
    match (by, at) {
        (None, None) => postponed.is_none().then_some(None),
        (Some(by), Some(at)) => {
            let audit = audit(TraceTable { by, at })?;
            Some(Some(KeyDisclosure { audit, postponed: postponed.unwrap_or_default() }))
        }
        _ => None,
    }
}

fn pending(table: PendingTable) -> Option<Pending> {
    Some(Pending {
        key: base32::parse(&table.key).ok()?,
        since: UnixTime(table.since),
        source: SourceLabel::read(&table.source)?,
        fingerprint: plain(table.fingerprint, harmless)?,
        until_boot: table.until_boot.map(BootTime),
    })
}

fn voucher(salt: &str, hash: &str, until: u64, boot: Option<String>) -> Option<Voucher> {
    let by_boot = plain(boot, end_by_boot)?.map(Box::new);
    let mut found = Voucher { salt: [0; 16], hash: [0; 32], until: UnixTime(until), by_boot };
    hex(salt, &mut found.salt)?;
    hex(hash, &mut found.hash)?;
    Some(found)
}

fn end_by_boot(text: String) -> Option<EndByBoot> {
    let (boot_id, until) = text.split_once('.')?;
    let is_id = boot_id.len() == 32 && boot_id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let plain = until.bytes().all(|byte| byte.is_ascii_digit());
    let until = BootTime(until.parse().ok()?);
    (is_id && plain).then(|| EndByBoot { boot_id: boot_id.into(), until })
}

fn hex(text: &str, into: &mut [u8]) -> Option<()> {
    (text.len() == into.len() * 2).then_some(())?;
    base16ct::lower::decode(text, into).ok().map(|_| ())
}

fn ticket(table: TicketTable) -> Option<Ticket> {
    Some(Ticket {
        purpose: Purpose::named(&table.purpose)?,
        voucher: voucher(&table.salt, &table.hash, table.until, table.boot)?,
        audit: audit(TraceTable { by: table.by, at: table.at })?,
    })
}

fn bypass(table: BypassTable) -> Option<Bypass> {
    Some(Bypass {
        voucher: voucher(&table.salt, &table.hash, table.until, table.boot)?,
        uses: (table.uses > 0).then_some(table.uses)?,
        audit: audit(TraceTable { by: table.by, at: table.at })?,
    })
}

/// Appends the optional tables of a record to its text.
pub(super) fn write(out: &mut String, extras: &RecordExtras) {
    for (name, found) in [("reset", &extras.reset), ("owed_codes", &extras.owed_codes)] {
        if let Some(found) = found {
            out.push_str(&format!("\n[{name}]\n"));
            write_audit(out, found);
        }
    }
    if let Some(pending) = &extras.pending {
        out.push_str("\n[pending]\nkey = \"");
        out.push_str(&base32::write(&pending.key));
        out.push_str(&format!("\"\nsince = {}\n", pending.since.0));
        out.push_str(&format!("source = {}\n", quoted(pending.source.as_str())));
        if let Some(fingerprint) = &pending.fingerprint {
            out.push_str(&format!("fingerprint = {}\n", quoted(fingerprint)));
        }
        if let Some(until) = pending.until_boot {
            out.push_str(&format!("until_boot = {}\n", until.0));
        }
    }
    for ticket in &extras.tickets {
        out.push_str(&format!("\n[[ticket]]\npurpose = \"{}\"\n", ticket.purpose.word()));
        write_voucher(out, &ticket.voucher);
        write_audit(out, &ticket.audit);
    }
    for bypass in &extras.bypasses {
        out.push_str("\n[[bypass]]\n");
        write_voucher(out, &bypass.voucher);
        out.push_str(&format!("uses = {}\n", bypass.uses));
        write_audit(out, &bypass.audit);
    }
}

fn write_audit(out: &mut String, audit: &AuditStamp) {
    out.push_str(&format!("by = {}\nat = {}\n", quoted(&audit.by), audit.at.0));
}

fn write_voucher(out: &mut String, voucher: &Voucher) {
    let (salt, hash) = (
        base16ct::lower::encode_string(&voucher.salt),
        base16ct::lower::encode_string(&voucher.hash),
    );
    out.push_str(&format!("salt = \"{salt}\"\nhash = \"{hash}\"\n"));
    out.push_str(&["until = ", &voucher.until.0.to_string(), "\n"].concat());
    if let Some(EndByBoot { boot_id, until }) = voucher.by_boot.as_deref() {
        out.push_str(&format!("boot = \"{boot_id}.{}\"\n", until.0));
    }
}

/// Appends the lines that say who has seen an authenticator's key.
pub(super) fn write_seen(out: &mut String, seen: &KeyDisclosure) {
    out.push_str(&format!("seen_by = {}\nseen_at = {}\n", quoted(&seen.audit.by), seen.audit.at.0));
    if seen.postponed > 0 {
        out.push_str(&format!("postponed = {}\n", seen.postponed));
    }
}
