//! Reads the wall clock and the boot clock of the kernel.

use nix::{
    sys::time::TimeSpec,
    time::{ClockId, clock_gettime},
};
use twinlock_core::{
    base::{
        error::MachineError,
        time::{BootTime, Now, UnixTime},
    },
    ports::Clock,
};

/// The clocks `CLOCK_REALTIME` and `CLOCK_BOOTTIME` of the kernel.
#[derive(Debug, Clone, Copy)]
pub struct KernelClock;

impl Clock for KernelClock {
    fn now(&self) -> Result<Now, MachineError> {
        let unix = read(ClockId::CLOCK_REALTIME)?;
        let boot = read(ClockId::CLOCK_BOOTTIME)?;
        let seconds = u64::try_from(unix.tv_sec()).map_err(|_| MachineError)?;
        let boot_seconds = u64::try_from(boot.tv_sec()).map_err(|_| MachineError)?;
        let boot_nanos = u64::try_from(boot.tv_nsec()).map_err(|_| MachineError)?;
        let boot =
            boot_seconds.checked_mul(1_000_000_000).and_then(|whole| whole.checked_add(boot_nanos));
        Ok(Now { unix: UnixTime(seconds), boot: BootTime(boot.ok_or(MachineError)?) })
    }
}

fn read(clock: ClockId) -> Result<TimeSpec, MachineError> {
    clock_gettime(clock).map_err(|_| MachineError)
}
