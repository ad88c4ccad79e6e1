"""Push a published dataset to a hub: its splits, card and manifest, as one commit.

    python -m rl_assets.datasets.exports.hub data/datasets/sft_dataset/2026-11-20 --repo your-name/answers

The hub is that of `HF_ENDPOINT` (huggingface.co by default), the token that of `HF_TOKEN` or `hf auth login`. The
repository is created as private if it does not exist. `load_dataset(repo)` opens it by its card.
"""

import argparse
from pathlib import Path

from rl_assets.datasets.split_files import SPLITS
from rl_assets.tables.dataset_manifest import MANIFEST, require_manifest

CARD = "README.md"


def push(folder: Path, repo: str, public: bool = False) -> str:
    """Upload the dataset; returns the address of the commit.

    Raises FileNotFoundError if there is none, and HfHubHTTPError if the hub refuses it. The ids of answers in
    outcomes.parquet stay here. A file of an earlier push that is not part of the dataset stays there.
    """
    from huggingface_hub import HfApi

    manifest = require_manifest(folder)
    api = HfApi()
    api.create_repo(repo, repo_type="dataset", private=not public, exist_ok=True)
    commit = api.upload_folder(
        repo_id=repo,
        repo_type="dataset",
        folder_path=folder,
        allow_patterns=[CARD, MANIFEST, *(f"{split}.parquet" for split in SPLITS)],
        commit_message=f"{manifest.name} as of {manifest.day}, {manifest.sha256[:12]}",
    )
    return str(commit.commit_url)


def main() -> None:
    """Push from the command line and print the commit."""
    parser = argparse.ArgumentParser(description="Push a published dataset to a hub.")
    parser.add_argument("folder", type=Path, help="a dataset's folder, .../<name>/<day>")
    parser.add_argument("--repo", required=True, help="<owner>/<name> on the hub")
    parser.add_argument("--public", action="store_true", help="create the repository as public")
    options = parser.parse_args()
    try:
        print(push(options.folder, options.repo, options.public))
    except (FileNotFoundError, ValueError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
