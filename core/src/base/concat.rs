//! Concatenates texts in one allocation. Every login builds names and paths with it.

use alloc::string::String;

/// Returns the pieces joined without a separator.
#[must_use]
pub fn concat(pieces: &[&str]) -> String {
    let mut text = String::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
    for piece in pieces {
        text.push_str(piece);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::concat;

    #[test]
    fn pieces_stand_in_their_order() {
        assert_eq!(concat(&["used.", "", "5"]), "used.5");
        assert_eq!(concat(&[]), "");
    }
}
