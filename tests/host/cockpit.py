"""Logs in to Cockpit as its login page does: a request for each answer, then requests with the cookie."""

import base64
import getpass
import json
import sys
import urllib.error
import urllib.request

SERVER = "http://127.0.0.1:9090"


def packed(text):
    return base64.b64encode(text.encode()).decode()


def asked(headers):
    """Returns status, headers and body of one request."""
    request = urllib.request.Request(SERVER + "/cockpit/login", headers=headers)
    try:
        answer = urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, answer.headers, answer.read().decode()


def conversation(user):
    password = getpass.getpass("Password: ")
    status, headers, body = asked({"Authorization": "Basic " + packed(user + ":" + password)})
    while status == 401 and headers.get("WWW-Authenticate", "").startswith("X-Conversation "):
        number, prompt = headers["WWW-Authenticate"].split()[1:3]
        code = getpass.getpass(base64.b64decode(prompt).decode().lstrip("\n"))
        answer = {"Authorization": "X-Conversation " + number + " " + packed(code)}
        status, headers, body = asked(answer)
    return status, headers, body


status, headers, body = conversation(sys.argv[1])
if status != 200:
    print("Refused.", status)
    sys.exit(1)
print("Logged in.")
cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
# Each line on the input sends a further request of the same session.
for line in sys.stdin:
    status, _, body = asked(cookie)
    print("Again:", status, json.loads(body).get("csrf-token") is not None if status == 200 else "")
