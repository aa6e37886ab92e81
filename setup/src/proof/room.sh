# Logs in with the future files of a service, inside the namespaces that unshare(1) made. Nothing outside sees it: the
# files are bound over those of the host, and sockets of the log, of logind and of dbus are not there.
# $1: a private folder. Says one line for each trial: "NUMBER in" or "NUMBER out"; "failed SENTENCE" ends it.
set -eu
umask 022
room=$1
fail() {
    echo "failed $1"
    exit 0
}
quietly() {
    "$@" >>"$room/log" 2>&1 || fail "$* does not work here"
}
# A mount over /run or over the records would hide the folder.
quietly mount --bind "$room" /mnt
room=/mnt
# Sets: service program records ledger.
. "$room/values"
# Each login has a file that sets: user uid gid home source. The first one is that of a user who is asked for a code.
take() {
    . "$room/login.$1"
}

quietly mount -t tmpfs -o mode=0755,nosuid run /run
mkdir -m 0755 /run/sshd /run/lock
: >/run/utmp
mkdir -p "$ledger"
quietly mount -t tmpfs -o mode=0700,nosuid,nodev,noexec,size=4m ledger "$ledger"
quietly mount --bind "$room/records" "$records"
cp -a /etc/twinlock "$room/settings"
cp "$room/store-id" "$room/settings/store-id"
quietly mount --bind "$room/settings" /etc/twinlock
quietly mount -t tmpfs -o mode=0755 log /var/log
for file in btmp lastlog wtmp; do
    : >/var/log/$file
done
if [ -e /dev/log ] && [ ! -h /dev/log ]; then
    quietly mount --bind /dev/null /dev/log
fi
login=0
: >"$room/users"
while [ -e "$room/login.$login" ]; do
    take $login
    login=$((login + 1))
    grep -qxF -e "$user" "$room/users" && continue
    printf '%s\n' "$user" >>"$room/users"
    if [ -d "$home" ] && [ "$home" != / ]; then
        # The folder is root's, because sshd may make it the root folder of the session (ChrootDirectory).
        quietly mount -t tmpfs -o mode=0755 home "$home"
    fi
done

