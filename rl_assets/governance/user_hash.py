"""The keyed hash under which a user's id is stored, to name somebody to the job `erase` without leaving the id there.

python -m rl_assets.governance.user_hash mary
"""

import argparse

from rl_assets.core.identity import user_hash_key
from rl_assets.lake.tombstones import hash_user
from rl_assets.settings import load_settings


def main() -> None:
    """Print the hash of each id."""
    parser = argparse.ArgumentParser(description="The hashes under which users' ids are stored.")
    parser.add_argument("user", nargs="+", help="an id as the logs say it")
    settings = load_settings()
    key = user_hash_key(settings.user_hash_key, settings.paths)
    for user in parser.parse_args().user:
        print(hash_user(user.strip(), key))


if __name__ == "__main__":
    main()
