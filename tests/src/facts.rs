//! Sets up the accounts, keys and PAM files of a machine before a login.

use crate::artefacts::shipped;
use crate::machine::Machine;
use crate::programs::LOGGED_IN;

/// User id of the first account that is created. Ids of system accounts are much smaller.
const FIRST_UID: u32 = 20_001;

impl Machine {
    /// Creates an account with a home folder and a shell, but without a password or key.
    pub fn user(&self, name: &str) -> &Self {
        let accounts = self.file("/etc/passwd").read();
        let highest =
            accounts.lines().filter_map(uid).filter(|uid| (FIRST_UID..60_000).contains(uid));
        let uid = highest.max().map_or(FIRST_UID, |uid| uid + 1);
        self.user_with_uid(name, uid)
    }

    /// Creates an account with this user id, a home folder and a shell, but without a password or key.
    pub fn user_with_uid(&self, name: &str, uid: u32) -> &Self {
        let home = format!("/home/{name}");
        let profile = format!("{home}/.profile");
        self.file("/etc/passwd").append(format!("{name}:x:{uid}:{uid}::{home}:/bin/sh\n"));
        self.file("/etc/group").append(format!("{name}:x:{uid}:\n"));
        self.file("/etc/shadow").append(format!("{name}:!:19000:0:99999:7:::\n"));
        self.file(&home).make_folder().owner(uid);
        // A login shell reports that it was reached and ends: no test has to type `exit`.
        self.file(&profile).write(format!("echo \"{LOGGED_IN}$(id -un)\"\nexit\n")).owner(uid);
        self
    }

    /// Sets the password of an account.
    pub fn password(&self, user: &str, password: &str) -> &Self {
        let chpasswd = self.call(["chpasswd", "-c", "SHA512", "-s", "1000"]);
        chpasswd.input(format!("{user}:{password}\n")).output().ok();
        self
    }

    /// Creates a key pair for an account: the private key for the client, the public key in the account's
    /// authorized_keys.
    pub fn key(&self, user: &str) -> &Self {
        let file = format!("/root/keys/{user}");
        self.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", &file]).ok();
        let home = if user == "root" { "/root".to_owned() } else { format!("/home/{user}") };
        let (folder, list) = (format!("{home}/.ssh"), format!("{home}/.ssh/authorized_keys"));
        let uid = self.uid(user);
        self.file(&folder).make_folder().mode(0o700).owner(uid);
        let public = self.file(&format!("{file}.pub")).read();
        self.file(&list).write(public).mode(0o600).owner(uid);
        self
    }

    /// Lets the account run every command by sudo, after the authentication that the PAM file of sudo demands.
    pub fn sudoer(&self, user: &str) -> &Self {
        let file = format!("/etc/sudoers.d/{user}");
        self.file(&file).write(format!("{user} ALL=(ALL:ALL) ALL\n")).mode(0o440);
        self
    }

    /// Writes the PAM file of a service.
    pub fn pam(&self, service: &str, text: &str) -> &Self {
        let file = format!("/etc/pam.d/{service}");
        self.file(&file).write(text);
        self
    }

    /// Installs one of the repository's drop-in files for sshd.
    pub fn drop_in(&self, name: &str) -> &Self {
        let file = format!("/etc/ssh/sshd_config.d/{name}");
        self.file(&file).write(shipped(&format!("sshd_config.d/{name}")));
        self
    }

    /// Returns the user id of an account.
    pub fn uid(&self, user: &str) -> u32 {
        let accounts = self.file("/etc/passwd").read();
        let own = format!("{user}:");
        let mut lines = accounts.lines().filter(|line| line.starts_with(&own));
        let uid = lines.next().and_then(uid);
        uid.unwrap_or_else(|| panic!("{user} is no account of the private machine"))
    }
}

fn uid(line: &str) -> Option<u32> {
    line.split(':').nth(2)?.parse().ok()
}
