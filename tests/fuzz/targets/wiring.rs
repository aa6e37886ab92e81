//! Fuzz targets for files of other programs that doctor reads: pam.d, sshd_config, and the output of `sshd -T`.

use std::io;

use twinlock_doctor::pam::load::{Files, UnreadableError, load};
use twinlock_doctor::pam::stack::Facility;
use twinlock_doctor::pam::twinlock::{is_twinlock, read};
use twinlock_doctor::sshd::config::{self, Patterns};
use twinlock_doctor::sshd::effective::Effective;

use super::text;

/// A machine whose files are the sections of one text. Each line "==== PATH" begins the file at PATH.
struct Parts(Vec<(String, String)>);

impl Parts {
    fn of(text: &str, first: &str) -> Parts {
        let mut parts = vec![(first.to_owned(), String::new())];
        for line in text.split_inclusive('\n') {
            match (line.strip_prefix("==== "), parts.last_mut()) {
                (Some(path), _) => parts.push((path.trim().to_owned(), String::new())),
                (None, Some((_, content))) => content.push_str(line),
                (None, None) => {}
            }
        }
        Parts(parts)
    }
}

impl Files for Parts {
    fn text(&self, path: &str) -> io::Result<String> {
        let found = self.0.iter().find(|(name, _)| name == path);
        found.map(|(_, text)| text.clone()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn is_folder(&self, path: &str) -> bool {
        path == "/etc/pam.d"
    }
}

impl Patterns for Parts {
    fn matching(&self, pattern: &str) -> Result<Vec<String>, UnreadableError> {
        let fits = |name: &&String| twinlock_doctor::sshd::pattern::fits(pattern, name);
        Ok(self.0.iter().map(|(name, _)| name).filter(fits).cloned().collect())
    }
}

pub(crate) fn pam_d(bytes: &[u8]) {
    let text = text(bytes);
    let parts = Parts::of(&text, "/etc/pam.d/sshd");
    let service = load(&parts, "sshd").expect("files that can be read");
    for facility in [Facility::Auth, Facility::Account, Facility::Session, Facility::Password] {
        for handler in service.lines(facility) {
            assert!(handler.place.line >= 1);
            if let twinlock_doctor::pam::stack::StackKind::Module { path, args } = &handler.kind
                && is_twinlock(path)
            {
                let _ = read(args);
            }
        }
    }
}

pub(crate) fn sshd_config(bytes: &[u8]) {
    let text = text(bytes);
    let parts = Parts::of(&text, "/etc/ssh/sshd_config");
    let config = config::load(&parts).expect("files that can be read");
    for directive in &config.directives {
        assert!(directive.block.is_none_or(|block| block < config.blocks.len()));
        assert!(!directive.keyword.contains([' ', '\t', '=']), "{directive:?}");
        assert_eq!(directive.keyword, directive.keyword.to_ascii_lowercase());
    }
}

pub(crate) fn sshd_t(bytes: &[u8]) {
    let found = Effective::read(&text(bytes));
    for way in found.ways() {
        let _ = (way.gate(), way.key_before_pam());
    }
    assert!(found.grace().is_none_or(|seconds| seconds > 0));
    let _ = (found.prompts(), found.names_ways(), found.service());
}
