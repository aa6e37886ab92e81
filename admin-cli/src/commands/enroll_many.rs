//! `twinlock enroll --from people.csv`: everybody in a list, each one wholly or not at all, as often as it takes.

use std::{fs::File, io::Read, os::unix::fs::MetadataExt};

use twinlock_core::{
    account::Account,
    beside::{Seen, Trace},
    otp::{base32, otpauth},
    record::{Authenticator, Moving},
    takeover::Takeover,
    voucher::TICKET_LIFE,
};
use twinlock_host::prepare;

use crate::{
    acting,
    actor::Who,
    commands::{
        crowd::{Crowd, Fate},
        key_text::complaint,
        take_over::{Outcome, take_over},
    },
    desk::Desk,
    exit::{Exit, Failure},
    inviting::{Handing, invite},
    keyboard::Keyboard,
    mail::Address,
    report_file::ReportFile,
    verbs::{Enroll, How},
    wording::plain,
};

/// The largest list that is read: a million people.
const LIST_MAX: u64 = 128 * 1024 * 1024;
const COLUMNS: [&str; 3] = ["user", "mail", "key"];
const HOW: How = How { dry_run: false, remove_source: false };

/// Where each column stands.
struct Header {
    user: usize,
    mail: Option<usize>,
    key: Option<usize>,
}

/// Enrols or invites everybody in the list.
pub fn run(desk: &Desk, path: &str, wanted: &Enroll) -> Result<(), Failure> {
    desk.need_root("enroll people")?;
    prepare::prepare_store(&desk.machine)?;
    let total = if path == "-" { 0 } else { people_in(path)? };
    let mut reader = open(path)?;
    let header = header(path, &mut reader)?;
    if header.key.is_some() && path != "-" {
        trusted(path)?;
    }
    let mut report = wanted.many.report.as_deref().map(ReportFile::create).transpose()?;
    let until = desk.now()?.unix.plus(TICKET_LIFE);
    let mut handing = Handing { until, report: report.as_mut() };
    let keyboard = Keyboard::open()?;
    let mut crowd = Crowd::begin(desk, total)?;
    let mut row = csv::StringRecord::new();
    loop {
        if keyboard.is_interrupted() {
            return crowd.interrupted();
        }
        match reader.read_record(&mut row) {
            Ok(false) => return crowd.end(),
            Ok(true) => {
                let line = row.position().map_or(0, csv::Position::line);
                let user = row.get(header.user).unwrap_or_default().trim().to_owned();
                let fate = one(desk, (&header, &row), (&wanted.name, &mut handing));
                crowd.add((line, &user), fate)?;
            }
            Err(error) => {
                crowd.add((line_of(&error), ""), Err(no_row(&error)))?;
                if error.is_io_error() {
                    return crowd.end();
                }
            }
        }
    }
}

