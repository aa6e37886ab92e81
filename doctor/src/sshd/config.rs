//! Reads sshd's configuration files: the settings with the lines that set them, and the Match blocks.
use std::io;

use crate::pam::load::{Files, UnreadableError};
use crate::pam::stack::LinePlace;
use crate::sshd::command_line::Instance;
use crate::sshd::pattern;
use crate::sshd::words::{quoted, without_comment, words};

/// One setting of a configuration file or of the command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directive {
    /// The keyword in lower case.
    pub keyword: String,
    /// The value, which is the rest of the line without a comment.
    pub value: String,
    /// File and number of the line.
    pub place: LinePlace,
    /// Index in [`Config::blocks`] of the Match block that contains the setting; `None` outside of Match blocks.
    pub block: Option<usize>,
}

/// Criteria of Match lines, spelled as in sshd_config(5).
const SPELT: [&str; 12] = [
    "All",
    "User",
    "Group",
    "Host",
    "Address",
    "LocalAddress",
    "LocalPort",
    "RDomain",
    "Canonical",
    "Final",
    "Invalid-User",
    "Version",
];

/// One `Match` line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MatchBlock {
    /// The criteria in lower case, each with its list of patterns. The list is empty for a criterion that takes no
    /// list, such as `all`. If a Match block includes a file, the Match lines of that file also have the criteria of
    /// the block.
    pub criteria: Vec<(String, String)>,
    /// File and number of the Match line.
    pub place: LinePlace,
}

impl MatchBlock {
    /// Returns the criteria with their patterns, as text.
    #[must_use]
    pub fn criteria(&self) -> String {
        let one = |(word, list): &(String, String)| {
            let known = SPELT.iter().find(|spelt| spelt.eq_ignore_ascii_case(word));
            format!("{} {}", known.unwrap_or(&word.as_str()), quoted(list)).trim_end().to_owned()
        };
        self.criteria.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

/// The settings and Match lines of all configuration files of one sshd.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Config {
    /// The settings, in the order in which sshd reads them. If several have the same keyword, sshd uses the first.
    pub directives: Vec<Directive>,
    /// The Match lines, in the order in which sshd reads them.
    pub blocks: Vec<MatchBlock>,
    /// Path of the main configuration file.
    pub file: String,
    /// Folder of the first Include, into which a remedy can put a new file; `None` if there is no Include.
    pub drop_ins: Option<String>,
    included: usize,
    options: usize,
}

/// Files of a machine that can also be searched by a pattern.
pub trait Patterns: Files {
    /// Returns the sorted paths of the files that match a pattern of an Include line.
    ///
    /// # Errors
    /// [`UnreadableError`] if a folder exists and cannot be read.
    fn matching(&self, pattern: &str) -> Result<Vec<String>, UnreadableError>;
}

/// Paths at which the main configuration file is searched, in order of precedence. A distribution installs its own file
/// at the second path.
pub const MAIN_FILES: [&str; 2] = ["/etc/ssh/sshd_config", "/usr/etc/ssh/sshd_config"];
/// Maximum depth of Include lines, as in sshd.
pub const DEEPEST: usize = 16;
/// Maximum number of included files that are read. Without it, files that include each other would be read without end.
/// sshd refuses such files.
pub const FILES_MAX: usize = 500;

/// Reads the configuration files of an sshd without options.
///
/// # Errors
/// [`UnreadableError`] if a file exists and cannot be read.
pub fn load(files: &dyn Patterns) -> Result<Config, UnreadableError> {
    load_of(files, &Instance::default())
}

/// Reads the configuration files of one sshd. The settings of its options `-o` come first, because sshd uses the first
/// value of a keyword.
///
/// # Errors
/// [`UnreadableError`] if a file exists and cannot be read.
pub fn load_of(files: &dyn Patterns, instance: &Instance) -> Result<Config, UnreadableError> {
    let mut config = Config::default();
    for (keyword, value) in instance.settings() {
        let place =
            instance.place.clone().unwrap_or(LinePlace { file: "sshd".to_owned(), line: 0 });
        config.directives.push(Directive { keyword, value, place, block: None });
        config.options += 1;
    }
    let main = instance.file().map_or(MAIN_FILES.to_vec(), |file| vec![file]);
    for file in main {
        match files.text(file) {
            Ok(text) => {
                file.clone_into(&mut config.file);
                config.read(files, file, &text, None, 0)?;
                return Ok(config);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(UnreadableError { path: file.to_owned(), error });
            }
        }
    }
    MAIN_FILES.first().copied().unwrap_or_default().clone_into(&mut config.file);
    Ok(config)
}

impl Config {
    fn read(
        &mut self,
        files: &dyn Patterns,
        name: &str,
        text: &str,
        around: Option<usize>,
        depth: usize,
    ) -> Result<(), UnreadableError> {
        let mut block = around;
        for (line, raw) in (1..).zip(text.lines()) {
            let Some((keyword, value)) = split(raw) else {
                continue;
            };
            let place = LinePlace { file: name.to_owned(), line };
            match keyword.as_str() {
                "match" => {
                    // A file that a Match block includes can only add criteria to those of the block.
                    let outer = around.and_then(|number| self.blocks.get(number));
                    let outer = outer.map(|block| block.criteria.clone()).unwrap_or_default();
                    let criteria = outer.into_iter().chain(criteria(&value)).collect();
                    self.blocks.push(MatchBlock { criteria, place });
                    block = Some(self.blocks.len() - 1);
                }
                "include" if depth < DEEPEST => self.include(files, &value, block, depth + 1)?,
                _ => self.directives.push(Directive { keyword, value, place, block }),
            }
        }
        Ok(())
    }

