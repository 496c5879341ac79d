"""The event that is handled, and what is said about it."""

from wit_world.imports import events as wit

from .content import Part
from .message import Message


class Context:
    """What a handler is given first."""

    def __init__(self, event: wit.Event):
        self.event = event

    @property
    def id(self) -> str:
        """The event's id: the same when it is handled again."""
        return self.event.id

    @property
    def bot(self) -> wit.Bot | None:
        """The bot."""
        return self.event.bot

    @property
    def conversation(self) -> wit.Conversation | None:
        """Where it happened."""
        return self.event.conversation

    @property
    def actor(self) -> wit.User | None:
        """Who did it."""
        return self.event.actor

    @property
    def first_name(self) -> str:
        """The actor's first name, or the name people see."""
        actor = self.event.actor
        return "" if actor is None else actor.first_name or actor.display_name

    def has_role(self, role: str) -> bool:
        """Tells whether the actor holds one of the operator's roles."""
        return self.event.actor is not None and role in self.event.actor.roles

    @property
    def text(self) -> str:
        """What the message says; empty where the event is no message."""
        message = getattr(self.event.payload.value, "message", None)
        return "" if message is None else message.text

    def reply(self, *parts: Part) -> Message:
        """A message to where the event came from."""
        return Message(*parts)
