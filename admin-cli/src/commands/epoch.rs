//! `twinlock epoch`: makes what the first login needs, and begins the ledger's memory anew.

use twinlock_core::time::UnixTime;
use twinlock_host::prepare::{self, PrepareFault};

use crate::{desk::Desk, exit::Failure};

/// Makes what is missing.
pub fn ensure(desk: &Desk) -> Result<(), Failure> {
    desk.need_root("prepare records and ledger")?;
    let floor = prepare::prepare(&desk.machine).map_err(failure)?;
    say(desk, "Records and ledger are ready", floor);
    Ok(())
}

/// Begins a new epoch, with the clock as it stands now.
pub fn now(desk: &Desk) -> Result<(), Failure> {
    desk.need_root("begin an epoch")?;
    let floor = prepare::restart(&desk.machine).map_err(failure)?;
    say(desk, "A new epoch has begun", floor);
    Ok(())
}

fn say(desk: &Desk, what: &str, floor: UnixTime) {
    let (hours, minutes, seconds) = floor.clock();
    let sentence = format!(
        "{what}. Codes from before {hours:02}:{minutes:02}:{seconds:02} UTC count as used."
    );
    desk.say(&sentence, serde_json::json!({ "used_until": floor.0 }));
}

fn failure(fault: PrepareFault) -> Failure {
    match fault {
        PrepareFault::Store(fault) => fault.into(),
        PrepareFault::Ledger(fault) => fault.into(),
        PrepareFault::Machine => twinlock_core::fault::MachineFault.into(),
    }
}
