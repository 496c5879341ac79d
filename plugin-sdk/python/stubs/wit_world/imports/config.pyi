# Made of wit/ by tests/tests/bindings.rs; do not edit.
"""What the operator set, checked against `describe`."""

from dataclasses import dataclass
from typing import Union

@dataclass
class Value_Text:
    """Text, or the chosen one of a choice."""

    value: str

@dataclass
class Value_Number:
    """A number."""

    value: float

@dataclass
class Value_Flag:
    """Yes or no."""

    value: bool

@dataclass
class Value_Duration:
    """Milliseconds."""

    value: int

@dataclass
class Value_Texts:
    """Texts."""

    value: list[str]

Value = Union[
    Value_Text,
    Value_Number,
    Value_Flag,
    Value_Duration,
    Value_Texts,
]
"""A setting's value."""

@dataclass
class Limits:
    """What one plugin may use, each as it is enforced."""

    memory_bytes: int
    """Linear memory of one instance in bytes, all memories together."""
    table_elements: int
    """Elements of all tables of one instance."""
    cpu_ms: int
    """Processor time of one call in milliseconds."""
    deadline_ms: int
    """Time of one call in milliseconds, host calls and waiting included."""
    instances: int
    """Instances alive at one time."""
    actions: int
    """Actions of one event."""
    message_bytes: int
    """Bytes of text in one message."""
    attachment_bytes: int
    """Bytes of one attachment."""
    attachments_bytes: int
    """Bytes of all attachments of one event."""
    broadcast: int
    """Conversations of one broadcast."""
    action_key_bytes: int
    """Bytes of one action's key."""
    log_bytes: int
    """Bytes of log lines, stdout and stderr of one call together."""
    state_key_bytes: int
    """Bytes of one state key."""
    state_value_bytes: int
    """Bytes of one state value."""
    state_bytes: int
    """Bytes of the plugin's state, keys and values."""
    random_bytes: int
    """Bytes of random data in one request to the host."""
    handles: int
    """Handles and resources of one instance."""
    http_requests: int
    """HTTP requests of one call."""
    http_open: int
    """HTTP requests open at one time."""
    http_body_bytes: int
    """Bytes of one HTTP response's body."""
    http_header_bytes: int
    """Bytes of one HTTP message's headers."""
    timers: int
    """Timers of one plugin."""
    result_bytes: int
    """Bytes that the host copies out of one call."""

def get(key: str) -> Value | None:
    """Gets a setting, its default where it was not set, none where it has none."""
    ...

def enforced() -> Limits:
    """Tells what this plugin may use."""
    ...
