# Makes a folder in memory for servers, in namespaces that unshare(1) made, then waits as their first process.
# Says one line on stdout: "ready PID", or "refused SENTENCE"; causes go to stderr.
set -eu
refuse() {
    echo "refused $1"
    exit 1
}
umask 022
# This is still the /proc outside, so the number is the one the test process needs.
read -r pid _ </proc/self/stat
# etcd reserves 128 MB for each node. A tmpfs would take them at once; ramfs takes memory for what is written.
mount -t ramfs -o mode=0755 servers /run ||
    refuse "this machine does not let root mount a ramfs in a private mount namespace"
if [ -n "${OWN_NETWORK-}" ]; then
    ip link set lo up ||
        refuse "this machine does not let root bring up the loopback of a private network namespace"
fi
echo "ready $pid"
# With SIGCHLD ignored, the kernel removes processes that have ended; dash cannot ignore it. The end of input ends the
# servers.
exec env --ignore-signal=CHLD cat >/dev/null
