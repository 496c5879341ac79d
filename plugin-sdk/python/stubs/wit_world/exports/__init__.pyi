# Made of wit/ by tests/tests/bindings.rs; do not edit.
from abc import abstractmethod
from typing import Protocol
from ..imports import actions, description, events

class Behaviour(Protocol):
    """What a plugin does."""

    @abstractmethod
    def describe(self) -> description.Description:
        """Says what the plugin is and wants."""
        ...

    @abstractmethod
    def handle(self, event: events.Event) -> list[actions.Action]:
        """Handles one event.

        Raises `Err` with wit_world.exports.behaviour.HandleError."""
        ...
