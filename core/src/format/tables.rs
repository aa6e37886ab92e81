//! TOML tables whose values are taken by key. A value that is not taken is an error.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Text between an unknown key and the list of the known ones, in [`TableError::what`].
pub const KNOWN_HERE: &str = "; known here: ";

/// An error in a TOML text: where it is, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableError {
    /// Byte offset of the error in the text.
    pub(crate) at: usize,
    /// What is wrong, as a clause that does not quote the value.
    pub(crate) what: String,
}

impl core::fmt::Display for TableError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.what)
    }
}

impl core::error::Error for TableError {}

/// A TOML date, time, or date and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dated {
    /// Year, month and day; `None` if the value contains a time.
    pub(crate) day: Option<(u16, u8, u8)>,
    /// The date or time as it is written in the text.
    pub(crate) text: String,
}

/// A table from which each value is taken once.
pub(crate) struct Table<'i> {
    values: DeTable<'i>,
    at: usize,
    known: Vec<&'static str>,
}

impl<'i> Table<'i> {
    /// Parses a whole TOML text.
    ///
    /// # Errors
    /// [`TableError`] for the first error in the text.
    pub(crate) fn parse(text: &'i str) -> Result<Self, TableError> {
        let parsed = DeTable::parse(text).map_err(|error| TableError {
            at: error.span().map_or(0, |span| span.start),
            what: error.message().replace('\n', ", ").trim().to_string(),
        })?;
        let at = parsed.span().start;
        Ok(Self::of(parsed.into_inner(), at))
    }

    fn of(values: DeTable<'i>, at: usize) -> Self {
        Self { values, at, known: Vec::new() }
    }

    /// Returns the byte offset of the table in the text.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns the error that the key is missing.
    pub(crate) fn missing(&self, key: &str) -> TableError {
        TableError { at: self.at, what: format!("missing field `{key}`") }
    }

    fn take(&mut self, key: &'static str) -> Option<(Range<usize>, DeValue<'i>)> {
        self.known.push(key);
        let value = self.values.remove(key)?;
        Some((value.span(), value.into_inner()))
    }

