//! `otpauth://` URIs: the format in which QR codes and files contain keys.

use alloc::{format, string::String, vec::Vec};
use core::fmt::Write;

use zeroize::Zeroizing;

use crate::{
    base::{base32, secret::Key},
    otp::{
        uri_damage::{self, strip_prefix_any_case},
        uri_error::UriError,
    },
    record::{Algorithm, Authenticator, Digits, MovingFactor, Parameters, Period},
};

/// Maximum length of a URI in bytes. A QR code holds less than half as many.
const URI_MAX: usize = 8192;

/// Default name of an authenticator.
pub const DEFAULT_NAME: &str = "app";

/// The issuer and the account in a URI.
pub struct Label<'a> {
    /// The issuer, which the app shows above the code.
    pub issuer: &'a str,
    /// The account, which the app shows below the code.
    pub account: &'a str,
}

/// Returns the account part of a label: the user name, followed by the authenticator's name if it helps to tell two
/// entries in the app apart. The default name `app` and the issuer's name do not help, so they are omitted.
#[must_use]
pub fn account_label(issuer: &str, user: &str, authenticator: &str) -> String {
    if authenticator == DEFAULT_NAME || authenticator == issuer {
        return user.into();
    }
    let mut label = String::with_capacity(user.len() + authenticator.len() + 3);
    label.extend([user, " (", authenticator, ")"]);
    label
}

/// Returns the URI of a TOTP key. Omits parameters with default values to keep the QR code small.
#[must_use]
pub fn write(label: &Label<'_>, key: &Key, parameters: Parameters) -> Zeroizing<String> {
    let mut uri = Zeroizing::new(String::from("otpauth://totp/"));
    encode(&mut uri, label.issuer);
    uri.push(':');
    encode(&mut uri, label.account);
    uri.push_str("?secret=");
    uri.push_str(&base32::write(key));
    uri.push_str("&issuer=");
    encode(&mut uri, label.issuer);
    let usual = Parameters::default();
    // Writing to a String cannot fail.
    if parameters.algorithm != usual.algorithm {
        let _ = write!(uri, "&algorithm={}", parameters.algorithm.name());
    }
    if parameters.digits != usual.digits {
        let _ = write!(uri, "&digits={}", parameters.digits.get());
    }
    if parameters.period != usual.period {
        let _ = write!(uri, "&period={}", parameters.period.seconds());
    }
    uri
}

/// Returns a URI without its issuer parameter, for a smaller QR code. Apps take the issuer from the label as well.
#[must_use]
pub fn shortened(uri: &str) -> Zeroizing<String> {
    let mut short = Zeroizing::new(String::with_capacity(uri.len()));
    for part in uri.split('&').filter(|part| !part.starts_with("issuer=")) {
        if !short.is_empty() {
            short.push('&');
        }
        short.push_str(part);
    }
    short
}

/// Returns the URI of an authenticator in its current state. The URI of a HOTP token contains the counter of its next
/// code.
#[must_use]
pub fn write_next(label: &Label<'_>, authenticator: &Authenticator) -> Zeroizing<String> {
    let of_time = write(label, &authenticator.key, authenticator.parameters);
    let MovingFactor::Counter { next } = authenticator.moving else { return of_time };
    let mut uri = Zeroizing::new(String::with_capacity(of_time.len() + 32));
    uri.push_str("otpauth://hotp/");
    uri.push_str(of_time.strip_prefix("otpauth://totp/").unwrap_or_default());
    let _ = write!(uri, "&counter={next}");
    uri
}

fn encode(uri: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => {
                uri.push(char::from(byte));
            }
            _ => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
}

/// Parses a URI. Names the authenticator after its issuer, or `app` if the URI has no issuer. Ignores parameters that
/// change no code, as apps do.
///
/// # Errors
/// [`UriError`] if the URI is damaged, or if a parameter may change codes in a way that is not supported, because the
/// codes might then differ from the app's. The error never quotes the URI.
pub fn parse(uri: &str) -> Result<Authenticator, UriError> {
    if uri.len() > URI_MAX {
        return Err(UriError::TooLong);
    }
    let line = uri_damage::only_line(uri)?;
    let rest = strip_prefix_any_case(line, "otpauth://").ok_or(UriError::Scheme)?;
    let (kind, rest) = match strip_prefix_any_case(rest, "hotp/") {
        Some(rest) => (UriKind::Counter, rest),
        None => (UriKind::Clock, strip_prefix_any_case(rest, "totp/").ok_or(UriError::Type)?),
    };
    let (label, query) = rest.split_once('?').ok_or(UriError::NoSecret)?;
    if uri_damage::is_html(rest) {
        return Err(UriError::Html);
    }
    let mut fields = UriFields::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        fields.take(name, value)?;
    }
    fields.finish(kind, &decode(label)?)
}

