//! A log line: one line of `key=value`, English and stable.

use alloc::string::String;
use core::fmt::Write;

use crate::event::{Event, Kind};

/// Writes an event as a line without its end. Keys: event user service rhost first_factor authenticator step reason.
#[must_use]
pub fn write(event: &Event) -> String {
    let mut line = String::from("event=");
    line.push_str(match event.kind {
        Kind::Accepted => "accepted",
        Kind::Exempt => "exempt",
        Kind::Refused => "refused",
    });
    // What was typed for a user may be a password, so only a name that NSS knows is written.
    pair(&mut line, "user", event.user.as_deref().unwrap_or("unknown"));
    pair(&mut line, "service", &event.service);
    pair(&mut line, "rhost", event.source.as_str());
    pair(&mut line, "first_factor", event.first_factor);
    if let Some(accepted) = &event.accepted {
        pair(&mut line, "authenticator", &accepted.authenticator);
        // Writing to a String cannot fail.
        let _ = write!(line, " step={}", accepted.step.0);
    }
    if let Some(reason) = event.reason {
        pair(&mut line, "reason", reason.word());
    }
    line
}

/// Writes what an administrator did: `event=`, then the pairs in their order. Keys: user authenticator tries actor.
#[must_use]
pub fn of_administration(event: &str, pairs: &[(&str, &str)]) -> String {
    let mut line = String::from("event=");
    line.push_str(event);
    for (key, value) in pairs {
        pair(&mut line, key, value);
    }
    line
}

/// Appends ` key=value`; all but plain letters become `%XX`, and a long value is cut.
fn pair(line: &mut String, key: &str, value: &str) {
    let _ = write!(line, " {key}=");
    for byte in value.bytes().take(128) {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => line.push(char::from(byte)),
            b'.' | b'_' | b'-' | b':' | b'@' | b'/' => line.push(char::from(byte)),
            _ => {
                let _ = write!(line, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Accepted, Reason};
    use crate::fault::StoreFault;
    use crate::request::SourceLabel;
    use crate::time::Step;

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
        let accepted =
            Accepted { authenticator: "my phone".into(), step: Step(58_123_456), length: 6 };
        assert_eq!(
            write(&Event { accepted: Some(accepted), ..event(Kind::Accepted) }),
            "event=accepted user=ada service=sshd rhost=203.0.113.7 first_factor=publickey \
             authenticator=my%20phone step=58123456"
        );
        let reason = Some(Reason::Store(StoreFault::StoreIdMismatch));
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
