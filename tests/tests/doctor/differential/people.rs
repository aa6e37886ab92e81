//! The accounts with which the tests try logins, and the conditions (such as membership of a group) that hold for them.

/// The password of every account but emi, who has none.
pub(super) const PASSWORD: &str = "correct horse";
/// The key of every authenticator app.
pub(super) const APP: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Whether an account is enrolled, and so has a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enrolled {
    Yes,
    No,
}

/// An account of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) uid: u32,
    pub(super) enrolled: Enrolled,
    /// Whether the account is a member of the group people, and whether it is a member of the group crew.
    pub(super) member: [bool; 2],
}

const fn person(
    name: &'static str,
    uid: u32,
    enrolled: Enrolled,
    people: bool,
    crew: bool,
) -> Person {
    Person { name, uid, enrolled, member: [people, crew] }
}

/// Enrolled accounts with every combination of memberships, and two accounts that are not enrolled: one with both
/// memberships, and one with none. In each group, one member is listed and one has the group as the primary group.
pub(super) const PEOPLE: [Person; 7] = [
    person("ada", 20_001, Enrolled::Yes, true, true),
    person("bob", 20_002, Enrolled::Yes, true, false),
    person("cyd", 20_003, Enrolled::Yes, false, true),
    person("dan", 900, Enrolled::Yes, false, false),
    person("eve", 20_005, Enrolled::No, true, true),
    person("fay", 20_006, Enrolled::No, false, false),
    person("emi", 20_007, Enrolled::Yes, false, false),
];

/// The groups, with their numbers.
pub(super) const GROUPS: [(&str, u32); 2] = [("people", 7001), ("crew", 7002)];

/// A condition on the account or the connection of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// The account is a member of the group with this index in [`GROUPS`].
    Member(usize),
    /// The account is not a member of the group with this index in [`GROUPS`].
    Stranger(usize),
    /// The user id is 1000 or more.
    Regular,
    /// Holds for every login.
    Always,
    /// The connection comes from 203.0.113.7.
    FromAfar,
    /// The account is ada.
    Ada,
    /// The account has a login shell. Only bob has none.
    Shell,
}

impl Fact {
    /// Reports whether the condition holds for the account and the client's address.
    pub(super) fn holds(self, person: &Person, address: &str) -> bool {
        match self {
            Self::Member(group) => person.member[group],
            Self::Stranger(group) => !person.member[group],
            Self::Regular => person.uid >= 1000,
            Self::Always => true,
            Self::FromAfar => address == AFAR,
            Self::Ada => person.name == "ada",
            Self::Shell => person.name != "bob",
        }
    }
}

/// Address of a client on the network: doctor's example address.
pub(super) const AFAR: &str = "203.0.113.7";
/// Address of a client on a private network.
pub(super) const INSIDE: &str = "10.1.2.3";
/// Address of a client on the machine.
pub(super) const HERE: &str = "127.0.0.1";

/// Address of a client on the network by IPv6.
pub(super) const OVER_6: &str = "2001:db8::7";

/// Returns the names of the members of a group, joined by `separator`.
pub(super) fn members(group: usize, separator: &str) -> String {
    let of = PEOPLE.iter().filter(|one| one.member[group]).map(|one| one.name);
    of.collect::<Vec<_>>().join(separator)
}
