"""Where everything lies: the folders below `RL_ASSETS_HOME`, the lake and the landing files. Paths only, no work.

Each path is named once, here. Whoever reads or writes below the home is given a `Home`: assets by `HomeResource.paths`,
commands by `Settings.paths`.
"""

from dataclasses import dataclass
from pathlib import Path

from rl_assets.core.object_store import AnyPath, any_path


@dataclass(frozen=True)
class Home:
    """The folders of a deployment; `lake` and `landing_url` name another folder or an object store, if set."""

    folder: Path
    lake: str | None = None
    landing_url: str | None = None

    @property
    def lake_url(self) -> str:
        """Folder or object-store URL of the Delta tables."""
        return self.lake or str(self.folder / "lake")

    @property
    def landing(self) -> AnyPath:
        """Log files, as other systems drop them: `<format>/<YYYY-MM-DD>/...`."""
        return any_path(self.landing_url or str(self.folder / "landing"))

    @property
    def docs(self) -> Path:
        """Markdown trees with images, one folder per source."""
        return self.folder / "docs"

    @property
    def benchmarks(self) -> Path:
        """Items (.jsonl) that models are evaluated on besides the held-out rows."""
        return self.folder / "eval"

    @property
    def models(self) -> Path:
        """Base models, built or fetched."""
        return self.folder / "models"

    @property
    def image_index(self) -> Path:
        """Versions of the index of documentation images."""
        return self.folder / "index" / "images"

    @property
    def reply_cache(self) -> Path:
        """Replies of judge and teacher: a request that was answered is not sent again."""
        return self.folder / "judge"

    @property
    def erasures(self) -> Path:
        """Reports of erasures."""
        return self.folder / "erasures"

    @property
    def panel(self) -> Path:
        """The judges and personas (.yaml) that score logged answers, if there is a panel."""
        return self.folder / "panel.yaml"

    @property
    def prices(self) -> Path:
        """The deployment's own price table (.yaml), if it has one."""
        return self.folder / "prices.yaml"

    @property
    def rewards_file(self) -> Path:
        """How dimensions are weighed into one reward (.yaml), if the deployment says so."""
        return self.folder / "rewards.yaml"

    @property
    def dimension_rewards(self) -> Path:
        """Heads of dimensions: `<inputs-hash>/model.json`, and `days/<day>.json`, which says whose a day uses."""
        return self.folder / "rewards" / "dimensions"

    @property
    def user_hash_key(self) -> Path:
        """The secret of the keyed hash of user ids, unless the settings hold one."""
        return self.folder / "user_hash.key"

    @property
    def routing(self) -> Path:
        """The file that names the served arms and their shares; the gateway draws from it."""
        return self.folder / "serving" / "routing.json"

    @property
    def serving(self) -> Path:
        """What serving keeps: `routing.json`, `checks/<version>.json`, `spool/`."""
        return self.folder / "serving"

    @property
    def router(self) -> Path:
        """What the router learned: `shares.json`, by which arms are drawn."""
        return self.folder / "router"

    @property
    def service(self) -> Path:
        """What the feedback service keeps: its database and the key of its sessions."""
        return self.folder / "service"

    @property
    def exports(self) -> Path:
        """Datasets and scripts that users of the feedback service asked for; nothing here is trained on by itself."""
        return self.folder / "exports"

    def datasets(self, name: str = "", day: str = "") -> Path:
        """The folder of all datasets, of one, or of one on a day."""
        return self.folder / "datasets" / name / day

    def adapters(self, segment: str | None = None) -> Path:
        """The folder of the product's adapters, or of those of one segment: `<kind>/<inputs-hash>` lie in it."""
        return self.folder / "adapters" / (segment or "")

    def champion(self, segment: str | None = None) -> Path:
        """The file that names the adapter in use for the product, or for a segment that has one of its own."""
        return self.folder / "champions" / f"{segment}.json" if segment else self.folder / "champion.json"

    def segments_with_champion(self) -> list[str]:
        """The segments that have a champion of their own, by name."""
        return sorted(path.stem for path in (self.folder / "champions").glob("*.json"))

    def metric_of_epoch(self, segment: str | None = None) -> Path:
        """The file that names the metric by which a segment (or the product) is decided, while an epoch lasts."""
        return self.folder / "reports" / "metric" / f"{segment or 'product'}.json"

    def reports(self, day: str = "", segment: str | None = None) -> Path:
        """The folder of all evaluation reports, of those of a day, or of the report on a segment on that day."""
        return self.folder / "reports" / day / (f"segments/{segment}" if segment else "")
