//! The table of faulty configurations, with what setup says about each.

/// A host with a faulty configuration.
pub struct Botched {
    /// What is wrong with the configuration. Each name occurs once.
    pub name: &'static str,
    /// Arguments of `twinlock setup`.
    pub line: &'static str,
    /// Script that breaks the good configuration. It runs in /etc.
    pub make: &'static str,
    /// Text that the output of setup must contain.
    pub said: &'static str,
}

const fn ssh(name: &'static str, make: &'static str, said: &'static str) -> Botched {
    Botched { name, line: "ssh --with publickey", make, said }
}

const fn password(name: &'static str, make: &'static str, said: &'static str) -> Botched {
    Botched { name, line: "ssh --with password", make, said }
}

const fn other(
    name: &'static str,
    line: &'static str,
    make: &'static str,
    said: &'static str,
) -> Botched {
    Botched { name, line, make, said }
}

/// Faults in the settings of sshd: settings before or after those of setup, and Include lines.
pub const OF_SSHD: &[Botched] = &[
    ssh("PAM off", "early 'UsePAM no'", "00-early.conf:1 sets UsePAM to \"no\""),
    ssh(
        "dialogue off",
        "early 'KbdInteractiveAuthentication no'",
        "sets KbdInteractiveAuthentication to \"no\"",
    ),
    ssh(
        "dialogue off by its old name",
        "early 'ChallengeResponseAuthentication no'",
        "00-early.conf:1 sets KbdInteractiveAuthentication",
    ),
    ssh(
        "one-text passwords",
        "early 'PasswordAuthentication yes'",
        "sets PasswordAuthentication to \"yes\"",
    ),
    ssh("keys off", "early 'PubkeyAuthentication no'", "sets PubkeyAuthentication to \"no\""),
    ssh(
        "a key is enough",
        "early 'AuthenticationMethods publickey'",
        "sets AuthenticationMethods to \"publickey\"",
    ),
    ssh("any method", "early 'AuthenticationMethods any'", "sets AuthenticationMethods to \"any\""),
    ssh("a password is enough", "early 'AuthenticationMethods password'", "sets"),
    ssh("no time", "early 'LoginGraceTime 30'", "sets LoginGraceTime to \"30\""),
    ssh(
        "no method",
        "early 'AuthenticationMethods none'",
        "00-early.conf:1 sets AuthenticationMethods",
    ),
    ssh("unknown keyword", "early 'UsePMA yes'", "UsePMA"),
    ssh("no value", "early UsePAM", "00-early.conf:1 sets UsePAM to \"\""),
    ssh(
        "two at once",
        "early 'UsePAM no\nLoginGraceTime 9'",
        "00-early.conf:2 sets LoginGraceTime",
    ),
    ssh(
        "key alone for a user",
        "late 'Match User ada\nAuthenticationMethods publickey'",
        "way-in:",
    ),
    ssh(
        "key alone for a network",
        "late 'Match Address 10.0.0.0/8\nAuthenticationMethods publickey'",
        "way-in:",
    ),
    ssh(
        "key alone for the others",
        "late 'Match Address *,!10.0.0.0/8\nAuthenticationMethods publickey'",
        "way-in:",
    ),
    ssh(
        "key alone for a group",
        "late 'Match Group ada\nAuthenticationMethods publickey'",
        "way-in:",
    ),
    ssh(
        "key alone for a host",
        "late 'Match Host 10.*\nAuthenticationMethods publickey'",
        "way-in:",
    ),
    ssh(
        "key alone for all",
        "late 'Match all\nAuthenticationMethods publickey'",
        "90-late.conf:2 sets AuthenticationMethods",
    ),
    ssh(
        "anything for a user",
        "late 'Match User ada\nAuthenticationMethods any'",
        "must appear alone",
    ),
    ssh("no keys for a user", "late 'Match User ada\nPubkeyAuthentication no'", "lock-out:"),
    ssh(
        "no dialogue for a user",
        "late 'Match User ada\nKbdInteractiveAuthentication no'",
        "lock-out:",
    ),
    ssh("no Include", "printf 'UsePAM yes\n' >ssh/sshd_config", "includes no folder"),
    ssh(
        "Include too late",
        "printf 'UsePAM no\nInclude /etc/ssh/sshd_config.d/*.conf\n' >ssh/sshd_config",
        "/etc/ssh/sshd_config:1 sets UsePAM",
    ),
    ssh(
        "Include in a Match block",
        "printf 'Match User bob\nInclude /etc/ssh/sshd_config.d/*.conf\n' >ssh/sshd_config",
        "nothing was changed",
    ),
    ssh(
        "Include of other names",
        "sed -i 's/\\*.conf/2*.conf/' ssh/sshd_config",
        "before it is set",
    ),
    ssh(
        "Include of a missing folder",
        "sed -i s/sshd_config.d/missing.d/ ssh/sshd_config",
        "old files are in force",
    ),
    ssh(
        "a file of that name",
        "echo UsePAM yes >ssh/sshd_config.d/10-twinlock.conf",
        "setup has not written it",
    ),
    ssh("a folder of that name", "mkdir ssh/sshd_config.d/10-twinlock.conf", "cannot be read"),
    ssh("no sshd_config", "rm ssh/sshd_config", "includes no folder"),
    ssh("a folder as sshd_config", "rm ssh/sshd_config; mkdir ssh/sshd_config", "cannot be read"),
    ssh(
        "shipped drop-in of other factors",
        "cp /root/config/sshd_config.d/10-twinlock-password.conf ssh/sshd_config.d/",
        "10-twinlock-password.conf",
    ),
];

