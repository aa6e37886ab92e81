//! Accounts that no file lists: sshd cannot be asked about them, so the settings of each Match Group are derived.
use crate::sshd::config::Config;
use crate::sshd::effective::Effective;
use crate::sshd::probe::Probe;

/// Returns the settings of an unlisted account of each group that a Match line names.
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

/// Returns the settings with those of one block; the first value of a keyword counts.
fn overlaid(config: &Config, base: &Effective, number: usize) -> Effective {
    let mut after = base.clone();
    let mut seen: Vec<&str> = (config.directives.iter())
        .take_while(|line| line.block != Some(number))
        .filter(|line| line.block.is_none())
        .map(|line| line.keyword.as_str())
        .collect();
    for line in config.directives.iter().filter(|line| line.block == Some(number)) {
        if !seen.contains(&line.keyword.as_str()) {
            after = after.with(&line.keyword, &line.value.to_ascii_lowercase());
            seen.push(&line.keyword);
        }
    }
    after
}
