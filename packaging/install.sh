#!/bin/sh
# Copies the built twinlock and its documents to a folder. Every package is made of what this
# script copies, so that all packages have the same files.
#
# Usage, in the repository: packaging/install.sh DESTDIR
#
#   MODULE    the built module (target/release/libpam_twinlock.so)
#   COMMAND   the built command, which also prints its manual page (target/release/twinlock)
#   PROGRAMS  folder of the built programs of the agent and the fleet (target/release)
#   PASSWORD  file that /etc/pam.d has for passwords, as an include of PAM's service twinlock;
#             empty: Debian's common-auth and common-account
#   SECURITY  folder of the PAM modules (/usr/lib/security)
#   UNITS     folder of the systemd units; empty: none (/usr/lib/systemd/system)
#   ZSH       folder of the completions for zsh (/usr/share/zsh/site-functions)
#   PREFIX    instead of /usr, for everything but the three folders above and /etc
set -eu
umask 022

: "${MODULE=target/release/libpam_twinlock.so}" "${COMMAND=target/release/twinlock}"
: "${PROGRAMS=target/release}" "${PASSWORD=}"
: "${PREFIX=/usr}" "${SECURITY=/usr/lib/security}" "${UNITS=/usr/lib/systemd/system}"
: "${ZSH=/usr/share/zsh/site-functions}"
dest=$1
documents=$PREFIX/share/doc/twinlock

# Copies a file: MODE FROM TO.
put() {
    mkdir -p "$dest${3%/*}"
    install -m "$1" "$2" "$dest$3"
}

# Writes standard input to a file: TO.
write() {
    mkdir -p "$dest${1%/*}"
    cat >"$dest$1"
}

put 0644 "$MODULE" "$SECURITY/pam_twinlock.so"
put 0755 "$COMMAND" "$PREFIX/bin/twinlock"
put 0644 config/twinlock.toml /etc/twinlock/twinlock.toml
for program in twinlock-agent twinlock-agent-worker twinlock-fleet; do
    put 0755 "$PROGRAMS/$program" "$PREFIX/libexec/twinlock/$program"
done
# Without PASSWORD, each line is replaced by itself (&).
sed "s|^@include common-\(.*\)|${PASSWORD:+\1 include }${PASSWORD:-&}|" config/pam.d/twinlock |
    write /etc/pam.d/twinlock
if [ -n "$UNITS" ]; then
    for unit in packaging/systemd/*; do
        put 0644 "$unit" "$UNITS/${unit##*/}"
    done
fi

"$COMMAND" man | gzip -9n | write "$PREFIX/share/man/man1/twinlock.1.gz"
for page in packaging/man/*; do
    gzip -9n <"$page" | write "$PREFIX/share/man/man${page##*.}/${page##*/}.gz"
done
"$COMMAND" completions bash | write "$PREFIX/share/bash-completion/completions/twinlock"
"$COMMAND" completions zsh | write "$ZSH/_twinlock"
"$COMMAND" completions fish | write "$PREFIX/share/fish/vendor_completions.d/twinlock.fish"

# The documents are installed in one folder, so the links of README lose their folder.
sed 's|](docs/|](|g' README.md | write "$documents/README.md"
for document in CHANGELOG.md LICENSE-APACHE LICENSE-MIT config/twinlock.toml.reference docs/*.md; do
    put 0644 "$document" "$documents/${document##*/}"
done
for recipe in docs/recipes/*.md; do
    put 0644 "$recipe" "$documents/recipes/${recipe##*/}"
done
for example in config/pam.d/[!t]* config/sshd_config.d/*; do
    put 0644 "$example" "$documents/examples/${example#config/}"
done