/// Returns the issuer and account of a URI in safe characters; `app` if the URI has neither.
#[must_use]
pub fn label(uri: &str) -> String {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let label = path.rsplit('/').next().unwrap_or_default();
    let label = decode(label).unwrap_or_default();
    match label.split_once(':') {
        Some((issuer, account)) => format!("{}:{}", tidy_name(issuer), tidy_name(account)),
        None => tidy_name(&label),
    }
}

/// The type of an `otpauth://` URI, which names the moving factor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UriKind {
    Clock,
    Counter,
}

#[derive(Default)]
struct UriFields {
    secret: Option<Zeroizing<String>>,
    issuer: Option<Zeroizing<String>>,
    digits: Option<Zeroizing<String>>,
    period: Option<Zeroizing<String>>,
    algorithm: Option<Zeroizing<String>>,
    counter: Option<Zeroizing<String>>,
}

impl UriFields {
    fn take(&mut self, name: &str, value: &str) -> Result<(), UriError> {
        let (name, value) = (decode(name)?, decode(value)?);
        if uri_damage::holds_parameter(&value) {
            return Err(UriError::Nested);
        }
        let field = match name.as_str() {
            "secret" => &mut self.secret,
            "issuer" => &mut self.issuer,
            "digits" => &mut self.digits,
            "period" => &mut self.period,
            "algorithm" => &mut self.algorithm,
            "counter" => &mut self.counter,
            name if uri_damage::is_harmless(name) => return Ok(()),
            _ => return Err(UriError::Unknown),
        };
        if field.is_some() {
            return Err(UriError::Twice);
        }
        *field = Some(value);
        Ok(())
    }

    fn finish(self, kind: UriKind, label: &str) -> Result<Authenticator, UriError> {
        let moving = self.moving(kind)?;
        let mut parameters = Parameters::default();
        if let Some(text) = &self.digits {
            parameters.digits = number(text).and_then(Digits::new).ok_or(UriError::Digits)?;
        }
        // A parameter that does not apply to the type of the URI counts as unknown.
        if let Some(text) = self.period.as_ref().filter(|_| kind == UriKind::Clock) {
            parameters.period = number(text).and_then(Period::new).ok_or(UriError::Period)?;
        }
        if let Some(text) = &self.algorithm {
            parameters.algorithm = Algorithm::named(text).ok_or(UriError::Algorithm)?;
        }
        let secret = self.secret.ok_or(UriError::NoSecret)?;
        let issuer = self.issuer.as_ref().map(|issuer| issuer.as_str());
        let prefix = label.split_once(':').map(|(issuer, _)| issuer);
        Ok(Authenticator {
            name: tidy_name(issuer.or(prefix).unwrap_or("app")),
            key: base32::parse(&secret).map_err(UriError::Secret)?,
            parameters,
            moving,
            seen: None,
        })
    }

    fn moving(&self, kind: UriKind) -> Result<MovingFactor, UriError> {
        let next = self.counter.as_deref().map(|text| number(text));
        match (kind, next) {
            (UriKind::Clock, _) => Ok(MovingFactor::default()),
            (UriKind::Counter, Some(Some(next))) => Ok(MovingFactor::Counter { next }),
            (UriKind::Counter, _) => Err(UriError::Counter),
        }
    }
}

/// Parses plain digits; `None` for other spellings such as `+8` or `08`, because apps read them in different ways.
fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    let usual = text.len() == 1 || !text.starts_with(['0', '+']);
    usual.then_some(number)
}

/// Returns the name of an authenticator from a text: at most 40 of its characters that are safe in log lines and on a
/// terminal; `app` if it has none.
#[must_use]
pub fn tidy_name(text: &str) -> String {
    let name: String = text
        .chars()
        .filter(|letter| letter.is_alphanumeric() || " .-_@".contains(*letter))
        .take(40)
        .collect();
    match name.trim() {
        "" => DEFAULT_NAME.into(),
        name => name.into(),
    }
}

