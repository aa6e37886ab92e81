//! Reads the roles file. There is no last good copy of it, because such a copy could give back a right that was taken
//! away.

use std::{fmt, os::fd::AsFd};

use twinlock_core::{
    base::error::FileError,
    policy::{
        roles::{ROLES_MAX, Roles},
        settings::SettingsError,
    },
};

use crate::{
    open_beneath,
    settings::utf8,
    trusted_dir::{self, Owner, READABLE},
    trusted_path::{self, FolderError},
};

/// The path of the roles file.
pub const ROLES: &str = "/etc/twinlock/roles.toml";

/// Why the roles file cannot be used. In that case, no role gives any right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolesReadError {
    /// The file cannot be read, or is not trusted.
    File(FileError),
    /// Other users can write to a folder above the file.
    Folder(FolderError),
    /// The file has an error.
    Mistake(SettingsError),
}

impl fmt::Display for RolesReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Folder(error) => error.fmt(f),
            Self::Mistake(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RolesReadError {}

/// Reads the roles file at an absolute path. Only `owner` may be able to write to the file and to each folder above it.
///
/// # Errors
/// [`RolesReadError`] if another user can write there, or if the file cannot be read or has an error.
pub fn read_roles(path: &str, owner: Owner) -> Result<Roles, RolesReadError> {
    let (folder, name) = trusted_path::folder_of(path, owner).map_err(RolesReadError::Folder)?;
    let opened = open_beneath::file(folder.as_fd(), name);
    let read = trusted_dir::read_opened(opened, owner, READABLE, ROLES_MAX);
    let (bytes, _) = read.map_err(RolesReadError::File)?;
    let text = utf8(&bytes).map_err(RolesReadError::Mistake)?;
    Roles::read(text).map_err(RolesReadError::Mistake)
}
