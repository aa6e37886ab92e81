# Furnishes the namespaces that unshare(1) made, then waits as their first process.
# Says one line on stdout: "ready PID", or "refused SENTENCE"; causes go to stderr.
set -eu
refuse() {
    echo "refused $1"
    exit 1
}
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
ip link set lo up ||
    refuse "this machine does not let root bring up the loopback of a private network namespace"
echo twinbox >/proc/sys/kernel/hostname

# A mail would be read by nobody, and sudo would wait for a mail server that does not run here.
rm -f usr/sbin/sendmail usr/lib/sendmail
# What this machine's owner has set up must not decide how a test ends.
rm -rf etc/pam.d etc/ssh etc/sudoers.d etc/twinlock var/lib/twinlock etc/motd run/nologin etc/nologin
mkdir -p etc/pam.d etc/ssh/sshd_config.d etc/sudoers.d
awk -F: '$3 < 1000 || $3 == 65534' /etc/passwd >etc/passwd
awk -F: '$3 < 1000 || $3 == 65534' /etc/group >etc/group
awk -F: 'NR == FNR { keep[$1]; next } $1 in keep { print $1 ":*:19000:0:99999:7:::" }' \
    etc/passwd /etc/shadow >etc/shadow

pivot_root . mnt ||
    refuse "this machine does not let root change the root of a private mount namespace"
cd /
umount -l /mnt
echo "ready $pid"
# With SIGCHLD ignored the kernel buries orphans; the end of input ends the machine.
trap '' CHLD
exec cat >/dev/null
