//! `twinlock import oath FILE`: imports keys from the users file of pam_oath.

use std::path::Path;

use rustix::io::Errno;
use twinlock_core::ports::Accounts;
use twinlock_host::{caller_file::CallerFileError, invoking_user::InvokingUser};
use twinlock_migrate::user_file::{self, FileOwner, SourceFile, UserFileError};
use twinlock_migrate::{
    oath::{self, OATH_MAX, OathError},
    plan,
    source::OathToken,
};

use crate::{
    authorize::authorizer::{Authorized, Authorizer},
    cli::FromOath,
    context::Context,
    error::{
        caller_files,
        exit::{CliError, Exit},
    },
    import::{
        import_messages::{oath_failure, passed_over, source_failure},
        report::{ImportReport, ImportReports, ReportSubject},
        take_over::{ImportOutcome, take_over},
        uri::already,
    },
    terminal::keyboard::Keyboard,
    text::plain,
};

/// The lines of pam_oath's users file that belong to one user.
#[derive(Default)]
struct Share {
    /// Name of the user; `None` for lines whose name cannot be read.
    user: Option<String>,
    tokens: Vec<OathToken>,
    faults: Vec<OathError>,
}

/// Imports the named users, or all users in the file.
pub(crate) fn run(context: &Context, wanted: &FromOath) -> Result<(), CliError> {
    context.need_root("enroll users")?;
    let authorizer = (!wanted.how.dry_run).then(|| Authorizer::of(context)).transpose()?;
    let source = open(context, wanted)?;
    let mut shares = shares(&source);
    let in_file = shares.len();
    if !wanted.users.is_empty() {
        shares.retain(|share| share.user.as_ref().is_some_and(|user| wanted.users.contains(user)));
    }
    let all_asked = shares.len() == in_file;
    let by = authorizer
        .map(|authorizer| authorizer.prove(context, &mut Keyboard::open()?))
        .transpose()?;
    let mut reports = ImportReports::begin(context, wanted.how, shares.len());
    for user in &wanted.users {
        if !shares.iter().any(|share| share.user.as_ref() == Some(user)) {
            reports.add(Some(ImportReport::of_failure(
                Some(user.clone()),
                &wanted.file,
                absent(wanted),
            )))?;
        }
    }
    for share in shares {
        reports.add(Some(one(context, by.as_ref(), wanted, share)))?;
    }
    let unread = oath::passed_over(&source.bytes);
    if all_asked && !unread.is_empty() {
        let remarks = unread.into_iter().map(passed_over).collect();
        reports.add(Some(ImportReport::of_passed_over(&wanted.file, remarks)))?;
    }
    if wanted.how.remove_source {
        let is_needed = !all_asked || !reports.all_well();
        let remove = || if wanted.how.dry_run { Ok(()) } else { source.remove() };
        reports.remove(&wanted.file, is_needed, remove);
    }
    reports.end()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other case is treated the same")]
fn open(context: &Context, wanted: &FromOath) -> Result<SourceFile, CliError> {
    let user = InvokingUser::find().map_err(CallerFileError::InvokingUser);
    let refused = |error| caller_files::unreadable(&wanted.file, &error, "");
    if let Some(user) = user.map_err(refused)? {
        let read = user_file::read_as(Path::new(&wanted.file), &user, OATH_MAX);
        return read.map_err(|fault| match fault {
            UserFileError::Io { errno } if errno == Errno::ACCESS.raw_os_error() => {
                refused(CallerFileError::Denied { user: user.name().into() })
            }
            fault => unusable(&wanted.file, fault),
        });
    }
    // If pam_oath is configured with `usersfile=${HOME}/...`, the file belongs to the user.
    let person = match wanted.users.as_slice() {
        [user] => context.machine.accounts.by_name(user)?,
        _ => None,
    };
    let person = person.map_or(FileOwner { uid: 0, gid: 0 }, |account| FileOwner {
        uid: account.uid,
        gid: account.gid,
    });
    let read = user_file::read(Path::new(&wanted.file), person, OATH_MAX);
    read.map_err(|fault| unusable(&wanted.file, fault))
}

fn unusable(path: &str, fault: UserFileError) -> CliError {
    let failure = source_failure(&plain(path), fault);
    if matches!(fault, UserFileError::Absent | UserFileError::NoPath) {
        CliError::new(
            Exit::Usage,
            failure.what,
            "Give the absolute path, as in usersfile= of pam_oath.",
        )
    } else {
        failure
    }
}

fn absent(wanted: &FromOath) -> CliError {
    CliError::new(
        Exit::NotInState,
        format!("{} has no line for that name", plain(&wanted.file)),
        "Check the spelling: the second word of each line is a user name.",
    )
}

/// Groups the lines by user, in the order of the first line of each user.
fn shares(source: &SourceFile) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for line in oath::read(&source.bytes) {
        let user = match &line {
            Ok(token) => Some(token.user.clone()),
            Err(fault) => fault.user.clone(),
        };
        let place = *places.entry(user.clone()).or_insert_with(|| {
            shares.push(Share { user, ..Share::default() });
            shares.len() - 1
        });
        let Some(share) = shares.get_mut(place) else { continue };
        match line {
            Ok(token) => share.tokens.push(token),
            Err(fault) => share.faults.push(fault),
        }
    }
    shares
}

fn one(
    context: &Context,
    by: Option<&Authorized>,
    wanted: &FromOath,
    share: Share,
) -> ImportReport {
    let Share { user, tokens, faults } = share;
    let path = plain(&wanted.file);
    let mut refused: Vec<CliError> =
        faults.iter().map(|fault| oath_failure(&path, fault.line, fault.what)).collect();
    let imported = match &user {
        Some(user) if !tokens.is_empty() => import(context, by, wanted, user, tokens),
        // Every share has at least one line.
        _ => Err(refused.remove(0)),
    };
    let failed = |failure| ImportReport::of_failure(user, &wanted.file, failure);
    ImportReport { refused, ..imported.unwrap_or_else(failed) }
}

fn import(
    context: &Context,
    by: Option<&Authorized>,
    wanted: &FromOath,
    user: &str,
    tokens: Vec<OathToken>,
) -> Result<ImportReport, CliError> {
    let account = context.account(user)?;
    let takeover = plan::of_oath(tokens, context.now()?.unix);
    let mut report = ImportReport::of_takeover(&account.name, &wanted.file, &takeover);
    report.outcome = match take_over(context, by, &account, takeover) {
        Ok(ImportOutcome::OtherKey) => Err(already(&account.name)),
        other => other.map(ReportSubject::User),
    };
    Ok(report)
}