    fn include(
        &mut self,
        files: &dyn Patterns,
        patterns: &str,
        block: Option<usize>,
        depth: usize,
    ) -> Result<(), UnreadableError> {
        for pattern in included(patterns) {
            let folder = pattern.rsplit_once('/').map(|(folder, _)| folder.to_owned());
            self.drop_ins = self.drop_ins.take().or(folder);
            for file in files.matching(&pattern)? {
                self.included += 1;
                if self.included > FILES_MAX {
                    return Ok(());
                }
                let text = files
                    .text(&file)
                    .map_err(|error| UnreadableError { path: file.clone(), error })?;
                self.read(files, &file, &text, block, depth)?;
            }
        }
        Ok(())
    }

    /// Returns `file:line` of the first setting outside of Match blocks that has one of the keywords. If there is none,
    /// returns the path of the main file.
    #[must_use]
    pub fn place(&self, keywords: &[&str]) -> String {
        self.directives
            .iter()
            .find(|line| line.block.is_none() && keywords.contains(&line.keyword.as_str()))
            .map_or_else(|| self.file.clone(), |line| line.place.to_string())
    }

    /// Returns examples of values that meet the criterion `word` of the Match lines. `word` is in lower case.
    #[must_use]
    pub fn examples(&self, word: &str) -> Vec<String> {
        let criteria = self.blocks.iter().flat_map(|block| &block.criteria);
        let lists = criteria.filter(|(other, _)| other == word);
        lists.flat_map(|(_, list)| pattern::examples(list)).collect()
    }

    /// Returns the settings of sshd's options `-o`.
    #[must_use]
    pub fn options(&self) -> &[Directive] {
        self.directives.get(..self.options).unwrap_or_default()
    }

    /// Returns each setting in a Match block that has one of the keywords, together with that block.
    pub fn blocks_with<'a>(
        &'a self,
        keywords: &'a [&str],
    ) -> impl Iterator<Item = (&'a MatchBlock, &'a Directive)> {
        self.directives
            .iter()
            .filter(move |line| keywords.contains(&line.keyword.as_str()))
            .filter_map(|line| Some((self.blocks.get(line.block?)?, line)))
    }
}

/// Returns the patterns of an Include line as absolute paths. Relative ones begin at /etc/ssh.
pub fn included(patterns: &str) -> impl Iterator<Item = String> {
    words(patterns, None).into_iter().map(|pattern| match pattern.starts_with('/') {
        true => pattern,
        false => format!("/etc/ssh/{pattern}"),
    })
}

