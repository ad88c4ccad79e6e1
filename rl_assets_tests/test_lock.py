"""The lock file names a version of everything that pyproject.toml asks for, and tells no one where to download it."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[1]
LOCK = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")


def asked_for() -> Iterator[Requirement]:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for lines in (project["dependencies"], *project["optional-dependencies"].values()):
        yield from (wanted for line in lines if (wanted := Requirement(line)).name != project["name"])


def test_every_requirement_has_a_version_that_satisfies_it():
    locked = {canonicalize_name(name): version for name, version in re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", LOCK)}
    requirements = list(asked_for())
    assert len(requirements) > 50
    wrong = [str(each) for each in requirements if locked.get(canonicalize_name(each.name), "0") not in each.specifier]
    assert wrong == []


def test_no_index_is_named():
    assert re.findall(r"https?:|file:|--\S+", LOCK) == []
