//! The private machine of the demo: namespaces with one account and one sshd, in which other files are mounted over
//! those of the host.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::build::Artefacts;
use crate::command::{Done, command, output};
use crate::ledger::begin_earlier;
use crate::machine::multiarch;

/// Name of the account that logs in.
pub(super) const USER: &str = "ada";

/// The PAM files of the demo, each with its name: the stack that twinlock ships, and the original files of Debian that
/// it includes. The host's own files may have been changed and are not used.
const STACKS: [(&str, &str); 4] = [
    ("sshd", include_str!("../../../config/pam.d/sshd-publickey")),
    ("common-account", include_str!("../../../tests/stock/pam.d/common-account")),
    ("common-session", include_str!("../../../tests/stock/pam.d/common-session")),
    ("common-password", include_str!("../../../tests/stock/pam.d/common-password")),
];
const DROP_IN: &str = include_str!("../../../config/sshd_config.d/10-twinlock-publickey.conf");
const MOTD: &str =
    "\nYou are in: sshd has checked your key, twinlock your code. `exit` leads back.\n\n";
const STARTS_WITHIN: Duration = Duration::from_secs(10);

/// Script that mounts private copies over some folders of the host, and empty folders over others.
const FURNISH: &str = r#"
echo demo >/proc/sys/kernel/hostname
mount -t tmpfs -o mode=0755,nosuid,nodev demo /mnt
cp -a /etc /mnt/etc
cp -a "$security" /mnt/security
mkdir /mnt/bin
mount --bind /mnt/etc /etc
mount --bind /mnt/security "$security"
mount --bind /mnt/bin /usr/local/bin
for folder in /run /var /home /root; do mount -t tmpfs -o mode=0755,nosuid,nodev demo $folder; done
mount -t tmpfs -o mode=1777,nosuid,nodev demo /tmp
chmod 0700 /root
mkdir -p /run/sshd /run/twinlock /run/lock /var/lib /var/log /var/mail /var/tmp /home/$user/.ssh
mount -t tmpfs -o mode=0700,nosuid,nodev,noexec,size=4m ledger /run/twinlock
rm -rf /etc/pam.d /etc/ssh/sshd_config.d /etc/twinlock /etc/motd /etc/update-motd.d /etc/nologin /etc/ld.so.preload
mkdir -p /etc/pam.d /etc/ssh/sshd_config.d /etc/twinlock
for table in passwd group; do
    awk -F: -v user=$user '($3 < 1000 || $3 == 65534) && $1 != user' /mnt/etc/$table >/mnt/$table
    cat /mnt/$table >/etc/$table
done
echo "$user:x:4242:4242:Ada of the demo:/home/$user:/bin/bash" >>/etc/passwd
echo "$user:x:4242:" >>/etc/group
awk -F: '{ print $1 ":*:19000:0:99999:7:::" }' /etc/passwd >/etc/shadow
printf 'passwd: files\ngroup: files\nshadow: files\nhosts: files\n' >/etc/nsswitch.conf
ssh-keygen -q -t ed25519 -N '' -C demo -f /root/key
ssh-keygen -q -t ed25519 -N '' -C demo -f /run/sshd/host_key
cp /root/key.pub /home/$user/.ssh/authorized_keys
chown -R $user:$user /home/$user
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 /run/sshd/host_key.pub)" >/root/known_hosts
"#;

/// The private machine of the demo, with its sshd.
pub(super) struct Room {
    port: u16,
    // sshd runs in its own session, so that signals of the terminal do not reach it. The kernel kills it when the first
    // process of its PID namespace ends.
    _sshd: Child,
}

/// Arguments of env(1) that remove the variables of sudo, pkexec and doas. They name a user of the host, who does not
/// exist in the demo.
pub(super) const NOBODY_CALLED: [&str; 4] =
    ["--unset=SUDO_UID", "--unset=SUDO_GID", "--unset=PKEXEC_UID", "--unset=DOAS_USER"];

