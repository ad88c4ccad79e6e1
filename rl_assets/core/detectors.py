"""Detectors of personal data of one's own: `find(text)` gives spans (start, end, kind), such as (0, 8, "PERSON").

`package.module:function@argument` gives the function an argument beside the text.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache, partial
from hashlib import sha256
from importlib import import_module
from inspect import getsourcefile, signature
from itertools import pairwise
from pathlib import Path
from typing import Any

Span = tuple[int, int, str]
Detectors = tuple[str, ...]
NAME = re.compile(r"(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<function>[A-Za-z_]\w*)(?:@(?P<argument>.+))?")
KIND = re.compile(r"[A-Z][A-Z0-9_]*")


class DetectorError(ValueError):
    """A detector cannot be loaded, failed, or gave spans that cannot be; the message says which one and what to do."""


@cache
def load_detector(name: str) -> Callable[[str], Iterable[Span]]:
    """The function `package.module:function`, which takes a text. A function may have a method `check`, which raises
    DetectorError if what it needs is missing.
    """
    found, arguments = _imported(name)
    try:
        signature(found).bind("a text", *arguments)
    except TypeError as error:
        takes = "one text" if not arguments else "a text and an argument"
        raise DetectorError(f"the detector {name} must take {takes}: {error}") from error
    if check := getattr(found, "check", None):
        check(*arguments)
    return partial(_called, found, arguments) if arguments else found


def _called(found: Callable[..., Any], arguments: tuple[str, ...], text: str) -> Any:
    return found(text, *arguments)


def _imported(name: str) -> tuple[Callable[..., Any], tuple[str, ...]]:
    """The function, and the argument that its name holds, if any."""
    parts = NAME.fullmatch(name)
    if not parts:
        raise DetectorError(f"{name!r} is no detector: write package.module:function")
    try:
        found = getattr(import_module(parts["module"]), parts["function"], None)
    except Exception as error:
        raise DetectorError(f"the detector {name} cannot be imported: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise DetectorError(f"the detector {name} is no function of the module {parts['module']}")
    return found, (parts["argument"],) if parts["argument"] else ()


@cache
def detector_version(name: str) -> str:
    """What makes findings of a detector out of date: its name, the `version` of the function or its module, and the
    content of the module's file. A `version` that can be called tells of everything that the argument stands for.
    """
    found, arguments = _imported(name)
    module = import_module(name.split(":", maxsplit=1)[0])
    version = getattr(found, "version", None) or getattr(module, "__version__", "")
    if callable(version):
        name, version = name.split("@", maxsplit=1)[0], version(*arguments)
    source = getsourcefile(module)
    content = sha256(Path(source).read_bytes()).hexdigest() if source else ""
    return f"{name} {version} {content}"


def own_spans(name: str, text: str) -> list[Span]:
    """The spans that a detector finds, in order. Raises DetectorError, which quotes no text, if they cannot be."""
    try:
        given = load_detector(name)(text)
        spans = None if given is None else list(given)
    except DetectorError:
        raise
    except Exception as error:
        raise DetectorError(f"the detector {name} failed on a text: {type(error).__name__}") from error
    if spans is None:
        raise DetectorError(f"the detector {name} gave None: return an empty list if nothing is found")
    for span in spans:
        _check(name, span, len(text))
    ordered = sorted((int(start), int(end), str(kind)) for start, end, kind in spans)
    for (_, end, _), (start, _, _) in pairwise(ordered):
        if start < end:
            raise DetectorError(f"the detector {name} gave spans that overlap at {start} to {end}")
    return ordered


def _check(name: str, span: object, length: int) -> None:
    if not isinstance(span, tuple | list) or len(span) != 3:
        raise DetectorError(f"the detector {name} gave a {type(span).__name__}: give spans (start, end, kind)")
    start, end, kind = span
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= length:
        raise DetectorError(f"the detector {name} gave the span {start!r} to {end!r} of a text of {length} characters")
    if not isinstance(kind, str) or not KIND.fullmatch(kind):
        raise DetectorError(f"the detector {name} gave the kind {kind!r}: write capitals, such as PERSON")
