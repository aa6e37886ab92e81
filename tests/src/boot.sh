# Boots a Debian in memory, with twinlock installed; it ends with this script's input.
# $0: this text. $1: the packed system. $2: the package. $3: the machine's name.
set -eu
system=$1 package=$2 name=$3
if [ "${4-}" != inside ]; then
    # Two that boot must not share a control group. Where systemd runs, it gives each its own.
    homes=""
    if ! [ -d /run/systemd/system ]; then
        for home in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
            if [ -e $home/cgroup.procs ]; then
                mkdir "$home/$name"
                echo $$ >"$home/$name/cgroup.procs"
                homes="$homes $home"
            fi
        done
    fi
    unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
        sh -c "$0" "$0" "$system" "$package" "$name" inside || true
    for home in $homes; do
        echo $$ >"$home/cgroup.procs"
        find "$home/$name" -depth -type d -exec rmdir {} \;
    done
    exit
fi

mount -t tmpfs -o mode=0755 system /mnt
# Not at the mount itself: a lock would be created next to it, outside.
root=/mnt/$name
mkdir "$root"
tar --directory="$root" --extract --numeric-owner --file="$system"
cp "$package" "$root/root/twinlock.deb"
chroot "$root" dpkg --install /root/twinlock.deb
printf '127.0.0.1 localhost %s\n' "$name" >"$root/etc/hosts"
echo "$name" >"$root/etc/hostname"
sed -i 's/^root:[^:]*:/root:*:/' "$root/etc/shadow"
keep=""
if [ -d /run/systemd/system ]; then
    mkdir -p /run/systemd/nspawn
    mount -t tmpfs nspawn /run/systemd/nspawn
else
    mount -t tmpfs run /run
    keep=--keep-unit
fi
# The terminal is the output of this script; the end of its input ends the machine. A machine that
# reboots ends with 133.
(
    while
        ended=0
        systemd-nspawn --boot --quiet --directory="$root" --machine="$name" --private-network \
            --register=no $keep --console=interactive <&1 || ended=$?
        [ $ended = 133 ]
    do :; done
) &
exec cat >/dev/null
