"""The least a server must do: read what comes and send an acknowledgement, with nothing kept.

bare_echo.py PORT SECONDS prints READY and its port. It runs on uvloop, like the gateway; what it
reaches bounds any server in Python.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

ACKNOWLEDGEMENT = (
    b"##0087QN=20160801085857223;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;"
    b"Flag=4;CP=&&&&3240\r\n"
)


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(ACKNOWLEDGEMENT * data.count(b"\n"))


async def main(port: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", port, backlog=4096)
    print("READY", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(seconds)
    server.close()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2])))
