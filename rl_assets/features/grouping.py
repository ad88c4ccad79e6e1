"""Which cluster each set of words belongs to: an earlier one, a new one, or none between two splits.

The sets of a day that are near-equal, directly or through others, are a group. A group that is near earlier clusters of
one split joins the smallest of them; one that is near none is a new cluster. If the earlier clusters are of two splits,
the sets of the group are assigned one after the other: each joins the clusters that it is near itself, if these are of
one split, and has no cluster otherwise.
"""

from collections import defaultdict
from collections.abc import Iterator, Set

import numpy as np

from rl_assets.features.near_sets import NearSets, partner

NO_CLUSTER = -1
# The sets that are filed in one entry, by cluster or by group.
Filed = defaultdict[int, dict[int, list[int]]]


class Groups:
    """Disjoint groups of sets (union-find); the smallest member names a group."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def name(self, member: int) -> int:
        parents = self._parents
        root = member
        while (parent := parents.get(root, root)) != root:
            root = parent
        while member != root:
            parents[member], member = root, parents[member]
        return root

    def merge(self, one: int, other: int) -> int:
        """Merge the groups of two members; the name of the result."""
        first, second = sorted((self.name(one), self.name(other)))
        if first != second:
            self._parents[second] = first
        return first

    def merge_filed(self, filed: dict[int, list[int]]) -> None:
        """File members of groups that were merged since together."""
        if len(filed) < 2:
            return
        for former in list(filed):
            name = self.name(former)
            if name != former:
                filed.setdefault(name, []).extend(filed.pop(former))


class Grouping:
    """Assigns sets day by day; `clusters` and `splits` are those that sets keep or would start."""

    def __init__(self, sets: NearSets, clusters: np.ndarray, splits: list[str | None]) -> None:
        self._sets = sets
        self._chosen: list[int] = clusters.tolist()
        self._split_of = dict(zip(self._chosen, splits, strict=True))
        self._filed: Filed = defaultdict(dict)
        self._marks = sets.marks()

    def choose(self, keeps: np.ndarray, days: np.ndarray) -> np.ndarray:
        """The cluster of each set; the sets are in the order of `days`, and those that keep theirs come first."""
        for place in np.flatnonzero(keeps).tolist():
            self._file(place)
        for places in np.split(np.flatnonzero(~keeps), np.flatnonzero(np.diff(days[~keeps])) + 1):
            self._assign_day(places.tolist())
        return np.array(self._chosen, np.int64)

    def _file(self, place: int) -> None:
        cluster = self._chosen[place]
        if cluster != NO_CLUSTER:
            for entry in self._sets.entries_of(place):
                self._filed[entry].setdefault(cluster, []).append(place)

    def _assign_day(self, places: list[int]) -> None:
        for group, near in self._groups(places):
            splits = {self._split_of[cluster] for cluster in near}
            for place in group:
                if len(splits) > 1:
                    self._assign_alone(place)
                else:
                    self._chosen[place] = min(near, default=self._chosen[group[0]])
                self._file(place)

    def _groups(self, places: list[int]) -> Iterator[tuple[list[int], set[int]]]:
        """The groups of the day's sets, each with the earlier clusters that it is near."""
        groups, filed = Groups(), Filed(dict)
        near: dict[int, set[int]] = {}
        for place in places:
            entries = self._sets.entries_of(place)
            if not entries:
                continue
            for entry in entries:
                groups.merge_filed(filed[partner(entry)])
            known: set[int] = set()
            for other in self._near(place, entries, filed):
                known |= near.pop(groups.name(other), known)
                groups.merge(place, other)
            known |= self._near(place, entries, self._filed, known)
            name = groups.name(place)
            if known:
                near[name] = known
            for entry in entries:
                filed[entry].setdefault(name, []).append(place)
        members = defaultdict(list)
        for place in places:
            members[groups.name(place)].append(place)
        for name, group in members.items():
            yield group, near.get(name, set())

    def _assign_alone(self, place: int) -> None:
        near = self._near(place, self._sets.entries_of(place), self._filed)
        if near:
            self._chosen[place] = min(near) if len({self._split_of[cluster] for cluster in near}) == 1 else NO_CLUSTER

    def _near(self, place: int, entries: list[int], filed: Filed, known: Set[int] = frozenset()) -> set[int]:
        """The names, other than `known` ones, under which a set that is near-equal to this one is filed."""
        others = [(self._sets.all_near(entry), filed[partner(entry)]) for entry in entries if partner(entry) in filed]
        near = {name for all_near, by_name in others if all_near for name in by_name} - known
        words = self._sets.words_of(place)
        self._marks[words] = 1
        for all_near, by_name in others:
            for name, members in () if all_near else by_name.items():
                if name not in near and name not in known and self._sets.any_near(self._marks, len(words), members):
                    near.add(name)
        self._marks[words] = 0
        return near
