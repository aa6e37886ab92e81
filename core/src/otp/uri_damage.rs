//! Detects damage in `otpauth://` lines that would be misread: surrounding text, HTML, parameters inside values.

use crate::otp::uri_error::UriError;

const SCHEME: &str = "otpauth://";
const EXPORT_SCHEME: &str = "otpauth-migration://";
/// The byte order mark, which some editors write at the start of a UTF-8 file.
pub const BYTE_ORDER_MARK: char = '\u{feff}';
/// The beginnings of HTML encodings of an ampersand.
const HTML_AMPERSANDS: [&str; 4] = ["&amp", "&#38", "&#x26", "&#038"];
/// Names of the parameters that determine the codes.
const DECISIVE: [&str; 5] = ["secret", "digits", "period", "algorithm", "counter"];
/// Names of parameters that some apps add. They have no effect on the codes.
const HARMLESS: [&str; 8] = ["image", "icon", "logo", "color", "lock", "creator", "group", "tag"];

/// Returns the only line of a text, without surrounding spaces. Ignores empty lines.
///
/// # Errors
/// [`UriError`] if the text is not exactly one `otpauth://` line.
pub(super) fn only_line(text: &str) -> Result<&str, UriError> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.next().ok_or(UriError::Scheme)?;
    let is_export = contains(text, EXPORT_SCHEME) && !contains(text, SCHEME);
    match () {
        () if is_export => Err(UriError::Export),
        () if text.starts_with(BYTE_ORDER_MARK) => Err(UriError::ByteOrderMark),
        () if lines.next().is_some() => Err(UriError::Lines),
        () if strip_prefix_any_case(line, SCHEME).is_some() => Ok(line),
        () if contains(line, SCHEME) => Err(UriError::Prefix),
        () => Err(UriError::Scheme),
    }
}

/// Returns whether the ampersands of a line are HTML-encoded.
pub fn is_html(line: &str) -> bool {
    HTML_AMPERSANDS.iter().any(|name| contains(line, name))
}

/// Returns whether a decoded value contains the name of a parameter that determines the codes, followed by an equals
/// sign.
pub(super) fn holds_parameter(value: &str) -> bool {
    DECISIVE.iter().any(|name| {
        let after = |at: usize| value.as_bytes().get(at + name.len()..).unwrap_or_default();
        positions(value, name).any(|at| {
            let rest = after(at);
            let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
            let rest = rest.get(spaces..).unwrap_or_default();
            rest.starts_with(b"=")
                || rest.get(..3).is_some_and(|part| part.eq_ignore_ascii_case(b"%3d"))
        })
    })
}

/// Returns whether a parameter with this name has no effect on the codes.
pub(super) fn is_harmless(name: &str) -> bool {
    HARMLESS.contains(&name)
}

/// Returns whether `text` contains `part`, ignoring case.
pub fn contains(text: &str, part: &str) -> bool {
    positions(text, part).next().is_some()
}

/// Returns the positions of `part` in `text`, ignoring case. Does not copy the text, because it contains a key.
fn positions<'a>(text: &'a str, part: &'a str) -> impl Iterator<Item = usize> + 'a {
    let windows = text.as_bytes().windows(part.len()).enumerate();
    windows.filter(|(_, found)| found.eq_ignore_ascii_case(part.as_bytes())).map(|(at, _)| at)
}

/// Returns the text after a prefix, ignoring case; `None` if the text does not begin with the prefix.
pub fn strip_prefix_any_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..))?
}

#[cfg(test)]
mod tests {
    use crate::otp::{otpauth::parse, uri_error::UriError};

    const LINE: &str = "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn fault(text: &str) -> UriError {
        parse(text).unwrap_err()
    }

    #[test]
    fn text_around_the_line_is_named() {
        assert!(parse(&alloc::format!("\n  {LINE}\r\n\n")).is_ok());
        for (text, expected) in [
            (alloc::format!("\u{feff}{LINE}"), UriError::ByteOrderMark),
            (alloc::format!("QR-Code:{LINE}\n"), UriError::Prefix),
            (alloc::format!("<a href=\"{LINE}\">"), UriError::Prefix),
            (alloc::format!("{LINE}\n{LINE}"), UriError::Lines),
            (alloc::format!("{LINE}\n&digits=8"), UriError::Lines),
            ("otpauth-migration://offline?data=AA".into(), UriError::Export),
            ("QR-Code:OTPAUTH-MIGRATION://offline?data=AA\n\nx".into(), UriError::Export),
            ("\n \n".into(), UriError::Scheme),
        ] {
            assert_eq!(fault(&text), expected, "{text}");
        }
    }

    #[test]
    fn damage_never_gives_other_digits_or_periods() {
        for (tail, expected) in [
            ("&amp;digits=8", UriError::Html),
            ("&AMP;issuer=x", UriError::Html),
            ("&#38;period=60", UriError::Html),
            ("&issuer=x;digits=8", UriError::Nested),
            ("&issuer=x?digits=8", UriError::Nested),
            ("&issuer=x#algorithm=SHA256", UriError::Nested),
            ("&issuer=x%26digits%3D8", UriError::Nested),
            ("&issuer=x%2526Period%253D60", UriError::Nested),
            ("&issuer=x\\u0026digits=8", UriError::Nested),
            ("&image=x,digits = 8", UriError::Nested),
            ("&Digits=8", UriError::Unknown),
            ("&digit=8", UriError::Unknown),
            ("&%20digits=8", UriError::Unknown),
            ("&algo=SHA256", UriError::Unknown),
            ("&encoder=steam", UriError::Unknown),
            ("&2step_salt=8", UriError::Unknown),
            ("&issuer=Tom & Jerry", UriError::Unknown),
            ("&%64igits=8&digits=8", UriError::Twice),
            ("&digits=8&digits=8", UriError::Twice),
            ("&digits", UriError::Digits),
            ("&digits=8;period=60", UriError::Nested),
            ("&digits=%2008", UriError::Digits),
            ("&digits=+8", UriError::Digits),
            ("&digits=08", UriError::Digits),
            ("&period=30.0", UriError::Period),
        ] {
            assert_eq!(fault(&alloc::format!("{LINE}{tail}")), expected, "{tail}");
        }
        let read =
            parse(&alloc::format!("{LINE}&%64igits=8&issuer=Digits&image=a%3Fb%3Dc&&")).unwrap();
        assert_eq!((read.parameters.digits.get(), read.name.as_str()), (8, "Digits"));
    }
}
