"""Replies of a judge on disk, by the hash of what was asked: nothing is asked twice, and a killed run goes on."""

import json
from dataclasses import dataclass
from pathlib import Path

from rl_assets.core.files import write_json


@dataclass(frozen=True)
class ReplyCache:
    """One small JSON file a reply. It holds what the judge said and who it was, never the key to the service."""

    folder: Path

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"

    def get(self, key: str) -> str | None:
        """The reply to that request; None where it was never answered, or its file is damaged: ask again."""
        try:
            found = json.loads(self._path(key).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        reply = found.get("reply") if isinstance(found, dict) else None
        return reply if isinstance(reply, str) else None

    def put(self, key: str, model: str, reply: str) -> None:
        """Keep a reply."""
        write_json(self._path(key), {"model": model, "reply": reply})
