"""Server: the router's pages."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from aiohttp import web

from doubles.tei.answers import embedded
from doubles.tei.behaviour import Behaviour, Chance
from doubles.tei.flags import VERSION
from doubles.tei.refusal import OVERLOADED, PlainRefusal, Refusal
from doubles.tei.requests import Embed, read_embed, read_json

if TYPE_CHECKING:
    from argparse import Namespace

    from doubles.tei.model import Model

PANIC = 134
TOO_LARGE = "Failed to buffer the request body: length limit exceeded"
PUBLIC = frozenset({"/health", "/", "/ping", "/metrics"})
PLANNED = {
    "unhealthy": ("Unhealthy", "unhealthy"),
    "failed": ("Backend", "Backend error: Could not start backend"),
    "invalid": ("Tokenizer", "tokenizer error: planned"),
    "busy": OVERLOADED,
}


class Server:
    """One router: its permits, its threads, and what goes wrong.

    Args:
        flags: The command line.
        model: What it serves.
        behaviour: What goes wrong.
    """

    def __init__(self, flags: Namespace, model: Model, behaviour: Behaviour) -> None:
        self._flags = flags
        self._model = model
        self._behaviour = behaviour
        self._chance = Chance(behaviour)
        self._permits = flags.max_concurrent_requests
        self._overloaded = 0
        self._changed = asyncio.Event()
        self._pool = ThreadPoolExecutor(model.workers)

    def app(self) -> web.Application:
        """Return the pages."""
        app = web.Application(client_max_size=self._flags.payload_limit, middlewares=[self._guard])
        for path in PUBLIC - {"/metrics"}:
            app.router.add_get(path, self._health)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/info", self._info)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/double", self._behave)
        app.router.add_post("/tokenize", self._tokenize)
        for path in ("/embed", "/", "/v1/embeddings", "/embeddings"):
            app.router.add_post(path, self._embed)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Ask for the key, and give errors their shape."""
        key = self._flags.api_key
        public = request.method == "GET" and request.path in PUBLIC
        if key and not public and request.headers.get("Authorization") != f"Bearer {key}":
            return web.Response(status=401)
        try:
            answer: web.StreamResponse = await handler(request)
        except Refusal as refusal:
            return web.json_response(refusal.body(openai=_is_openai(request)), status=refusal.status)
        except PlainRefusal as refusal:
            return web.Response(status=refusal.status, text=str(refusal))
        return answer

    async def _embed(self, request: web.Request) -> web.StreamResponse:
        began, openai, flags = time.monotonic(), _is_openai(request), self._flags
        body = await _body(request)
        fault = self._chance.next(body)
        _befall(request, fault)
        most = flags.max_client_batch_size
        asked = read_embed(body, openai=openai, auto_truncate=flags.auto_truncate, most=most)
        _check_model(asked, self._behaviour.models)
        vectors = await self._vectors(asked, fault)
        answer = embedded(asked, vectors, self._model.count(asked.texts), began, fault)
        return await _half(request, answer) if fault == "cut" else answer

    async def _vectors(self, asked: Embed, fault: str | None) -> Any:
        needed = len(asked.texts)
        if needed > self._permits:
            self._overloaded += 1
            raise Refusal(*OVERLOADED)
        self._permits -= needed
        try:
            if fault == "slow":
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), self._behaviour.slow_s)
            for text in asked.texts:
                self._model.check(text, truncate=asked.truncate)
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._model.embed, asked.texts)
        finally:
            self._permits += needed

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _metrics(self, _: web.Request) -> web.Response:
        """Count requests, refusals for want of permits, and planned faults."""
        lines = [
            f"te_request_count {self._chance.requests}",
            f'te_request_failure{{err="overloaded"}} {self._overloaded}',
        ]
        lines += [f'te_double_faults{{fault="{name}"}} {count}' for name, count in self._chance.faults.items()]
        return web.Response(text="\n".join([*lines, ""]))

    async def _behave(self, request: web.Request) -> web.Response:
        """Change for the worse, or the better: counts begin anew, slow answers come. No real router has this page."""
        self._behaviour.become(Behaviour(**await request.json()))
        self._chance = Chance(self._behaviour)
        self._overloaded = 0
        self._changed.set()
        self._changed = asyncio.Event()
        return web.Response()

    async def _models(self, _: web.Request) -> web.Response:
        """List models, as servers of other makes do; the router itself has no such page."""
        if not self._behaviour.models:
            return web.Response(status=404)
        data = [{"id": name, "object": "model", "owned_by": "double"} for name in self._behaviour.models]
        return web.json_response({"object": "list", "data": data})

    async def _info(self, _: web.Request) -> web.Response:
        if self._behaviour.no_info:
            return web.Response(status=404)
        flags, folder = self._flags, self._model.folder
        return web.json_response(
            {
                "model_id": flags.model_id,
                "model_sha": None if folder.revision.startswith("sha256:") else folder.revision,
                "model_dtype": flags.dtype or "float32",
                "served_model_name": flags.served_model_name or flags.model_id,
                "model_type": {
                    "embedding": {"pooling": (flags.pooling or folder.pipeline.pooling[0]).replace("-", "_")}
                },
                "max_concurrent_requests": flags.max_concurrent_requests,
                "max_input_length": self._model.max_length,
                "max_batch_tokens": flags.max_batch_tokens,
                "max_batch_requests": flags.max_batch_requests,
                "max_client_batch_size": flags.max_client_batch_size,
                "auto_truncate": flags.auto_truncate,
                "tokenization_workers": flags.tokenization_workers or 1,
                "version": VERSION,
                "sha": None,
                "docker_label": None,
            }
        )

    async def _tokenize(self, request: web.Request) -> web.Response:
        asked = read_json(await _body(request))
        texts = [asked["inputs"]] if isinstance(asked.get("inputs"), str) else asked.get("inputs", [])
        special = asked.get("add_special_tokens", True)
        return web.json_response([self._model.tokens(text, special=special) for text in texts])


def _check_model(asked: Embed, models: list[str]) -> None:
    """Refuse a request that names no model of the server's, in the words of such servers."""
    if models and asked.openai and asked.model is None:
        raise PlainRefusal(400, '{"error":{"message":"field required: model","type":"BadRequestError","code":400}}')
    if models and asked.openai and asked.model not in models:
        raise PlainRefusal(404, f'{{"error":{{"message":"The model `{asked.model}` does not exist.","code":404}}}}')


def _befall(request: web.Request, fault: str | None) -> None:
    """Let happen what happens in place of an answer."""
    if fault == "die":
        os._exit(PANIC)
    if fault == "reset":
        _reset(request)
        raise asyncio.CancelledError
    if fault == "too_large":
        raise PlainRefusal(413, TOO_LARGE)
    if fault in PLANNED:
        raise Refusal(*PLANNED[fault])


async def _body(request: web.Request) -> bytes:
    if request.content_type != "application/json":
        raise PlainRefusal(415, "Expected request with `Content-Type: application/json`")
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise PlainRefusal(413, TOO_LARGE) from error


async def _half(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Send half of an answer, and no more."""
    content = answer.body
    assert isinstance(content, bytes)
    started = web.StreamResponse(headers={"Content-Length": str(len(content)), "Content-Type": "application/json"})
    await started.prepare(request)
    await started.write(content[: len(content) // 2])
    _reset(request)
    return started


def _reset(request: web.Request) -> None:
    transport = request.transport
    if transport is not None:
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()


def _is_openai(request: web.Request) -> bool:
    return request.path.endswith("/embeddings")
