//! Detects damaged `otpauth://` lines that would be misread: surrounding text, HTML, parameters inside values.

use crate::otp::otpauth::{UriFault, strip_prefix_any_case};

const SCHEME: &str = "otpauth://";
const EXPORT_SCHEME: &str = "otpauth-migration://";
/// The mark at the start of a UTF-8 file from some editors.
pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';
/// HTML encodings of an ampersand.
const HTML_AMPERSANDS: [&str; 4] = ["&amp", "&#38", "&#x26", "&#038"];
/// Parameters that determine the codes.
const DECISIVE: [&str; 5] = ["secret", "digits", "period", "algorithm", "counter"];
/// Parameters of apps that do not change codes.
const HARMLESS: [&str; 8] = ["image", "icon", "logo", "color", "lock", "creator", "group", "tag"];

/// Returns the only line of a text, without surrounding blanks.
///
/// # Errors
/// [`UriFault`] if the text is not exactly one `otpauth://` line.
pub(super) fn only_line(text: &str) -> Result<&str, UriFault> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = lines.next().ok_or(UriFault::Scheme)?;
    let is_export = contains(text, EXPORT_SCHEME) && !contains(text, SCHEME);
    match () {
        () if is_export => Err(UriFault::Export),
        () if text.starts_with(BYTE_ORDER_MARK) => Err(UriFault::ByteOrderMark),
        () if lines.next().is_some() => Err(UriFault::Lines),
        () if strip_prefix_any_case(line, SCHEME).is_some() => Ok(line),
        () if contains(line, SCHEME) => Err(UriFault::Prefix),
        () => Err(UriFault::Scheme),
    }
}

/// Returns whether the line is HTML-encoded.
pub(crate) fn is_html(line: &str) -> bool {
    HTML_AMPERSANDS.iter().any(|name| contains(line, name))
}

/// Returns whether a decoded value contains a parameter: after a comma, a semicolon, a second question mark or a
/// doubly encoded ampersand.
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

/// Returns whether an unknown parameter changes no code.
pub(super) fn is_harmless(name: &str) -> bool {
    HARMLESS.contains(&name)
}

/// Returns whether a text contains a part, ignoring case.
pub(crate) fn contains(text: &str, part: &str) -> bool {
    positions(text, part).next().is_some()
}

/// Returns the positions of a part in a text, ignoring case, without copying the text, which contains a key.
fn positions<'a>(text: &'a str, part: &'a str) -> impl Iterator<Item = usize> + 'a {
    let windows = text.as_bytes().windows(part.len()).enumerate();
    windows.filter(|(_, found)| found.eq_ignore_ascii_case(part.as_bytes())).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use crate::otp::otpauth::{UriFault, parse};

    const LINE: &str = "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn fault(text: &str) -> UriFault {
        parse(text).unwrap_err()
    }

    #[test]
    fn text_around_the_line_is_named() {
        assert!(parse(&alloc::format!("\n  {LINE}\r\n\n")).is_ok());
        for (text, expected) in [
            (alloc::format!("\u{feff}{LINE}"), UriFault::ByteOrderMark),
            (alloc::format!("QR-Code:{LINE}\n"), UriFault::Prefix),
            (alloc::format!("<a href=\"{LINE}\">"), UriFault::Prefix),
            (alloc::format!("{LINE}\n{LINE}"), UriFault::Lines),
            (alloc::format!("{LINE}\n&digits=8"), UriFault::Lines),
            ("otpauth-migration://offline?data=AA".into(), UriFault::Export),
            ("QR-Code:OTPAUTH-MIGRATION://offline?data=AA\n\nx".into(), UriFault::Export),
            ("\n \n".into(), UriFault::Scheme),
        ] {
            assert_eq!(fault(&text), expected, "{text}");
        }
    }

    #[test]
    fn damage_never_gives_other_digits_or_periods() {
        for (tail, expected) in [
            ("&amp;digits=8", UriFault::Html),
            ("&AMP;issuer=x", UriFault::Html),
            ("&#38;period=60", UriFault::Html),
            ("&issuer=x;digits=8", UriFault::Nested),
            ("&issuer=x?digits=8", UriFault::Nested),
            ("&issuer=x#algorithm=SHA256", UriFault::Nested),
            ("&issuer=x%26digits%3D8", UriFault::Nested),
            ("&issuer=x%2526Period%253D60", UriFault::Nested),
            ("&issuer=x\\u0026digits=8", UriFault::Nested),
            ("&image=x,digits = 8", UriFault::Nested),
            ("&Digits=8", UriFault::Unknown),
            ("&digit=8", UriFault::Unknown),
            ("&%20digits=8", UriFault::Unknown),
            ("&algo=SHA256", UriFault::Unknown),
            ("&encoder=steam", UriFault::Unknown),
            ("&2step_salt=8", UriFault::Unknown),
            ("&issuer=Tom & Jerry", UriFault::Unknown),
            ("&%64igits=8&digits=8", UriFault::Twice),
            ("&digits=8&digits=8", UriFault::Twice),
            ("&digits", UriFault::Digits),
            ("&digits=8;period=60", UriFault::Nested),
            ("&digits=%2008", UriFault::Digits),
            ("&digits=+8", UriFault::Digits),
            ("&digits=08", UriFault::Digits),
            ("&period=30.0", UriFault::Period),
        ] {
            assert_eq!(fault(&alloc::format!("{LINE}{tail}")), expected, "{tail}");
        }
        let read =
            parse(&alloc::format!("{LINE}&%64igits=8&issuer=Digits&image=a%3Fb%3Dc&&")).unwrap();
        assert_eq!((read.parameters.digits.get(), read.name.as_str()), (8, "Digits"));
    }
}
