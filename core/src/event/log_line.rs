//! Log lines: `key=value` pairs in English, which stay the same within a major version.

use alloc::string::String;
use core::fmt::Write;

use crate::{
    base::decimal::Decimal,
    event::{Accepted, Event, Kind, Reason, Resynced},
    record::code_set::Shape,
};

/// Typical length of a log line in bytes, used as the initial capacity.
const USUAL: usize = 192;
/// Maximum length of a value in bytes.
const LONGEST: usize = 128;

/// Formats an event as a log line without a newline. The keys are: event user service rhost first_factor authenticator
/// step resync codes_left uses_left reason uid detail.
#[must_use]
pub fn write(event: &Event) -> String {
    let mut line = String::with_capacity(USUAL);
    line.push_str("event=");
    line.push_str(match event.kind {
        Kind::Accepted => "accepted",
        Kind::Exempt => "exempt",
        Kind::Refused => "refused",
        Kind::Enrolled => "enrolled",
        Kind::KeyChanged => "key_changed",
        Kind::CodesRenewed => "codes_renewed",
        Kind::DeviceRemembered => "device_remembered",
    });
    // A typed user name may be a password, so only names that NSS knows are logged.
    pair(&mut line, "user", event.user.as_deref().unwrap_or("unknown"));
    pair(&mut line, "service", &event.service);
    pair(&mut line, "rhost", event.source.as_str());
    pair(&mut line, "first_factor", event.first_factor);
    if let Some(accepted) = &event.accepted {
        write_accepted(&mut line, accepted);
    }
    if let Some(reason) = event.reason {
        pair(&mut line, "reason", reason.word());
        if let Reason::CallerNotRoot { uid } = reason {
            pair(&mut line, "uid", Decimal::of(uid.into()).as_str());
            line.push_str(NOT_ROOT);
        }
    }
    line
}

/// Detail for a login by a program that does not run as root: what an administrator can do.
const NOT_ROOT: &str = " detail=\"only root can read the records: run the program as root, or exempt its service by a \
                        [[rule]] in twinlock.toml\"";

/// Appends what was accepted. For a backup code, appends how many codes are left, but not which code was used: a reader
/// of the log who finds the printed codes must not learn which of them are still valid.
fn write_accepted(line: &mut String, accepted: &Accepted) {
    // Writing to a String cannot fail.
    let _ = match accepted {
        Accepted::App { authenticator, step, resynced, .. } => {
            pair(line, "authenticator", authenticator);
            line.push_str(" step=");
            line.push_str(Decimal::of(step.0).as_str());
            match resynced {
                Some(Resynced::Clock { steps, .. }) => write!(line, " resync={steps}"),
                Some(Resynced::Counter { skipped }) => write!(line, " resync={skipped}"),
                None => Ok(()),
            }
        }
        Accepted::BackupCode { shape, left } => {
            line.push_str(match shape {
                Shape::Digits8 => " authenticator=scratch_code",
                Shape::Letters20 => " authenticator=backup_code",
            });
            left.map_or(Ok(()), |left| write!(line, " codes_left={left}"))
        }
        Accepted::Bypass { left } => write!(line, " authenticator=bypass uses_left={left}"),
        Accepted::Ticket => write!(line, " authenticator=ticket"),
        Accepted::Device => write!(line, " authenticator=remembered_device"),
    };
}

/// Formats an action of an administrator as a log line: `event=` and then `pairs` in order.
#[must_use]
pub fn of_administration(event: &str, pairs: &[(&str, &str)]) -> String {
    let mut line = String::from("event=");
    line.push_str(event);
    for (key, value) in pairs {
        pair(&mut line, key, value);
    }
    line
}

/// Formats the log line about a PAM line that the module refuses: its arguments are invalid (`reason` is `pam_line`),
/// or it is in a stack in which the module must not be called (`own_stack`). The log line contains no user and no
/// source, because no login has begun. `sentence` must not contain a double quote.
#[must_use]
pub fn of_pam_line(service: &str, reason: &str, sentence: &str) -> String {
    let mut line = String::from("event=refused");
    pair(&mut line, "service", service);
    let _ = write!(line, " reason={reason} detail=\"{sentence}\"");
    line
}

