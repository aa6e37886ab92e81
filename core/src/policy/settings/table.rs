//! The table of settings: each key of `twinlock.toml` with its type, range, documentation, and field of [`Policy`].
//!
//! The parser, `twinlock settings show`, `twinlock.toml.reference` and twinlock.toml(5) are generated from the table.
//! To add a setting, add an entry here and use the field of [`Policy`].

use alloc::{string::String, vec::Vec};
use core::ops::RangeInclusive;

use crate::policy::{
    Policy,
    settings::{general::GENERAL, sections},
};

/// One setting of `twinlock.toml`, with its type, range and description.
pub struct Setting {
    /// The key of the setting within its section.
    pub key: &'static str,
    /// The type and range of the setting, and how it is read from and written to a [`Policy`].
    pub kind: SettingType,
    /// Description of the setting in full sentences. Text in back quotes is a command, a file or a value. The command
    /// contains the description, but the PAM module does not.
    #[cfg(any(test, feature = "documents"))]
    pub doc: &'static str,
    /// What applies if the setting is absent; `None` if it then has a default.
    #[cfg(any(test, feature = "documents"))]
    pub unset: Option<Unset>,
}

/// What applies if a setting without a default is absent.
pub struct Unset {
    /// An example of a value, in TOML.
    pub example: &'static str,
    /// What applies if the setting is absent, as a noun phrase.
    pub means: &'static str,
}

/// The type of a setting. Each variant has functions that read and replace the value in a policy.
pub enum SettingType {
    /// A word that must be one of `words`.
    Word {
        /// The words that are allowed.
        words: &'static [&'static str],
        /// Returns the value of the setting, a word, from a policy.
        get: fn(&Policy) -> &'static str,
        /// Replaces the value of the setting in a policy by one of the allowed words.
        set: fn(&mut Policy, &'static str),
    },
    /// A whole number from `least` to `most`.
    Number {
        /// The smallest number that is allowed.
        least: u32,
        /// The largest number that is allowed.
        most: u32,
        /// Returns the value of the setting, a number, from a policy.
        get: fn(&Policy) -> u64,
        /// Replaces the value of the setting in a policy by a number within the range.
        set: fn(&mut Policy, u32),
    },
    /// `true` or `false`.
    Boolean {
        /// Returns the value of the setting from a policy.
        get: fn(&Policy) -> bool,
        /// Replaces the value of the setting in a policy.
        set: fn(&mut Policy, bool),
    },
    /// A line of 1 to `most` bytes without control characters.
    Text {
        /// Maximum length of the text in bytes.
        most: usize,
        /// Returns the value of the setting, a text, from a policy; `None` if it is unset.
        get: fn(&Policy) -> Option<&str>,
        /// Replaces the value of the setting in a policy by a text of 1 to `most` bytes.
        set: fn(&mut Policy, String),
    },
    /// An absolute path without `.` and `..`.
    Path {
        /// Returns the value of the setting, a path, from a policy.
        get: fn(&Policy) -> &str,
        /// Replaces the value of the setting in a policy by an absolute path without `.` and `..`.
        set: fn(&mut Policy, String),
    },
    /// A duration such as `"8 h"`, of `least` to `most` seconds; 0 is allowed if `least` is 0.
    Duration {
        /// Minimum of the duration in seconds.
        least: u64,
        /// Maximum of the duration in seconds.
        most: u64,
        /// Returns the value of the setting, a duration in seconds, from a policy.
        get: fn(&Policy) -> u64,
        /// Replaces the value of the setting in a policy by a duration within the range, in seconds.
        set: fn(&mut Policy, u64),
    },
    /// A list of words, each of which must be one of `words`.
    Words {
        /// The words that are allowed, at most 16.
        words: &'static [&'static str],
        /// Returns the value of the setting from a policy: bit N is set if the list has the word at index N.
        get: fn(&Policy) -> u16,
        /// Replaces the value of the setting in a policy, in the form of `get`.
        set: fn(&mut Policy, u16),
    },
    /// A list of account names.
    Names {
        /// Returns the value of the setting, a list of names, from a policy.
        get: fn(&Policy) -> &[String],
        /// Replaces the value of the setting in a policy by any list of names.
        set: fn(&mut Policy, Vec<String>),
    },
}

/// The settings of one section of the file.
pub struct Section {
    /// The name of the section, in brackets in the file; empty for the keys before the first section.
    pub name: &'static str,
    /// Text about the section in the reference file and the manual page; empty for the keys before the first section.
    #[cfg(any(test, feature = "documents"))]
    pub text: &'static str,
    /// The settings of the section, in the order of the reference file.
    pub settings: &'static [Setting],
}

