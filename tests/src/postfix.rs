//! A real postfix in a machine. It delivers to local mailboxes, and sends nothing to other hosts.

use std::time::{Duration, Instant};

use crate::machine::Machine;

/// Maximum time of a wait for a mail. A local delivery takes less, even on a busy host.
const PATIENCE: Duration = Duration::from_secs(30);

/// Configuration of postfix. It accepts mail for example.org and refuses mail for other hosts.
const MAIN: &str = "\
compatibility_level = 3.6
myhostname = twinbox.example.org
mydestination = $myhostname, twinbox, localhost, example.org
myorigin = example.org
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
default_transport = error:5.7.1 no mail leaves this machine
relay_transport = error:5.7.1 no mail leaves this machine
local_recipient_maps = unix:passwd.byname
alias_maps =
alias_database =
biff = no
";

/// Script that removes the host's own configuration and queue of postfix. They differ between hosts, and queued mail
/// would be delivered.
const CLEAR: &str = "\
rm -rf /etc/postfix /var/spool/postfix /var/lib/postfix /usr/lib/postfix /usr/share/postfix
sed -i '/^post\\(fix\\|drop\\):/d' /etc/passwd /etc/group /etc/shadow
";

/// Script that sets up postfix as its Debian package does, but without a chroot for its services.
const INSTALL: &str = "\
groupadd --system --force postdrop
useradd --system --user-group --home-dir /var/spool/postfix --shell /usr/sbin/nologin postfix
cp /usr/share/postfix/dynamicmaps.cf /etc/postfix
for file in main.cf master.cf; do cp /usr/share/postfix/$file.dist /etc/postfix/$file.proto; done
ln -s /usr/share/postfix/makedefs.out /etc/postfix/makedefs.out
awk '/^[a-z]/ && NF >= 8 { $5 = \"n\" } { print }' /usr/share/postfix/master.cf.dist >/etc/postfix/master.cf
";

const START: &str = "\
postfix set-permissions
rm -rf /var/mail/* && mkdir -p /var/mail && chmod 2775 /var/mail && chgrp mail /var/mail
postfix start
";

impl Machine {
    /// Unpacks postfix, which `cargo xtask test` has downloaded, and starts it with empty mailboxes.
    #[track_caller]
    pub fn postfix(&self) -> &Self {
        self.run(["sh", "-euc", CLEAR]).ok();
        self.unpacked("postfix");
        self.run(["sh", "-euc", INSTALL]).ok();
        self.file("/etc/postfix/main.cf").write(MAIN);
        self.run(["sh", "-euc", START]).ok();
        self
    }

    /// Waits until the user's mailbox has at least `count` mails, and returns them, oldest first.
    #[track_caller]
    pub fn mailbox(&self, user: &str, count: usize) -> Vec<Mail> {
        let path = format!("/var/mail/{user}");
        let began = Instant::now();
        loop {
            let file = self.file(&path);
            let text = if file.exists() { file.read() } else { String::new() };
            let mails: Vec<Mail> = Mail::all(&text);
            if mails.len() >= count {
                return mails;
            }
            let late = began.elapsed() > PATIENCE;
            assert!(!late, "{user} has {} of {count} mails: {:?}", mails.len(), self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A mail that postfix has delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The headers in order, each joined to one line.
    pub headers: Vec<String>,
    /// The decoded text of the mail.
    pub body: String,
}

impl Mail {
    /// Parses the text of a mailbox into its mails.
    #[must_use]
    pub fn all(mailbox: &str) -> Vec<Mail> {
        let mut mails: Vec<String> = Vec::new();
        for line in mailbox.lines() {
            match mails.last_mut() {
                Some(last) if !line.starts_with("From ") => {
                    last.push_str(line);
                    last.push('\n');
                }
                _ => mails.push(String::new()),
            }
        }
        mails.iter().map(|mail| Mail::read(mail)).collect()
    }

    /// Parses a mail: joins the lines of each header and decodes the body. Panics if the transfer encoding is not
    /// known.
    #[must_use]
    pub fn read(text: &str) -> Mail {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let head = head.replace("\n ", " ").replace("\n\t", " ");
        let mut mail = Mail {
            headers: head.lines().map(str::to_owned).collect(),
            body: body.trim_end().to_owned() + "\n",
        };
        mail.body = match mail.header("Content-Transfer-Encoding") {
            Some("quoted-printable") => decoded(&mail.body.replace("=\n", ""), b'='),
            Some("7bit" | "8bit") => mail.body,
            other => panic!("a mail in {other:?}: {text}"),
        };
        mail
    }

    /// Returns the value of a header; `None` if the mail does not have it. Panics if it has several.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        let mut found = self.headers.iter().filter_map(|line| line.strip_prefix(&start));
        let value = found.next();
        assert_eq!(found.next(), None, "{name} twice: {self:?}");
        value
    }

    /// Returns the subject, decoded by RFC 2047.
    #[must_use]
    pub fn subject(&self) -> String {
        let value = self.header("Subject").unwrap_or_default();
        if !value.starts_with("=?utf-8?") {
            return value.to_owned();
        }
        value.split(' ').map(word).collect()
    }
}

/// Decodes one encoded word of RFC 2047.
fn word(word: &str) -> String {
    let inner = word.strip_prefix("=?utf-8?").and_then(|rest| rest.strip_suffix("?="));
    match inner.and_then(|inner| inner.split_once('?')) {
        Some(("Q", text)) => decoded(&text.replace('_', " "), b'='),
        Some(("B", text)) => from_base64(text),
        _ => panic!("no encoded word: {word}"),
    }
}

fn from_base64(text: &str) -> String {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            other => panic!("{other} is no base64"),
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).expect("a byte"));
        }
    }
    String::from_utf8(bytes).expect("a subject in UTF-8")
}

/// Decodes a text in which a byte may be written as `mark`, followed by two hexadecimal digits.
fn decoded(text: &str, mark: u8) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (byte, [high, low, after @ ..]) if *byte == mark => {
                let hex = String::from_utf8_lossy(&[*high, *low]).into_owned();
                bytes.push(u8::from_str_radix(&hex, 16).expect("two hexadecimal digits"));
                rest = after;
            }
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).expect("a mail in UTF-8")
}
