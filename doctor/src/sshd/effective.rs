//! Parses the output of `sshd -T`: the settings that apply to one user and connection.

/// The settings that sshd prints for one user and connection, or without a user and connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effective {
    lines: Vec<(String, String)>,
}

/// One way to log in: the authentication methods that sshd requires one after the other.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Way(pub Vec<String>);

/// How the methods of a way to log in call PAM.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Gate {
    /// The methods call PAM, which shows prompts (`keyboard-interactive`). The user answers them one by one.
    Prompts,
    /// The method `password` calls PAM. The user gives one text, which is the answer to every prompt.
    OneText,
    /// No method of the way calls PAM, so PAM does not decide about the login.
    None,
}

impl Effective {
    /// Parses the output of `sshd -T`.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let lines = text
            .lines()
            .filter_map(|line| line.trim().split_once(' '))
            .map(|(word, value)| (word.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self { lines }
    }

    /// Returns the first value of the keyword, which must be in lower case; `None` if the output does not contain it.
    #[must_use]
    pub fn value(&self, keyword: &str) -> Option<&str> {
        self.lines.iter().find(|(word, _)| word == keyword).map(|(_, value)| value.as_str())
    }

    /// Returns all values of the keyword, which must be in lower case.
    pub fn values<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter(move |(word, _)| word == keyword).map(|(_, value)| value.as_str())
    }

    /// Returns these settings with one value of the keyword in place of all others.
    #[must_use]
    pub fn with(mut self, keyword: &str, value: &str) -> Self {
        self.lines.retain(|(word, _)| word != keyword);
        self.lines.push((keyword.to_owned(), value.to_owned()));
        self
    }

    /// Returns whether the value of the keyword is `yes`.
    #[must_use]
    pub fn yes(&self, keyword: &str) -> bool {
        self.value(keyword) == Some("yes")
    }

    /// Returns whether sshd offers the method keyboard-interactive.
    #[must_use]
    pub fn prompts(&self) -> bool {
        self.yes("kbdinteractiveauthentication") || self.yes("challengeresponseauthentication")
    }

    /// Returns the name of the PAM service that sshd calls.
    #[must_use]
    pub fn service(&self) -> &str {
        self.value("pamservicename").unwrap_or("sshd")
    }

    /// Returns LoginGraceTime in seconds; `None` if it is not set or there is no limit.
    #[must_use]
    pub fn grace(&self) -> Option<u64> {
        let seconds = self.value("logingracetime")?.parse().ok()?;
        (seconds > 0).then_some(seconds)
    }

    /// Returns whether AuthenticationMethods lists ways to log in.
    #[must_use]
    pub fn names_ways(&self) -> bool {
        !matches!(self.value("authenticationmethods"), None | Some("any" | ""))
    }

    /// Returns the ways to log in that AuthenticationMethods lists. If it lists none, each enabled method is a way by
    /// itself.
    #[must_use]
    pub fn ways(&self) -> Vec<Way> {
        if self.names_ways() {
            let list = self.value("authenticationmethods").unwrap_or_default();
            let way = |way: &str| Way(way.split(',').map(method).collect());
            return list.split_whitespace().map(way).collect();
        }
        [
            ("publickey", self.yes("pubkeyauthentication")),
            ("gssapi-with-mic", self.yes("gssapiauthentication")),
            ("hostbased", self.yes("hostbasedauthentication")),
            ("keyboard-interactive", self.prompts()),
            ("password", self.yes("passwordauthentication")),
        ]
        .into_iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| Way(vec![name.to_owned()]))
        .collect()
    }
}

/// Returns the name of a method without the suffix `:pam`. The suffix names the device that sshd uses for prompts by
/// default.
fn method(text: &str) -> String {
    text.strip_suffix(":pam").unwrap_or(text).to_owned()
}

/// Returns whether the method shows prompts, through PAM or another device: its name is `keyboard-interactive`, with or
/// without a suffix.
fn prompts(method: &str) -> bool {
    method.split(':').next() == Some("keyboard-interactive")
}

impl Way {
    /// Returns how the methods of this way to log in call PAM.
    #[must_use]
    pub fn gate(&self) -> Gate {
        let has = |name: &str| self.0.iter().any(|method| method == name);
        if self.0.iter().any(|method| prompts(method)) {
            Gate::Prompts
        } else if has("password") {
            Gate::OneText
        } else {
            Gate::None
        }
    }

    /// Returns whether sshd asks for the key before the first method that calls PAM. Only in that case does sshd tell
    /// PAM about the key.
    #[must_use]
    pub fn key_before_pam(&self) -> bool {
        self.0
            .iter()
            .take_while(|method| !prompts(method) && *method != "password")
            .any(|method| method == "publickey")
    }

    /// Returns whether the method with this name is one of those that the way to log in requires.
    #[must_use]
    pub fn asks(&self, name: &str) -> bool {
        self.0.iter().any(|method| method == name)
    }
}

impl std::fmt::Display for Way {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(text: &str) -> Vec<String> {
        Effective::read(text).ways().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn ways_are_named_or_every_method_that_is_on() {
        assert_eq!(
            ways("authenticationmethods publickey,keyboard-interactive:pam keyboard-interactive"),
            ["publickey,keyboard-interactive", "keyboard-interactive"]
        );
        let any = "pubkeyauthentication yes\npasswordauthentication no\nkbdinteractiveauthentication yes\ngssapiauthentication yes\nauthenticationmethods any\n";
        assert_eq!(ways(any), ["publickey", "gssapi-with-mic", "keyboard-interactive"]);
        assert_eq!(ways("pubkeyauthentication yes\n"), ["publickey"]);
    }

    #[test]
    fn pam_hears_of_a_key_only_when_it_came_first() {
        let way = |text: &str| Way(text.split(',').map(method).collect());
        assert!(way("publickey,keyboard-interactive").key_before_pam());
        assert!(!way("keyboard-interactive:pam,publickey").key_before_pam());
        assert_eq!(way("publickey").gate(), Gate::None);
        assert_eq!(way("publickey,password").gate(), Gate::OneText);
        assert_eq!(way("password,keyboard-interactive").gate(), Gate::Prompts);
    }

    #[test]
    fn single_values() {
        let text = "LoginGraceTime 30\nusepam yes\npamservicename ssh-house\nchallengeresponseauthentication yes\n";
        let read = Effective::read(text);
        assert_eq!((read.grace(), read.service()), (Some(30), "ssh-house"));
        assert!(read.yes("usepam") && read.prompts() && !read.yes("gssapiauthentication"));
        assert_eq!(Effective::read("logingracetime 0\n").grace(), None);
        assert_eq!(Effective::read("").service(), "sshd");
    }
}
