"""Logs in through libpam as its stdin says, one line at a time, and shows on stdout what it is asked.

in:  login SERVICE USER SOURCE | text HEX | null | fail
out: told HEX | asked HEX | end CODE
"""

import ctypes
import sys

pam = ctypes.CDLL("libpam.so.0")
libc = ctypes.CDLL("libc.so.6")
libc.calloc.restype = ctypes.c_void_p
libc.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]


class Message(ctypes.Structure):
    _fields_ = [("style", ctypes.c_int), ("text", ctypes.c_char_p)]


class Response(ctypes.Structure):
    _fields_ = [("text", ctypes.c_void_p), ("code", ctypes.c_int)]


Converse = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_int,
    ctypes.POINTER(ctypes.POINTER(Message)),
    ctypes.POINTER(ctypes.POINTER(Response)),
    ctypes.c_void_p,
)
Delay = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)


class Conversation(ctypes.Structure):
    _fields_ = [("converse", Converse), ("data", ctypes.c_void_p)]


SUCCESS, CONV_ERR, TTY, RHOST, FAIL_DELAY = 0, 19, 3, 4, 10


def say(kind, text):
    print(kind, (text or b"").hex(), flush=True)


def answer(response):
    line = sys.stdin.readline()
    if not line:
        # The line is cut: a process at a prompt is killed then.
        sys.stdout.flush()
        libc._exit(1)
    kind, _, rest = line.rstrip("\n").partition(" ")
    if kind == "fail":
        return CONV_ERR
    if kind == "text":
        text = bytes.fromhex(rest)
        response.text = libc.calloc(len(text) + 1, 1)
        ctypes.memmove(response.text, text, len(text))
    return SUCCESS


def converse(count, messages, responses, _):
    array = ctypes.cast(
        libc.calloc(count, ctypes.sizeof(Response)), ctypes.POINTER(Response)
    )
    for number in range(count):
        message = messages[number].contents
        prompts = message.style in (1, 2)
        say("asked" if prompts else "told", message.text)
        if prompts and answer(array[number]) != SUCCESS:
            return CONV_ERR
    responses[0] = array
    return SUCCESS


def login(service, user, source):
    handle = ctypes.c_void_p()
    conversation = Conversation(Converse(converse), None)
    no_wait = Delay(lambda *_: None)
    pam.pam_start(service, user, ctypes.byref(conversation), ctypes.byref(handle))
    # As sshd says, whose client is a terminal.
    pam.pam_set_item(handle, TTY, b"ssh")
    pam.pam_set_item(handle, RHOST, source)
    pam.pam_set_item(handle, FAIL_DELAY, ctypes.cast(no_wait, ctypes.c_void_p))
    code = pam.pam_authenticate(handle, 0)
    pam.pam_end(handle, code)
    print("end", code, flush=True)


for line in iter(sys.stdin.readline, ""):
    login(*line.encode().split()[1:])
