//! Summary of a stack for the table of services: what the stack asks for in addition to a code, and when it does not
//! ask.
use crate::pam::code::PamCode;
use crate::pam::modules::file_name;
use crate::pam::table::{AssumedRole, CaseRow, CaseTable, OtherFactorAnswer, Password};
use crate::pam::twinlock::ModuleAnswer;

/// What a stack asks for in addition to a code, and when it does not ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effect {
    /// The first factors, such as `password`. Any one of them is enough together with a code. `nothing` means that a
    /// code alone is enough.
    pub first: Vec<String>,
    /// The conditions under which a user gets in without the first factor or without the code.
    pub exceptions: Vec<String>,
    /// Whether a user without a key can log in at all.
    pub gets_in: bool,
}

impl Effect {
    /// Summarizes those rows of the truth table in which the user has no key.
    #[must_use]
    pub fn of(table: &CaseTable) -> Self {
        let mut effect = Self { first: Vec::new(), exceptions: Vec::new(), gets_in: false };
        let passing = |row: &&CaseRow| row.passes() && !row.world.key;
        for row in table.rows.iter().filter(passing) {
            effect.gets_in = true;
            effect.add(table, row);
        }
        if table.is_too_large()
            || effect.first.is_empty() && table.rows.iter().any(|row| !table.doubts(row).is_empty())
        {
            effect.first = vec!["not known".to_owned()];
        }
        effect
    }

    /// Returns the first factors for sshd, any one of which is enough together with a code. The list begins with `key`
    /// if a user with a key needs no password. The rest are the first factors of a user without a key.
    #[must_use]
    pub fn with_key(table: &CaseTable) -> Vec<String> {
        let right = |row: &CaseRow| row.passes() && row.world.answer == ModuleAnswer::Right;
        let alone =
            |row: &CaseRow| row.world.key && matches!(row.world.password, Password::None(_));
        let key = table.rows.iter().any(|row| right(row) && alone(row));
        let mut first: Vec<String> = key.then(|| "key".to_owned()).into_iter().collect();
        first.extend(Self::of(table).first);
        first
    }

    fn add(&mut self, table: &CaseTable, row: &CaseRow) {
        if !table.doubts(row).is_empty() {
            return push(&mut self.first, "not known".to_owned());
        }
        let full = row.world.answer == ModuleAnswer::Right;
        match &row.world.password {
            Password::By(module) if full => push(&mut self.first, word(module)),
            Password::None(_) if row.world.other == OtherFactorAnswer::Right => {
                table.cast.iter().for_each(|line| {
                    if let AssumedRole::Second(second) = &line.role {
                        push(&mut self.first, word(&second.name));
                    }
                });
            }
            Password::None(_) => match condition(table, row) {
                Some(text) => push(&mut self.exceptions, text),
                None => push(&mut self.first, "nothing".to_owned()),
            },
            Password::By(_) => (),
        }
    }
}

/// Returns the text of the first condition (a module that tests the account or the circumstances of the login) that
/// succeeds in this row of the truth table although it usually fails. `None` if there is none.
fn condition(table: &CaseTable, row: &CaseRow) -> Option<String> {
    let mut numbers = row.unusual(table).filter_map(|number| {
        let succeeds = row.world.conditions.get(number) == Some(&PamCode::SUCCESS);
        table.conditions.get(number).filter(|_| succeeds)
    });
    numbers
        .next()
        .map(|one| one.text.trim().replace(".so", "").trim_start_matches("pam_").to_owned())
}

fn push(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) {
        list.push(text);
    }
}

/// Returns a short name of what the module asks for, such as `password`. If no such name is known, returns the module's
/// name without `pam_` and `.so`.
fn word(module: &str) -> String {
    let name = file_name(module).trim_end_matches(".so");
    match name {
        "pam_fprintd" => "fingerprint".to_owned(),
        "pam_pkcs11" | "pam_p11" => "smart card".to_owned(),
        "pam_ssh_agent_auth" => "ssh agent".to_owned(),
        "pam_unix" | "pam_sss" | "pam_winbind" | "pam_krb5" | "pam_ldap" | "pam_tcb"
        | "pam_pwdfile" | "pam_userdb" | "pam_radius_auth" | "pam_systemd_home" | "pam_heimdal" => {
            "password".to_owned()
        }
        other => other.trim_start_matches("pam_").to_owned(),
    }
}
