//! Reads the output of `cvtsudoers -f json`: the rules and settings that decide whether and how sudo asks.
use serde_json::Value;

/// A rule or setting by which sudo does not ask for a password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unasked {
    /// The word in sudoers by which sudo does not ask: `NOPASSWD`, `!authenticate` or `exempt_group`.
    pub by: &'static str,
    /// The users whom sudo does not ask, written as in sudoers.
    pub users: String,
    /// The users as whom the commands may be run, written as in sudoers.
    pub targets: String,
    /// The commands for which sudo does not ask, written as in sudoers.
    pub commands: String,
}

/// What sudoers says about whether and how sudo asks for a password.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sudoers {
    /// The rules and settings by which sudo does not ask.
    pub unasked: Vec<Unasked>,
    /// PAM services that sudo calls in place of `sudo` (setting pam_service).
    pub services: Vec<String>,
    /// PAM services that sudo calls for login shells in place of `sudo-i` (setting pam_login_service).
    pub login_services: Vec<String>,
    /// Time in minutes after an answer during which sudo does not ask again (setting timestamp_timeout), for all users.
    /// A negative number means until the next boot. `None` means that no time is set.
    pub timeout_of_all: Option<f64>,
    /// The longest of the times that are set for some users, hosts or commands; `None` if there are none.
    pub timeout_of_some: Option<f64>,
    /// Whether an answer in one session of a user also counts in the user's other sessions (settings timestamp_type,
    /// tty_tickets).
    pub shared: bool,
    /// Whether sudo asks for the password of root or of the target user, and not for that of the caller.
    pub of_target: bool,
}

impl Sudoers {
    /// Returns the longest time after which sudo asks some user again; `None` if no time is set.
    #[must_use]
    pub fn timeout(&self) -> Option<f64> {
        longer(self.timeout_of_all, self.timeout_of_some)
    }

    /// Adds the rules and settings of another sudoers file. If both files set a time, the longer one is kept.
    pub fn merge(&mut self, other: Self) {
        self.unasked.extend(other.unasked);
        self.services.extend(other.services);
        self.login_services.extend(other.login_services);
        self.timeout_of_all = longer(self.timeout_of_all, other.timeout_of_all);
        self.timeout_of_some = longer(self.timeout_of_some, other.timeout_of_some);
        self.shared |= other.shared;
        self.of_target |= other.of_target;
    }
}

/// Returns the longer of two times in minutes. A negative time ends at the next boot.
fn longer(one: Option<f64>, two: Option<f64>) -> Option<f64> {
    match (one, two) {
        (Some(one), Some(two)) if one < 0.0 || two < 0.0 => Some(one.min(two)),
        (Some(one), Some(two)) => Some(one.max(two)),
        (one, two) => one.or(two),
    }
}

/// Parses the output of `cvtsudoers -f json`. Rules for root are left out, because sudo never asks root.
///
/// # Errors
/// A clause that says why the text is not such output.
pub fn read(json: &str) -> Result<Sudoers, String> {
    let whole: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let object = whole.as_object().ok_or("it is no object")?;
    let known = [
        "Defaults",
        "User_Aliases",
        "Runas_Aliases",
        "Host_Aliases",
        "Command_Aliases",
        "Cmnd_Aliases",
        "User_Specs",
    ];
    if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("it has an unknown key `{key}`"));
    }
    let mut found = Sudoers::default();
    for default in list(&whole, "Defaults")? {
        let binding = list(default, "Binding")?;
        let users = (!binding.is_empty()).then(|| names(binding));
        for option in options(default)? {
            found.option(option.0, option.1, users.as_deref());
        }
    }
    for spec in list(&whole, "User_Specs")? {
        let users = list(spec, "User_List")?;
        if !is_root(users) {
            for commands in list(spec, "Cmnd_Specs")? {
                found.rule(&names(users), commands)?;
            }
        }
    }
    Ok(found)
}

