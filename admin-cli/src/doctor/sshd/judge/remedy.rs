//! What to write into sshd's files, and where.
use super::{Facts, Issue};
use crate::judge::remedies::{KEY_METHODS, PASSWORD_METHODS};
use crate::sshd::config::Directive;

const NO_TEXT: &str = "PasswordAuthentication no";
const OLD_PROMPTS: &str = "challengeresponseauthentication";

impl Facts {
    pub(super) fn remedy(&self, kind: &Issue) -> String {
        self.to_write(match kind {
            Issue::NoPamOpen | Issue::NoPamShut => &["UsePAM yes"],
            Issue::NoPrompts => &["KbdInteractiveAuthentication yes"],
            Issue::KeyAlone | Issue::KeyAfterCode(_) | Issue::OtherAlone(_) => &[KEY_METHODS],
            Issue::OneText(way) if way.asks("publickey") => &[KEY_METHODS, NO_TEXT],
            Issue::OneText(_) => &[PASSWORD_METHODS, NO_TEXT],
            Issue::RootShutOut => {
                return "Leave it so and use sudo; or, once root has a record, write `PermitRootLogin yes`.".to_owned();
            }
        })
    }

    /// The first value counts: a line that sets it is changed, and only what no line sets is written anew.
    pub(super) fn to_write(&self, lines: &[&str]) -> String {
        let change = |line: &&str| {
            Some(format!("change the line at {} to `{line}`", self.set_by(line)?.place))
        };
        let mut steps: Vec<String> = lines.iter().filter_map(change).collect();
        let new = lines.iter().filter(|line| self.set_by(line).is_none());
        let new: Vec<String> = new.map(|line| format!("`{line}`")).collect();
        if !new.is_empty() {
            steps.push(format!("write {} into {}", new.join(" and "), self.file_to_write()));
        }
        let mut steps = steps.join(", ");
        if let Some(first) = steps.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        format!("{steps}, then run `sshd -t` and reload sshd.")
    }

    /// The line whose value is the one in force for everybody.
    fn set_by(&self, line: &str) -> Option<&Directive> {
        let keyword = line.split(' ').next()?.to_ascii_lowercase();
        let old = (keyword == "kbdinteractiveauthentication").then_some(OLD_PROMPTS);
        let mut lines = self.config.directives.iter().filter(|one| one.block.is_none());
        lines.find(|one| one.keyword == keyword || Some(one.keyword.as_str()) == old)
    }

    fn file_to_write(&self) -> String {
        self.config.drop_ins.as_ref().map_or_else(
            || format!("{} above every Match line", self.config.file),
            |folder| format!("{folder}/10-twinlock.conf (before any other file that sets it)"),
        )
    }
}
