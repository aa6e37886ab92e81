//! Truth table of a stack: combinations of factors, and whether libpam grants access.
use crate::pam::code::PamCode;
use crate::pam::dispatch::{StackStep, dispatch};
use crate::pam::modules::{Nature, Second, file_name, nature};
use crate::pam::stack::{Handler, LinePlace, StackKind};
use crate::pam::twinlock::{Arguments, BROKEN, ModuleAnswer, is_twinlock, read};

/// The first factor that a module in the stack checks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Password {
    /// The named module succeeds; the others do not know the account.
    By(String),
    /// Every module returns this code.
    None(PamCode),
}

/// Answer of the modules of other second factors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Other {
    /// Every such module fails, or there is none.
    Wrong,
    /// No such module knows the account.
    Unknown,
    /// Every such module succeeds.
    Right,
}

/// One combination of factors.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct World {
    /// sshd has verified a public key.
    pub key: bool,
    /// The password or its equivalent.
    pub password: Password,
    /// The code.
    pub answer: ModuleAnswer,
    /// Answer of the modules of other second factors.
    pub other: Other,
    /// Which conditions hold, one bit for each.
    pub conditions: u32,
}

/// A world and its result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseRow {
    /// The combination of factors.
    pub world: World,
    /// libpam's result.
    pub code: PamCode,
    /// The modules that were called.
    pub steps: Vec<StackStep>,
}

/// Role of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// Our module.
    Twinlock(Arguments),
    /// Always the same answer.
    Fixed(PamCode),
    /// The condition of that number.
    Condition(usize),
    /// Asks for a password or its equivalent.
    Proof(String),
    /// Checks a second factor other than twinlock.
    Second(Second),
    /// Runs nothing.
    Idle,
}

/// A line with its role.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cast {
    /// The line.
    pub handler: Handler,
    /// Its role.
    pub role: Role,
}

/// A module that checks the account, the caller or the time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    /// Module and arguments as written.
    pub text: String,
    /// Where it is first written.
    pub place: LinePlace,
}

/// The whole table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaseTable {
    /// The lines.
    pub cast: Vec<Cast>,
    /// The conditions, in the order of their bits.
    pub conditions: Vec<Condition>,
    /// One row for each world.
    pub rows: Vec<CaseRow>,
}

/// Above this number, conditions are tried all together and one by one, not in every combination.
const FREE_CONDITIONS: usize = 4;

impl CaseRow {
    /// Reports whether libpam grants access.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.code == PamCode::SUCCESS
    }
}

impl World {
    /// Reports whether no factor besides the code was proven.
    #[must_use]
    pub fn empty_handed(&self) -> bool {
        !self.key && matches!(self.password, Password::None(_))
    }
}

impl CaseTable {
    /// Returns the table of this stack without one of its lines.
    #[must_use]
    pub fn without(&self, number: usize) -> Self {
        let mut cast = self.cast.clone();
        if number < cast.len() {
            cast.remove(number);
        }
        let stack: Vec<Handler> = cast.iter().map(|line| line.handler.clone()).collect();
        let worlds = worlds(&cast, self.conditions.len());
        let rows = worlds.into_iter().map(|world| run(&stack, &cast, world)).collect();
        Self { cast, conditions: self.conditions.clone(), rows }
    }
}

/// Computes the table. `present` reports whether the file of a module exists.
pub fn tabulate(stack: &[Handler], present: &dyn Fn(&str) -> bool) -> CaseTable {
    let mut conditions = Vec::new();
    let cast: Vec<Cast> = stack
        .iter()
        .map(|handler| Cast {
            handler: handler.clone(),
            role: role(handler, present, &mut conditions),
        })
        .collect();
    let rows =
        worlds(&cast, conditions.len()).into_iter().map(|world| run(stack, &cast, world)).collect();
    CaseTable { cast, conditions, rows }
}

fn role(
    handler: &Handler,
    present: &dyn Fn(&str) -> bool,
    conditions: &mut Vec<Condition>,
) -> Role {
    let StackKind::Module { path, args } = &handler.kind else {
        return Role::Idle;
    };
    if !present(path) {
        return Role::Fixed(PamCode::MODULE_UNKNOWN);
    }
    if is_twinlock(path) {
        return Role::Twinlock(read(args));
    }
    match nature(path, args) {
        Nature::Fixed(code) => Role::Fixed(code),
        Nature::Proof(name) => Role::Proof(name),
        Nature::Second(second) => Role::Second(second),
        Nature::Condition => {
            let text = format!("{} {}", file_name(path), args.join(" "));
            let known = conditions.iter().position(|condition| condition.text == text);
            Role::Condition(known.unwrap_or_else(|| {
                conditions.push(Condition { text, place: handler.place.clone() });
                conditions.len() - 1
            }))
        }
    }
}

