//! Finds and reads the configuration and the files whose names it contains. systemd passes them as credentials of the
//! service.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use twinlock_core::policy::fleet_daemon::{FLEET_DAEMON_MAX, FleetDaemonConfig, StoreLogin};
use zeroize::Zeroizing;

/// Maximum size of a file with certificates, a key or a password in bytes.
const FILE_MAX: usize = 1024 * 1024;

/// Content of a credential for a file that does not exist. systemd does not start a service whose credential is
/// missing, so the unit passes this text instead.
const MISSING: &[u8] = b"missing";

/// The paths in which the files are found.
#[derive(Debug, Clone)]
pub(crate) struct ProgramFiles {
    config: PathBuf,
    credentials: Option<PathBuf>,
}

impl ProgramFiles {
    /// Returns the files of a configuration at this path. `credentials` is the folder of the service's credentials.
    pub(crate) fn of(config: &Path, credentials: Option<PathBuf>) -> Self {
        Self { config: config.to_owned(), credentials }
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// What is wrong, with the path and the line.
    pub(crate) fn config(&self) -> Result<FleetDaemonConfig, String> {
        let named = |what: String| format!("{}: {what}", self.config.display());
        let bytes =
            read(&self.config, FLEET_DAEMON_MAX).map_err(|error| named(error.to_string()))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| named("it is not UTF-8".into()))?;
        FleetDaemonConfig::read(text).map_err(|error| format!("{}:{error}", self.config.display()))
    }

    /// Returns the path of a file whose name is in the configuration. A relative name is looked up by its last
    /// component among the credentials, then next to the configuration.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let name = Path::new(name);
        let credential = self.credentials.as_ref().zip(name.file_name());
        let credential = credential.map(|(folder, file)| folder.join(file));
        match credential.filter(|path| name.is_relative() && is_there(path)) {
            Some(path) => path,
            None => self.config.parent().unwrap_or(Path::new("/")).join(name),
        }
    }

    /// Reads a file that the configuration names.
    ///
    /// # Errors
    /// What is wrong, with the path.
    pub(crate) fn read(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        let path = self.path(name);
        read(&path, FILE_MAX).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Reads the password of the store's user.
    ///
    /// # Errors
    /// What is wrong, with the path.
    pub(crate) fn password(&self, login: &StoreLogin) -> Result<Zeroizing<String>, String> {
        let named = |what: &str| format!("{}: {what}", self.path(&login.password_file).display());
        let bytes = self.read(&login.password_file)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| named("it is not UTF-8"))?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        if text.is_empty() || text.contains(char::is_control) {
            return Err(named("it does not contain one line with the password"));
        }
        Ok(Zeroizing::new(text.to_owned()))
    }
}

fn is_there(path: &Path) -> bool {
    read(path, MISSING.len()).map_or(path.exists(), |content| content.as_slice() != MISSING)
}

fn read(path: &Path, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // Of the full size, so that no part of a key stays behind where the text outgrew its place.
    let file = File::open(path)?;
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(most).min(most);
    let mut bytes = Zeroizing::new(Vec::with_capacity(size + 1));
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn credentials_come_first() {
        let folder = tempfile::tempdir().unwrap();
        let credentials = folder.path().join("credentials");
        fs::create_dir(&credentials).unwrap();
        let config = folder.path().join("fleet.toml");
        let with = ProgramFiles::of(&config, Some(credentials.clone()));
        let without = ProgramFiles::of(&config, None);
        assert_eq!(with.path("fleet/ca.pem"), folder.path().join("fleet/ca.pem"));
        fs::write(credentials.join("ca.pem"), "a").unwrap();
        assert_eq!(with.path("fleet/ca.pem"), credentials.join("ca.pem"));
        assert_eq!(without.path("fleet/ca.pem"), folder.path().join("fleet/ca.pem"));
        fs::write(credentials.join("ca.pem"), "missing").unwrap();
        assert_eq!(with.path("fleet/ca.pem"), folder.path().join("fleet/ca.pem"));
        assert_eq!(with.path("/etc/ca.pem"), Path::new("/etc/ca.pem"));
    }

    #[test]
    fn a_config_error_names_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("fleet.toml");
        let files = ProgramFiles::of(&config, None);
        assert!(files.config().unwrap_err().contains("fleet.toml: No such file"));
        fs::write(&config, "fleet = \"a\"\nhots = \"b\"\n").unwrap();
        let error = files.config().unwrap_err();
        assert!(error.contains("fleet.toml:2: there is no setting hots"), "{error}");
    }

    #[test]
    fn a_password_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let files = ProgramFiles::of(&folder.path().join("fleet.toml"), None);
        let login = StoreLogin { user: "a".into(), password_file: "password".into() };
        let with = |text: &str| {
            fs::write(folder.path().join("password"), text).unwrap();
            files.password(&login).map(|password| password.to_string())
        };
        assert_eq!((with("secret\n"), with("secret")), (Ok("secret".into()), Ok("secret".into())));
        for text in ["", "\n", "a\nb\n", "a\r\n"] {
            assert!(with(text).is_err(), "{text:?}");
        }
    }
}