/// Faults in /etc/pam.d/sshd and in common-auth.
pub const OF_PAM: &[Botched] = &[
    ssh("carriage returns", "sed -i 's/$/\\r/' pam.d/sshd", "line 1 has a carriage return"),
    ssh(
        "no-break space",
        "sed -i 's/@include common-auth/@include\\xc2\\xa0common-auth/' pam.d/sshd",
        "invisible character",
    ),
    ssh(
        "byte order mark",
        "sed -i '1s/^/\\xef\\xbb\\xbf/' pam.d/sshd",
        "line 1 has a carriage return",
    ),
    ssh(
        "zero-width space",
        "sed -i 's/common-auth/common-auth\\xe2\\x80\\x8b/' pam.d/sshd",
        "invisible character",
    ),
    ssh(
        "continued from above",
        "sed -i '1i auth optional \\\\' pam.d/sshd",
        "continued by a backslash",
    ),
    ssh(
        "continued below",
        "sed -i 's/@include common-auth/& \\\\/' pam.d/sshd",
        "continued by a backslash",
    ),
    ssh(
        "included twice",
        "sed -i 's/@include common-auth/&\\n&/' pam.d/sshd",
        "includes common-auth a second time",
    ),
    ssh(
        "not included",
        "sed -i 's/@include common-auth/auth required pam_unix.so/' pam.d/sshd",
        "no auth line includes",
    ),
    ssh("empty file", ": >pam.d/sshd", "no auth line includes"),
    ssh(
        "line by hand",
        "echo 'auth required pam_twinlock.so' >>pam.d/sshd",
        "names pam_twinlock.so already",
    ),
    ssh(
        "line by hand with a path",
        "sed -i '1i auth required /usr/lib/x/pam_twinlock.so' pam.d/sshd",
        "line 1 names",
    ),
    ssh(
        "shipped file",
        "cp /root/config/pam.d/sshd-password pam.d/sshd",
        "names pam_twinlock.so already",
    ),
    ssh("half a block", "echo '# twinlock setup begin: x' >>pam.d/sshd", "not in pairs"),
    ssh(
        "an end without a begin",
        "sed -i '1i # twinlock setup end' pam.d/sshd",
        "line 1: the marker lines",
    ),
    ssh("no file", "rm pam.d/sshd", "there is no file sshd"),
    ssh("a link", "mv pam.d/sshd pam.d/real; ln -s real pam.d/sshd", "it is a symbolic link"),
    ssh("a folder", "rm pam.d/sshd; mkdir pam.d/sshd", "cannot be read"),
    ssh("a pipe", "rm pam.d/sshd; mkfifo pam.d/sshd", "cannot be read"),
    ssh("everybody first", "sed -i '1i auth sufficient pam_permit.so' pam.d/sshd", "way-in:"),
    ssh(
        "a condition first",
        "sed -i '1i auth sufficient pam_succeed_if.so uid >= 1000' pam.d/sshd",
        "way-in:",
    ),
    ssh("a password instead", "sed -i '1i auth sufficient pam_unix.so' pam.d/sshd", "way-in:"),
    ssh(
        "a jump over the line",
        "sed -i '1i auth [success=1 default=ignore] pam_succeed_if.so user = ada' pam.d/sshd; echo 'auth required pam_permit.so' >>pam.d/sshd",
        "way-in:",
    ),
    ssh("nobody first", "sed -i '1i auth required pam_deny.so' pam.d/sshd", "lock-out:"),
    ssh("a missing module", "sed -i '1i auth required pam_absent.so' pam.d/sshd", "lock-out:"),
    ssh(
        "a misspelt control",
        "sed -i '1i auth requird pam_env.so' pam.d/sshd",
        "nothing was changed",
    ),
    ssh("a missing include", "sed -i '1i @include absent' pam.d/sshd", "nothing was changed"),
    ssh("an include of itself", "sed -i '1i @include sshd' pam.d/sshd", "nothing was changed"),
    password(
        "a password is not needed",
        "echo 'auth sufficient pam_permit.so' >pam.d/common-auth",
        "way-in:",
    ),
    password(
        "passwords are optional",
        "echo 'auth optional pam_unix.so' >pam.d/common-auth",
        "nothing was changed",
    ),
    password("no common-auth", "rm pam.d/common-auth", "nothing was changed"),
    password(
        "common-auth with carriage returns",
        "sed -i 's/$/\\r/' pam.d/common-auth",
        "nothing was changed",
    ),
    password(
        "common-auth asks for a code",
        "echo 'auth required pam_twinlock.so first_factor=stack' >>pam.d/common-auth",
        "asks for a code itself, so a login would need two; nothing was changed",
    ),
    other(
        "sudo, and common-auth asks for a code",
        "sudo --with password",
        "echo 'auth required pam_twinlock.so first_factor=stack' >>pam.d/common-auth",
        "asks for a code itself, so a login would need two; nothing was changed",
    ),
    other(
        "common-auth of another form",
        "ssh --with both",
        "sed -i '1i auth required pam_faildelay.so' pam.d/common-auth",
        "cannot be combined with a key",
    ),
];

