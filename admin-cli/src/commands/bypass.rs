//! `twinlock bypass USER`: nine digits that stand for a code for some hours, to be read over a telephone.

use serde_json::json;
use twinlock_core::{
    account::Account,
    beside::Bypass,
    draw, enrolment,
    format::settings::values::seconds_of,
    letter::LetterKind,
    letters,
    ports::{Ledger, Records, Snapshot},
    text::duration,
    time::{DAY, UnixTime},
};
use twinlock_host::entropy::KernelEntropy;
use zeroize::Zeroizing;

use crate::{
    acting::{Acting, Proven},
    confirm::confirm,
    desk::Desk,
    exit::{Exit, Failure},
    keyboard::Keyboard,
    successor::{active, put},
    verbs,
    wording::{WIDTH, instant, plain, wrap},
};

/// The longest that one works, in seconds.
const LIFE_MAX: u64 = DAY;
/// The shortest: it has to be read out and typed.
const LIFE_MIN: u64 = 60;
/// Digits between two spaces.
const GROUP: usize = 3;

/// A bypass that was drawn.
struct Drawn {
    digits: Zeroizing<String>,
    until: UnixTime,
}

/// Gives a bypass, after asking.
pub fn run(desk: &Desk, wanted: &verbs::Bypass) -> Result<(), Failure> {
    desk.need_root("give bypasses")?;
    let life = life(&wanted.time)?;
    if wanted.deed.grounds.reason.is_none() {
        return Err(no_reason());
    }
    let acting = Acting::of(desk)?;
    let account = desk.account(&wanted.user)?;
    if active(desk.machine.records.newest(&account)?).is_none() {
        return Err(not_set_up(&account.name));
    }
    let mut keyboard = Keyboard::open()?;
    let said = format!(
        "This gives a pass that stands for a code of {} {}, for {}.",
        plain(&account.name),
        times(wanted.uses),
        duration(life)
    );
    confirm(&mut keyboard, &wanted.deed, &account.name, (&said, "given out"))?;
    let by = acting.prove(desk, &mut keyboard)?;
    let drawn = give(desk, &account, (life, wanted.uses), &by)?;
    show(desk, &account, &drawn, wanted.uses)
}

fn give(
    desk: &Desk,
    account: &Account,
    (life, uses): (u64, u8),
    by: &Proven,
) -> Result<Drawn, Failure> {
    let instant = desk.now()?;
    let now = instant.unix;
    let until = now.plus(life);
    let digits = draw::bypass(&KernelEntropy)?;
    let voucher = draw::voucher(&digits, until, &KernelEntropy)?;
    let voucher = voucher.counted_from(instant, &desk.machine.ledger.boot_id()?);
    let bypass = Bypass { voucher, uses, trace: by.trace(now) };
    let mut decide = |found: Option<Snapshot>| {
        let found = active(found).ok_or_else(|| not_set_up(&account.name))?;
        // The generation stays: nothing of before is dead by this.
        let mut record = found.record;
        enrolment::give_bypass(&mut record.beside, bypass.clone());
        Ok(record)
    };
    put(desk, account, &mut decide, &|record| record.beside.bypasses.contains(&bypass))?;
    let (times, end) = (uses.to_string(), until.0.to_string());
    by.log(desk, "bypass_given", &[("user", &account.name), ("uses", &times), ("until", &end)]);
    by.write_to(desk, &account.name, LetterKind::BypassGiven, now);
    Ok(Drawn { digits, until })
}

fn show(desk: &Desk, account: &Account, drawn: &Drawn, uses: u8) -> Result<(), Failure> {
    let grouped = letters::in_groups(&drawn.digits, GROUP, ' ');
    let user = plain(&account.name);
    let text = if desk.json {
        let object = json!({
            "user": account.name, "bypass": *grouped, "until": drawn.until.0, "uses": uses,
        });
        Zeroizing::new(format!("{object}\n"))
    } else {
        let said = format!(
            "This stands for a code of {user} {}, until {}:",
            times(uses),
            instant(drawn.until)
        );
        let todo = format!(
            "{user} logs in as usual and types it where a code is asked for. It is shown only now, and of no use without the password or the key."
        );
        Zeroizing::new(format!(
            "{}\n\n    {}\n\n{}\n",
            wrap(&said, WIDTH, 0),
            *grouped,
            wrap(&todo, WIDTH, 0)
        ))
    };
    desk.print(&text).map_err(|failure| {
        let what = format!("{}; a bypass that nobody has seen was given out", failure.what);
        Failure::new(failure.exit, what, "It opens nothing by itself. Give another one.")
    })
}

fn times(uses: u8) -> String {
    match uses {
        1 => "once".into(),
        2 => "twice".into(),
        _ => format!("{uses} times"),
    }
}

fn life(text: &str) -> Result<u64, Failure> {
    let seconds = seconds_of(text);
    seconds.filter(|seconds| (LIFE_MIN..=LIFE_MAX).contains(seconds)).ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "--for must be a time between 1m and 24h",
            "Give one like 30m or 8h. For longer, set up another phone: twinlock reset USER",
        )
    })
}

fn no_reason() -> Failure {
    Failure::new(
        Exit::Usage,
        "a bypass is given for a reason, which stands in the log",
        "Add --reason TEXT: a few words, or the number of a ticket.",
    )
}

fn not_set_up(user: &str) -> Failure {
    let user = plain(user);
    Failure::new(
        Exit::NotInState,
        format!("{user} is not set up, so there is no code that a bypass could stand for"),
        format!("To have {user} set up: twinlock invite {user}"),
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
