# Made of wit/ by tests/tests/bindings.rs; do not edit.
"""Lines for the operator's log."""

from enum import Enum

class Level(Enum):
    """How much a line matters."""

    TRACE = 0
    """Every step."""
    DEBUG = 1
    """For the author."""
    INFO = 2
    """For the operator."""
    WARN = 3
    """Something is odd."""
    ERROR = 4
    """Something failed."""

def write(level: Level, text: str) -> None:
    """Writes a line. Lines of one call beyond 64 KiB are dropped, and counted."""
    ...
