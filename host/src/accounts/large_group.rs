//! Group entries larger than 1 MiB, for the command `twinlock`. Runs `getent group` and reads up to 64 MiB of its
//! output.

use std::{
    io::Read,
    process::{Command, Stdio},
};

use twinlock_core::base::error::LookupError;

use crate::{
    accounts::{GROUP_MAX, LargeGroup},
    programs,
};

/// The exit status of `getent` if the group does not exist.
const NOT_FOUND: i32 = 2;

/// A group as `getent` prints it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GroupEntry {
    pub(crate) gid: u32,
    pub(crate) members: Vec<String>,
}

/// Looks up the group `group`. Returns its id and whether its entry lists `member`; `None` if the group does not exist.
///
/// # Errors
/// [`LookupError`] if `getent` fails or its output is larger than 64 MiB.
pub(crate) fn look_up(group: &str, member: &str) -> Result<Option<LargeGroup>, LookupError> {
    let found = entry(group)?;
    Ok(found.map(|found| LargeGroup {
        gid: found.gid,
        lists: found.members.iter().any(|name| name == member),
    }))
}

/// Looks up a group by name. Returns `None` if the group does not exist.
///
/// # Errors
/// [`LookupError`] if `getent` fails or its output is larger than 64 MiB.
pub(crate) fn entry(group: &str) -> Result<Option<GroupEntry>, LookupError> {
    let mut getent = Command::new(programs::whole_path("getent"));
    getent.args(["group", "--", group]).env_clear().env("PATH", programs::PATH);
    let spawned = getent.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = spawned.map_err(|_| LookupError)?;
    let mut text = String::new();
    let most = u64::try_from(GROUP_MAX).unwrap_or(u64::MAX);
    let read = child.stdout.take().map(|out| out.take(most).read_to_string(&mut text));
    let ended = child.wait().map_err(|_| LookupError)?;
    match (ended.code(), read) {
        (Some(0), Some(Ok(_))) => parse(&text, group).map(Some).ok_or(LookupError),
        (Some(NOT_FOUND), _) => Ok(None),
        _ => Err(LookupError),
    }
}

/// Parses a line `NAME:PASSWORD:GID:MEMBER,…`. Returns `None` if NAME is not `group`: for a number, `getent` prints
/// the group with that id.
fn parse(text: &str, group: &str) -> Option<GroupEntry> {
    let mut parts = text.strip_suffix('\n')?.splitn(4, ':');
    let (name, _) = (parts.next()?, parts.next()?);
    let (gid, members) = (parts.next()?.parse().ok()?, parts.next()?);
    let members = members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    (name == group).then_some(GroupEntry { gid, members })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_and_others_are_not() {
        assert_eq!(entry("root").unwrap().unwrap().gid, 0);
        assert_eq!(entry("no-such-group-here"), Ok(None));
        // `getent` takes a number as the id of a group.
        assert_eq!(entry("0"), Err(LookupError));
        assert_eq!(entry("a\0b"), Err(LookupError));
    }

    #[test]
    fn cut_lines_are_no_entries() {
        let whole = "dev:x:3000:ada,bob\n";
        let members = vec!["ada".to_owned(), "bob".to_owned()];
        assert_eq!(parse(whole, "dev"), Some(GroupEntry { gid: 3000, members }));
        assert_eq!(parse("dev:x:3000:\n", "dev").unwrap().members.len(), 0);
        for cut in 0..whole.len() {
            assert_eq!(parse(&whole[..cut], "dev"), None, "{cut}");
        }
    }
}
