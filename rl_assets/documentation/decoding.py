"""Image files decoded in a separate process: a file that crashes it, hangs or exhausts memory costs that file only.

The process gets no secrets from the environment and replies in JSON lines, so the harm of a damaged file ends there.
"""

import base64
import json
import os
import select
import subprocess
import sys
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

START_SECONDS = 60


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

    def _request(self, path: Path, copy: dict[str, int] | None = None) -> dict[str, Any]:
        process = self._start()
        line = self._exchange(process, {"path": str(path), "copy": copy}, self.limits.seconds)
        if line:
            reply: dict[str, Any] = json.loads(line)
            return reply
        self._stop()
        reason = "decoder_timed_out" if line is None else "decoder_died"
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


def serve() -> None:
    """The decoding process: replies until its input ends."""
    limits = Limits(**json.loads(sys.stdin.readline()))
    _limit_memory(limits.memory_megabytes)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(_reply(Path(request["path"]), request["copy"], limits)), flush=True)


def _reply(path: Path, copy: dict[str, int] | None, limits: Limits) -> dict[str, Any]:
    if copy:
        small = small_copy(path, limits, **copy)
        return {"copy": base64.b64encode(small).decode("ascii") if small else None}
    info = read_image_info(path, limits)
    return {"info" if isinstance(info, ImageInfo) else "rejected": asdict(info)}


def _limit_memory(megabytes: int) -> None:
    if sys.platform == "linux":  # macOS does not enforce it.
        import resource

        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        max_bytes = used + megabytes * 1_000_000
        resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))


if __name__ == "__main__":
    serve()
