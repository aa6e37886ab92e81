"""Logs in by paramiko: each question goes to the terminal as it came, and each answer to the server."""

import socket
import sys

import paramiko


def questions(title, instructions, prompts):
    for text in (title, instructions):
        if text:
            print(text)
    return [input(prompt) for prompt, shown in prompts]


transport = paramiko.Transport(socket.create_connection(("127.0.0.1", 22)))
transport.start_client()
transport.auth_interactive(sys.argv[1], questions)
shell = transport.open_session()
shell.get_pty()
shell.invoke_shell()
print(shell.makefile().read().decode())
