"""HTTP as far as the operator grants it: `await fetch(url)`, or `get(url)` without waiting in between.

A request that must survive a restart of the host is `parlor.request` instead: the host makes it after the
commit, and its answer is an event.
"""

import asyncio
import json as _json
from dataclasses import dataclass
from typing import Any, Mapping
from urllib.parse import urlsplit

import poll_loop
from componentize_py_types import Err
from wit_world.imports import types as wit


class HttpError(Exception):
    """A request without an answer; `name` is the contract's word for why."""

    def __init__(self, name: str):
        super().__init__(name)
        self.name = name


@dataclass
class Response:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Tells whether it is a success."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """The body as JSON."""
        return _json.loads(self.body)


async def fetch(
    url: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: str | bytes = b"",
) -> Response:
    """Makes a request and waits for its answer; the call's deadline goes on meanwhile."""
    try:
        return await _fetch(url, method, headers or {}, body.encode() if isinstance(body, str) else body)
    except Err as error:
        raise HttpError(_name(error.value)) from error


def get(url: str, headers: Mapping[str, str] | None = None) -> Response:
    """Fetches an address, in a handler that is not `async`."""
    return run(fetch(url, headers=headers))


def run(task: Any) -> Any:
    """Runs what is `async` to its end."""
    loop = poll_loop.PollLoop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(task)


async def _fetch(url: str, method: str, headers: Mapping[str, str], body: bytes) -> Response:
    parts = urlsplit(url)
    pairs = [(name, value.encode()) for name, value in headers.items()]
    if body:
        pairs.append(("content-length", str(len(body)).encode()))
    request = wit.OutgoingRequest(wit.Fields.from_list(pairs))
    known = getattr(wit, f"Method_{method.capitalize()}", None)
    request.set_method(known() if known else wit.Method_Other(method))
    request.set_scheme(wit.Scheme_Http() if parts.scheme == "http" else wit.Scheme_Https())
    request.set_authority(parts.netloc)
    request.set_path_with_query((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    outgoing = request.body()
    if body:
        # The request has to be under way before its body is taken.
        sending = asyncio.ensure_future(_write(outgoing, body))
        response = await poll_loop.send(request)
        await sending
    else:
        wit.OutgoingBody.finish(outgoing, None)
        response = await poll_loop.send(request)
    received = poll_loop.Stream(response.consume())
    chunks = []
    while (chunk := await received.next()) is not None:
        chunks.append(chunk)
    told = {name.lower(): value.decode(errors="replace") for name, value in response.headers().entries()}
    return Response(response.status(), told, b"".join(chunks))


async def _write(outgoing: wit.OutgoingBody, body: bytes) -> None:
    sink = poll_loop.Sink(outgoing)
    await sink.send(body)
    sink.close()


def _name(value: Any) -> str:
    return type(value).__name__.removeprefix("ErrorCode_")
