//! Memory for one evaluation of Argon2. It is unmapped when the value is dropped, also after an error.
#![expect(unsafe_code, reason = "the heap keeps 19 MiB for good, and aborts where there is none")]

use core::{ptr, ptr::NonNull, slice};

use argon2::Block;
use rustix::{
    io::{self, Errno},
    mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap},
};

/// Private memory blocks, which the kernel wipes when they are unmapped.
pub(crate) struct Blocks {
    start: NonNull<Block>,
    count: usize,
}

impl Blocks {
    /// Maps `count` blocks of 1 KiB. Returns an error instead of aborting the process if a resource limit is reached.
    pub(crate) fn map(count: usize) -> io::Result<Self> {
        let length = count.checked_mul(Block::SIZE).ok_or(Errno::NOMEM)?;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: this is a private mapping at an address that the kernel chooses, so it overlaps no other mapping.
        let mapped =
            unsafe { mmap_anonymous(ptr::null_mut(), length, protection, MapFlags::PRIVATE) }?;
        let start = NonNull::new(mapped.cast::<Block>()).ok_or(Errno::NOMEM)?;
        let blocks = Self { start, count };
        // The mapping is excluded from core dumps, best effort. SAFETY: the range is the mapping just made, and its
        // content does not change.
        let _ = unsafe { madvise(mapped, length, Advice::LinuxDontDump) };
        Ok(blocks)
    }
}

impl AsMut<[Block]> for Blocks {
    fn as_mut(&mut self) -> &mut [Block] {
        // SAFETY: the mapping has this length, is page-aligned and zeroed by the kernel (a block is 128 integers), and
        // is borrowed only together with this value.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.count) }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        // SAFETY: this value owns the mapping, which has this length, and no borrow of it outlives the value.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.count * Block::SIZE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_zeroed_and_aligned() {
        let mut blocks = Blocks::map(19 * 1024).unwrap();
        let blocks: &mut [Block] = blocks.as_mut();
        assert_eq!(blocks.len(), 19 * 1024);
        assert!(blocks.as_ptr().is_aligned());
        assert!(blocks.iter_mut().all(|block| block.as_mut().iter().all(|word| *word == 0)));
    }

    #[test]
    fn what_cannot_be_mapped_is_an_error() {
        assert!(Blocks::map(usize::MAX).is_err());
        assert!(Blocks::map(usize::MAX / Block::SIZE / 4).is_err());
        assert!(Blocks::map(0).is_err());
    }
}
