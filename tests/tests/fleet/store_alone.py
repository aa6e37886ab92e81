# Sends the transactions of a login, a charge and a claim, to each node of etcd itself over one connection. Prints the
# median time of both together, in milliseconds.
import base64, http.client, json, os, socket, ssl, sys, time

FOLDER = "/etc/twinlock/fleet/"
context = ssl.create_default_context(cafile=FOLDER + "ca.pem")
context.load_cert_chain(FOLDER + "host.pem", FOLDER + "host.key")


def coded(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def reads(*keys):
    return [{"request_range": {"key": coded("/twinlock/test/" + key)}} for key in keys]


def transactions(user):
    slot, top = (coded(f"/twinlock/test/l/{user}/{kind}/{user}") for kind in ("try", "top"))
    put = lambda key, size: {"request_put": {"key": key, "value": coded(os.urandom(size))}}
    absent = lambda key: {"key": key, "target": "CREATE", "result": "EQUAL", "create_revision": "0"}
    record = sys.argv[1]
    yield {"compare": [absent(slot)], "success": [put(slot, 194), *reads("meta", record)]}
    delete = {"request_delete_range": {"key": slot}}
    yield {"compare": [absent(top)], "success": [put(top, 24), delete, *reads(record)]}


for node in sys.argv[2:]:
    connection = http.client.HTTPSConnection(node, context=context)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    times = []
    for _ in range(200):
        begun = time.monotonic()
        for transaction in transactions(os.urandom(16).hex()):
            connection.request("POST", "/v3/kv/txn", json.dumps(transaction))
            connection.getresponse().read()
        times.append((time.monotonic() - begun) * 1000)
    print(f"{node}: {sorted(times)[100]:.1f} ms")
