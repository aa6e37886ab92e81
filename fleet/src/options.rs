//! The command line of the daemon.

use std::{ffi::OsString, path::PathBuf, time::Duration};

/// Default path of the configuration.
const CONFIG: &str = "/etc/twinlock/fleet.toml";
/// Default time between two writes of the host's entry.
const INTERVAL: Duration = Duration::from_secs(60);
/// The usage line.
pub(crate) const USAGE: &str =
    "usage: twinlock-fleet [--config FILE] [--state DIR] [--listen PATH]";

/// The options from the command line and the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DaemonOptions {
    /// Path of the configuration.
    pub(crate) config: PathBuf,
    /// The state directory.
    pub(crate) state: PathBuf,
    /// Path of the socket that the daemon creates; `None` if systemd passes it.
    pub(crate) listen: Option<PathBuf>,
    /// Folder with the credentials of the service; `None` if there are none.
    pub(crate) credentials: Option<PathBuf>,
    /// Time between two writes of the host's entry. Tests shorten it with `--interval SECONDS`.
    pub(crate) interval: Duration,
}

impl DaemonOptions {
    /// Parses the command line. `variable` returns the value of an environment variable.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub(crate) fn read(
        words: impl Iterator<Item = String>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, String> {
        let mut words = words;
        let (mut config, mut state, mut listen) = (PathBuf::from(CONFIG), None, None);
        let mut interval = INTERVAL;
        while let Some(word) = words.next() {
            let value = words.next().ok_or(USAGE)?;
            match word.as_str() {
                "--config" => config = value.into(),
                "--state" => state = Some(value.into()),
                "--listen" => listen = Some(value.into()),
                "--interval" => {
                    let seconds = value.parse().ok().filter(|seconds| (1..=3600).contains(seconds));
                    interval = Duration::from_secs(seconds.ok_or(USAGE)?);
                }
                _ => return Err(USAGE.into()),
            }
        }
        // systemd separates several directories by colons; the unit has one.
        let state = state.or_else(|| variable("STATE_DIRECTORY").map(PathBuf::from));
        let state = state.ok_or("The state directory is not known: use --state DIR.")?;
        let credentials = variable("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Ok(Self { config, state, listen, credentials, interval })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str, environment: &[(&str, &str)]) -> Result<DaemonOptions, String> {
        let variable = |name: &str| {
            let found = environment.iter().find(|(of, _)| *of == name);
            found.map(|(_, value)| OsString::from(value))
        };
        DaemonOptions::read(words.split_whitespace().map(str::to_owned), variable)
    }

    #[test]
    fn systemd_says_where_the_state_is() {
        let environment = [("STATE_DIRECTORY", "/s"), ("CREDENTIALS_DIRECTORY", "/c")];
        let found = read("", &environment).unwrap();
        assert_eq!((found.config, found.state), (CONFIG.into(), "/s".into()));
        assert_eq!((found.listen, found.credentials), (None, Some("/c".into())));
        assert_eq!(found.interval, Duration::from_secs(60));
    }

    #[test]
    fn the_command_line_comes_first() {
        let words = "--listen /l --config /f --state /t --interval 2";
        let found = read(words, &[("STATE_DIRECTORY", "/s")]).unwrap();
        assert_eq!((found.config, found.state), ("/f".into(), "/t".into()));
        assert_eq!((found.listen, found.credentials), (Some("/l".into()), None));
        assert_eq!(found.interval, Duration::from_secs(2));
    }

    #[test]
    fn other_words_are_refused() {
        for words in ["--state", "--verbose 1", "x", "--state /s --interval 0"] {
            assert_eq!(read(words, &[]), Err(USAGE.to_owned()), "{words}");
        }
        assert!(read("", &[]).unwrap_err().contains("--state DIR"));
    }
}
