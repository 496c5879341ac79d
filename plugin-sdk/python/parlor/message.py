"""A message on its way out."""

from copy import copy

from wit_world.imports import actions as wit
from wit_world.imports.events import Visibility

from .content import Part, content


class Message:
    """What is said, where, and who sees it. `Message("Hello")` is a reply."""

    def __init__(self, *parts: Part):
        self.parts = parts
        self.target: wit.Target = wit.Target_Reply()
        self.attachments: list[wit.OutgoingAttachment] = []
        self.thread: str | None = None
        self.visibility = Visibility.ALL
        self.quiet = False
        self.fallback = wit.Fallback.DEGRADE
        self.key: str | None = None
        self.bot: str | None = None

    def _with(self, **changes: object) -> "Message":
        changed = copy(self)
        vars(changed).update(changes)
        return changed

    def to_conversation(self, id: str) -> "Message":
        """The same, to a conversation by id."""
        return self._with(target=wit.Target_Conversation(id))

    def to_conversations(self, *ids: str) -> "Message":
        """The same, to many conversations; a grant."""
        return self._with(target=wit.Target_Conversations(list(ids)))

    def to_user(self, id: str) -> "Message":
        """The same, to one person; a grant."""
        return self._with(target=wit.Target_User(id))

    def to_users(self, *ids: str) -> "Message":
        """The same, to a group of people; a grant."""
        return self._with(target=wit.Target_Users(list(ids)))

    def to_email(self, address: str) -> "Message":
        """The same, to the person of this e-mail address; a grant."""
        return self._with(target=wit.Target_Email(address))

    def agents_only(self) -> "Message":
        """The same, not for the customer."""
        return self._with(visibility=Visibility.AGENTS)

    def quietly(self) -> "Message":
        """The same, without a notification."""
        return self._with(quiet=True)

    def in_thread(self, thread: str) -> "Message":
        """The same, in a thread."""
        return self._with(thread=thread)

    def or_fail(self) -> "Message":
        """The same; it fails where the platform cannot show it as it is."""
        return self._with(fallback=wit.Fallback.FAIL)

    def named(self, key: str) -> "Message":
        """The same, with a key for edits, deletes and outcomes."""
        return self._with(key=key)

    def attach(self, name: str, media_type: str, data: bytes) -> "Message":
        """The same, with a file."""
        file = wit.OutgoingAttachment_File(wit.File(name, media_type, data))
        return self._with(attachments=[*self.attachments, file])

    def action(self) -> wit.Action:
        """The action that sends it."""
        send = wit.Send(
            target=self.target,
            content=content(*self.parts),
            attachments=self.attachments,
            thread=self.thread,
            visibility=self.visibility,
            quiet=self.quiet,
            fallback=self.fallback,
        )
        return wit.Action(self.key, self.bot, None, wit.ActionKind_Send(send))
