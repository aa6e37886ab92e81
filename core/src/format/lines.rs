//! Lines of a text, counted from 1: what is told of a mistake in place of the text around it.

/// The line that a byte of the text stands in.
pub(super) fn line_at(text: &str, offset: usize) -> u32 {
    let newlines = text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    u32::try_from(newlines).unwrap_or(u32::MAX).saturating_add(1)
}