/// Splits a line into the keyword in lower case and the value; `None` for a blank line or a comment. Blanks or `=`
/// separate the two.
#[must_use]
pub fn split(raw: &str) -> Option<(String, String)> {
    let line = raw.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find([' ', '\t', '=']).unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let value = rest.trim_start_matches([' ', '\t', '=']);
    let value = without_comment(value).trim();
    Some((keyword.trim_matches('"').to_ascii_lowercase(), value.to_owned()))
}

/// Splits the value of a Match line into criteria in lower case, each with its list of patterns. The list is empty for
/// a criterion that takes none, such as `all`.
#[must_use]
pub fn criteria(value: &str) -> Vec<(String, String)> {
    let mut words = words(value, Some('=')).into_iter();
    let mut pairs = Vec::new();
    while let Some(word) = words.next() {
        let alone = ["all", "canonical", "final", "invalid-user"]
            .contains(&word.to_ascii_lowercase().as_str());
        let patterns = if alone { String::new() } else { words.next().unwrap_or_default() };
        pairs.push((word.to_ascii_lowercase(), patterns));
    }
    pairs
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::pam::load::tests::{FileTexts, tree};

    impl Patterns for FileTexts {
        fn matching(&self, pattern: &str) -> Result<Vec<String>, UnreadableError> {
            let (folder, name) = pattern.rsplit_once('/').unwrap();
            let found = self
                .keys()
                .filter(|path| {
                    path.rsplit_once('/').is_some_and(|(dir, file)| {
                        dir == folder && super::super::pattern::fits(name, file)
                    })
                })
                .cloned();
            Ok(found.collect())
        }
    }

    #[test]
    fn includes_come_where_they_stand_and_match_ends_with_its_file() {
        let files = tree(&[
            (
                "/etc/ssh/sshd_config",
                "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes # all\n\tLoginGraceTime=30\n",
            ),
            (
                "/etc/ssh/sshd_config.d/10-a.conf",
                "usepam no\nMatch User backup,*-bot Address=10.0.0.0/8\n  AuthenticationMethods publickey\n",
            ),
            ("/etc/ssh/sshd_config.d/README", "UsePAM maybe\n"),
        ]);
        let config = load(&files).unwrap();
        assert_eq!(config.place(&["usepam"]), "/etc/ssh/sshd_config.d/10-a.conf:1");
        assert_eq!(config.place(&["logingracetime"]), "/etc/ssh/sshd_config:3");
        assert_eq!(config.place(&["gssapiauthentication"]), "/etc/ssh/sshd_config");
        let (block, line) = config.blocks_with(&["authenticationmethods"]).next().unwrap();
        assert_eq!(line.place.to_string(), "/etc/ssh/sshd_config.d/10-a.conf:3");
        assert_eq!(
            block.criteria,
            [
                ("user".to_owned(), "backup,*-bot".to_owned()),
                ("address".to_owned(), "10.0.0.0/8".to_owned())
            ]
        );
        assert!(config.directives.iter().any(|line| line.value == "yes" && line.block.is_none()));
    }

    #[test]
    fn match_in_an_included_file_narrows_the_block_around_it() {
        let files = tree(&[
            (
                "/etc/ssh/sshd_config",
                "Match User ada\n Include narrow\n UsePAM yes\nMatch all\n UsePAM yes\n",
            ),
            ("/etc/ssh/narrow", "Match Address 10.0.0.0/8\n UsePAM no\nMatch all\n UsePAM no\n"),
        ]);
        let config = load(&files).unwrap();
        let blocks = config.blocks_with(&["usepam"]);
        let found: Vec<String> =
            blocks.map(|(block, line)| format!("{} at {}", block.criteria(), line.place)).collect();
        assert_eq!(
            found,
            [
                "User ada Address 10.0.0.0/8 at /etc/ssh/narrow:2",
                "User ada All at /etc/ssh/narrow:4",
                "User ada at /etc/ssh/sshd_config:3",
                "All at /etc/ssh/sshd_config:5",
            ]
        );
    }

    #[test]
    fn files_that_include_each_other_are_not_followed_for_ever() {
        let main = "Include /etc/ssh/sshd_config\n".repeat(3) + "UsePAM yes\n";
        let config = load(&tree(&[("/etc/ssh/sshd_config", &main)])).unwrap();
        assert!((1..10_000).contains(&config.directives.len()));
    }
}
