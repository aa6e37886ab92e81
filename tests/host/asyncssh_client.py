"""Logs in by asyncssh: each question goes to the terminal as it came, and each answer to the server."""

import asyncio
import sys

import asyncssh


class Person(asyncssh.SSHClient):
    def kbdint_auth_requested(self):
        return ""

    def kbdint_challenge_received(self, name, instructions, language, prompts):
        for text in (name, instructions):
            if text:
                print(text)
        return [input(prompt) for prompt, shown in prompts]


async def login():
    server = asyncssh.connect(
        "127.0.0.1",
        username=sys.argv[1],
        client_factory=Person,
        known_hosts=None,
        client_keys=None,
        config=None,
        agent_path=None,
    )
    async with server as connection:
        print((await connection.run(term_type="xterm")).stdout)


asyncio.run(login())
