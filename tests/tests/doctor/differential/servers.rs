//! Settings of sshd, as administrators post them on the web. The grammar in `grammar.rs` composes configurations from
//! them.

use crate::numbers::Numbers;

/// Settings with which users log in by prompts only.
pub(super) const PROMPTS: [&str; 3] = [
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods keyboard-interactive:pam\n",
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods keyboard-interactive\n",
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nPubkeyAuthentication no\n",
];

/// Settings that require a key and then prompts.
pub(super) const KEYS: [&str; 3] = [
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods publickey,keyboard-interactive:pam\n",
    "KbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive\n",
    "AuthenticationMethods publickey,keyboard-interactive:pam\nKbdInteractiveAuthentication yes\nPasswordAuthentication yes\n",
];

/// Settings that require prompts, with or without a key before them.
pub(super) const BOTH: [&str; 2] = [
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods publickey,keyboard-interactive:pam keyboard-interactive:pam\n",
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods keyboard-interactive publickey,keyboard-interactive\n",
];

/// Settings with the password method, in which the user has one field for all answers.
pub(super) const FIELD: [&str; 3] = [
    "KbdInteractiveAuthentication no\nPasswordAuthentication yes\nPubkeyAuthentication no\n",
    "PasswordAuthentication yes\nAuthenticationMethods password\n",
    "KbdInteractiveAuthentication yes\nPasswordAuthentication yes\nAuthenticationMethods keyboard-interactive:pam password\n",
];

/// Settings with two ways to log in, of which users can complete only one.
pub(super) const TWO_WAYS: [&str; 2] = [
    "KbdInteractiveAuthentication yes\nPasswordAuthentication yes\nAuthenticationMethods publickey,password publickey,keyboard-interactive\n",
    "KbdInteractiveAuthentication yes\nPasswordAuthentication yes\nAuthenticationMethods password keyboard-interactive\n",
];

/// Settings that work with few stacks.
pub(super) const HOPELESS: [&str; 9] = [
    "KbdInteractiveAuthentication yes\nPasswordAuthentication yes\nAuthenticationMethods password,keyboard-interactive\n",
    "KbdInteractiveAuthentication yes\nPasswordAuthentication yes\nAuthenticationMethods keyboard-interactive,password\n",
    "PasswordAuthentication yes\nAuthenticationMethods password\n",
    "PasswordAuthentication yes\nAuthenticationMethods publickey,password\n",
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods keyboard-interactive,publickey\n",
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods publickey,keyboard-interactive:bsdauth\n",
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods keyboard-interactive:bsdauth\n",
    "KbdInteractiveAuthentication no\nPasswordAuthentication no\nPubkeyAuthentication no\n",
    "UsePAM no\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods publickey,keyboard-interactive\n",
];

/// Settings with which one method is enough for a login.
pub(super) const WIDE: [&str; 6] = [
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\n",
    "KbdInteractiveAuthentication yes\nPasswordAuthentication yes\n",
    "KbdInteractiveAuthentication no\nPasswordAuthentication yes\n",
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods publickey publickey,keyboard-interactive\n",
    "UsePAM no\nPasswordAuthentication yes\n",
    "KbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods any\n",
];

/// Criteria of a Match block.
const CRITERIA: [&str; 22] = [
    "User ada",
    "User bob",
    "User !ada,*",
    "User ?*",
    "User a*,d??",
    "Group people",
    "Group crew",
    "Group !people,*",
    "Group sudo",
    "Address 127.0.0.0/8",
    "Address 203.0.113.0/24",
    "Address *,!203.0.113.0/24",
    "Address 0.0.0.0/1,128.0.0.0/1",
    "Address 10.0.0.0/8",
    "LocalPort 2222",
    "LocalPort 22",
    "RDomain lo",
    "RDomain *,!lo",
    "User ada Address 10.0.0.0/8",
    "Group people Address *,!10.0.0.0/8",
    "LocalAddress 127.0.0.1",
    "All",
];

/// Settings of a Match block that allow a login without a code.
pub(super) const LETTING_IN: [&str; 3] = [
    "AuthenticationMethods publickey",
    "AuthenticationMethods publickey keyboard-interactive",
    "AuthenticationMethods any",
];

/// Settings of a Match block that leave users no way to log in.
const SHUTTING_OUT: [&str; 5] = [
    "PubkeyAuthentication no",
    "KbdInteractiveAuthentication no",
    "AuthenticationMethods publickey,keyboard-interactive:bsdauth",
    "AuthenticationMethods keyboard-interactive,publickey",
    "AuthenticationMethods gssapi-with-mic",
];

/// Settings of a Match block that do not affect how users log in.
const IDLE: [&str; 4] =
    ["X11Forwarding no", "PermitEmptyPasswords no", "AllowTcpForwarding no", "MaxSessions 3"];

/// Purpose of a Match block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Block {
    LetsIn,
    ShutsOut,
    Idle,
}

/// Settings with which sshd listens on both ports, so that a Match block for one port is used for some connections
/// only.
pub(super) const PORTS: &str = "Port 22\nPort 2222\n";
/// Setting with which the connections to one port come over the device `lo`, which sshd calls their routing domain.
pub(super) const DEVICE: &str = "ListenAddress 127.0.0.1:2222 rdomain lo\n";

/// Returns random criteria of a Match block.
pub(super) fn criteria(numbers: &mut Numbers) -> &'static str {
    numbers.one_of(&CRITERIA)
}

/// Appends a Match block. If the block is for a port or a routing domain, mostly also makes sshd listen there.
pub(super) fn block(sshd: &mut String, numbers: &mut Numbers, purpose: Block) {
    let criteria = criteria(numbers);
    let line = match purpose {
        Block::LetsIn => numbers.one_of(&LETTING_IN),
        Block::ShutsOut => numbers.one_of(&SHUTTING_OUT),
        Block::Idle => numbers.one_of(&IDLE),
    };
    sshd.push_str(&format!("Match {criteria}\n    {line}\nMatch all\n"));
    let listens = sshd.contains(PORTS) || sshd.contains(DEVICE);
    if criteria.contains("LocalPort") && numbers.chance(75) && !listens {
        sshd.insert_str(0, PORTS);
    }
    if criteria.contains("RDomain") && numbers.chance(75) && !listens {
        sshd.insert_str(0, DEVICE);
    }
}
