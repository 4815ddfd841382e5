"""The instant engine of the client benchmark: answers that were made beforehand, from a process of its own.

It speaks as much of the router's protocol as both contenders need, and looks into a request only to count its texts.
"""

from __future__ import annotations

import socket
import threading
from binascii import b2a_base64
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import orjson

if TYPE_CHECKING:
    import numpy.typing as npt

WIDTH, MOST, LONGEST = 384, 512, 256
INFO = {
    "model_id": "canned/model",  # its last part is the name of the folder that the model is read from
    "model_sha": None,
    "model_dtype": "float16",
    "model_type": {"embedding": {"pooling": "mean"}},
    "max_concurrent_requests": 65_536,
    "max_input_length": LONGEST,
    "max_client_batch_size": MOST,
    "auto_truncate": False,
    "version": "1.9.3",
}


def vectors() -> npt.NDArray[np.float32]:
    """Return unit vectors, one for each place in a request."""
    made = np.random.default_rng(0).normal(size=(MOST, WIDTH)).astype("<f4")
    unit: npt.NDArray[np.float32] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit


@cache
def openai(count: int) -> bytes:
    """Answer ``/v1/embeddings`` in base64."""
    data = [
        {"object": "embedding", "embedding": b2a_base64(row.tobytes(), newline=False).decode(), "index": index}
        for index, row in enumerate(vectors()[:count])
    ]
    usage = {"prompt_tokens": 0, "total_tokens": 0}
    return orjson.dumps({"object": "list", "data": data, "model": "canned", "usage": usage})


@cache
def embed(count: int) -> bytes:
    """Answer ``/embed``."""
    return orjson.dumps(vectors()[:count], option=orjson.OPT_SERIALIZE_NUMPY)


def answer(path: str, body: bytes) -> bytes:
    """Return the whole answer, headers included."""
    if path == "/info":
        content = orjson.dumps(INFO)
    elif path == "/embed":
        content = embed(len(orjson.loads(body)["inputs"]))
    else:
        content = openai(len(orjson.loads(body)["input"]))
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-compute-type: gpu\r\nx-compute-time: 9\r\n"
        b"x-compute-characters: 204800\r\nx-total-time: 10\r\nx-tokenization-time: 1\r\n"
        b"x-queue-time: 0\r\nx-inference-time: 9\r\nContent-Length: %d\r\n\r\n" % len(content)
    ) + content


def serve(connection: socket.socket) -> None:
    """Answer the requests of one connection."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as requests:
        while line := requests.readline():
            path, size = line.split()[1].decode(), 0
            while (header := requests.readline()) != b"\r\n":
                if header.lower().startswith(b"content-length:"):
                    size = int(header[15:])
            connection.sendall(answer(path, requests.read(size)))


def main() -> None:
    """Print the port, and serve until the process is ended."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main()
