"""What a plugin remembers: kept together with the actions of the call, or not at all."""

import json
from typing import Any, Iterator

from wit_world.imports import state as _state

#: What `set` takes: inside of the class `bytes` is a method.
_Value = str | bytes


class Scope:
    """The values of the plugin, of the event's conversation, or of the event's person."""

    def __init__(self, scope: _state.Scope):
        self._scope = scope

    def bytes(self, key: str) -> bytes | None:
        """The bytes of a value; None where there is none."""
        return _state.get(self._scope, key)

    def text(self, key: str) -> str | None:
        """A value as text."""
        value = self.bytes(key)
        return None if value is None else value.decode()

    def integer(self, key: str) -> int:
        """A value that `add` counts; 0 where there is none."""
        value = self.bytes(key)
        return 0 if value is None else int(value)

    def json(self, key: str, default: Any = None) -> Any:
        """A value that `set_json` wrote."""
        value = self.bytes(key)
        return default if value is None else json.loads(value)

    def set(self, key: str, value: _Value, ttl_ms: int | None = None) -> None:
        """Sets a value, for ever or for so many milliseconds."""
        raw = value.encode() if isinstance(value, str) else bytes(value)
        _state.set(self._scope, key, raw, ttl_ms)

    def set_json(self, key: str, value: Any, ttl_ms: int | None = None) -> None:
        """Sets a value of lists, dictionaries, texts and numbers."""
        self.set(key, json.dumps(value, separators=(",", ":"), ensure_ascii=False), ttl_ms)

    def add(self, key: str, delta: int = 1) -> None:
        """Adds to a number without reading it, so that many calls can at one time."""
        _state.add(self._scope, key, delta)

    def delete(self, key: str) -> None:
        """Deletes a value; one that is not there is no error."""
        _state.delete(self._scope, key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with a prefix, in order."""
        after = None
        while page := _state.keys(self._scope, prefix, after):
            yield from page
            after = page[-1]


plugin = Scope(_state.Scope.PLUGIN)
conversation = Scope(_state.Scope.CONVERSATION)
user = Scope(_state.Scope.USER)