/// All settings except the rules.
pub const SETTINGS: &[Section] = &[
    Section::new("", "", GENERAL),
    Section::new("backup_codes", sections::ABOUT_BACKUP_CODES, sections::BACKUP_CODES),
    Section::new("throttle", sections::ABOUT_THROTTLE, sections::THROTTLE),
    Section::new("totp", sections::ABOUT_TOTP, sections::TOTP),
    Section::new("agent", sections::ABOUT_AGENT, sections::AGENT),
    Section::new("fleet", sections::ABOUT_FLEET, sections::FLEET),
];

impl Setting {
    pub(super) const fn word(
        key: &'static str,
        words: &'static [&'static str],
        get: fn(&Policy) -> &'static str,
        set: fn(&mut Policy, &'static str),
        doc: &'static str,
    ) -> Self {
        Self::new(key, SettingType::Word { words, get, set }, doc)
    }

    pub(super) const fn number(
        key: &'static str,
        range: RangeInclusive<u32>,
        get: fn(&Policy) -> u64,
        set: fn(&mut Policy, u32),
        doc: &'static str,
    ) -> Self {
        let (least, most) = (*range.start(), *range.end());
        Self::new(key, SettingType::Number { least, most, get, set }, doc)
    }

    pub(super) const fn boolean(
        key: &'static str,
        get: fn(&Policy) -> bool,
        set: fn(&mut Policy, bool),
        doc: &'static str,
    ) -> Self {
        Self::new(key, SettingType::Boolean { get, set }, doc)
    }

    pub(super) const fn text(
        key: &'static str,
        most: usize,
        get: fn(&Policy) -> Option<&str>,
        set: fn(&mut Policy, String),
        doc: &'static str,
    ) -> Self {
        Self::new(key, SettingType::Text { most, get, set }, doc)
    }

    pub(super) const fn path(
        key: &'static str,
        get: fn(&Policy) -> &str,
        set: fn(&mut Policy, String),
        doc: &'static str,
    ) -> Self {
        Self::new(key, SettingType::Path { get, set }, doc)
    }

    pub(super) const fn duration(
        key: &'static str,
        range: RangeInclusive<u64>,
        get: fn(&Policy) -> u64,
        set: fn(&mut Policy, u64),
        doc: &'static str,
    ) -> Self {
        let (least, most) = (*range.start(), *range.end());
        Self::new(key, SettingType::Duration { least, most, get, set }, doc)
    }

    pub(super) const fn words(
        key: &'static str,
        words: &'static [&'static str],
        get: fn(&Policy) -> u16,
        set: fn(&mut Policy, u16),
        doc: &'static str,
    ) -> Self {
        Self::new(key, SettingType::Words { words, get, set }, doc)
    }

    pub(super) const fn names(
        key: &'static str,
        get: fn(&Policy) -> &[String],
        set: fn(&mut Policy, Vec<String>),
        doc: &'static str,
    ) -> Self {
        Self::new(key, SettingType::Names { get, set }, doc)
    }

    /// Marks a setting as one without a default. `example` is an example of a value, and `means` says what applies if
    /// the setting is absent.
    pub(super) const fn or_unset(self, example: &'static str, means: &'static str) -> Self {
        let unset = Some(Unset { example, means });
        #[cfg(not(any(test, feature = "documents")))]
        let _ = unset;
        Self {
            #[cfg(any(test, feature = "documents"))]
            unset,
            ..self
        }
    }

    // Without the feature `documents`, as in the PAM module, the description is dropped.
    const fn new(key: &'static str, kind: SettingType, doc: &'static str) -> Self {
        #[cfg(not(any(test, feature = "documents")))]
        let _ = doc;
        Self {
            key,
            kind,
            #[cfg(any(test, feature = "documents"))]
            doc,
            #[cfg(any(test, feature = "documents"))]
            unset: None,
        }
    }
}

impl Section {
    const fn new(name: &'static str, text: &'static str, settings: &'static [Setting]) -> Self {
        #[cfg(not(any(test, feature = "documents")))]
        let _ = text;
        Self {
            name,
            #[cfg(any(test, feature = "documents"))]
            text,
            settings,
        }
    }

    /// Returns the name of a setting in messages, such as `throttle.free`, or `window` for a key before the first
    /// section.
    pub(super) fn full_name(&self, setting: &Setting) -> String {
        match self.name {
            "" => setting.key.into(),
            name => [name, ".", setting.key].concat(),
        }
    }
}
