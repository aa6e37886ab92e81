# Makes logins as the module does, straight at the daemon's socket: a charge and a claim each. Prints the median and the 95th
# percentile of their times in milliseconds, and of the same number of logins by THREADS at once.
import os, socket, struct, sys, threading, time

SOCKET, LOGINS, THREADS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def key(text):
    return struct.pack(">H", len(text)) + text.encode()


def data(value):
    return struct.pack(">I", len(value)) + value


def ask(compares, writes, reads):
    body = struct.pack(">HB", 3000, 0)
    for parts in (compares, writes, reads):
        body += struct.pack("B", len(parts)) + b"".join(parts)
    s = socket.socket(socket.AF_UNIX)
    s.connect(SOCKET)
    s.sendall(b"TWINFLT\x01" + data(body))
    reply = b""
    while len(reply) < 4 or len(reply) < 4 + struct.unpack(">I", reply[:4])[0]:
        more = s.recv(65536)
        if not more:
            raise SystemExit("the daemon closed the connection")
        reply += more
    s.close()
    outcome, _, _, count = struct.unpack(">BQBI", reply[4:18])
    entries, at = {}, 18
    for _ in range(count):
        length = struct.unpack(">H", reply[at : at + 2])[0]
        name = reply[at + 2 : at + 2 + length].decode()
        at += 2 + length
        revision, size = struct.unpack(">QI", reply[at : at + 12])
        entries[name] = (revision, reply[at + 12 : at + 12 + size])
        at += 12 + size
    return outcome, entries


def read(name):
    return b"\0" + key(name)


def put(name, value, stays, take_back):
    return b"\0" + key(name) + data(value) + bytes([stays, take_back])


def revision(name, number):
    return key(name) + b"\1" + struct.pack(">Q", number)


def value(name, content):
    return key(name) + b"\2" + data(content)


def login(user, step):
    slot, top, record = f"l/{user}/try/{os.urandom(16).hex()}", f"l/{user}/top/{'0' * 32}", f"r/{user}"
    mine = os.urandom(194)
    listing = b"\1" + key(f"l/{user}/") + key("") + struct.pack(">H", 0)
    begun = time.monotonic()
    outcome, found = ask([revision(slot, 0)], [put(slot, mine, 1, 1)], [listing, read(record), read("meta")])
    if outcome != 0:
        return None
    seen = value(top, found[top][1]) if top in found else key(top) + b"\0"
    claim = struct.pack(">Q", step) + os.urandom(16)
    compares = [seen, revision(record, found[record][0]), value(slot, mine)]
    writes = [put(top, claim, 0, 0), b"\1" + key(slot)]
    outcome, _ = ask(compares, writes, [read(top), read(record), read(slot)])
    return (time.monotonic() - begun) * 1000 if outcome == 0 else None


def figures(times):
    times = sorted(time for time in times if time is not None)
    return f"{len(times)} logins, p50 {times[len(times) // 2]:.1f} ms, p95 {times[len(times) * 95 // 100]:.1f} ms, max {times[-1]:.1f} ms"


_, users = ask([], [], [b"\1" + key("r/") + key("") + struct.pack(">H", 256)])
users = [name[2:] for name in users]
for step in range(50):
    login(users[0], step + 1)
print("alone:", figures([login(users[0], step + 100) for step in range(LOGINS)]))
found = []
threads = [
    threading.Thread(target=lambda n=n: found.append(login(users[n % len(users)], 1_000_000 + n)))
    for n in range(THREADS)
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("at once:", figures(found))