/// Returns the list under the key `key` of the JSON object `of`; an empty list if the key is missing. A value that is
/// not a list is an error.
fn list<'a>(of: &'a Value, key: &str) -> Result<&'a [Value], String> {
    let object = of.as_object().ok_or_else(|| format!("a value beside `{key}` is no object"))?;
    match object.get(key) {
        None => Ok(&[]),
        Some(value) => Ok(value.as_array().ok_or_else(|| format!("`{key}` is no list"))?),
    }
}

/// Returns the name and the value of each entry under the key `Options` of the JSON object `of`. An entry that is not
/// an object is an error.
fn options(of: &Value) -> Result<impl Iterator<Item = (&String, &Value)>, String> {
    let all = list(of, "Options")?;
    match all.iter().all(Value::is_object) {
        true => Ok(all.iter().filter_map(Value::as_object).flatten()),
        false => Err("an option is no object".to_owned()),
    }
}

impl Sudoers {
    fn rule(&mut self, users: &str, commands: &Value) -> Result<(), String> {
        for (key, value) in options(commands)? {
            match key.as_str() {
                "authenticate" if value == &Value::Bool(false) => {
                    let targets = list(commands, "runasusers")?;
                    let of_root = targets.is_empty();
                    self.unasked.push(Unasked {
                        by: "NOPASSWD",
                        users: users.to_owned(),
                        targets: if of_root { "root".to_owned() } else { names(targets) },
                        commands: names(list(commands, "Commands")?),
                    });
                }
                other => self.option(other, value, Some(users)),
            }
        }
        Ok(())
    }

    /// Applies one setting. `users` are the users, hosts or commands for which it is set; `None` if it is set for all.
    fn option(&mut self, key: &str, value: &Value, users: Option<&str>) {
        let (of_all, users) = (users.is_none(), users.unwrap_or("ALL"));
        let text = value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string());
        let unasked = |by: &'static str, users: &str| Unasked {
            by,
            users: users.to_owned(),
            targets: "ALL".to_owned(),
            commands: "ALL".to_owned(),
        };
        match key {
            "authenticate" if value == &Value::Bool(false) => {
                self.unasked.push(unasked("!authenticate", users));
            }
            "exempt_group" if value != &Value::Bool(false) => {
                self.unasked.push(unasked("exempt_group", &format!("%{text}")));
            }
            "pam_service" if value.is_string() => self.services.push(text),
            "pam_login_service" if value.is_string() => self.login_services.push(text),
            "timestamp_timeout" => {
                let minutes = if value == &Value::Bool(false) { Ok(0.0) } else { text.parse() };
                let minutes = Some(minutes.unwrap_or(-1.0));
                match of_all {
                    // sudo uses the last value.
                    true => self.timeout_of_all = minutes,
                    false => self.timeout_of_some = longer(self.timeout_of_some, minutes),
                }
            }
            "timestamp_type" => self.shared |= text == "global",
            "tty_tickets" => self.shared |= value == &Value::Bool(false),
            "rootpw" | "targetpw" | "runaspw" => self.of_target |= value != &Value::Bool(false),
            _ => (),
        }
    }
}

/// Returns the members of a JSON list as text, joined with commas and written as in sudoers.
fn names(list: &[Value]) -> String {
    let all: Vec<String> = list.iter().filter_map(Value::as_object).map(name).collect();
    all.join(", ")
}

fn name(one: &serde_json::Map<String, Value>) -> String {
    let not = if one.get("negated") == Some(&Value::Bool(true)) { "!" } else { "" };
    let entry = one.iter().find(|(key, _)| *key != "negated");
    let Some((key, value)) = entry else { return not.to_owned() };
    let text = value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string());
    let mark = match key.as_str() {
        "usergroup" => "%",
        "usergid" => "%#",
        "nonunixgroup" => "%:",
        "nonunixgid" => "%:#",
        "userid" => "#",
        "netgroup" => "+",
        _ => "",
    };
    format!("{not}{mark}{text}")
}

