//! Finds rules of /etc/doas.conf by which doas does not ask for a password.

/// Path of doas's configuration file.
pub const FILE: &str = "/etc/doas.conf";

/// A rule by which doas does not ask for a password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoPass {
    /// Number, from 1, of the line at which the rule begins.
    pub line: usize,
    /// The rule, as the file has it.
    pub rule: String,
}

/// Returns the rules of doas.conf that contain `nopass`. Lines that end with a backslash are joined with the next one,
/// and text after `#` is a comment.
#[must_use]
pub fn rules(text: &str) -> Vec<NoPass> {
    let mut found = Vec::new();
    let mut whole = String::new();
    let mut first = 0;
    // If the file ends in a backslash, the added empty line completes the last rule.
    for (number, raw) in (1..).zip(text.lines().chain([""])) {
        if whole.is_empty() {
            first = number;
        }
        let plain = raw.split('#').next().unwrap_or_default();
        if let Some(part) = plain.strip_suffix('\\') {
            whole.push_str(part);
            continue;
        }
        whole.push_str(plain);
        let words: Vec<&str> = whole.split_whitespace().collect();
        let options = words.iter().skip(1).take_while(|word| **word != "as" && **word != "cmd");
        if words.first() == Some(&"permit") && options.into_iter().any(|word| *word == "nopass") {
            found.push(NoPass { line: first, rule: words.join(" ") });
        }
        whole.clear();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_rule_that_permits_without_a_question_counts() {
        let text = "# permit nopass a\npermit persist :wheel\npermit setenv { A } \\\n nopass ada as root cmd /bin/ls\ndeny nopass eve\npermit ada cmd nopass\n";
        let expected = "permit setenv { A } nopass ada as root cmd /bin/ls";
        assert_eq!(rules(text), [NoPass { line: 3, rule: expected.to_owned() }]);
        let cut = [NoPass { line: 1, rule: "permit nopass eve".to_owned() }];
        assert_eq!(rules("permit nopass eve \\"), cut);
    }
}
