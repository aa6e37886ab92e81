//! The maintainer of the package, read from the file packaging/debian/maintainer. Packages for tests have a
//! placeholder.

use std::fs;

use crate::command::Done;
use crate::machine::repository;

/// Path of the file that names the maintainer, relative to the repository.
const FILE: &str = "packaging/debian/maintainer";
const KEY: &str = "MAINTAINER=";
const MADE_UP: &str = "twinlock test build <nobody@twinlock.invalid>";

/// What a package is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PackagePurpose {
    /// The package is for other machines. It must have a maintainer.
    Release,
    /// The package is for tests on this machine. It is built in a separate folder, so that no one publishes it by
    /// mistake.
    Test,
}

/// Returns the value of the package's field Maintainer, `NAME <ADDRESS>`.
pub(crate) fn maintainer(purpose: PackagePurpose) -> Done<String> {
    if purpose == PackagePurpose::Test {
        return Ok(MADE_UP.into());
    }
    let text = fs::read_to_string(repository().join(FILE))
        .map_err(|error| format!("{FILE} cannot be read: {error}."))?;
    in_file(&text).map_err(|what| format!("{what} {}", remedy()))
}

fn remedy() -> String {
    format!(
        "Write who answers for the package into {FILE}, for instance:\n  \
         echo \"{KEY}Ada Berg <ada@your-domain>\" >{FILE}\n\
         A package only to try, with a made-up address: cargo xtask package --try"
    )
}

fn in_file(text: &str) -> Done<String> {
    let mut set = text.lines().filter_map(|line| line.trim().strip_prefix(KEY));
    let value = set.next().unwrap_or_default().trim().trim_matches(['"', '\'']).trim();
    if value.is_empty() {
        return Err("The package names no maintainer.".into());
    }
    if set.next().is_some() {
        return Err(format!("{FILE} sets {KEY} more than once."));
    }
    if is_address(value) {
        Ok(value.to_owned())
    } else {
        Err(format!(
            "`{}` is not a name with an address that mail can reach, as NAME <ADDRESS>.",
            value.escape_debug()
        ))
    }
}

/// Returns whether `value` is one line with a name and a mail address whose domain can exist on the Internet.
fn is_address(value: &str) -> bool {
    let parts = value.strip_suffix('>').and_then(|value| value.split_once(" <"));
    let Some((name, (user, host))) =
        parts.and_then(|(name, address)| Some((name, address.split_once('@')?)))
    else {
        return false;
    };
    let plain = |text: &str, more: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        !text.is_empty() && text.chars().all(fits)
    };
    let labels: Vec<&str> = host.split('.').collect();
    let nowhere = ["localhost", "localdomain", "invalid", "example", "test"];
    let last = labels.last().copied().unwrap_or_default();
    !name.trim().is_empty()
        && !name.contains(|c: char| c.is_control() || "<>@,".contains(c))
        && plain(user, "._%+-")
        && labels.len() > 1
        && labels.iter().all(|label| plain(label, "-"))
        && !nowhere.contains(&last)
        && !["example.com", "example.net", "example.org"].contains(&host)
}

#[cfg(test)]
mod tests {
    use super::in_file;

    #[test]
    fn an_unset_maintainer_is_refused() {
        for text in ["", "# MAINTAINER=Ada <ada@a.org>\n", "MAINTAINER=\n", "MAINTAINER=\"\"\n"] {
            assert_eq!(in_file(text), Err("The package names no maintainer.".into()), "{text:?}");
        }
    }

    #[test]
    fn a_name_and_an_address_are_taken() {
        let ada = Ok("Ada Berg <ada@mail.twinlock.org>".to_owned());
        assert_eq!(in_file("# who\nMAINTAINER=Ada Berg <ada@mail.twinlock.org>\n"), ada);
        assert_eq!(in_file("MAINTAINER=\"Ada Berg <ada@mail.twinlock.org>\"\r\n"), ada);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for value in [
            "ada@twinlock.org",
            "Ada <ada>",
            "Ada <root@localhost>",
            "Ada <ada@example.org>",
            "Ada <ada@your-domain>",
            "Ada <ada@a..org>",
            "Ada <a da@twinlock.org>",
            " <ada@twinlock.org>",
            "Ada\u{b}Depends: x <ada@twinlock.org>",
            "Ada, Bob <ada@twinlock.org>",
        ] {
            assert!(in_file(&format!("MAINTAINER={value}\n")).is_err(), "{value}");
        }
        let twice = "MAINTAINER=A <a@twinlock.org>\nMAINTAINER=B <b@twinlock.org>\n";
        assert!(in_file(twice).is_err());
    }
}
