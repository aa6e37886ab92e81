# Runs the demo's namespaces in front of the terminal, and ends them when this script is ended.
# $1: "person" or "itself", who types. The rest: what makes the namespaces.
typist=$1
shift
end() {
    trap '' HUP INT QUIT TERM
    kill -s KILL "$demo" 2>/dev/null
    wait "$demo"
    if [ -n "$settings" ]; then stty "$settings" 2>/dev/null; fi
    exit "$1"
}
# What a killed program has left of the terminal's settings is put back.
settings=$(stty -g 2>/dev/null) || settings=
exec 3<&0
# The kernel ends the namespaces with unshare(1), and unshare with this script, however it ends.
# In the background of a script, Ctrl-C is ignored: it ends the program in front, not the demo.
setpriv --pdeathsig KILL "$@" <&3 3<&- &
demo=$!
trap 'end 129' HUP
trap 'end 143' TERM
if [ "$typist" = person ]; then
    trap '' INT QUIT
else
    trap 'end 130' INT
    trap 'end 131' QUIT
fi
wait "$demo"
status=$?
if [ -n "$settings" ]; then stty "$settings" 2>/dev/null; fi
exit "$status"
