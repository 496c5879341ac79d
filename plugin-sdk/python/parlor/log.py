"""Lines for the operator's log."""

from wit_world.imports import log as _log


def trace(text: object) -> None:
    """Every step."""
    _log.write(_log.Level.TRACE, str(text))


def debug(text: object) -> None:
    """For the author."""
    _log.write(_log.Level.DEBUG, str(text))


def info(text: object) -> None:
    """For the operator."""
    _log.write(_log.Level.INFO, str(text))


def warn(text: object) -> None:
    """Something is odd."""
    _log.write(_log.Level.WARN, str(text))


def error(text: object) -> None:
    """Something failed."""
    _log.write(_log.Level.ERROR, str(text))