/// Reports whether a JSON list of users contains only root, whom sudo never asks.
fn is_root(list: &[Value]) -> bool {
    let root = |one: &Value| {
        one.get("username") == Some(&Value::from("root"))
            || one.get("userid") == Some(&Value::from(0))
    };
    !list.is_empty() && list.iter().all(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Output of cvtsudoers 1.9.13 for a file with every kind of rule.
    const JSON: &str = r#"{
      "Defaults": [
        { "Options": [ { "env_reset": true }, { "timestamp_timeout": "5" } ] },
        { "Binding": [ { "username": "ada" } ], "Options": [ { "authenticate": false }, { "timestamp_timeout": "-1" } ] },
        { "Options": [ { "pam_service": "foo" }, { "timestamp_type": "global" }, { "targetpw": true } ] },
        { "Binding": [ { "hostname": "h" } ], "Options": [ { "pam_login_service": "bar" }, { "exempt_group": "ops" } ] }
      ],
      "User_Specs": [
        { "User_List": [ { "username": "root" } ], "Host_List": [ { "hostname": "ALL" } ],
          "Cmnd_Specs": [ { "runasusers": [ { "username": "ALL" } ], "Options": [ { "authenticate": false } ], "Commands": [ { "command": "ALL" } ] } ] },
        { "User_List": [ { "usergroup": "sudo" }, { "username": "eve", "negated": true } ], "Host_List": [ { "hostname": "ALL" } ],
          "Cmnd_Specs": [
            { "Options": [ { "authenticate": false }, { "setenv": true } ], "Commands": [ { "cmndalias": "X" }, { "command": "/bin/ls" } ] },
            { "Options": [ { "authenticate": true } ], "Commands": [ { "command": "/bin/cat" } ] } ] }
      ]
    }"#;

    #[test]
    fn each_way_round_the_question_is_found() {
        let found = read(JSON).unwrap();
        let unasked = |by, users: &str, targets: &str, commands: &str| Unasked {
            by,
            users: users.to_owned(),
            targets: targets.to_owned(),
            commands: commands.to_owned(),
        };
        assert_eq!(
            found.unasked,
            [
                unasked("!authenticate", "ada", "ALL", "ALL"),
                unasked("exempt_group", "%ops", "ALL", "ALL"),
                unasked("NOPASSWD", "%sudo, !eve", "root", "X, /bin/ls"),
            ]
        );
        assert_eq!(
            (found.services, found.login_services),
            (vec!["foo".into()], vec!["bar".into()])
        );
        assert_eq!([found.timeout_of_all, found.timeout_of_some], [Some(5.0), Some(-1.0)]);
        assert!(found.shared && found.of_target);
    }

    #[test]
    fn the_last_time_for_all_users_is_used_and_the_longest_for_some() {
        let some = |user: &str, minutes: &str| {
            format!(
                r#"{{ "Binding": [ {{ "username": "{user}" }} ], "Options": [ {{ "timestamp_timeout": "{minutes}" }} ] }}"#
            )
        };
        let all = |minutes: &str| {
            format!(r#"{{ "Options": [ {{ "timestamp_timeout": "{minutes}" }} ] }}"#)
        };
        let defaults = [all("30"), some("ada", "7"), all("5"), some("bob", "6")].join(",");
        let found = read(&format!(r#"{{ "Defaults": [ {defaults} ] }}"#)).unwrap();
        assert_eq!([found.timeout_of_all, found.timeout_of_some], [Some(5.0), Some(7.0)]);
        assert_eq!(found.timeout(), Some(7.0));
    }

    #[test]
    fn other_output_is_refused() {
        for text in [
            "",
            "[]",
            "{",
            r#"{"Policies": []}"#,
            r#"{"Defaults": {}}"#,
            r#"{"Defaults": [[]]}"#,
            r#"{"Defaults": [{"Options": ["!authenticate"]}]}"#,
            r#"{"User_Specs": {"ada": "NOPASSWD"}}"#,
            r#"{"User_Specs": [{"User_List": [{"username": "ada"}], "Cmnd_Specs": {}}]}"#,
            r#"{"User_Specs": [{"User_List": "ada", "Cmnd_Specs": []}]}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(read("{}").unwrap(), Sudoers::default());
    }
}
