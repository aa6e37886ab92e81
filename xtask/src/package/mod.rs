//! `cargo xtask package`: builds the packages of a release and their checksums in one folder.

mod changelog;
mod deb;
mod files;
mod install;
mod maintainer;
mod releases;
mod rpm;
mod sbom;

use std::fs;
use std::path::{Path, PathBuf};

use crate::build::Artefacts;
use crate::command::{Done, command, output};
use crate::machine::target;

pub(crate) use maintainer::{PackagePurpose, maintainer};
pub(crate) use releases::{Foreign, RELEASES, Release};
pub(crate) use sbom::tool as sbom_tool;

/// A Debian package that was built.
pub(crate) struct Deb {
    /// The release for which the package was built.
    pub(crate) release: &'static Release,
    pub(crate) path: PathBuf,
}

/// The packages that were built: one Debian package for each release, and one RPM package.
pub(crate) struct Packages {
    pub(crate) debs: Vec<Deb>,
    /// Path of the package for Fedora, RHEL and their derivatives.
    pub(crate) rpm: PathBuf,
}

/// Builds the packages from the built files: a .deb for each release, and one .rpm.
///
/// # Errors
/// A sentence if a file is missing or a program fails.
pub(crate) fn build(artefacts: &Artefacts, purpose: PackagePurpose) -> Done<Packages> {
    let folder = target().join(match purpose {
        PackagePurpose::Release => "package",
        PackagePurpose::Test => "package-for-tests",
    });
    // Packages of an earlier build must not be released together with those of this build.
    files::emptied(&folder)?;
    let maintainer = maintainer(purpose)?;
    let rpm = rpm::build(&folder, artefacts, &maintainer)?;
    let layout = deb::Layout::new(&folder, artefacts, maintainer)?;
    let mut debs = Vec::new();
    for release in &RELEASES {
        if let Some(path) = layout.pack(release, env!("CARGO_PKG_VERSION"))? {
            debs.push(Deb { release, path });
        }
    }
    layout.discard()?;
    if purpose == PackagePurpose::Release {
        sbom::write(&folder)?;
    }
    sums(&folder)?;
    Ok(Packages { debs, rpm })
}

/// Builds a .deb with a later version that does not exist, for tests of an upgrade. Returns the path of the .deb.
pub(crate) fn successor(artefacts: &Artefacts, release: &Release) -> Done<PathBuf> {
    let folder = target().join("package-successor");
    files::emptied(&folder)?;
    let layout = deb::Layout::new(&folder, artefacts, maintainer(PackagePurpose::Test)?)?;
    let version = concat!(env!("CARGO_PKG_VERSION"), "+next");
    let path = layout.pack(release, version)?;
    layout.discard()?;
    path.ok_or_else(|| format!("There is no package for {}.", release.suite))
}

/// Writes the file SHA256SUMS with the checksums of all files in the folder.
fn sums(folder: &Path) -> Done {
    let script =
        "find . -type f ! -name SHA256SUMS -printf '%P\\0' | sort -z | xargs -0 sha256sum --";
    let sums = output(command("sh", &["-euc", script]).env("LC_ALL", "C").current_dir(folder))?;
    let file = folder.join("SHA256SUMS");
    fs::write(&file, sums)
        .map_err(|error| format!("{} cannot be written: {error}.", file.display()))
}
