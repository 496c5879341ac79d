"""What the operator set, checked against what the plugin declares."""

from typing import Any

from wit_world.imports import config as _config
from wit_world.imports.config import Limits


def get(key: str) -> Any:
    """A setting: text, number, flag, milliseconds or texts; None where it has no value."""
    found = _config.get(key)
    return None if found is None else found.value


def limits() -> Limits:
    """What this plugin may use, each as it is enforced."""
    return _config.enforced()
