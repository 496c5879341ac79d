# Made of wit/ by tests/tests/bindings.rs; do not edit.
"""What a plugin remembers. A call sees the newest values and its own writes;
writes are kept when the call's list of actions is, and only then. Where
another call changed what this one read, nothing is kept and the event is
handled again."""

from dataclasses import dataclass
from enum import Enum
from typing import Union

class Scope(Enum):
    """Whom a value belongs to."""

    PLUGIN = 0
    """The plugin."""
    CONVERSATION = 1
    """The event's conversation."""
    USER = 2
    """The event's actor."""

@dataclass
class StateError_NoScope:
    """The event has no conversation or no actor."""

@dataclass
class StateError_TooLarge:
    """The key has more than 256 bytes or none, or the value more than 65,536."""

@dataclass
class StateError_Full:
    """The plugin's share of the journal is used up."""

@dataclass
class StateError_NotANumber:
    """`add` on a value that is not a number."""

@dataclass
class StateError_Failed:
    """The host could not read it."""

StateError = Union[
    StateError_NoScope,
    StateError_TooLarge,
    StateError_Full,
    StateError_NotANumber,
    StateError_Failed,
]
"""Why a call failed."""

def get(scope: Scope, key: str) -> bytes | None:
    """Gets a value, or none.

    Raises `Err` with StateError."""
    ...

def keys(scope: Scope, prefix: str, after: str | None) -> list[str]:
    """Lists the keys that begin with a prefix, in order, at most 1,000, from the one after `after`.

    Raises `Err` with StateError."""
    ...

def set(scope: Scope, key: str, value: bytes, ttl_ms: int | None) -> None:
    """Sets a value, for ever or for so many milliseconds.

    Raises `Err` with StateError."""
    ...

def delete(scope: Scope, key: str) -> None:
    """Deletes a value; one that is not there is no error.

    Raises `Err` with StateError."""
    ...

def add(scope: Scope, key: str, delta: int) -> None:
    """Adds to a number, 0 where there is none. It is kept as decimal text, is
    not read by this call, and so never makes the event be handled again.

    Raises `Err` with StateError."""
    ...
