#!/bin/sh
# Answers the prompts of ssh: the password as often as it is asked for, and the code once.
case $1 in
*assword:*) echo "$PASSWORD" ;;
*)
    if [ -e /run/asked ]; then
        echo
    else
        : >/run/asked
        echo "$CODE"
    fi
    ;;
esac
