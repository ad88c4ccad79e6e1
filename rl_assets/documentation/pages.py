"""A page's file to its images and sections; runs in the decoding process, whose limits of time and memory apply."""

from pathlib import Path

from rl_assets.documentation.markdown import to_html
from rl_assets.documentation.references import Reference, Section, parse_page

MAX_PAGE_BYTES = 5_000_000


class RejectedPageError(ValueError):
    """A page is not parsed; the message is the reason."""


def parse_file(path: Path) -> tuple[list[Reference], list[Section]]:
    """The images of a page and its sections without any; RejectedPageError if it cannot be read."""
    return parse_page(to_html(read_page(path), path.suffix.lower()))


def read_page(path: Path) -> str:
    """The page's text; RejectedPageError if it is too big, not UTF-8 or a link in a circle."""
    try:
        if path.stat().st_size > MAX_PAGE_BYTES:
            raise RejectedPageError("too_many_bytes")
        return path.read_text(encoding="utf-8-sig").replace("\0", "\ufffd")
    except UnicodeDecodeError as error:
        raise RejectedPageError("not_utf8") from error
    except OSError as error:
        raise RejectedPageError(f"unreadable: {error.strerror}") from error
