//! Shape of a JSON value in the notation of docs/json.md: `{user: text, since: instant?, mail*: text}`.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Chars;

use serde_json::Value;

/// Times at which these tests may run, in seconds since 1970. No other number in the output is as large.
const INSTANTS: std::ops::Range<u64> = 1_500_000_000..5_000_000_000;

/// Expected shape of one JSON value.
#[derive(Debug)]
pub struct Outline {
    kind: OutlineKind,
    or_null: bool,
}

#[derive(Debug)]
enum OutlineKind {
    Text,
    Number,
    Instant,
    Bool,
    Null,
    List(Box<Outline>),
    Object(Vec<OutlineField>),
}

#[derive(Debug)]
struct OutlineField {
    key: String,
    may_be_missing: bool,
    holds: Outline,
}

impl OutlineField {
    /// Returns whether a key of the outline matches `key`. A key in capitals matches every key.
    fn is(&self, key: &str) -> bool {
        self.key == key || self.key.chars().all(|letter| letter.is_ascii_uppercase())
    }
}

impl Outline {
    /// Parses an outline, to the end of the text.
    #[track_caller]
    pub fn read(text: &str) -> Outline {
        let mut letters = text.chars().peekable();
        let outline = outline(&mut letters);
        assert_eq!(letters.collect::<String>(), "", "behind an outline: {text}");
        outline
    }

    /// Checks a value against this outline. Adds the parts of the outline that occur in the value to `met`, by names
    /// that begin with `place`.
    #[track_caller]
    pub fn hold(&self, value: &Value, place: &str, met: &mut BTreeSet<String>) {
        if value.is_null() && self.or_null {
            met.insert(format!("{place} is null"));
            return;
        }
        met.insert(format!("{place} is there"));
        match (&self.kind, value) {
            (OutlineKind::Text, Value::String(_))
            | (OutlineKind::Bool, Value::Bool(_))
            | (OutlineKind::Null, Value::Null) => {}
            (OutlineKind::Number, Value::Number(found)) => {
                let found = found.as_i64().expect("a whole number").unsigned_abs();
                assert!(!INSTANTS.contains(&found), "{place} is an instant: {found}");
            }
            (OutlineKind::Instant, Value::Number(found)) => {
                let found = found.as_u64().expect("a whole number");
                assert!(INSTANTS.contains(&found), "{place} is no instant: {found}");
            }
            (OutlineKind::List(each), Value::Array(all)) => {
                all.iter().for_each(|one| each.hold(one, &format!("{place}[]"), met));
            }
            (OutlineKind::Object(fields), Value::Object(found)) => {
                for (key, value) in found {
                    let field = fields.iter().find(|field| field.is(key));
                    let field = field.unwrap_or_else(|| panic!("{place}.{key} is not documented"));
                    field.holds.hold(value, &format!("{place}.{}", field.key), met);
                }
                for field in fields.iter().filter(|field| !found.keys().any(|key| field.is(key))) {
                    let place = format!("{place}.{}", field.key);
                    assert!(field.may_be_missing, "{place} is missing");
                    met.insert(format!("{place} is missing"));
                }
            }
            (kind, other) => panic!("{place} is no {kind:?}: {other}"),
        }
    }

    /// Returns the parts of the outline, by the same names as in [`Outline::hold`]. Each must occur in some output,
    /// because otherwise the outline would describe output that does not exist.
    pub fn wanted(&self, place: &str) -> Vec<String> {
        let mut wanted = vec![format!("{place} is there")];
        if self.or_null {
            wanted.push(format!("{place} is null"));
        }
        match &self.kind {
            OutlineKind::List(each) => wanted.extend(each.wanted(&format!("{place}[]"))),
            OutlineKind::Object(fields) => {
                for field in fields {
                    let place = format!("{place}.{}", field.key);
                    wanted.extend(field.holds.wanted(&place));
                    if field.may_be_missing {
                        wanted.push(format!("{place} is missing"));
                    }
                }
            }
            OutlineKind::Text
            | OutlineKind::Number
            | OutlineKind::Instant
            | OutlineKind::Bool
            | OutlineKind::Null => {}
        }
        wanted
    }
}

fn outline(letters: &mut Peekable<Chars<'_>>) -> Outline {
    let kind = match letters.peek() {
        Some('{') => OutlineKind::Object(between(letters, '}', field)),
        Some('[') => {
            let mut all = between(letters, ']', outline);
            assert_eq!(all.len(), 1, "a list holds one kind");
            OutlineKind::List(Box::new(all.remove(0)))
        }
        _ => match word(letters).as_str() {
            "text" => OutlineKind::Text,
            "number" => OutlineKind::Number,
            "instant" => OutlineKind::Instant,
            "bool" => OutlineKind::Bool,
            "null" => OutlineKind::Null,
            other => panic!("{other} is no kind"),
        },
    };
    Outline { kind, or_null: letters.next_if_eq(&'?').is_some() }
}

fn field(letters: &mut Peekable<Chars<'_>>) -> OutlineField {
    let key = word(letters);
    let may_be_missing = letters.next_if_eq(&'*').is_some();
    assert_eq!(letters.next(), Some(':'), "behind the key {key}");
    assert_eq!(letters.next(), Some(' '), "behind the key {key}");
    OutlineField { key, may_be_missing, holds: outline(letters) }
}

/// Parses a list between brackets, separated by commas.
fn between<T>(
    letters: &mut Peekable<Chars<'_>>,
    end: char,
    read: fn(&mut Peekable<Chars<'_>>) -> T,
) -> Vec<T> {
    letters.next();
    let mut all = vec![read(letters)];
    while letters.next_if_eq(&',').is_some() {
        assert_eq!(letters.next(), Some(' '), "behind a comma");
        all.push(read(letters));
    }
    assert_eq!(letters.next(), Some(end), "the end of what a bracket begins");
    all
}

fn word(letters: &mut Peekable<Chars<'_>>) -> String {
    let mut word = String::new();
    while let Some(letter) = letters.next_if(|letter| letter.is_alphabetic() || *letter == '_') {
        word.push(letter);
    }
    word
}

#[test]
fn an_outline_holds_what_it_says_and_nothing_else() {
    let outline = Outline::read("{user: text, since*: instant?, all: [{ANY: number}]}");
    let hold = |text: &str| {
        let value = serde_json::from_str(text).expect("JSON");
        let held = std::panic::catch_unwind(|| {
            let mut met = BTreeSet::new();
            outline.hold(&value, "x", &mut met);
            met
        });
        held.map(|met| met.len()).ok()
    };
    assert_eq!(hold(r#"{"user":"ada","since":1800000000,"all":[{"a":1}]}"#), Some(6));
    assert_eq!(hold(r#"{"user":"ada","since":null,"all":[]}"#), Some(4));
    assert_eq!(hold(r#"{"user":"ada","all":[{"a":1,"b":2}]}"#), Some(6));
    for text in [
        r#"{"user":"ada"}"#,
        r#"{"user":null,"all":[]}"#,
        r#"{"user":"ada","all":[],"more":1}"#,
        r#"{"user":"ada","all":[],"since":7}"#,
        r#"{"user":"ada","all":[{"a":1800000000}]}"#,
        "[]",
    ] {
        assert_eq!(hold(text), None, "{text}");
    }
    assert_eq!(outline.wanted("x").len(), 8);
}
