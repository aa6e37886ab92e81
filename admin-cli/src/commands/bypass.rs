//! `twinlock bypass USER`: issues a temporary bypass code of nine digits, which can be read out on the telephone.

use serde_json::json;
use twinlock_core::{
    base::{
        account::Account,
        random_text,
        time::{DAY, UnixTime},
    },
    notify::notification::NotificationKind,
    policy::settings::values::seconds_of,
    ports::{Ledger, Records, Snapshot},
    record::{enrollment, extras::Bypass},
    text::duration,
    verify::generate,
};
use twinlock_host::entropy::KernelEntropy;
use zeroize::Zeroizing;

use crate::{
    authorize::authorizer::{Authorized, Authorizer},
    cli,
    context::Context,
    enrollment::record_update::{active, put},
    error::exit::{CliError, Exit},
    terminal::{confirm::confirm, keyboard::Keyboard},
    text::{WIDTH, instant, plain, wrap},
};

/// Maximum lifetime of a bypass code, in seconds.
const LIFE_MAX: u64 = DAY;
/// Minimum lifetime of a bypass code, in seconds. A shorter one could end before the code is read out and typed.
const LIFE_MIN: u64 = 60;
/// Number of digits between two blanks when a bypass code is printed.
const GROUP: usize = 3;

/// A new bypass code: its digits as the user types them, and the time at which it expires.
struct GeneratedBypass {
    digits: Zeroizing<String>,
    until: UnixTime,
}

/// Asks for confirmation, then issues a bypass code.
pub(crate) fn run(context: &Context, wanted: &cli::BypassArgs) -> Result<(), CliError> {
    context.need_root("issue bypass codes")?;
    let life = life(&wanted.time)?;
    if wanted.privileged.grounds.reason.is_none() {
        return Err(no_reason());
    }
    let authorizer = Authorizer::of(context)?;
    let account = context.account(&wanted.user)?;
    if active(context.machine.records.newest(&account)?).is_none() {
        return Err(not_set_up(&account.name));
    }
    let mut keyboard = Keyboard::open()?;
    let said = format!(
        "This issues a bypass code for {}, to be used {}, within {}.",
        plain(&account.name),
        times(wanted.uses),
        duration(life)
    );
    confirm(&mut keyboard, &wanted.privileged, &account.name, &said, "issued")?;
    let by = authorizer.prove(context, &mut keyboard)?;
    let drawn = give(context, &account, life, wanted.uses, &by)?;
    show(context, &account, &drawn, wanted.uses)
}

fn give(
    context: &Context,
    account: &Account,
    life: u64,
    uses: u8,
    by: &Authorized,
) -> Result<GeneratedBypass, CliError> {
    let instant = context.now()?;
    let now = instant.unix;
    let until = now.plus(life);
    let digits = generate::bypass(&KernelEntropy)?;
    let voucher = generate::voucher(&digits, until, &KernelEntropy)?;
    let voucher = voucher.counted_from(instant, &context.machine.ledger.boot_id()?);
    let bypass = Bypass { voucher, uses, audit: by.audit(now) };
    let mut decide = |found: Option<Snapshot>| {
        let found = active(found).ok_or_else(|| not_set_up(&account.name))?;
        // The record keeps its generation, because this change revokes nothing.
        let mut record = found.record;
        enrollment::give_bypass(&mut record.extras, bypass.clone());
        Ok(record)
    };
    put(context, account, &mut decide, &|record| record.extras.bypasses.contains(&bypass))?;
    let (times, end) = (uses.to_string(), until.0.to_string());
    by.log(context, "bypass_given", &[("user", &account.name), ("uses", &times), ("until", &end)]);
    by.write_to(context, &account.name, NotificationKind::BypassGiven, now);
    Ok(GeneratedBypass { digits, until })
}

fn show(
    context: &Context,
    account: &Account,
    drawn: &GeneratedBypass,
    uses: u8,
) -> Result<(), CliError> {
    let grouped = random_text::in_groups(&drawn.digits, GROUP, ' ');
    let user = plain(&account.name);
    let text = if context.json {
        let object = json!({
            "user": account.name, "bypass": *grouped, "until": drawn.until.0, "uses": uses,
        });
        Zeroizing::new(format!("{object}\n"))
    } else {
        let said = format!(
            "Bypass code for {user}. It works {}, until {}:",
            times(uses),
            instant(drawn.until)
        );
        let todo = format!(
            "{user} logs in as usual and types it at the code prompt. It is shown only once, and does not replace the password or the key."
        );
        Zeroizing::new(format!(
            "{}\n\n    {}\n\n{}\n",
            wrap(&said, WIDTH, 0),
            *grouped,
            wrap(&todo, WIDTH, 0)
        ))
    };
    context.print(&text).map_err(|failure| {
        let what = format!("{}; a bypass code was issued, but could not be shown", failure.what);
        CliError::new(
            failure.exit,
            what,
            "It is useless without the password or the key. Issue another one.",
        )
    })
}

fn times(uses: u8) -> String {
    match uses {
        1 => "once".into(),
        2 => "twice".into(),
        _ => format!("{uses} times"),
    }
}

fn life(text: &str) -> Result<u64, CliError> {
    let seconds = seconds_of(text);
    seconds.filter(|seconds| (LIFE_MIN..=LIFE_MAX).contains(seconds)).ok_or_else(|| {
        CliError::new(
            Exit::Usage,
            "--for must be a time between 1m and 24h",
            "Give a time such as 30m or 8h. For longer, let the user set up another phone: twinlock reset USER",
        )
    })
}

fn no_reason() -> CliError {
    CliError::new(
        Exit::Usage,
        "a bypass code needs a reason, which is recorded in the log",
        "Add --reason TEXT: a few words, or a ticket number.",
    )
}

fn not_set_up(user: &str) -> CliError {
    let user = plain(user);
    CliError::new(
        Exit::NotInState,
        format!("{user} is not enrolled, so there is no code to bypass"),
        format!("To invite {user}: twinlock invite {user}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bypass_lives_a_minute_to_a_day() {
        for (text, seconds) in [
            ("1m", Some(60)),
            ("24h", Some(86_400)),
            ("1d", Some(86_400)),
            ("59s", None),
            ("25h", None),
            ("8", None),
            ("", None),
        ] {
            assert_eq!(life(text).ok(), seconds, "{text}");
        }
    }
}
