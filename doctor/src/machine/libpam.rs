//! The machine's libpam: where it looks for modules and services, and which kind it is.
use crate::machine::ExaminedMachine;
use crate::pam::libpam::Libpam;
use crate::pam::line::LineReader;
use crate::pam::load::{FOLDERS, Files};

/// Folders that contain PAM modules on distributions other than Debian.
const MODULE_FOLDERS: [&str; 4] =
    ["/lib/security", "/lib64/security", "/usr/lib/security", "/usr/lib64/security"];

impl ExaminedMachine {
    /// Returns the folders that may contain PAM modules. Debian has one such folder for each architecture.
    pub(super) fn module_folders(&self) -> Vec<String> {
        let mut all: Vec<String> = MODULE_FOLDERS.map(str::to_owned).to_vec();
        for base in ["/usr/lib", "/lib"] {
            let mut names = self.tree.names(base).unwrap_or_default();
            names.retain(|name| name.contains("-linux-"));
            all.extend(names.iter().map(|name| format!("{base}/{name}/security")));
        }
        all
    }

    /// Returns those of [`FOLDERS`] whose paths the file libpam.so.0 contains. Returns all of [`FOLDERS`] if
    /// libpam.so.0 is not found or contains none of them.
    pub(super) fn folders_of_libpam(&self) -> Vec<&'static str> {
        let texts = self.libpams();
        let named = |folder: &&str| texts.iter().any(|text| text.contains(&format!("{folder}/%s")));
        let found: Vec<&str> = FOLDERS.into_iter().filter(named).collect();
        if found.is_empty() { FOLDERS.to_vec() } else { found }
    }

    /// Returns which libpam the machine has. Returns [`Libpam::Unknown`] if it has several of different kinds, or if
    /// none is found.
    pub(super) fn found_libpam(&self) -> Libpam {
        let mut kinds: Vec<Libpam> = self.libpams().iter().map(|text| Libpam::of(text)).collect();
        kinds.dedup();
        match kinds.as_slice() {
            [one] => *one,
            [..] => Libpam::Unknown,
        }
    }

    /// Returns how the machine's libpam reads lines. If it has several that differ, or if none is found, the older way
    /// is assumed.
    pub(super) fn found_line_reader(&self) -> LineReader {
        let texts = self.libpams();
        let whole = |text: &String| LineReader::of(text) == LineReader::Whole;
        match !texts.is_empty() && texts.iter().all(whole) {
            true => LineReader::Whole,
            false => LineReader::Buffer,
        }
    }

    /// Returns the content of each libpam library of the machine. Bytes that are not UTF-8 are replaced by U+FFFD.
    fn libpams(&self) -> Vec<String> {
        let beside = self.module_folders().into_iter();
        let libraries = beside
            .filter_map(|one| Some(format!("{}/libpam.so.0", one.strip_suffix("/security")?)));
        libraries.filter_map(|path| self.text(&path).ok()).collect()
    }
}
