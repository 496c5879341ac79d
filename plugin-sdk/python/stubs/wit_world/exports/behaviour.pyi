# Made of wit/ by tests/tests/bindings.rs; do not edit.
"""What a plugin does."""

from dataclasses import dataclass
from typing import Union

@dataclass
class HandleError_Retry:
    """Try again, after so many milliseconds where given."""

    value: int | None

@dataclass
class HandleError_Refused:
    """It is done, and nothing is to be kept; no fault. The text is logged."""

    value: str

@dataclass
class HandleError_Failed:
    """It cannot be handled: to the dead letters now. A fault."""

    value: str

HandleError = Union[
    HandleError_Retry,
    HandleError_Refused,
    HandleError_Failed,
]
"""Why an event was not handled. Nothing of the call is kept."""
