# Furnishes the namespaces that unshare(1) made, then waits as their first process.
# Says one line on stdout: "ready PID", or "refused SENTENCE"; causes go to stderr.
set -eu
refuse() {
    echo "refused $1"
    exit 1
}
umask 022
# This is still the /proc outside, so the number is the one the test process needs.
read -r pid _ </proc/self/stat

mount -t tmpfs -o mode=0755 room /tmp ||
    refuse "this machine does not let root mount a tmpfs in a private mount namespace"
mkdir /tmp/upper /tmp/work /tmp/root
mount -t overlay -o lowerdir=/,upperdir=/tmp/upper,workdir=/tmp/work room /tmp/root ||
    refuse "this machine does not let root mount an overlay over its root file system"
cd /tmp/root

if [ -n "${DISK-}" ]; then
    mkdir disk
    mount --bind "$DISK" disk ||
        refuse "this machine does not let root show a folder of its disk in a private mount namespace"
fi
mount -t proc -o nosuid,nodev,noexec proc proc ||
    refuse "this machine does not let root mount /proc in a private process namespace"
mount -t tmpfs -o mode=0755 run run
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=0755 home home
mount -t tmpfs -o mode=1777 tmp var/tmp
mount -t tmpfs -o mode=0755 cache var/cache
mount -t tmpfs -o mode=0755 log var/log
for file in btmp lastlog wtmp; do
    : >var/log/$file
    chgrp 43 var/log/$file
    chmod 0664 var/log/$file
done
mount -t tmpfs -o mode=0700 root root
mount -t tmpfs -o mode=0755,nosuid dev dev
mkdir dev/pts dev/shm run/sshd run/lock run/twinlock root/keys
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t tmpfs -o mode=0700,nosuid,nodev,noexec,size=4m ledger run/twinlock
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts ||
    refuse "this machine does not let root mount a new instance of devpts"
mknod -m 0666 dev/null c 1 3 && mknod -m 0666 dev/zero c 1 5 && mknod -m 0666 dev/full c 1 7 &&
    mknod -m 0666 dev/random c 1 8 && mknod -m 0666 dev/urandom c 1 9 &&
    mknod -m 0666 dev/tty c 5 0 ||
    refuse "this machine does not let root make device nodes"
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
# Where only the possibility is tried out, no package needs to be installed.
if [ -z "${BARE-}" ] || command -v ip >/dev/null; then
    ip link set lo up ||
        refuse "this machine does not let root bring up the loopback of a private network namespace"
fi
echo twinbox >/proc/sys/kernel/hostname

# A mail would be read by nobody, and sudo would wait for a mail server that does not run here.
rm -f usr/sbin/sendmail usr/lib/sendmail
# Doctor names the programs that give root; those that only this machine has do not count.
rm -f usr/bin/pkexec usr/bin/doas usr/sbin/smbd usr/lib/polkit-1/polkitd usr/libexec/polkitd
rm -rf usr/share/polkit-1 etc/polkit-1 var/lib/polkit-1
# What this machine's owner has set up must not decide how a test ends.
rm -rf etc/pam.d usr/lib/pam.d etc/ssh etc/sudoers.d etc/twinlock var/lib/twinlock etc/motd run/nologin etc/nologin
rm -rf etc/profile.d etc/bash.bashrc etc/default/locale etc/ld.so.preload etc/sudo.conf etc/gshadow \
    etc/localtime etc/timezone etc/security/limits.d etc/systemd/system-environment-generators
# It names groups of packages that only this machine has, and dpkg refuses to run without them.
: >var/lib/dpkg/statoverride
mkdir -p etc/pam.d etc/ssh/sshd_config.d etc/sudoers.d etc/security
for file in etc/environment etc/security/limits.conf etc/security/pam_env.conf etc/security/access.conf \
    etc/security/group.conf etc/security/time.conf; do
    : >$file
done
# Debian's own accounts and groups, by the numbers that base-passwd gives them everywhere; and of those that packages
# make, which have a number of this machine's choice, only what the tests run.
cat >etc/passwd <<END
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
sync:x:4:65534:sync:/bin:/bin/sync
games:x:5:60:games:/usr/games:/usr/sbin/nologin
man:x:6:12:man:/var/cache/man:/usr/sbin/nologin
lp:x:7:7:lp:/var/spool/lpd:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
news:x:9:9:news:/var/spool/news:/usr/sbin/nologin
uucp:x:10:10:uucp:/var/spool/uucp:/usr/sbin/nologin
proxy:x:13:13:proxy:/bin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
backup:x:34:34:backup:/var/backups:/usr/sbin/nologin
list:x:38:38:Mailing List Manager:/var/list:/usr/sbin/nologin
irc:x:39:39:ircd:/run/ircd:/usr/sbin/nologin
_apt:x:42:65534::/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
END
: >etc/group
for group in root:0 daemon:1 bin:2 sys:3 adm:4 tty:5 disk:6 lp:7 mail:8 news:9 uucp:10 man:12 proxy:13 kmem:15 \
    dialout:20 fax:21 voice:22 cdrom:24 floppy:25 tape:26 sudo:27 audio:29 dip:30 www-data:33 backup:34 operator:37 \
    list:38 irc:39 src:40 shadow:42 utmp:43 video:44 sasl:45 plugdev:46 staff:50 games:60 users:100 nogroup:65534; do
    echo "${group%:*}:x:${group#*:}:" >>etc/group
done
awk -F: '$1 ~ /^(sshd|freerad)$/ { print $1 ":x:" $3 ":" $4 "::" $6 ":/usr/sbin/nologin" }' /etc/passwd >>etc/passwd
awk -F: '$1 ~ /^(_ssh|freerad|ssl-cert)$/ { print $1 ":x:" $3 ":" ($1 == "ssl-cert" ? "freerad" : "") }' \
    /etc/group >>etc/group
awk -F: '{ print $1 ":*:19000:0:99999:7:::" }' etc/passwd >etc/shadow
chmod 0644 etc/passwd etc/group
chmod 0640 etc/shadow
chgrp 42 etc/shadow

pivot_root . mnt ||
    refuse "this machine does not let root change the root of a private mount namespace"
cd /
umount -l /mnt
echo "ready $pid"
# With SIGCHLD ignored the kernel buries orphans; the end of input ends the machine.
trap '' CHLD
exec cat >/dev/null
