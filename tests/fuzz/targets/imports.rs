//! Fuzz targets for files of other programs: pam_google_authenticator, pam_oath, and the export of the app Google
//! Authenticator.

use twinlock_core::base::time::UnixTime;
use twinlock_migrate::{
    google as googles, oath as oaths, otpauth_migration as migrations,
    plan::{self, PlanTime},
};

use super::text;

const NOW: UnixTime = UnixTime(1_800_000_000);

pub(crate) fn google(bytes: &[u8]) {
    let Ok(file) = googles::read(bytes) else { return };
    let (key, codes) = (file.key.bytes().to_vec(), file.scratch.len());
    let moment = PlanTime { now: NOW, changed: UnixTime(NOW.0 - 7), window: 1 };
    let Some(takeover) = plan::of_google(file, moment) else { return };
    assert_eq!(takeover.authenticators.len(), 1);
    assert!(takeover.authenticators.iter().all(|one| one.key.bytes() == key.as_slice()));
    assert_eq!(takeover.scratch.len(), codes);
    assert!(takeover.scratch.iter().all(|code| code.len() == 8));
}

pub(crate) fn oath(bytes: &[u8]) {
    let tokens: Vec<_> = oaths::read(bytes).into_iter().filter_map(Result::ok).collect();
    let takeover = plan::of_oath(tokens, NOW);
    let mut names: Vec<_> = takeover.authenticators.iter().map(|one| &one.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), takeover.authenticators.len());
}

pub(crate) fn migration(bytes: &[u8]) {
    let text = text(bytes);
    let Ok(found) = migrations::read(&text) else { return };
    assert!(found.accounts.len() <= migrations::ACCOUNTS_MAX);
    assert!(found.batch.index < found.batch.size);
    for account in found.accounts {
        assert!(!account.label.contains(char::is_control) && account.label.chars().count() <= 81);
        let Ok(one) = account.authenticator else { continue };
        assert!((10..=128).contains(&one.key.bytes().len()) && !one.name.is_empty());
    }
}
