"""A plugin: what it says of itself, and which function handles what."""

import inspect
import os
import random
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Callable, Sequence

from componentize_py_types import Err
from wit_world.exports import Behaviour as _Behaviour
from wit_world.imports import actions as wit_actions
from wit_world.imports import description as wit
from wit_world.imports import events

from . import config as settings
from . import http
from .context import Context
from .errors import Failed, Refused, Retry
from .message import Message

Handler = Callable[..., Any]


@dataclass
class _MessageHandler:
    run: Handler
    words: list[wit.KeyWord]
    has: list[wit.MessageHas]
    from_bots: bool

    def matches(self, received: events.MessageReceived) -> bool:
        message = received.message
        carried = {
            wit.MessageHas.MENTION: message.mentions,
            wit.MessageHas.CASHTAG: message.cashtags,
            wit.MessageHas.HASHTAG: message.hashtags,
            wit.MessageHas.ATTACHMENT: message.attachments,
        }
        if not all(carried[what] for what in self.has):
            return False
        words = ((word.match, _filled(word)) for word in self.words)
        return not self.words or any(_found(match, wanted, message.text) for match, wanted in words)


def _filled(word: wit.KeyWord) -> str:
    """Puts settings in the places of `{=key}`, as the host does: as text, unless they are a whole expression."""
    is_expression = word.match == wit.KeyWordMatch.REGEX
    is_text = is_expression and not re.fullmatch(r"\{=[^}]*\}", word.text)

    def value(place: re.Match[str]) -> str:
        given = settings.get(place[1])
        if given is None:
            return place[0]
        if isinstance(given, bool):
            given = str(given).lower()
        text = " ".join(given) if isinstance(given, list) else str(given)
        return re.escape(text) if is_text else text

    return re.sub(r"\{=([A-Za-z0-9_.-]+)\}", value, word.text)


def _found(match: wit.KeyWordMatch, wanted: str, text: str) -> bool:
    text = text.strip()
    match match:
        case wit.KeyWordMatch.EQUALS:
            return text.casefold() == wanted.casefold()
        case wit.KeyWordMatch.CONTAINS:
            return wanted.casefold() in text.casefold()
        case wit.KeyWordMatch.WORD:
            return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text, re.IGNORECASE) is not None
        case _:
            return _regex(wanted).search(text) is not None


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    # The host writes a named group `(?<name>…)`, and Python `(?P<name>…)`.
    written = re.sub(r"(?<!\\)((?:\\\\)*)\(\?<(?=[A-Za-z_])", r"\1(?P<", pattern)
    return re.compile(written, re.IGNORECASE)


@dataclass
class _Named:
    """Handlers by name, and by the beginning of a name."""

    exact: dict[str, Handler] = field(default_factory=dict)
    prefixes: dict[str, Handler] = field(default_factory=dict)

    def add(self, name: str | None, prefix: str | None, run: Handler) -> None:
        if (name is None) == (prefix is None):
            raise TypeError("give a name or prefix=")
        known = self.exact if name is not None else self.prefixes
        known[name if name is not None else prefix or ""] = run

    def find(self, name: str) -> Handler | None:
        if name in self.exact:
            return self.exact[name]
        fitting = [prefix for prefix in self.prefixes if name.startswith(prefix)]
        return self.prefixes[max(fitting, key=len)] if fitting else None