/// Decodes percent-encoded text.
///
/// # Errors
/// [`UriError::Encoding`] if the text is not valid percent-encoded UTF-8.
pub fn decode(text: &str) -> Result<Zeroizing<String>, UriError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = hex(rest.next()).ok_or(UriError::Encoding)?;
                high << 4 | hex(rest.next()).ok_or(UriError::Encoding)?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map(Zeroizing::new).map_err(|_| UriError::Encoding)
}

fn hex(byte: Option<u8>) -> Option<u8> {
    let digit = char::from(byte?).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn what_is_written_is_read_back() {
        let parameters = Parameters {
            algorithm: Algorithm::Sha256,
            digits: Digits::new(8).unwrap(),
            period: Period::new(60).unwrap(),
        };
        let key = base32::parse(KEY).unwrap();
        let label = Label { issuer: "web 01: öst", account: "ada" };
        let uri = write(&label, &key, parameters);
        assert_eq!(
            *uri,
            "otpauth://totp/web%2001%3A%20%C3%B6st:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=web%2001%3A%20%C3%B6st&algorithm=SHA256&digits=8&period=60"
        );
        let read = parse(&uri).unwrap();
        assert_eq!(read.key, key);
        assert_eq!(read.parameters, parameters);
        assert_eq!(read.name, "web 01 öst");
    }

    #[test]
    fn usual_parameters_are_left_out() {
        let key = base32::parse(KEY).unwrap();
        let uri = write(&Label { issuer: "h", account: "ada" }, &key, Parameters::default());
        assert_eq!(*uri, "otpauth://totp/h:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=h");
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let with = |query: &str| parse(&alloc::format!("otpauth://totp/x?{query}")).unwrap_err();
        assert_eq!(parse("http://x").unwrap_err(), UriError::Scheme);
        assert_eq!(parse("otpauth://yaotp/x?secret=A").unwrap_err(), UriError::Type);
        for counter in
            ["", "&counter=", "&counter=x", "&counter=-1", "&counter=99999999999999999999"]
        {
            let uri = alloc::format!("otpauth://hotp/x?secret={KEY}{counter}");
            assert_eq!(parse(&uri).unwrap_err(), UriError::Counter, "{counter}");
        }
        assert_eq!(parse("otpauth://totp/x").unwrap_err(), UriError::NoSecret);
        assert_eq!(with("issuer=x"), UriError::NoSecret);
        assert_eq!(with("secret=A&secret=B"), UriError::Twice);
        assert_eq!(with("secret=%4"), UriError::Encoding);
        assert_eq!(with("secret=%ff"), UriError::Encoding);
        assert_eq!(with("secret=A1"), UriError::Secret(base32::KeyTextError::Letter { at: 2 }));
        let key = |more: &str| with(&alloc::format!("secret={KEY}&{more}"));
        assert_eq!(key("digits=9"), UriError::Digits);
        assert_eq!(key("period=0"), UriError::Period);
        assert_eq!(key("algorithm=MD5"), UriError::Algorithm);
        assert_eq!(parse(&"o".repeat(9000)).unwrap_err(), UriError::TooLong);
    }

    #[test]
    fn a_token_brings_its_counter_and_has_no_period() {
        let uri = alloc::format!("otpauth://HOTP/x:ada?secret={KEY}&counter=42&digits=8&period=0");
        let token = parse(&uri).unwrap();
        assert_eq!(token.moving, MovingFactor::Counter { next: 42 });
        assert_eq!(token.parameters.digits.get(), 8);
        assert_eq!(token.parameters.period, Period::THIRTY);
        let uri = alloc::format!("otpauth://totp/x:ada?secret={KEY}&counter=x");
        assert_eq!(parse(&uri).unwrap().moving, MovingFactor::default());
    }

    #[test]
    fn the_name_is_harmless() {
        let uri = alloc::format!("OTPAUTH://TOTP/a%0Ab:c?secret={KEY}");
        assert_eq!(parse(&uri).unwrap().name, "ab");
        assert_eq!(tidy_name("\u{1b}[31m\u{202e}"), "31m");
        assert_eq!(tidy_name("\n"), "app");
    }

    #[test]
    fn a_token_goes_on_where_it_stands() {
        let uri = "otpauth://hotp/h:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=h&digits=8&counter=41";
        let token = parse(uri).unwrap();
        assert_eq!(token.moving, MovingFactor::Counter { next: 41 });
        assert_eq!(*write_next(&Label { issuer: "h", account: "ada" }, &token), uri);
    }
}
