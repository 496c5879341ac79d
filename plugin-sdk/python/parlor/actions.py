"""What a plugin asks the host to do, besides sending a message."""

from typing import Mapping

from wit_world.imports import actions as wit
from wit_world.imports.events import Header

from .content import Part, content

Action = wit.Action


def action(kind: wit.ActionKind, key: str | None = None) -> wit.Action:
    """Any action of the contract (`wit_world.imports.actions`)."""
    return wit.Action(key, None, None, kind)


def join(conversation: str | None = None) -> wit.Action:
    """Goes into a conversation; the event's where none is given."""
    return action(wit.ActionKind_Join(conversation))


def leave(conversation: str | None = None) -> wit.Action:
    """Goes out again, where a `join` of this plugin brought the bot in."""
    return action(wit.ActionKind_Leave(conversation))


def edit(key: str, *parts: Part, otherwise: str = "repost") -> wit.Action:
    """Changes the message that was sent under a key. `otherwise`: `repost`, `skip` or `fail`."""
    rule = wit.EditRule[otherwise.upper()]
    return action(wit.ActionKind_Edit(wit.Edit(wit.MessageRef_Key(key), content(*parts), rule)))


def delete(key: str) -> wit.Action:
    """Takes back the message that was sent under a key."""
    return action(wit.ActionKind_Delete(wit.MessageRef_Key(key)))


def react(message: str, emoji: str, add: bool = True) -> wit.Action:
    """Puts an emoji on a message, by its id."""
    return action(wit.ActionKind_React(wit.React(wit.MessageRef_Id(message), emoji, add)))


def at(timestamp_ms: int) -> wit.Schedule:
    """At this moment, in milliseconds since 1970."""
    return wit.Schedule_At(timestamp_ms)


def after(seconds: float) -> wit.Schedule:
    """So many seconds from now."""
    return wit.Schedule_After(round(seconds * 1000))


def every(seconds: float) -> wit.Schedule:
    """Every so many seconds."""
    return wit.Schedule_Every(round(seconds * 1000))


def cron(expression: str, time_zone: str) -> wit.Schedule:
    """Five fields of cron, in a time zone."""
    return wit.Schedule_Cron(wit.Cron(expression, time_zone))


def set_timer(name: str, schedule: wit.Schedule, payload: str = "", skip_missed: bool = False) -> wit.Action:
    """Sets a timer of this conversation."""
    missed = wit.Missed.SKIP if skip_missed else wit.Missed.ONCE
    return action(wit.ActionKind_SetTimer(wit.SetTimer(name, schedule, missed, payload)))


def cancel_timer(name: str) -> wit.Action:
    """Ends a timer of this conversation."""
    return action(wit.ActionKind_CancelTimer(name))


def request(
    key: str,
    method: str,
    url: str,
    body: str | bytes = b"",
    headers: Mapping[str, str] | None = None,
    timeout_ms: int = 30_000,
    idempotency_header: str | None = None,
) -> wit.Action:
    """Has the host make a request after the commit, over restarts; the answer is an event of this key."""
    raw = body.encode() if isinstance(body, str) else body
    pairs = [Header(name, value) for name, value in (headers or {}).items()]
    made = wit.Request(method, url, pairs, raw, timeout_ms, idempotency_header)
    return action(wit.ActionKind_Request(made), key)
