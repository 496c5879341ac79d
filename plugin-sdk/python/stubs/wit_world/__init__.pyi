# Made of wit/ by tests/tests/bindings.rs; do not edit.
from typing import Protocol

class WitWorld(Protocol): ...
