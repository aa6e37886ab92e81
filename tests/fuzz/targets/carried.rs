//! Fuzz targets for data that leaves a process: exports, lists of users, notifications in the outbox, devices in the
//! ledger, and frames of the agent, of the fleet's daemon and of their clients.

use twinlock_core::{
    ledger::device_text,
    notify::spool_name,
    wire,
    wire::fleet::{FLEET_MAGIC, FleetReply, FleetRequest, REPLY_MAX, REQUEST_MAX, length_of},
};
use twinlock_migrate::export as exports;
use twinlock_migrate::user_list::{ParserStop, UserListParser};

use super::text;

/// Checks that an export is unchanged after it is written and parsed.
pub(crate) fn export(bytes: &[u8]) {
    let Ok(found) = exports::read(&text(bytes)) else { return };
    assert!(found.used.len() <= exports::USED_MAX);
    assert_eq!(found.record.codes.is_some(), found.codes.is_some());
    let written = exports::write(&found);
    let again = exports::read(&written).expect("what was written is read");
    assert_eq!(again, found);
    assert_eq!(*exports::write(&again), *written);
    assert_eq!(exports::carried(again.record), found.record);
}

/// Checks that a list of users gives the same rows and line numbers, whatever the size of the pieces in which it is
/// read.
pub(crate) fn people(bytes: &[u8]) {
    let whole = rows(bytes, bytes.len().max(1));
    for size in [1, 7] {
        assert_eq!(rows(bytes, size), whole);
    }
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    assert!(whole.len() <= lines + bytes.iter().filter(|byte| **byte == b'\r').count() + 1);
}

fn rows(bytes: &[u8], size: usize) -> Vec<String> {
    let (mut list, mut found, mut at) = (UserListParser::default(), Vec::new(), 0);
    loop {
        let piece = &bytes[at..(at + size).min(bytes.len())];
        let (used, what) = list.read(piece);
        assert!(used <= piece.len());
        at += used;
        match what {
            ParserStop::Row => {
                let row = list.row().map(|row| {
                    let filled = |text: Option<&str>| text.is_none_or(|text| !text.is_empty());
                    assert!(filled(row.mail) && filled(row.key));
                    assert_eq!(row.user, row.user.trim());
                    format!("{} {:?} {:?}", row.user, row.mail, row.key)
                });
                found.push(format!("{} {row:?}", list.line()));
            }
            ParserStop::More | ParserStop::Head(_) => {}
            ParserStop::NoHead | ParserStop::End => return found,
        }
    }
}

/// Parses a notification: the first line is the name of the link, the rest is the text of the link.
pub(crate) fn letter(bytes: &[u8]) {
    let text = text(bytes);
    let (name, text) = text.split_once('\n').unwrap_or((&text, ""));
    if let Some(letter) = spool_name::read(name, text) {
        let written = spool_name::write(&letter);
        assert!(!written.contains(['/', '\n']), "{written:?}");
        assert_eq!(spool_name::read(name, &written), Some(letter));
    }
    if let Some((name, progress)) = spool_name::read_waiting(name) {
        let again = spool_name::waiting_name(name, progress);
        assert_eq!(spool_name::read_waiting(&again), Some((name, progress)));
    }
}

/// Checks that each frame is read as it was written, that a frame without its last byte counts as not complete, and
/// that reading ends.
pub(crate) fn wire(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some(wire::Received { frame, size })) = wire::Received::read(rest) {
        assert!((3..=wire::FRAME_MAX + 2).contains(&size) && size <= rest.len());
        assert_eq!(wire::Received::read(&rest[..size - 1]), Ok(None));
        let mut written = vec![1];
        wire::push(&mut written, &frame).expect("what was read can be written");
        assert_eq!(&written[1..], &rest[..size]);
        rest = &rest[size..];
    }
}

/// Checks that a request to the fleet's daemon and a reply are read as they were written, that neither can be read
/// without its last byte, and that the length in front is that of the rest.
pub(crate) fn fleet(bytes: &[u8]) {
    let bytes = match bytes.strip_prefix(&FLEET_MAGIC[..]) {
        Some(rest) if length_of(rest).is_some() => &rest[4..],
        _ => bytes,
    };
    if let Some(request) = FleetRequest::read(bytes) {
        assert_eq!(FleetRequest::read(&bytes[..bytes.len() - 1]), None);
        let mut written = Vec::new();
        if request.push(&mut written).is_some() {
            let rest = written.strip_prefix(&FLEET_MAGIC[..]).expect("the magic");
            assert_eq!((length_of(rest), &rest[4..]), (Some(bytes.len()), bytes));
        } else {
            assert!(written.is_empty() && bytes.len() > REQUEST_MAX);
        }
    }
    if let Some(reply) = FleetReply::read(bytes) {
        assert_eq!(FleetReply::read(&bytes[..bytes.len() - 1]), None);
        let mut written = Vec::new();
        reply.push(&mut written);
        assert_eq!(length_of(&written), Some(written.len() - 4));
        assert!(written.len() - 4 <= REPLY_MAX);
        if bytes.len() <= REPLY_MAX {
            assert_eq!(&written[4..], bytes);
        }
    }
}

pub(crate) fn device(bytes: &[u8]) {
    let Some(found) = device_text::read(&text(bytes)) else { return };
    let written = device_text::write(&found);
    let again = device_text::read(&written).expect("what was written is read");
    assert!(
        (again.since, again.until, again.until_boot)
            == (found.since, found.until, found.until_boot)
    );
    assert!(again.generation == found.generation && again.address == found.address);
    assert_eq!(device_text::write(&again), written);
}
