"""Behaviours for parlor in Python: a plugin is a page.

    from parlor import Plugin

    plugin = Plugin("greeter", "Greets people")

    @plugin.command("/greet {name}", help="Greets somebody")
    def greet(cx, name):
        return f"Hello, {name}!"

    Behaviour = plugin.behaviour()

`parlor build` makes a component of the module that defines `Behaviour`.
"""

from . import actions, config, content, directory, http, log, state
from .actions import (
    after,
    at,
    cancel_timer,
    cron,
    delete,
    edit,
    every,
    join,
    leave,
    react,
    request,
    set_timer,
)
from .content import (
    Button,
    Card,
    Field,
    Form,
    Table,
    bold,
    code,
    divider,
    emoji,
    heading,
    image,
    italic,
    link,
    markdown,
    mention,
    message_ml,
    paragraph,
    quote,
    text,
)
from .context import Context
from .errors import Failed, Refused, Retry
from .message import Message
from .plugin import Plugin

__all__ = [
    "Button",
    "Card",
    "Context",
    "Failed",
    "Field",
    "Form",
    "Message",
    "Plugin",
    "Refused",
    "Retry",
    "Table",
    "actions",
    "after",
    "at",
    "bold",
    "cancel_timer",
    "code",
    "config",
    "content",
    "cron",
    "delete",
    "directory",
    "divider",
    "edit",
    "emoji",
    "every",
    "heading",
    "http",
    "image",
    "italic",
    "join",
    "leave",
    "link",
    "log",
    "markdown",
    "mention",
    "message_ml",
    "paragraph",
    "quote",
    "react",
    "request",
    "set_timer",
    "state",
    "text",
]
