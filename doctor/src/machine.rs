//! The examined machine: files, accounts, modules and sshd.
mod accounts;
mod instances;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use twinlock_host::programs;

use crate::judge::lines::ModuleFile;
use crate::pam::load::{Files, UnreadableError};
use crate::sshd::command_line::Instance;
use crate::sshd::config::Patterns;
use crate::sshd::pattern::fits;

/// A machine, or a folder with the files of one.
pub struct Machine {
    root: PathBuf,
    sshd: Option<PathBuf>,
    recorded: Option<PathBuf>,
    instance: Instance,
}

/// Why sshd's settings are unknown.
#[derive(Debug)]
pub enum ProbeError {
    /// sshd is not installed.
    NoProgram,
    /// sshd failed with this message.
    Refused(String),
}

impl core::fmt::Display for ProbeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NoProgram => f.write_str("sshd is not installed"),
            Self::Refused(said) => f.write_str(said),
        }
    }
}

impl core::error::Error for ProbeError {}

const FOLDERS: [&str; 4] =
    ["/lib/security", "/lib64/security", "/usr/lib/security", "/usr/lib64/security"];
/// Module that libpam installs: its folder is the one that libpam searches.
const LIBPAMS_OWN: &str = "pam_deny.so";

impl Machine {
    /// Creates a machine. `recorded` is a folder with recorded output of sshd, for a tree whose sshd cannot run.
    #[must_use]
    pub fn new(root: PathBuf, recorded: Option<PathBuf>) -> Self {
        Self { root, sshd: programs::sshd(), recorded, instance: Instance::default() }
    }

    /// Returns the same machine with one of its sshds.
    #[must_use]
    pub fn with_instance(&self, instance: Instance) -> Self {
        let (root, sshd) = (self.root.clone(), self.sshd.clone());
        Self { root, sshd, recorded: self.recorded.clone(), instance }
    }

    /// Returns the sshd that is examined.
    #[must_use]
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Returns the text of a file that only root can have written.
    ///
    /// # Errors
    /// [`io::Error`] if it cannot be read, or another user can write to it.
    pub fn text_of_root(&self, path: &str) -> io::Result<String> {
        let found = fs::symlink_metadata(self.path(path))?;
        let owned = found.uid() == 0 || self.root != Path::new("/");
        if !owned || found.mode() & 0o022 != 0 || !found.is_file() {
            return Err(io::Error::other("not only root can write to it"));
        }
        self.text(path)
    }

    fn list(&self, path: &str) -> Result<String, UnreadableError> {
        match self.text(path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(UnreadableError { path: path.to_owned(), error }),
        }
    }

    /// Looks up the file of a module.
    #[must_use]
    pub fn module(&self, name: &str) -> ModuleFile {
        if name.starts_with('/') {
            return self.examine(name).unwrap_or(ModuleFile::Missing);
        }
        let all = self.module_folders();
        let (known, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|folder| self.path(folder).join(LIBPAMS_OWN).exists());
        if known.is_empty() {
            return ModuleFile::Unknown;
        }
        known
            .iter()
            .chain(&others)
            .find_map(|folder| self.examine(&format!("{folder}/{name}")))
            .unwrap_or(ModuleFile::Missing)
    }

    /// Returns the module folders; Debian has one per architecture.
    fn module_folders(&self) -> Vec<String> {
        let mut all: Vec<String> = FOLDERS.map(str::to_owned).to_vec();
        for base in ["/usr/lib", "/lib"] {
            let entries = fs::read_dir(self.path(base)).into_iter().flatten().flatten();
            for entry in entries {
                if let Some(name) =
                    entry.file_name().to_str().filter(|name| name.contains("-linux-"))
                {
                    all.push(format!("{base}/{name}/security"));
                }
            }
        }
        all
    }

    fn examine(&self, path: &str) -> Option<ModuleFile> {
        let file = self.path(path);
        let found = fs::metadata(&file).ok()?;
        let folder = fs::metadata(file.parent()?).ok()?;
        Some(ModuleFile::At {
            path: path.to_owned(),
            uid: found.uid(),
            modes: [found.mode(), folder.mode()],
        })
    }

    /// Returns what `sshd -t` complains about, if anything.
    ///
    /// # Errors
    /// [`ProbeError`] if sshd cannot be run.
    pub fn complaint(&self) -> Result<Option<String>, ProbeError> {
        if let Some(folder) = &self.recorded {
            return Ok(fs::read_to_string(folder.join("t")).ok());
        }
        match self.sshd(&["-t"]) {
            Ok(_) => Ok(None),
            Err(ProbeError::Refused(said)) if beside_the_point(&said) => {
                Err(ProbeError::Refused(said))
            }
            Err(ProbeError::Refused(said)) => Ok(Some(said)),
            Err(ProbeError::NoProgram) => Err(ProbeError::NoProgram),
        }
    }

    /// Returns the output of `sshd -T`, for one user if `connection` is given.
    ///
    /// # Errors
    /// [`ProbeError`] if sshd cannot be run or fails.
    pub fn effective(&self, connection: Option<&str>) -> Result<String, ProbeError> {
        if let Some(folder) = &self.recorded {
            return recorded(folder, connection);
        }
        match connection {
            None => self.sshd(&["-T"]),
            Some(connection) => self.sshd(&["-T", "-C", connection]),
        }
    }

    fn sshd(&self, args: &[&str]) -> Result<String, ProbeError> {
        let program = self.sshd.as_ref().ok_or(ProbeError::NoProgram)?;
        let mut command = Command::new(program);
        command.args(args).args(&self.instance.options);
        if self.instance.file().is_none() && self.root != Path::new("/") {
            command.arg("-f").arg(self.path("/etc/ssh/sshd_config"));
        }
        let output = command.output().map_err(|error| ProbeError::Refused(error.to_string()))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        // sshd ends these lines with CR LF.
        let said = String::from_utf8_lossy(&output.stderr).replace('\r', "");
        Err(ProbeError::Refused(said.trim().to_owned()))
    }
}

/// Reports whether a complaint concerns the caller or the moment, and not the settings.
fn beside_the_point(said: &str) -> bool {
    said.contains("no hostkeys available")
        || said.contains("Missing privilege separation directory")
        || said.contains("Permission denied")
}

fn recorded(folder: &Path, connection: Option<&str>) -> Result<String, ProbeError> {
    let field = |name: &str| {
        let fields = connection.unwrap_or_default().split(',');
        fields.filter_map(|field| field.strip_prefix(name)).next().unwrap_or_default().to_owned()
    };
    let (user, addr) = (field("user="), field("addr="));
    [format!("T.{user}.{addr}"), format!("T.{user}"), "T".to_owned()]
        .iter()
        .find_map(|name| fs::read_to_string(folder.join(name)).ok())
        .ok_or(ProbeError::NoProgram)
}

impl Files for Machine {
    fn text(&self, path: &str) -> io::Result<String> {
        let bytes = fs::read(self.path(path))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn is_folder(&self, path: &str) -> bool {
        self.path(path).is_dir()
    }
}

impl Patterns for Machine {
    fn matching(&self, pattern: &str) -> Vec<String> {
        let Some((folder, name)) = pattern.rsplit_once('/') else {
            return Vec::new();
        };
        let entries = fs::read_dir(self.path(folder)).into_iter().flatten().flatten();
        let mut all: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|file| fits(name, file) && (!file.starts_with('.') || name.starts_with('.')))
            .map(|file| format!("{folder}/{file}"))
            .collect();
        all.sort();
        all
    }
}
