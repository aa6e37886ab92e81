//! `twinlock import migration USER`: imports one account from a Google Authenticator export on standard input.

use twinlock_migrate::otpauth_migration::{self, MigrationBatch, MigrationError, Moved};

use crate::{
    authorize::authorizer::Authorizer,
    cli::picture::Choice,
    context::Context,
    error::exit::{CliError, Exit},
    import::{candidates, import_text},
    terminal::piped::Piped,
};

/// Maximum length of the input in bytes, more than an export of a hundred QR codes has.
const INPUT_MAX: u64 = 1024 * 1024;

/// The accounts in an export, and which of its QR codes were read.
#[derive(Default)]
pub(crate) struct AppExport {
    accounts: Vec<Moved>,
    batches: Vec<MigrationBatch>,
}

/// Reads the export, selects one account by `choice`, and enrolls the user with its key.
pub(crate) fn run(context: &Context, user: &str, choice: Choice<'_>) -> Result<(), CliError> {
    context.need_root("enroll users")?;
    let authorizer = Authorizer::of(context)?;
    let account = context.account(user)?;
    let piped = Piped::read(INPUT_MAX).map_err(|error| import_text::unreadable(error, user))?;
    let mut export = AppExport::default();
    for (number, line) in (1..).zip(piped.data.lines()) {
        if !line.trim().is_empty() {
            export.add(line).map_err(|fault| no_export(number, fault, user))?;
        }
    }
    if export.batches.is_empty() {
        return Err(no_export(0, MigrationError::Scheme, user));
    }
    let (accounts, more) = export.end();
    let all = accounts.into_iter().map(Into::into).collect();
    let authenticator = candidates::choose(all, choice, &more)?.authenticator?;
    let by = authorizer.prove(context, &mut piped.keyboard()?)?;
    candidates::enroll(context, &by, &account, authenticator)
}

impl AppExport {
    /// Adds the accounts of one line. A line is the content of one QR code.
    pub(crate) fn add(&mut self, line: &str) -> Result<(), MigrationError> {
        let found = otpauth_migration::read(line)?;
        self.accounts.extend(found.accounts);
        self.batches.push(found.batch);
        Ok(())
    }

    /// Returns the accounts, each key once, and a sentence about missing QR codes, which is empty if none is missing.
    pub(crate) fn end(self) -> (Vec<Moved>, String) {
        (otpauth_migration::folded(self.accounts), missing(&self.batches))
    }
}

/// Returns a sentence that names the missing QR codes of an export; empty if none is missing.
fn missing(batches: &[MigrationBatch]) -> String {
    let Some(first) = batches.first() else { return String::new() };
    let mut indices: Vec<u64> =
        batches.iter().filter(|batch| batch.id == first.id).map(|batch| batch.index).collect();
    indices.sort_unstable();
    indices.dedup();
    let here = u64::try_from(indices.len()).unwrap_or(u64::MAX);
    if here >= first.size {
        return String::new();
    }
    format!(
        " The export has {} QR codes, but only {here} came as input: the account may be in another.",
        first.size
    )
}

/// Returns the error for a line that is not part of an export. `line` is its number, from 1; 0 stands for the whole
/// input.
fn no_export(line: usize, fault: MigrationError, user: &str) -> CliError {
    let place = if line == 0 { "standard input".into() } else { format!("line {line}") };
    let remedy = match fault {
        MigrationError::SingleKey => import_text::command("import uri", user),
        MigrationError::ByteOrderMark => import_text::WITHOUT_MARK.into(),
        MigrationError::Prefix => import_text::WITHOUT_PREFIX.into(),
        MigrationError::Html => import_text::WITHOUT_HTML.into(),
        MigrationError::Scheme
        | MigrationError::TooLong
        | MigrationError::Data
        | MigrationError::Payload
        | MigrationError::Accounts => format!(
            "In the app: Transfer accounts, Export. Read each QR code (zbarimg --raw) into a line of standard input, or import its picture: {}",
            import_text::of_picture(user)
        ),
    };
    CliError::new(Exit::Usage, format!("{place} {fault}"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_qr_codes_are_counted_once() {
        let batch = |index| MigrationBatch { id: 7, index, size: 2 };
        let said =
            " The export has 2 QR codes, but only 1 came as input: the account may be in another.";
        assert_eq!(missing(&[batch(0), batch(0)]), said);
        assert_eq!(missing(&[batch(0), batch(1)]), "");
        assert_eq!(missing(&[]), "");
    }
}