# The future files. A folder is copied whole, since it may get a file that it does not have now.
number=0
while IFS= read -r file; do
    folder=${file%/*}
    case $folder in
    /etc/ssh/*) folder=/etc/ssh ;;
    esac
    copy=$room/folder$(echo "$folder" | tr / .)
    if [ ! -d "$copy" ]; then
        cp -a "$folder" "$copy"
        quietly mount --bind "$copy" "$folder"
    fi
    if [ -e "$room/after.$number" ]; then
        cat "$room/after.$number" >"$file"
    else
        rm -f "$file"
    fi
    number=$((number + 1))
done <"$room/files"

# A password for the accounts that log in, and login shells that read no file of these accounts.
awk -F: -v OFS=: -v hash="$(cat "$room/hash")" '
    NR == FNR { users[$0] = 1; next }
    $1 in users { $2 = hash; $3 = 19000; $4 = 0; $5 = 99999; $6 = 7; $7 = ""; $8 = "" } { print }
' "$room/users" /etc/shadow >"$room/shadow"
while IFS= read -r user; do
    cut -d : -f 1 "$room/shadow" | grep -qxF -e "$user" || fail "$user has no line in /etc/shadow"
done <"$room/users"
chmod --reference=/etc/shadow "$room/shadow"
chown --reference=/etc/shadow "$room/shadow"
quietly mount --bind "$room/shadow" /etc/shadow

quietly ip link set lo up
cp "$room/answer" /run/answer
chmod 0755 /run/answer

# Gives the loopback device an address, unless it has it.
give_address() {
    case $1 in
    127.* | ::1) return 0 ;;
    *:*) prefix=128 family=-6 ;;
    *) prefix=32 family=-4 ;;
    esac
    if ! ip $family address show dev lo | grep -qF " $1/"; then
        quietly ip $family address add "$1/$prefix" dev lo
    fi
}

# Sets the address and the port at which sshd listens for a client from $source.
find_server() {
    case $source in
    *:*) pattern='^listenaddress \[' loopback=::1 ;;
    *) pattern='^listenaddress [^[]' loopback=127.0.0.1 ;;
    esac
    listen=$(grep -m 1 "$pattern" "$room/effective") || fail "sshd listens at no address for a client from $source"
    port=${listen##*:}
    address=${listen#listenaddress }
    address=$(echo "${address%:*}" | tr -d '[]')
    case $address in
    0.0.0.0 | :: | 127.* | ::1) address=$loopback ;;
    esac
}

start_sshd() {
    rm -f /etc/ssh/sshrc
    ssh-keygen -q -t ed25519 -N '' -f "$room/key" >>"$room/log" 2>&1 || fail "ssh-keygen does not work here"
    cp "$room/key.pub" /run/keys
    chmod 0644 /run/keys
    sshd=$program
    quietly "$sshd" -t
    take 0
    "$sshd" -T -C "user=$user,host=client,addr=$source,laddr=127.0.0.1,lport=22" >"$room/effective" 2>>"$room/log" ||
        fail "sshd does not tell its settings"
    login=0
    while [ -e "$room/login.$login" ]; do
        take $login
        login=$((login + 1))
        give_address "$source"
        find_server
        give_address "$address"
    done
    penalties=
    if grep -q '^persourcepenalties ' "$room/effective"; then
        penalties="-o PerSourcePenalties=no"
    fi
    # shellcheck disable=SC2086
    "$sshd" -D -E "$room/sshd.log" -o PidFile=none -o AuthorizedKeysFile=/run/keys -o AuthorizedKeysCommand=none \
        $penalties &
    listener=$!
    tries=0
    until grep -qs '^ *[0-9]*: [0-9A-F]*:[0-9A-F]* [0-9A-F]*:0000 0A ' /proc/net/tcp /proc/net/tcp6; do
        kill -0 $listener 2>/dev/null || fail "sshd does not start with these files"
        tries=$((tries + 1))
        [ $tries -lt 200 ] || fail "sshd does not listen"
        sleep 0.1
    done
}

# Uses: key password code.
by_ssh() {
    find_server
    identity="-o PubkeyAuthentication=no"
    [ "$key" = no ] || identity="-o IdentitiesOnly=yes -i $room/key"
    [ "$form" != robot ] || identity="$identity -o BatchMode=yes"
    ended=0
    # shellcheck disable=SC2086
    PASSWORD=$password CODE=$code SSH_ASKPASS=/run/answer SSH_ASKPASS_REQUIRE=force timeout 60 setsid -w \
        ssh -F /dev/null -n -T $identity -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o GlobalKnownHostsFile=/dev/null -o PreferredAuthentications=publickey,keyboard-interactive,password \
        -o NumberOfPasswordPrompts=1 -o ConnectTimeout=20 -o BindAddress="$source" -p "$port" \
        "$user@$address" true </dev/null >>"$room/log" 2>&1 || ended=$?
    # ssh ends with 255 if it gets no session, else with the status of the command.
    [ $ended -ne 255 ] && [ $ended -ne 124 ]
}

by_sudo() {
    printf '%s\n%s\n' "$password" "$code" |
        timeout 60 setpriv --reuid="$uid" --regid="$gid" --clear-groups \
            "$program" -k -S $options /bin/true >>"$room/log" 2>&1
}

by_su() {
    printf '%s\n%s\n' "$password" "$code" |
        timeout 60 setpriv --reuid=65534 --regid=65534 --clear-groups \
            "$program" -s /bin/sh -c /bin/true "$user" >>"$room/log" 2>&1
}

options=
case $service in
ssh)
    start_sshd
    attempt=by_ssh
    ;;
su) attempt=by_su ;;
*)
    # For another service than its own, sudo calls libpam with that name, and opens no session of it.
    if [ "$service" = sudo ]; then
        : >"$room/sudoers"
    else
        printf 'Defaults pam_service="%s", !pam_session, !pam_setcred\n' "$service" >"$room/sudoers"
    fi
    # Which commands a user may run is no part of the proof.
    while IFS= read -r user; do
        printf '%s ALL=(ALL:ALL) ALL\n' "$user"
    done <"$room/users" >>"$room/sudoers"
    chmod 0440 "$room/sudoers"
    quietly mount --bind "$room/sudoers" /etc/sudoers
    attempt=by_sudo
    ;;
esac

while read -r number login form key password code; do
    rm -f /run/asked
    take "$login"
    [ "$password" != - ] || password=
    [ "$code" != - ] || code=
    options=
    [ "$form" != login ] || options=-i
    if $attempt; then
        echo "$number in"
    else
        echo "$number out"
    fi
done <"$room/trials"
