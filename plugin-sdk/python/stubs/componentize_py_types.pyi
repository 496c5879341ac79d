# Made of wit/ by tests/tests/bindings.rs; do not edit.
from dataclasses import dataclass
from typing import Generic, TypeVar, Union

S = TypeVar("S")
T = TypeVar("T")
E = TypeVar("E")

@dataclass
class Some(Generic[S]):
    """A value that is there, where an optional value holds an optional one."""

    value: S

@dataclass
class Ok(Generic[T]):
    """How something ended well."""

    value: T

@dataclass(frozen=True)
class Err(Generic[E], Exception):
    """How something failed; raised by the functions of the contract."""

    value: E

Result = Union[Ok[T], Err[E]]