class Plugin:
    """Collects what a plugin does; `behaviour()` makes the class that the host calls."""

    def __init__(
        self,
        name: str,
        summary: str,
        version: str = "0.1.0",
        author: str = "",
        licence: str = "",
        homepage: str | None = None,
        platforms: Sequence[str] = (),
        state_version: int = 1,
    ):
        self._about: dict[str, Any] = dict(
            name=name,
            version=version,
            state_version=state_version,
            summary=summary,
            author=author,
            licence=licence,
            homepage=homepage,
        )
        self._platforms = list(platforms)
        self._specs: list[wit.CommandSpec] = []
        self._commands: dict[str, Handler] = {}
        self._messages: list[_MessageHandler] = []
        self._events: dict[str, Handler] = {}
        self._forms, self._buttons = _Named(), _Named()
        self._timers, self._responses, self._webhooks = _Named(), _Named(), _Named()
        self._config: list[wit.ConfigKey] = []
        self._capabilities: list[wit.CapabilityRequest] = []

    def command(
        self,
        pattern: str,
        help: str = "",
        name: str | None = None,
        mention: str = "optional",
        hidden: bool = False,
        **arguments: str,
    ) -> Callable[[Handler], Handler]:
        """A command: `/buy {quantity} {$ticker}`. Further names tell what its arguments mean."""
        words = [word for word in pattern.split() if word[0] not in "{"]
        own = name or "-".join(word.lstrip("/") for word in words)

        def add(run: Handler) -> Handler:
            if own in self._commands:
                raise TypeError(f"two commands are named {own!r}; give one of them a name=")
            self._commands[own] = run
            rule = wit.MentionRule[mention.upper()]
            told = [wit.ArgumentHelp(argument, what) for argument, what in arguments.items()]
            spec = wit.CommandSpec(own, pattern, rule, help, told, hidden)
            # Of several decorators the lowest is applied first; help lists them as they are written.
            names = [name for name, known in self._commands.items() if known is run]
            places = [place for place, known in enumerate(self._specs) if known.name in names]
            self._specs.insert(min(places, default=len(self._specs)), spec)
            return run

        return add

    def message(
        self,
        contains: str | None = None,
        word: str | None = None,
        equals: str | None = None,
        regex: str | None = None,
        has: Sequence[str] = (),
        from_bots: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Messages that have something; all of them where nothing is said."""
        given = {"CONTAINS": contains, "WORD": word, "EQUALS": equals, "REGEX": regex}
        words = [
            wit.KeyWord(wit.KeyWordMatch[kind], text)
            for kind, text in given.items()
            if text is not None
        ]
        if regex is not None:
            # What Python cannot read is told while the component is built.
            _regex(regex)
        carried = [wit.MessageHas[what.upper()] for what in has]

        def add(run: Handler) -> Handler:
            self._messages.append(_MessageHandler(run, words, carried, from_bots))
            return run

        return add

    def on(self, *kinds: str) -> Callable[[Handler], Handler]:
        """Events of other kinds, by the contract's names: `member-changed`, `action-failed`, …"""
        for kind in kinds:
            wit.EventKind[_constant(kind)]

        def add(run: Handler) -> Handler:
            self._events.update({_constant(kind): run for kind in kinds})
            return run

        return add

    def form(self, id: str | None = None, prefix: str | None = None) -> Callable[[Handler], Handler]:
        """Answers to a form; values come by the names of its fields."""
        return self._adder(self._forms, id, prefix)

    def button(self, id: str | None = None, prefix: str | None = None) -> Callable[[Handler], Handler]:
        """Presses of a button; `value` and `id` come by name."""
        return self._adder(self._buttons, id, prefix)

    def timer(self, name: str | None = None, prefix: str | None = None) -> Callable[[Handler], Handler]:
        """Firings of a timer; `payload` and `name` come by name."""
        return self._adder(self._timers, name, prefix)

    def response(self, key: str | None = None, prefix: str | None = None) -> Callable[[Handler], Handler]:
        """Answers of a request that the host made; `outcome` and `key` come by name."""
        return self._adder(self._responses, key, prefix)

    def webhook(self, name: str | None = None, prefix: str | None = None) -> Callable[[Handler], Handler]:
        """Calls of a webhook of the plugin's own; `call` comes by name."""
        return self._adder(self._webhooks, name, prefix)

    @staticmethod
    def _adder(named: _Named, name: str | None, prefix: str | None) -> Callable[[Handler], Handler]:
        def add(run: Handler) -> Handler:
            named.add(name, prefix, run)
            return run

        return add

    def config(
        self,
        name: str,
        kind: str = "text",
        help: str = "",
        required: bool = False,
        default: str | None = None,
        choices: Sequence[str] = (),
    ) -> None:
        """Declares a setting: `text`, `number`, `flag`, `duration`, `list`, or one of `choices`."""
        kinds: dict[str, Callable[[], wit.ConfigKind]] = {
            "text": wit.ConfigKind_Text,
            "number": wit.ConfigKind_Number,
            "flag": wit.ConfigKind_Flag,
            "duration": wit.ConfigKind_Duration,
            "list": wit.ConfigKind_List,
        }
        made = wit.ConfigKind_Choice(list(choices)) if choices else kinds[kind]()
        self._config.append(wit.ConfigKey(name, made, required, default, help))

    def wants(
        self,
        reason: str,
        http: str | None = None,
        action: str | None = None,
        read: str | None = None,
        optional: bool = False,
    ) -> None:
        """Asks for something that the operator has to grant, with a reason that a person can judge."""
        for what, value in (
            (wit.Capability_Http, http),
            (wit.Capability_Action, action),
            (wit.Capability_Read, read),
        ):
            if value is not None:
                self._capabilities.append(wit.CapabilityRequest(what(value), reason, optional))

    def behaviour(self) -> type[_Behaviour]:
        """The class that the host calls: assign it to `Behaviour` in the module that is built."""
        plugin = self

        class Behaviour(_Behaviour):
            def describe(self) -> wit.Description:
                return plugin._describe()

            def handle(self, event: events.Event) -> list[wit_actions.Action]:
                return plugin._handle(event)

        return Behaviour

    def _describe(self) -> wit.Description:
        kinds = [wit.EventKind[name] for name in self._events]
        if self._messages:
            kinds.append(wit.EventKind.MESSAGE)
        filters = [wit.MessageFilter(it.words, it.has, it.from_bots) for it in self._messages]
        return wit.Description(
            **self._about,
            subscriptions=wit.Subscriptions(kinds, self._platforms, filters),
            commands=self._specs,
            config=self._config,
            capabilities=self._capabilities,
            extras=[],
        )

    def _handle(self, event: events.Event) -> list[wit_actions.Action]:
        _seed()
        found = self._find(event.payload)
        if found is None:
            return []
        run, arguments = found
        try:
            return _actions(_call(run, Context(event), arguments))
        except Retry as again:
            raise Err(_error("Retry")(again.after_ms)) from again
        except Refused as refused:
            raise Err(_error("Refused")(str(refused))) from refused
        except Failed as failed:
            raise Err(_error("Failed")(str(failed))) from failed

    def _find(self, payload: events.EventPayload) -> tuple[Handler, dict[str, Any]] | None:
        value: Any = payload.value
        run: Handler | None = None
        arguments: dict[str, Any] = {}
        match payload:
            case events.EventPayload_Command():
                run = self._commands.get(value.name)
                arguments = {it.name: it.value.value for it in value.arguments}
            case events.EventPayload_Message():
                fitting = (it.run for it in self._messages if it.matches(value))
                run = next(fitting, None)
                arguments = {it.name: it.value.value for it in value.arguments}
            case events.EventPayload_FormSubmitted():
                run = self._forms.find(value.form_id)
                arguments = {it.id: it.value.value for it in value.values}
                arguments |= {"button": value.button, "form": value}
            case events.EventPayload_ButtonPressed():
                run = self._buttons.find(value.button_id)
                arguments = {"id": value.button_id, "value": value.value}
            case events.EventPayload_TimerFired():
                run = self._timers.find(value.name)
                arguments = {"name": value.name, "payload": value.payload}
            case events.EventPayload_ResponseReceived():
                run = self._responses.find(value.key)
                arguments = {"key": value.key, "outcome": value.outcome}
            case events.EventPayload_WebhookReceived():
                run = self._webhooks.find(value.name)
                arguments = {"name": value.name, "call": value}
            case _:
                kind = type(payload).__name__.removeprefix("EventPayload_")
                run = self._events.get(_constant(re.sub(r"(?<=.)([A-Z])", r"-\1", kind)))
                arguments = {"event": value}
        return None if run is None else (run, arguments)


def _constant(kind: str) -> str:
    return kind.upper().replace("-", "_")


def _error(name: str) -> Any:
    from wit_world.exports import behaviour

    return getattr(behaviour, f"HandleError_{name}")


_is_seeded = False


def _seed() -> None:
    # Whatever a module drew while the component was built is the same in every instance.
    global _is_seeded
    if not _is_seeded:
        random.seed(os.urandom(16))
        _is_seeded = True


def _call(run: Handler, context: Context, arguments: dict[str, Any]) -> Any:
    wanted = list(inspect.signature(run).parameters.values())
    takes_all = any(it.kind is it.VAR_KEYWORD for it in wanted)
    named = {it.name for it in wanted[1:]}
    given = {name: it for name, it in arguments.items() if takes_all or name in named}
    # What was not given (an optional argument, a field left empty) is None, or what the handler says.
    for it in wanted[1:]:
        if it.default is it.empty and it.kind in (it.POSITIONAL_OR_KEYWORD, it.KEYWORD_ONLY):
            given.setdefault(it.name, None)
    reply = run(context, **given)
    return http.run(reply) if inspect.isawaitable(reply) else reply


def _actions(reply: Any) -> list[wit_actions.Action]:
    if reply is None:
        return []
    if isinstance(reply, wit_actions.Action):
        return [reply]
    if isinstance(reply, Message):
        return [reply.action()]
    if isinstance(reply, (list, tuple)):
        return [action for part in reply for action in _actions(part)]
    return [Message(reply).action()]
