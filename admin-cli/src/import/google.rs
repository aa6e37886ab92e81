//! `twinlock import google USER` and `--all`: imports keys from the files of pam_google_authenticator.

use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use twinlock_core::base::account::Account;
use twinlock_host::homes;
use twinlock_migrate::user_file::{self, FileOwner, SourceFile, UserFileError};
use twinlock_migrate::{
    google::{self, GOOGLE_MAX},
    plan::{self, ImportPlan, PlanTime},
};

use crate::{
    authorize::authorizer::{Authorized, Authorizer},
    cli::FromGoogle,
    context::Context,
    error::exit::{CliError, Exit},
    import::{
        import_messages::{google_failure, source_failure},
        report::{ImportReport, ImportReports, ReportSubject},
        source_removal::Removal,
        take_over::{ImportOutcome, take_over},
        uri::already,
    },
    terminal::keyboard::{Keyboard, tell},
    text::{WIDTH, count, plain, wrap},
};

/// Imports the named users, or with `--all` every user who has a file.
pub(crate) fn run(context: &Context, wanted: &FromGoogle) -> Result<(), CliError> {
    context.need_root("enroll users")?;
    let authorizer = (!wanted.how.dry_run).then(|| Authorizer::of(context)).transpose()?;
    let names = if wanted.all { everybody()? } else { wanted.users.clone() };
    if names.len() > 1 && !is_of_each(&wanted.file) {
        return Err(CliError::new(
            Exit::Usage,
            "--file names one file for several users",
            "Use ~, ${HOME} or ${USER} in the path, in single quotes.",
        ));
    }
    let by = authorizer
        .map(|authorizer| authorizer.prove(context, &mut Keyboard::open()?))
        .transpose()?;
    let mut reports = ImportReports::begin(context, wanted.how, names.len());
    for name in &names {
        reports.add(one(context, by.as_ref(), wanted, name))?;
    }
    reports.end()
}

fn everybody() -> Result<Vec<String>, CliError> {
    let listing = homes::listing()?;
    let mut said = Vec::new();
    if !listing.silent.is_empty() {
        said.push(format!(
            "{} in /etc/nsswitch.conf may have more users than getent passwd lists: give their names.",
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

/// Imports one user. If `by` is `None`, only finds out what would be imported. Returns `None` if the user has no file
/// and `--all` was given.
fn one(
    context: &Context,
    by: Option<&Authorized>,
    wanted: &FromGoogle,
    name: &str,
) -> Option<ImportReport> {
    let failed = |source: &str, failure| {
        Some(ImportReport::of_failure(Some(name.to_owned()), source, failure))
    };
    let found = person(context, name);
    let (account, home) = match found {
        Ok(found) => found,
        Err(failure) => return failed("", failure),
    };
    let path = expanded(&wanted.file, &account, &home);
    let shown = path.to_string_lossy().into_owned();
    let person = FileOwner { uid: account.uid, gid: account.gid };
    let source = match user_file::read(&path, person, GOOGLE_MAX) {
        Err(UserFileError::Absent | UserFileError::NoPath) if wanted.all => return None,
        Err(fault) => return failed(&shown, source_failure(&plain(&shown), fault)),
        Ok(source) => source,
    };
    match read(context, &source, &shown) {
        Ok(plan) => {
            let planned = Planned { account: &account, source: &source, shown: &shown, plan };
            Some(import(context, by, wanted, planned))
        }
        Err(failure) => failed(&shown, failure),
    }
}

fn person(context: &Context, name: &str) -> Result<(Account, PathBuf), CliError> {
    let account = context.account(name)?;
    let home = homes::home_of(&account.name)?.unwrap_or_default();
    Ok((account, home))
}

fn read(context: &Context, source: &SourceFile, shown: &str) -> Result<ImportPlan, CliError> {
    let path = plain(shown);
    let file = google::read(&source.bytes).map_err(|fault| google_failure(&path, fault))?;
    let (now, window) = (context.now()?.unix, context.policy.window);
    let moment = PlanTime { now, changed: source.changed, window };
    plan::of_google(file, moment).ok_or_else(|| google_failure(&path, google::GoogleError::NoMode))
}

/// One user's file, and the plan for its import.
struct Planned<'a> {
    account: &'a Account,
    source: &'a SourceFile,
    /// Path of the file, for reports.
    shown: &'a str,
    plan: ImportPlan,
}

fn import(
    context: &Context,
    by: Option<&Authorized>,
    wanted: &FromGoogle,
    planned: Planned<'_>,
) -> ImportReport {
    let Planned { account, source, shown, plan: takeover } = planned;
    let mut report = ImportReport::of_takeover(&account.name, shown, &takeover);
    report.outcome = match take_over(context, by, account, takeover) {
        // If the user was named, another enrolled key is an error. With `--all` it is not, because some users may have
        // been enrolled again in the meantime.
        Ok(ImportOutcome::OtherKey) if !wanted.all => Err(already(&account.name)),
        other => other.map(ReportSubject::User),
    };
    let is_needed =
        matches!(report.outcome, Err(_) | Ok(ReportSubject::User(ImportOutcome::OtherKey)));
    if wanted.how.remove_source && !is_needed {
        let remove = || if wanted.how.dry_run { Ok(()) } else { source.remove() };
        report.removal = Some(Removal::unless_kept(report.remarks.iter(), remove));
    }
    report
}

/// Replaces `~`, `${HOME}` and `${USER}` in a path, as Google's module does in `secret=`. Returns an empty path if the
/// home folder is not absolute, or if the account name contains a slash or begins with a dot.
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
