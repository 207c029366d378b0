"""Functions of ours that stand between pytest and a user's code, where plain pytest has nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FunctionType

_Function = TypeVar("_Function", bound="Callable[..., Any]")


def unseen(function: _Function) -> _Function:
    """Keeps the function out of tracebacks, as pytest keeps its own functions out.

    pytest leaves out frames of its own files and of generated code, and, unless that were all, decides among the rest.
    Only then it leaves out what is hidden, so that a hidden frame alone would leave none: an internal error in some
    versions. The function is to be hidden too (`__tracebackhide__`), for where all frames are shown.
    """
    plain = cast("FunctionType", function)
    plain.__code__ = plain.__code__.replace(co_filename="<fastest>")
    return function
