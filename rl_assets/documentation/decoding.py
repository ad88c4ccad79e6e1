"""Images decoded and pages parsed in a separate process: a file that crashes or exhausts it costs that file only.

The process gets no secrets from the environment and replies in JSON lines, so the harm of a damaged file ends there.
"""

import base64
import json
import os
import select
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from rl_assets.documentation.image_info import (
    THUMBNAIL_EDGE,
    THUMBNAIL_QUALITY,
    ImageInfo,
    Limits,
    RejectedImage,
    read_image_info,
    small_copy,
)
from rl_assets.documentation.pages import RejectedPageError, parse_file
from rl_assets.documentation.references import Reference, Section

START_SECONDS = 60
# The limit of time is one of CPU time, so that a busy machine rejects nothing. A process that waits, say for a disk
# that does not answer, is stopped after this many times the limit.
WAITING_FACTOR = 20


@dataclass
class Decoder:
    """Decodes files one after the other; use it as a context manager."""

    limits: Limits = field(default_factory=Limits)
    _process: "subprocess.Popen[bytes] | None" = None

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def info(self, path: Path) -> ImageInfo | RejectedImage:
        """The info of an image file, or why it is rejected; also `decoder_died` and `decoder_timed_out`."""
        reply = self._request(path)
        return ImageInfo(**reply["info"]) if "info" in reply else RejectedImage(**reply["rejected"])

    def small_copy(self, path: Path, edge: int = THUMBNAIL_EDGE, quality: int = THUMBNAIL_QUALITY) -> bytes | None:
        """A raster image as a WebP of at most `edge` x `edge` pixels; None if it cannot be decoded."""
        encoded = self._request(path, {"edge": edge, "quality": quality}).get("copy")
        return base64.b64decode(encoded) if encoded else None

    def page(self, path: Path) -> tuple[list[Reference], list[Section]]:
        """The images and sections of a page. RejectedPageError if it cannot be read within the limits."""
        reply = self._request(path, page=True)
        if "rejected" in reply:
            raise RejectedPageError(reply["rejected"]["reason"])
        references = [Reference(**{**one, "headings": tuple(one["headings"])}) for one in reply["references"]]
        return references, [Section(tuple(one["headings"]), one["text"]) for one in reply["sections"]]

    def _request(self, path: Path, copy: dict[str, int] | None = None, page: bool = False) -> dict[str, Any]:
        process = self._start()
        line = self._exchange(
            process, {"path": str(path), "copy": copy, "page": page}, WAITING_FACTOR * self.limits.seconds
        )
        if line:
            reply: dict[str, Any] = json.loads(line)
            return reply
        timed_out = line is None or _used_up_its_time(process)
        self._stop()
        reason = "decoder_timed_out" if timed_out else "decoder_died"
        return {"rejected": {"reason": reason, "detail": f"within {self.limits.seconds:g} s"}}

    @staticmethod
    def _exchange(process: "subprocess.Popen[bytes]", message: object, seconds: float) -> bytes | None:
        """The process's reply; empty if it ended, None if it took too long."""
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps(message).encode("ascii") + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            return b""
        ready, _, _ = select.select([process.stdout], [], [], seconds)
        return process.stdout.readline() if ready else None

    def _start(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rl_assets.documentation.decoding"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ.get("PATH", "")},
            )
            if not self._exchange(self._process, asdict(self.limits), START_SECONDS):
                self._stop()
                raise RuntimeError(f"the decoding process did not start within {START_SECONDS} s: is memory short?")
        return self._process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._process = None


def _used_up_its_time(process: "subprocess.Popen[bytes]") -> bool:
    """Whether a process that no longer answers was ended by its timer."""
    with suppress(subprocess.TimeoutExpired):
        return process.wait(5) == -signal.SIGPROF
    return False


def serve() -> None:
    """The decoding process: replies until its input ends."""
    limits = Limits(**json.loads(sys.stdin.readline()))
    _limit_memory(limits.memory_megabytes)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        # The signal of this timer ends the process, in the middle of a decoder's C code too.
        signal.setitimer(signal.ITIMER_PROF, limits.seconds)
        reply = json.dumps(_reply(json.loads(line), limits))
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(reply, flush=True)


def _reply(request: dict[str, Any], limits: Limits) -> dict[str, Any]:
    path = Path(request["path"])
    if request["page"]:
        return _page_reply(path, limits)
    if request["copy"]:
        small = small_copy(path, limits, **request["copy"])
        return {"copy": base64.b64encode(small).decode("ascii") if small else None}
    info = read_image_info(path, limits)
    return {"info" if isinstance(info, ImageInfo) else "rejected": asdict(info)}


def _page_reply(path: Path, limits: Limits) -> dict[str, Any]:
    try:
        references, sections = parse_file(path)
    except RejectedPageError as error:
        return {"rejected": {"reason": str(error), "detail": ""}}
    except MemoryError:
        return {"rejected": {"reason": "too_much_memory", "detail": f"more than {limits.memory_megabytes} MB"}}
    return {"references": [asdict(one) for one in references], "sections": [asdict(one) for one in sections]}


def _limit_memory(megabytes: int) -> None:
    if sys.platform == "linux":  # macOS does not enforce it.
        import resource

        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        max_bytes = used + megabytes * 1_000_000
        resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))


if __name__ == "__main__":
    serve()