/// Appends ` key=value`. Every character that is not printable ASCII or has a meaning in log lines becomes `%XX`, and a
/// value longer than 128 bytes is truncated.
fn pair(line: &mut String, key: &str, value: &str) {
    for piece in [" ", key, "="] {
        line.push_str(piece);
    }
    // Most values need no escapes.
    if value.len() <= LONGEST && value.bytes().all(is_plain) {
        return line.push_str(value);
    }
    for byte in value.bytes().take(LONGEST) {
        match byte {
            byte if is_plain(byte) => line.push(char::from(byte)),
            _ => {
                let _ = write!(line, "%{byte:02X}");
            }
        }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':' | b'@' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::StoreError;
    use crate::base::request::SourceLabel;
    use crate::base::time::Step;
    use crate::event::Reason;
    use alloc::format;

    fn event(kind: Kind) -> Event {
        Event {
            kind,
            user: Some("ada".into()),
            service: "sshd".into(),
            source: SourceLabel::read("203.0.113.7").unwrap(),
            first_factor: "publickey",
            accepted: None,
            reason: None,
        }
    }

    #[test]
    fn lines_are_stable() {
        for (resynced, key) in [
            (None, ""),
            (Some(Resynced::Clock { steps: -20, seconds: -600 }), " resync=-20"),
            (Some(Resynced::Counter { skipped: 57 }), " resync=57"),
        ] {
            let step = Step(58_123_456);
            let accepted =
                Accepted::App { authenticator: "my phone".into(), step, resynced, length: 6 };
            let line = write(&Event { accepted: Some(accepted), ..event(Kind::Accepted) });
            let begin = "event=accepted user=ada service=sshd rhost=203.0.113.7 \
                         first_factor=publickey authenticator=my%20phone step=58123456";
            assert_eq!(line, format!("{begin}{key}"));
        }
        for (accepted, keys) in [
            (
                Accepted::BackupCode { shape: Shape::Digits8, left: Some(4) },
                "scratch_code codes_left=4",
            ),
            (
                Accepted::BackupCode { shape: Shape::Letters20, left: Some(4) },
                "backup_code codes_left=4",
            ),
            (Accepted::BackupCode { shape: Shape::Letters20, left: None }, "backup_code"),
            (Accepted::Bypass { left: 0 }, "bypass uses_left=0"),
            (Accepted::Ticket, "ticket"),
            (Accepted::Device, "remembered_device"),
        ] {
            let line = write(&Event { accepted: Some(accepted), ..event(Kind::Accepted) });
            let begin = "event=accepted user=ada service=sshd rhost=203.0.113.7 \
                         first_factor=publickey authenticator=";
            assert_eq!(line, format!("{begin}{keys}"));
        }
        let reason = Some(Reason::Store(StoreError::StoreIdMismatch));
        assert_eq!(
            write(&Event { user: None, reason, ..event(Kind::Refused) }),
            "event=refused user=unknown service=sshd rhost=203.0.113.7 first_factor=publickey \
             reason=store_id_mismatch"
        );
    }

    #[test]
    fn an_administrators_line_is_of_the_same_form() {
        let pairs = [("user", "a b"), ("authenticator", "app"), ("actor", "uid:1000")];
        let line = "event=enrolled user=a%20b authenticator=app actor=uid:1000";
        assert_eq!(of_administration("enrolled", &pairs), line);
    }

    #[test]
    fn nothing_breaks_a_line() {
        let service = "a b=c\n\r\u{1b}[31m%\u{202e}".repeat(100);
        let line = write(&Event { service, ..event(Kind::Exempt) });
        assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{line}");
        assert_eq!(line.split(' ').count(), 5);
        assert!(line.len() < 1024);
    }
}
