#!/usr/bin/python3
"""Stands for the fleet's daemon where only its surroundings are tested: reads the configuration, asks each endpoint for
its health, and answers each connection to the socket with what it has found."""
import argparse, http.client, os, socket, ssl, tomllib, urllib.parse

words = argparse.ArgumentParser()
for name in ("--config", "--state", "--listen"):
    words.add_argument(name, required=True)
words = words.parse_args()
with open(words.config, "rb") as file:
    config = tomllib.load(file)


def path(name):
    return os.path.join(os.path.dirname(words.config), config[name])


def health(url):
    where = urllib.parse.urlsplit(url)
    if where.scheme == "https":
        context = ssl.create_default_context(cafile=path("ca"))
        context.load_cert_chain(path("certificate"), path("key"))
        connection = http.client.HTTPSConnection(where.netloc, timeout=2, context=context)
    else:
        connection = http.client.HTTPConnection(where.netloc, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().read().decode()
    except OSError as error:
        return f"{type(error).__name__}"


os.umask(0o177)
listener = socket.socket(socket.AF_UNIX)
listener.bind(words.listen)
listener.listen()
while True:
    client, _ = listener.accept()
    found = "".join(f"{config['host']} {url} {health(url)}\n" for url in config["endpoints"])
    client.sendall(found.encode())
    client.close()