    /// Takes the string with this key; `None` if the key is missing.
    pub(crate) fn string(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Spanned<String>>, TableError> {
        match self.take(key) {
            None => Ok(None),
            Some((span, DeValue::String(text))) => Ok(Some(Spanned::new(span, text.into_owned()))),
            Some((span, other)) => Err(unexpected(&span, key, &other, "a string")),
        }
    }

    /// Takes the whole number with this key; `None` if the key is missing.
    pub(crate) fn number<N: TryFrom<i128>>(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Spanned<N>>, TableError> {
        let Some((span, value)) = self.take(key) else { return Ok(None) };
        let odd = || unexpected(&span, key, &value, "a whole number");
        let number = whole_number(&value).ok_or_else(odd)?;
        Ok(Some(Spanned::new(span, number)))
    }

    /// Takes the boolean with this key; `None` if the key is missing.
    pub(crate) fn boolean(&mut self, key: &'static str) -> Result<Option<bool>, TableError> {
        match self.take(key) {
            None => Ok(None),
            Some((_, DeValue::Boolean(value))) => Ok(Some(value)),
            Some((span, other)) => Err(unexpected(&span, key, &other, "true or false")),
        }
    }

    /// Takes the date or time with this key; `None` if the key is missing.
    pub(crate) fn date(&mut self, key: &'static str) -> Result<Option<Spanned<Dated>>, TableError> {
        match self.take(key) {
            None => Ok(None),
            Some((span, DeValue::Datetime(date))) => {
                let day = date.date.filter(|_| date.time.is_none() && date.offset.is_none());
                let day = day.map(|day| (day.year, day.month, day.day));
                Ok(Some(Spanned::new(span, Dated { day, text: date.to_string() })))
            }
            Some((span, other)) => Err(unexpected(&span, key, &other, "a date")),
        }
    }

    /// Takes the string with this key, or a whole number as a string; `None` if the key is missing.
    pub(crate) fn string_or_number(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Spanned<String>>, TableError> {
        match self.take(key) {
            Some((span, DeValue::Integer(integer))) => {
                Ok(Some(Spanned::new(span, integer.as_str().to_string())))
            }
            Some((span, DeValue::String(text))) => Ok(Some(Spanned::new(span, text.into_owned()))),
            Some((span, other)) => Err(unexpected(&span, key, &other, "a string")),
            None => Ok(None),
        }
    }

    /// Takes the list of strings with this key; `None` if the key is missing.
    pub(crate) fn strings(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Spanned<Vec<String>>>, TableError> {
        let Some((span, value)) = self.take(key) else { return Ok(None) };
        let DeValue::Array(list) = value else {
            return Err(unexpected(&span, key, &value, "a list"));
        };
        let one = |value: Spanned<DeValue<'i>>| {
            let text = value.get_ref().as_str().map(ToString::to_string);
            text.ok_or_else(|| unexpected(&value.span(), key, value.get_ref(), "strings"))
        };
        let list = list.into_iter().map(one).collect::<Result<_, _>>()?;
        Ok(Some(Spanned::new(span, list)))
    }

    /// Takes the list of whole numbers with this key; `None` if the key is missing.
    pub(crate) fn numbers<N: TryFrom<i128>>(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Spanned<Vec<N>>>, TableError> {
        let Some((span, value)) = self.take(key) else { return Ok(None) };
        let DeValue::Array(list) = value else {
            return Err(unexpected(&span, key, &value, "a list"));
        };
        let one = |value: Spanned<DeValue<'i>>| {
            let number = whole_number(value.get_ref());
            number.ok_or_else(|| unexpected(&value.span(), key, value.get_ref(), "whole numbers"))
        };
        let list = list.into_iter().map(one).collect::<Result<_, _>>()?;
        Ok(Some(Spanned::new(span, list)))
    }

    /// Takes the table with this key; an empty table if the key is missing.
    pub(crate) fn table(&mut self, key: &'static str) -> Result<Table<'i>, TableError> {
        Ok(self.table_if_any(key)?.unwrap_or(Table::of(DeTable::new(), self.at)))
    }

    /// Takes the table with this key; `None` if the key is missing.
    pub(crate) fn table_if_any(
        &mut self,
        key: &'static str,
    ) -> Result<Option<Table<'i>>, TableError> {
        match self.take(key) {
            None => Ok(None),
            Some((span, DeValue::Table(values))) => Ok(Some(Table::of(values, span.start))),
            Some((span, other)) => Err(unexpected(&span, key, &other, "a table")),
        }
    }

    /// Takes all tables of the array with this key; an empty list if the key is missing.
    pub(crate) fn tables(&mut self, key: &'static str) -> Result<Vec<Table<'i>>, TableError> {
        let Some((span, value)) = self.take(key) else { return Ok(Vec::new()) };
        let DeValue::Array(list) = value else {
            return Err(unexpected(&span, key, &value, "a list of tables"));
        };
        let one = |value: Spanned<DeValue<'i>>| {
            let span = value.span();
            if let DeValue::Table(values) = value.into_inner() {
                return Ok(Table::of(values, span.start));
            }
            let what = format!("{key} holds something else than tables");
            Err(TableError { at: span.start, what })
        };
        list.into_iter().map(one).collect()
    }

    /// Returns the value, or for `None` the error that the key is missing.
    pub(crate) fn must<T>(&self, key: &str, value: Option<T>) -> Result<T, TableError> {
        value.ok_or_else(|| self.missing(key))
    }

    /// Returns whether the table has a value with this key that was not taken yet.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// Returns an error if the table still has a value that was not taken. Every value of a text is thus either used or
    /// refused.
    pub(crate) fn end(&self) -> Result<(), TableError> {
        self.end_among(self.known.iter().copied())
    }

    /// Returns an error for the first key in the text whose value was not taken. The error lists `known`, all valid
    /// keys.
    pub(crate) fn end_among(
        &self,
        known: impl Iterator<Item = &'static str>,
    ) -> Result<(), TableError> {
        // Report the unknown key that comes first in the text, not the first in alphabetical order.
        match self.values.iter().min_by_key(|(key, _)| key.span().start) {
            None => Ok(()),
            Some((key, _)) => Err(TableError {
                at: key.span().start,
                what: format!(
                    "there is no setting {}{KNOWN_HERE}{}",
                    key.get_ref().escape_debug(),
                    known.collect::<Vec<_>>().join(", ")
                ),
            }),
        }
    }
}

/// Returns the value as a whole number; `None` if it is none, or not one of the type.
fn whole_number<N: TryFrom<i128>>(value: &DeValue<'_>) -> Option<N> {
    let integer = value.as_integer()?;
    N::try_from(i128::from_str_radix(integer.as_str(), integer.radix()).ok()?).ok()
}

/// Returns the error for a value of an unexpected type. Never quotes the value, because it may be a key.
fn unexpected(at: &Range<usize>, key: &str, found: &DeValue<'_>, wanted: &str) -> TableError {
    let what = format!("{key} is of type {} where {wanted} is expected", found.type_str());
    TableError { at: at.start, what }
}