fn one(
    desk: &Desk,
    (header, row): (&Header, &csv::StringRecord),
    (name, handing): (&str, &mut Handing<'_>),
) -> Result<Fate, Failure> {
    let field = |at: Option<usize>| {
        at.and_then(|at| row.get(at)).map(str::trim).filter(|text| !text.is_empty())
    };
    let account = desk.account(field(Some(header.user)).unwrap_or_default())?;
    let mail = field(header.mail);
    if let Some(odd) = mail.filter(|mail| Address::read(mail).is_none()) {
        return Err(Failure::new(
            Exit::Refused,
            format!("{} is no address that mail is sent to", plain(odd)),
            "Give a plain address, such as ada@example.org.",
        ));
    }
    match field(header.key) {
        Some(key) => enrol(desk, (&account, mail), authenticator(desk, (key, name))?),
        None => invite(desk, &account, (mail, handing)).map(Fate::Invited),
    }
}

/// A key that stands in a list was seen by whoever has the list.
fn authenticator(desk: &Desk, (key, name): (&str, &str)) -> Result<Authenticator, Failure> {
    let trace = Trace { by: acting::name_of(desk, Who::acts()), at: desk.now()?.unix };
    let seen = Some(Seen { trace, postponed: 0 });
    if key.starts_with("otpauth://") {
        let found =
            otpauth::parse(key).map_err(|_| odd_key("the otpauth:// line cannot be used"))?;
        return Ok(Authenticator { seen, ..found });
    }
    let key = base32::parse(key).map_err(|fault| odd_key(&complaint("the key", fault)))?;
    Ok(Authenticator {
        name: name.trim().to_owned(),
        key,
        parameters: desk.policy.new_keys,
        moving: Moving::default(),
        seen,
    })
}

fn enrol(
    desk: &Desk,
    (account, mail): (&Account, Option<&str>),
    authenticator: Authenticator,
) -> Result<Fate, Failure> {
    let takeover = Takeover {
        authenticators: vec![authenticator],
        mail: mail.map(str::to_owned),
        ..Takeover::default()
    };
    Ok(match take_over(desk, account, takeover, HOW)? {
        Outcome::Imported => Fate::Enrolled,
        Outcome::Already | Outcome::MovedOn => Fate::EnrolledAlready,
        Outcome::OtherKey => Fate::OtherKey,
    })
}

fn reader_of(input: impl Read + 'static) -> csv::Reader<Box<dyn Read>> {
    let input: Box<dyn Read> = Box::new(input.take(LIST_MAX));
    csv::ReaderBuilder::new().has_headers(false).flexible(false).from_reader(input)
}

fn open(path: &str) -> Result<csv::Reader<Box<dyn Read>>, Failure> {
    if path == "-" {
        return Ok(reader_of(std::io::stdin()));
    }
    Ok(reader_of(File::open(path).map_err(|error| unreadable(path, &error))?))
}

/// For the progress bar: as many as there are lines of CSV.
fn people_in(path: &str) -> Result<usize, Failure> {
    let (mut reader, mut row) = (open(path)?, csv::ByteRecord::new());
    let mut lines: usize = 0;
    while let Ok(true) = reader.read_byte_record(&mut row) {
        lines += 1;
    }
    Ok(lines.saturating_sub(1))
}

fn header(path: &str, reader: &mut csv::Reader<Box<dyn Read>>) -> Result<Header, Failure> {
    let mut row = csv::StringRecord::new();
    let read = reader.read_record(&mut row).map_err(|error| no_row(&error))?;
    let names: Vec<String> = row
        .iter()
        .map(|name| name.trim().trim_start_matches('\u{feff}').to_ascii_lowercase())
        .collect();
    let known = names.iter().all(|name| COLUMNS.contains(&name.as_str()));
    let place = |wanted: &str| names.iter().position(|name| name == wanted);
    let twice = COLUMNS.iter().any(|one| names.iter().filter(|name| name == one).count() > 1);
    match place("user") {
        Some(user) if read && known && !twice => {
            Ok(Header { user, mail: place("mail"), key: place("key") })
        }
        _ => Err(Failure::new(
            Exit::Usage,
            format!("{}: the first line does not name the columns", plain(path)),
            "Write `user,mail` or `user,mail,key` there; no other column is known.",
        )),
    }
}

/// Keys that others may have read are no secret.
fn trusted(path: &str) -> Result<(), Failure> {
    let found = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if found.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Refused,
        format!("{} has keys in it, and is open to others", plain(path)),
        "chmod 600 the file; who could read it until now knows the keys, so tickets are safer.",
    ))
}

fn unreadable(path: &str, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("{} cannot be read ({error})", plain(path)),
        "Name a CSV file with the columns user, mail and perhaps key; or - for standard input.",
    )
}

fn odd_key(what: &str) -> Failure {
    Failure::new(Exit::Refused, what, "Correct the line; without a key the person gets a ticket.")
}

fn line_of(error: &csv::Error) -> u64 {
    error.position().map_or(0, csv::Position::line)
}

/// Never with what stood there, which may be a key.
fn no_row(error: &csv::Error) -> Failure {
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where the first line has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".into(),
        csv::ErrorKind::Io(error) => format!("the list cannot be read on ({error})"),
        _ => "no line of CSV".into(),
    };
    Failure::new(
        Exit::Refused,
        what,
        "Correct the line, and run it again: who is done is passed over.",
    )
}
