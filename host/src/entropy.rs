//! Random bytes from the kernel.

use rustix::rand::{GetRandomFlags, getrandom};
use twinlock_core::{base::error::MachineError, ports::Entropy};

/// A source of random bytes that calls `getrandom(2)`.
#[derive(Debug, Clone, Copy)]
pub struct KernelEntropy;

impl Entropy for KernelEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), MachineError> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match getrandom(rest, GetRandomFlags::empty()) {
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(MachineError),
            }
        }
        Ok(())
    }
}
