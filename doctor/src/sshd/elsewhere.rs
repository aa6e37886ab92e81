//! Derives the settings of accounts that only a user directory lists. Their names are not known, so doctor cannot run
//! `sshd -T` for them.
use crate::sshd::config::{Config, MatchBlock};
use crate::sshd::effective::Effective;
use crate::sshd::probe::Probe;

/// Returns, for each Match line that names groups, an example login and its settings. The login has an invented
/// account. It stands for the accounts of a user directory that are in these groups and that no file of the host lists.
/// `base` are the settings outside of Match blocks.
#[must_use]
pub fn groups(config: &Config, base: &Effective) -> Vec<(Probe, Effective)> {
    let blocks = config.blocks.iter().enumerate();
    blocks
        .filter_map(|(number, block)| {
            let (_, list) = block.criteria.iter().find(|(word, _)| word == "group")?;
            let probe = Probe::of(&format!("an unlisted account in group {list}"));
            Some((probe, overlaid(config, base, number)))
        })
        .collect()
}

/// Returns `base`, overridden by the settings of the block at index `number` and of the blocks for all users. If
/// several of these blocks set a keyword, the first value is used.
fn overlaid(config: &Config, base: &Effective, number: usize) -> Effective {
    let applies = |at: usize, block: &MatchBlock| {
        at == number || block.criteria.iter().all(|(word, _)| word == "all")
    };
    let blocks = config.blocks.iter().enumerate();
    let active: Vec<usize> =
        blocks.filter(|(at, block)| applies(*at, block)).map(|(at, _)| at).collect();
    let mut after = base.clone();
    let mut seen: Vec<&str> = Vec::new();
    for line in &config.directives {
        let in_force = line.block.is_some_and(|block| active.contains(&block));
        if in_force && !seen.contains(&line.keyword.as_str()) {
            after = after.with(&line.keyword, &line.value.to_ascii_lowercase());
            seen.push(&line.keyword);
        }
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pam::load::tests::tree;
    use crate::sshd::config::load;

    #[test]
    fn a_block_overrides_what_is_set_before() {
        for (text, expected) in [
            (
                "AuthenticationMethods any\nMatch Group x\n AuthenticationMethods publickey\n",
                "publickey",
            ),
            (
                "Match all\n AuthenticationMethods none\nMatch Group x\n AuthenticationMethods publickey\n",
                "none",
            ),
            (
                "Match Group x\n AuthenticationMethods publickey\n AuthenticationMethods none\n",
                "publickey",
            ),
            ("Match Group x\n UsePAM no\nMatch all\n AuthenticationMethods none\n", "none"),
        ] {
            let config = load(&tree(&[("/etc/ssh/sshd_config", text)])).unwrap();
            let base = Effective::read("authenticationmethods any\n");
            let found = groups(&config, &base);
            let (_, effective) = found.first().unwrap();
            assert_eq!(effective.value("authenticationmethods"), Some(expected), "{text}");
        }
    }
}
