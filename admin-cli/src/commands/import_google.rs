//! `twinlock import google USER` and `--all`: imports keys from the files of pam_google_authenticator.

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use twinlock_core::{
    account::Account,
    format::google::{self, GOOGLE_MAX},
    takeover::{self, Moment, Takeover},
};
use twinlock_host::{
    homes,
    source::{self, Person, Source, SourceFault},
};

use crate::{
    acting::{Acting, Proven},
    commands::{
        import_uri::already,
        imported::{Fate, Report, Reports},
        source_removal::Removal,
        take_over::{Outcome, take_over},
    },
    desk::Desk,
    exit::{Exit, Failure},
    keyboard::{Keyboard, tell},
    remarks::{google_failure, source_failure},
    verbs::FromGoogle,
    wording::{WIDTH, count, plain, wrap},
};

/// Imports the named users, or all.
pub fn run(desk: &Desk, wanted: &FromGoogle) -> Result<(), Failure> {
    desk.need_root("enroll people")?;
    let acting = (!wanted.how.dry_run).then(|| Acting::of(desk)).transpose()?;
    let names = if wanted.all { everybody()? } else { wanted.users.clone() };
    if names.len() > 1 && !is_of_each(&wanted.file) {
        return Err(Failure::new(
            Exit::Usage,
            "--file names one file for several people",
            "Let ~, ${HOME} or ${USER} stand for what differs, in single quotes.",
        ));
    }
    let by = acting.map(|acting| acting.prove(desk, &mut Keyboard::open()?)).transpose()?;
    let mut reports = Reports::begin(desk, wanted.how, names.len());
    for name in &names {
        reports.add(one(desk, by.as_ref(), wanted, name))?;
    }
    reports.end()
}

fn everybody() -> Result<Vec<String>, Failure> {
    let listing = homes::listing()?;
    let mut said = Vec::new();
    if !listing.silent.is_empty() {
        said.push(format!(
            "{} in /etc/nsswitch.conf may know more people than getent passwd lists: name those.",
            plain(&listing.silent.join(", "))
        ));
    }
    if listing.unreadable > 0 {
        said.push(format!(
            "{} of getent passwd cannot be read.",
            count(listing.unreadable, "line")
        ));
    }
    for line in said {
        tell(&format!("{}\n", wrap(&format!("twinlock: {line}"), WIDTH, 0)));
    }
    Ok(listing.names)
}

fn is_of_each(spec: &str) -> bool {
    spec.starts_with("~/") || spec.contains("${HOME}") || spec.contains("${USER}")
}

/// Imports one user; returns `None` if one of all has no file.
fn one(desk: &Desk, by: Option<&Proven>, wanted: &FromGoogle, name: &str) -> Option<Report> {
    let failed =
        |source: &str, failure| Some(Report::of_failure(Some(name.to_owned()), source, failure));
    let found = person(desk, name);
    let (account, home) = match found {
        Ok(found) => found,
        Err(failure) => return failed("", failure),
    };
    let path = expanded(&wanted.file, &account, &home);
    let shown = path.to_string_lossy().into_owned();
    let person = Person { uid: account.uid, gid: account.gid };
    let source = match source::read(&path, person, GOOGLE_MAX) {
        Err(SourceFault::Absent | SourceFault::NoPath) if wanted.all => return None,
        Err(fault) => return failed(&shown, source_failure(&plain(&shown), fault)),
        Ok(source) => source,
    };
    match read(desk, &source, &shown) {
        Ok(takeover) => Some(import(desk, by, wanted, (&account, takeover), (&source, &shown))),
        Err(failure) => failed(&shown, failure),
    }
}

fn person(desk: &Desk, name: &str) -> Result<(Account, PathBuf), Failure> {
    let account = desk.account(name)?;
    let home = homes::home_of(&account.name)?.unwrap_or_default();
    Ok((account, home))
}

fn read(desk: &Desk, source: &Source, shown: &str) -> Result<Takeover, Failure> {
    let path = plain(shown);
    let file = google::read(&source.bytes).map_err(|fault| google_failure(&path, fault))?;
    let (now, window) = (desk.now()?.unix, desk.policy.window);
    let moment = Moment { now, changed: source.changed, window };
    takeover::of_google(file, moment)
        .ok_or_else(|| google_failure(&path, google::GoogleFault::NoMode))
}

fn import(
    desk: &Desk,
    by: Option<&Proven>,
    wanted: &FromGoogle,
    (account, takeover): (&Account, Takeover),
    (source, shown): (&Source, &str),
) -> Report {
    let mut report = Report::of_takeover(&account.name, shown, &takeover);
    report.outcome = match take_over(desk, by, account, takeover) {
        // A named user is an error; with `--all`, some users were enrolled again since.
        Ok(Outcome::OtherKey) if !wanted.all => Err(already(&account.name)),
        other => other.map(Fate::User),
    };
    let is_needed = matches!(report.outcome, Err(_) | Ok(Fate::User(Outcome::OtherKey)));
    if wanted.how.remove_source && !is_needed {
        let remove = || if wanted.how.dry_run { Ok(()) } else { source.remove() };
        report.removal = Some(Removal::unless_kept(report.remarks.iter(), remove));
    }
    report
}

/// Expands a path as `secret=` of Google's module means it. A home or name that would lead elsewhere gives no path.
fn expanded(spec: &str, account: &Account, home: &Path) -> PathBuf {
    let bytes = home.as_os_str().as_bytes();
    let spec =
        spec.strip_prefix("~/").map_or_else(|| spec.into(), |rest| format!("${{HOME}}/{rest}"));
    let uses = |what: &str| spec.contains(what);
    let odd_home = uses("${HOME}") && !home.is_absolute();
    let odd_name = uses("${USER}") && (account.name.contains('/') || account.name.starts_with('.'));
    if odd_home || odd_name {
        return PathBuf::new();
    }
    let spec = spec.replace("${USER}", &account.name);
    let parts: Vec<&[u8]> = spec.split("${HOME}").map(str::as_bytes).collect();
    OsString::from_vec(parts.join(bytes)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_mean_what_they_mean_to_googles_module() {
        let account =
            |name: &str| Account { name: name.into(), uid: 1, gid: 1, full_name: String::new() };
        let path = |spec: &str, name: &str, home: &str| {
            expanded(spec, &account(name), Path::new(home)).to_string_lossy().into_owned()
        };
        assert_eq!(path("~/.ga", "ada", "/home/ada"), "/home/ada/.ga");
        assert_eq!(path("/var/ga/${USER}", "ada", ""), "/var/ga/ada");
        assert_eq!(path("/var${HOME}/${USER}", "ada", "/h"), "/var/h/ada");
        assert_eq!(path("~/.ga", "ada", "home"), "");
        assert_eq!(path("~/.ga", "ada", ""), "");
        assert_eq!(path("/var/ga/${USER}", "../etc/x", "/h"), "");
        assert_eq!(path("/var/ga/${USER}", ".x", "/h"), "");
    }
}
