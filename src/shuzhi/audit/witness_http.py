"""Witnesses over HTTP: a small server for a node that serves nothing else, and the way to ask one.

It decides nothing: it carries bytes to the witness and its answer back.
"""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2

from shuzhi.audit.witness import MOST_REQUEST_BYTES, Answer, Witness
from shuzhi.audit.witnessing import Post, Reply

ADD_CHECKPOINT = "/add-checkpoint"
_WAIT_S = 30.0


def witness_server(witness: Witness, address: tuple[str, int]) -> ThreadingHTTPServer:
    """Return a server of `witness` that is bound but does not serve yet."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _WAIT_S

        def do_POST(self) -> None:
            answer = self._answer()
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing: the address of who asks is nobody's business."""

        def _answer(self) -> Answer:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MOST_REQUEST_BYTES:
                self.close_connection = True
                return Answer(400, "a request has a length, and not too much of it\n")
            body = self.rfile.read(int(length))
            if self.path != ADD_CHECKPOINT:
                return Answer(404, "there is nothing but /add-checkpoint\n")
            return witness.add_checkpoint(body)

    return ThreadingHTTPServer(address, Handler)


def poster(client: httpx2.Client) -> Post:
    """Return the function that asks witnesses through `client`; its time-outs are the client's."""

    def post(url: str, body: bytes) -> Reply:
        try:
            response = client.post(url, content=body)
        except httpx2.HTTPError as error:
            raise OSError(f"{url} did not answer: {error}") from error
        return Reply(response.status_code, response.content)

    return post
