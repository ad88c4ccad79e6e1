"""Replies of a service on disk, by the hash of the request: none is paid for twice, and a killed run resumes."""

import json
from dataclasses import dataclass
from pathlib import Path

from rl_assets.core.files import write_json


@dataclass(frozen=True)
class ReplyCache:
    """One small JSON file per reply. It holds the reply and the model, never the key to the service."""

    folder: Path

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def get(self, key: str) -> str | None:
        """The reply to that request; None if there is none, or its file is damaged: send it again."""
        try:
            stored = json.loads(self._path(key).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        reply = stored.get("reply") if isinstance(stored, dict) else None
        return reply if isinstance(reply, str) else None

    def put(self, key: str, model: str, reply: str) -> None:
        """Keep a reply."""
        write_json(self._path(key), {"model": model, "reply": reply})