fn worlds(cast: &[Cast], conditions: usize) -> Vec<World> {
    let passwords = passwords(cast);
    let bits = combinations(conditions);
    let others = match cast.iter().any(|line| matches!(line.role, Role::Second(_))) {
        true => [Other::Wrong, Other::Unknown, Other::Right].as_slice(),
        false => &[Other::Wrong],
    };
    let [first, second, third, fourth] = BROKEN.map(ModuleAnswer::Broken);
    let answers = [
        ModuleAnswer::Right,
        ModuleAnswer::Wrong,
        ModuleAnswer::Exempt,
        first,
        second,
        third,
        fourth,
    ];
    let mut all = Vec::new();
    for (key, other) in
        [false, true].into_iter().flat_map(|key| others.iter().map(move |other| (key, other)))
    {
        for password in &passwords {
            for answer in answers {
                all.extend(bits.iter().map(|bits| World {
                    key,
                    password: password.clone(),
                    answer,
                    other: *other,
                    conditions: *bits,
                }));
            }
        }
    }
    all
}

fn passwords(cast: &[Cast]) -> Vec<Password> {
    let mut all = Vec::new();
    for line in cast {
        if let Role::Proof(name) = &line.role {
            let one = Password::By(name.clone());
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all.push(Password::None(PamCode::AUTH_ERR));
    if all.len() > 1 {
        all.push(Password::None(PamCode::USER_UNKNOWN));
        all.push(Password::None(PamCode::AUTHINFO_UNAVAIL));
    }
    all
}

fn combinations(conditions: usize) -> Vec<u32> {
    let count = u32::try_from(conditions.min(31)).unwrap_or(31);
    let every = (1u32 << count) - 1;
    if conditions <= FREE_CONDITIONS {
        return (0..=every).collect();
    }
    let single = (0..count).map(|bit| 1 << bit);
    let but_one = (0..count).map(|bit| every & !(1 << bit));
    [0, every].into_iter().chain(single).chain(but_one).collect()
}

fn run(stack: &[Handler], cast: &[Cast], world: World) -> CaseRow {
    let mut line_of = stack.iter().zip(cast);
    let mut answer = |handler: &Handler| {
        line_of
            .find(|(line, _)| std::ptr::eq(*line, handler))
            .map_or(PamCode::PERM_DENIED, |(_, cast)| answer(&cast.role, &world))
    };
    let outcome = dispatch(stack, &mut answer);
    CaseRow { world, code: outcome.code, steps: outcome.steps }
}

fn answer(role: &Role, world: &World) -> PamCode {
    match role {
        Role::Idle => PamCode::PERM_DENIED,
        Role::Fixed(code) => *code,
        Role::Twinlock(line) => line.stand.answer(world.key, world.answer),
        Role::Condition(number) if world.conditions >> number & 1 == 1 => PamCode::SUCCESS,
        Role::Condition(_) => PamCode::AUTH_ERR,
        Role::Second(second) => match world.other {
            Other::Wrong => PamCode::AUTH_ERR,
            Other::Unknown => second.unknown,
            Other::Right => PamCode::SUCCESS,
        },
        Role::Proof(name) => match &world.password {
            Password::By(right) if right == name => PamCode::SUCCESS,
            Password::By(_) => PamCode::USER_UNKNOWN,
            Password::None(code) => *code,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::tests::{auth_stack, tree};
    use super::*;

    fn table(text: &str) -> CaseTable {
        let stack = auth_stack(&tree(&[("/etc/pam.d/sshd", text)]), "sshd");
        tabulate(&stack, &|path| path != "pam_gone.so")
    }

    fn passing(table: &CaseTable) -> Vec<(bool, Password, ModuleAnswer)> {
        table
            .rows
            .iter()
            .filter(|row| row.passes())
            .map(|row| (row.world.key, row.world.password.clone(), row.world.answer))
            .collect()
    }

    #[test]
    fn a_key_line_alone_wants_both() {
        let none = Password::None(PamCode::AUTH_ERR);
        let table = table("auth required pam_twinlock.so first_factor=publickey\n");
        assert_eq!(
            passing(&table),
            [(true, none.clone(), ModuleAnswer::Right), (true, none, ModuleAnswer::Exempt)]
        );
    }

    #[test]
    fn each_password_module_is_tried_alone() {
        let table = table(
            "auth [success=2 default=ignore] pam_unix.so\nauth [success=1 default=ignore] pam_sss.so\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
        );
        let by = |name: &str| Password::By(name.to_owned());
        assert!(passing(&table).iter().any(|row| row.1 == by("pam_unix.so")));
        assert!(passing(&table).iter().any(|row| row.1 == by("pam_sss.so")));
        assert!(passing(&table).iter().all(|row| matches!(row.1, Password::By(_))));
    }

    #[test]
    fn a_missing_module_refuses_and_the_same_condition_is_one() {
        assert_eq!(passing(&table("auth required pam_gone.so\nauth required pam_permit.so\n")), []);
        let twice = "auth [default=1 success=ok] pam_localuser.so\nauth required pam_permit.so\nauth required pam_localuser.so\n";
        assert_eq!(table(twice).conditions.len(), 1);
        assert_eq!(combinations(3).len(), 8);
        assert_eq!(combinations(6).len(), 14);
    }
}
