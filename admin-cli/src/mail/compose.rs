//! Composes a mail for a sendmail program: headers, a blank line and the text, with Unix line ends.

use mail_builder::{
    MessageBuilder,
    headers::{address::Address as Header, raw::Raw},
};
use twinlock_core::{base::address::Address, base::time::UnixTime, notify::template::WrittenMail};
use zeroize::Zeroizing;

/// What the headers of a mail contain.
pub(crate) struct Envelope<'a> {
    /// Address of the sender.
    pub(crate) from: &'a Address,
    /// Address of the only recipient.
    pub(crate) to: &'a Address,
    /// Time at which the mail is sent.
    pub(crate) at: UnixTime,
    /// Message-ID without `<>`. A mail that is sent again has the same one, so that mail readers show it once.
    pub(crate) id: String,
}

/// Returns the whole mail: headers, a blank line and the text.
pub(crate) fn compose(envelope: &Envelope<'_>, written: &WrittenMail) -> Zeroizing<Vec<u8>> {
    let nobody = None::<&str>;
    let at = i64::try_from(envelope.at.0).unwrap_or(i64::MAX);
    let message = MessageBuilder::new()
        .from(Header::new_address(nobody, envelope.from.as_str()))
        .to(Header::new_address(nobody, envelope.to.as_str()))
        .subject(written.subject.as_str())
        .date(at)
        .message_id(envelope.id.as_str())
        // These headers suppress automatic replies: the first is defined in RFC 3834, and Exchange reads the second.
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .header("X-Auto-Response-Suppress", Raw::new("All"))
        .text_body(written.body.as_str());
    let mut bytes = Zeroizing::new(Vec::with_capacity(written.body.len() * 3 + 4096));
    message.serialize(&mut *bytes);
    bytes.retain(|byte| *byte != b'\r');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str, body: &str) -> String {
        let address = |text| Address::read(text).unwrap();
        let (from, to) = (address("root"), address("ada@example.org"));
        let id = "1800000000.reset.ada@web01".into();
        let envelope = Envelope { from: &from, to: &to, at: UnixTime(1_800_000_000), id };
        let written =
            WrittenMail { subject: subject.into(), body: Zeroizing::new(body.to_owned()) };
        String::from_utf8(compose(&envelope, &written).to_vec()).unwrap()
    }

    #[test]
    fn a_mail_is_what_mail_servers_read() {
        assert_eq!(
            mail("Reset", "Hello,\n\nall is well.\n"),
            "From: <root>\nTo: <ada@example.org>\nSubject: Reset\n\
             Date: Fri, 15 Jan 2027 08:00:00 +0000\nMessage-ID: <1800000000.reset.ada@web01>\n\
             Auto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\nMIME-Version: 1.0\n\
             Content-Type: text/plain; charset=\"utf-8\"\nContent-Transfer-Encoding: 7bit\n\n\
             Hello,\n\nall is well.\n"
        );
    }

    #[test]
    fn no_value_begins_a_header_or_ends_the_headers() {
        let long = "\u{e5}".repeat(200);
        for subject in
            ["x\r\nBcc: eve@example.org", "x\n\nbody", "\n", "", long.as_str(), "=?utf-8?Q?x?="]
        {
            let mail = mail(subject, "text\n");
            let (head, body) = mail.split_once("\n\n").unwrap();
            assert_eq!(body.trim_end(), "text", "{mail}");
            let names: Vec<&str> = head
                .lines()
                .filter(|line| !line.starts_with([' ', '\t']))
                .map(|line| line.split(':').next().unwrap())
                .collect();
            assert_eq!(names.len(), 10, "{mail}");
            assert!(!names.contains(&"Bcc"), "{mail}");
            assert!(mail.is_ascii() && mail.lines().all(|line| line.len() <= 78), "{mail}");
        }
    }
}
