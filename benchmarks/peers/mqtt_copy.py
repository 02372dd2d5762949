"""Takes all that a broker has (QoS 1) and writes it into PostgreSQL with COPY, batch by batch.

mqtt_copy.py BROKER_PORT SOCKET_FOLDER: prints READY, and at the end of its input a line RESULT.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys

TOPIC = b"hj212/#"
SUBSCRIBE = b"\x00\x01" + len(TOPIC).to_bytes(2, "big") + TOPIC + b"\x01"
CONNECT = b"\x00\x04MQTT\x04\x02\x00\x00\x00\x04copy"


def packet(kind: int, body: bytes) -> bytes:
    return bytes([kind, len(body)]) + body


def messages(stream: bytearray) -> tuple[list[bytes], bytes, int]:
    """Return the payloads of whole PUBLISH packets, their acknowledgements, and what was used."""
    found: list[bytes] = []
    acknowledgements: list[bytes] = []
    at, length = 0, len(stream)
    while at + 2 <= length:
        size = shift = 0
        place = at + 1
        while place < length:
            size |= (stream[place] & 127) << shift
            shift += 7
            place += 1
            if stream[place - 1] < 128:
                break
        if place + size > length:
            break
        if stream[at] >> 4 == 3:
            topic = int.from_bytes(stream[place : place + 2], "big")
            head = place + 2 + topic
            if stream[at] & 6:
                acknowledgements.append(b"\x40\x02" + bytes(stream[head : head + 2]))
                head += 2
            found.append(bytes(stream[head : place + size]))
        at = place + size
    return found, b"".join(acknowledgements), at


def main(port: int, folder: str) -> None:
    """Take and write until the input ends."""
    broker = socket.create_connection(("127.0.0.1", port))
    broker.sendall(packet(0x10, CONNECT) + packet(0x82, SUBSCRIBE))
    command = ["psql", "-q", "-h", folder, "-U", "postgres", "-d", "postgres"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as writer:
        assert writer.stdin is not None
        writer.stdin.write(b"CREATE TABLE copied (raw text, at timestamptz DEFAULT now());\n")
        print("READY", flush=True)
        written = 0
        stream = bytearray()
        with selectors.DefaultSelector() as ready:
            ready.register(broker, selectors.EVENT_READ)
            ready.register(sys.stdin, selectors.EVENT_READ)
            while True:
                events = [key.fileobj for key, _ in ready.select()]
                if broker in events:
                    stream += broker.recv(1024 * 1024)
                    rows, acknowledgements, used = messages(stream)
                    del stream[:used]
                    if rows:
                        body = b"\n".join(rows)
                        writer.stdin.write(b"COPY copied (raw) FROM STDIN;\n" + body + b"\n\\.\n")
                        writer.stdin.flush()
                        broker.sendall(acknowledgements)
                        written += len(rows)
                elif sys.stdin in events:
                    break
        writer.stdin.close()
    print("RESULT " + json.dumps({"written": written}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