impl Room {
    /// Mounts the files of the private machine, installs the artefacts in it and starts sshd.
    pub(super) fn furnish(artefacts: &Artefacts) -> Done<Self> {
        // The artefacts are read now, because the script then mounts other folders over those that contain them.
        let module = read(&artefacts.module)?;
        let program = read(&artefacts.command)?;
        let security = format!("/usr/lib/{}/security", multiarch()?);
        let port = free_port()?;
        let mut furnish = command("sh", &["-eu", "-c", FURNISH]);
        furnish.env("security", &security).env("user", USER).env("port", port.to_string());
        output(&mut furnish)?;
        write(&format!("{security}/pam_twinlock.so"), &module)?;
        write("/usr/local/bin/twinlock", &program)?;
        output(&mut command("chmod", &["0755", "/usr/local/bin/twinlock"]))?;
        for (name, text) in STACKS {
            write(&format!("/etc/pam.d/{name}"), text.as_bytes())?;
        }
        write("/etc/ssh/sshd_config.d/10-twinlock-publickey.conf", DROP_IN.as_bytes())?;
        write("/etc/motd", MOTD.as_bytes())?;
        write("/etc/twinlock/twinlock.toml", b"issuer = \"twinlock demo\"\n")?;
        output(&mut command("/usr/local/bin/twinlock", &["epoch", "ensure"]))?;
        begin_earlier(Path::new("/run/twinlock"))?;
        // The user who enrolls must be the user who logs in. Otherwise the key would count as disclosed to another
        // user, and would have to be replaced at the login.
        let _ = fs::write("/proc/self/loginuid", "4242");
        Ok(Self { port, _sshd: start_sshd(port)? })
    }

    /// Returns the port on 127.0.0.1 at which sshd listens.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the words of an ssh command that connects to the demo's sshd with the demo's key. It does not use the
    /// ssh configuration of the caller.
    pub(super) fn ssh(&self) -> Vec<String> {
        let port = self.port.to_string();
        let words = [
            "ssh",
            "-F",
            "none",
            "-p",
            &port,
            "-i",
            "/root/key",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "IdentityAgent=none",
            "-o",
            "UserKnownHostsFile=/root/known_hosts",
            "-o",
            "NumberOfPasswordPrompts=1",
        ];
        let mut words = words.map(str::to_owned).to_vec();
        words.push(format!("{USER}@127.0.0.1"));
        words
    }
}

fn free_port() -> Done<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener
        .map(|address| address.port())
        .map_err(|error| format!("No free port on 127.0.0.1: {error}."))
}

fn start_sshd(port: u16) -> Done<Child> {
    let config = format!(
        "Include /etc/ssh/sshd_config.d/*.conf\nListenAddress 127.0.0.1\nPort {port}\n\
         HostKey /run/sshd/host_key\nPidFile none\nAllowUsers {USER}\nUseDNS no\n\
         PrintMotd no\nPrintLastLog no\n"
    );
    write("/etc/ssh/sshd_config", config.as_bytes())?;
    output(&mut command("/usr/sbin/sshd", &["-t"]))?;
    let mut sshd = Command::new("setsid");
    sshd.args(["/usr/sbin/sshd", "-D", "-E", "/run/sshd/log"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = sshd.spawn().map_err(|error| format!("sshd does not start: {error}."))?;
    let until = SystemTime::now() + STARTS_WITHIN;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let ended = child.try_wait().is_ok_and(|status| status.is_some());
        if ended || SystemTime::now() > until {
            let log = fs::read_to_string("/run/sshd/log").unwrap_or_default();
            return Err(format!("sshd does not listen on port {port}:\n{log}"));
        }
        sleep(Duration::from_millis(20));
    }
    Ok(child)
}

fn read(path: &Path) -> Done<Vec<u8>> {
    fs::read(path).map_err(|error| format!("{} cannot be read: {error}.", path.display()))
}

fn write(path: &str, content: &[u8]) -> Done {
    fs::write(path, content).map_err(|error| format!("{path} cannot be written: {error}."))
}
