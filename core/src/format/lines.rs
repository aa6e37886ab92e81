//! Line numbers from 1. Errors report a line number in place of the text.

/// Returns the number, from 1, of the line that contains a byte offset.
pub(crate) fn line_at(text: &str, offset: usize) -> u32 {
    let newlines = text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    u32::try_from(newlines).unwrap_or(u32::MAX).saturating_add(1)
}