/// Faults in twinlock's settings and records, and in other services.
pub const OF_OTHERS: &[Botched] = &[
    ssh("broken settings", "echo 'windwo = 1' >>twinlock/twinlock.toml", "windwo"),
    ssh(
        "everybody is let in",
        "sed -i '1i not_enrolled = \"allow\"' twinlock/twinlock.toml",
        "way-in:",
    ),
    ssh(
        "a rule exempts ada",
        "printf '[[rule]]\nuser = \"ada\"\naction = \"exempt\"\n' >>twinlock/twinlock.toml",
        "way-in:",
    ),
    ssh(
        "a rule exempts sshd",
        "printf '[[rule]]\nservice = \"sshd\"\naction = \"exempt\"\n' >>twinlock/twinlock.toml",
        "way-in:",
    ),
    ssh(
        "a rule exempts a network",
        "printf '[[rule]]\nnetwork = \"10.0.0.0/8\"\naction = \"exempt\"\n' >>twinlock/twinlock.toml",
        "way-in:",
    ),
    ssh("nobody is enrolled", "mv /var/lib/twinlock/users/ada /root/ada", "nothing was changed"),
    ssh("records of another host", "echo x >twinlock/store-id", "nothing was changed"),
    ssh("no ledger", "umount /run/twinlock", "nothing was changed"),
    other("sudo without a file", "sudo --with password", "rm pam.d/sudo", "there is no file sudo"),
    other(
        "sudo -i with carriage returns",
        "sudo --with password",
        "sed -i 's/$/\\r/' pam.d/sudo-i",
        "sudo-i: line 1",
    ),
    other(
        "sudo without a password",
        "sudo --with password",
        "sed -i '1i auth sufficient pam_permit.so' pam.d/sudo",
        "nothing was changed",
    ),
    other(
        "su by a group",
        "su --with password",
        "sed -i '1i auth sufficient pam_permit.so' pam.d/su",
        "nothing was changed",
    ),
    other("a key for sudo", "sudo --with publickey", ":", "no other service sees a key"),
    other("a shared file", "common-auth --with password", ":", "is no service that can be set up"),
    other("another folder", "../su --with password", ":", "is no service that can be set up"),
    other("no such service", "absent --with password", ":", "there is no file absent"),
    other("other settings", "ssh --with publickey --config /etc/twinlock/x.toml", ":", "x.toml"),
];
