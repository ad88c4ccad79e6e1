"""How personal data is found and how ids that hold some are hashed: the choices of a deployment."""

import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from rl_assets.core.detectors import Detectors, detector_version
from rl_assets.core.files import sha256_json
from rl_assets.features.privacy import find_in_name, redact

VERSION = "3"  # Of what our own patterns find and where; with another, all days are described again.


@dataclass(frozen=True)
class PrivacyRules:
    """Detectors of one's own, as `package.module:function`, and the secret key of hashes."""

    detectors: Detectors = ()
    key: bytes = field(default=b"", repr=False)

    @property
    def method(self) -> str:
        """What redacted texts and hashed ids depend on; rows of another method are out of date."""
        key = hmac.new(self.key, b"ids", "sha256").hexdigest()
        return sha256_json([VERSION, key, *map(detector_version, self.detectors)])

    def clean_id(self, value: str | None, kinds: list[str]) -> str | None:
        """The id, or a keyed hash of it if it holds personal data, of which the kinds are noted."""
        found = _kinds_in_name(value, self.detectors) if value else ()
        kinds += found
        return f"id-{hmac.new(self.key, str(value).encode(), 'sha256').hexdigest()[:32]}" if found else value

    def clean_name(self, value: str | None, kinds: list[str]) -> str | None:
        """The name of an agent, a category or the like, with placeholders; the kinds of the findings are noted."""
        found = _kinds_in_name(value, self.detectors) if value else ()
        kinds += found
        return redact(str(value), self.detectors)[0] if found else value


DEFAULT_PRIVACY = PrivacyRules()


@lru_cache(maxsize=4096)
def _kinds_in_name(name: str, detectors: Detectors) -> tuple[str, ...]:
    return tuple(finding.kind for finding in find_in_name(name, detectors))
