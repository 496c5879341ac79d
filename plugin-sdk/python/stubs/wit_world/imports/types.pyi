# Made of wit/ by tests/tests/bindings.rs; do not edit.
from typing import Any

def __getattr__(name: str) -> Any: ...
