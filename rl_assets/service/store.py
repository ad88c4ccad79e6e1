"""Everything the service keeps, behind one value: acts, answers, leases, raters with their invitations, and keys."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rl_assets.service import act_rows, answer_rows, key_rows, lease_rows, rater_rows
from rl_assets.service.act_rows import Raters, Recorded
from rl_assets.service.acts import Act, time_text
from rl_assets.service.answer_rows import Answer, RecordedAnswer
from rl_assets.service.clock import Clock, utc_now
from rl_assets.service.database import Database
from rl_assets.service.group_commit import GroupCommit
from rl_assets.service.key_rows import Key, Scope
from rl_assets.service.rater_rows import Invite, Rater


@dataclass(frozen=True)
class Store:
    """Reads and writes of a database. Every method raises StoreError if it cannot be used; a method that returns has
    committed what it wrote."""

    database: Database
    clock: Clock = utc_now
    commits: GroupCommit[Act, Recorded] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "commits", GroupCommit(self._write_acts))

    def record_act(self, act: Act) -> Recorded:
        """Keep an act: `new`; `repeated` if it was kept before; `conflict` if its id has other content."""
        return self.commits.submit(act)

    def _write_acts(self, waiting: Sequence[Act]) -> list[Recorded]:
        with self.database.write() as connection:
            return [act_rows.insert(connection, act, self.clock()) for act in waiting]

    def record_form(self, acts: Sequence[Act], may: Callable[[Sequence[Act]], bool] | None = None) -> list[Recorded]:
        """Keep the acts of a form in one commit; none, and ConflictingActError is raised, if one is a conflict.

        `may` is asked, while nobody else writes for the rater, whether the acts that stand on the item allow it;
        JudgedMeanwhileError is raised if they do not.
        """
        with self.database.write() as connection:
            if may and acts:
                act_rows.lock_rater(connection, acts[-1].rater or "")
                standing = act_rows.standing_by_item(connection, [acts[-1].item]).get(acts[-1].item, [])
                if not may(standing):
                    raise act_rows.JudgedMeanwhileError(f"{acts[-1].rater} has judged {acts[-1].item} meanwhile")
            recorded = [act_rows.insert(connection, act, self.clock()) for act in acts]
            if conflicts := [each.act.act_id for each in recorded if each.status == "conflict"]:
                raise act_rows.ConflictingActError(f"other acts are kept as {', '.join(conflicts)}")
            return recorded

    def acts_of_form(self, rater: str, form: str, standing: bool = True) -> list[Act]:
        """The acts of a rater that one form made; those that stand, or also those that were taken back."""
        with self.database.read() as connection:
            return act_rows.of_form(connection, rater, form, standing)

    def newest_act(self) -> int:
        """The number of the newest act; 0 without one."""
        with self.database.read() as connection:
            return act_rows.newest(connection)

    def find_act(self, act_id: str) -> Act | None:
        with self.database.read() as connection:
            return act_rows.find(connection, act_id)

    def acts_of(self, rater: str, limit: int = 50) -> list[Act]:
        """The last acts of a rater that still stand, newest first: neither retractions nor what they took back."""
        with self.database.read() as connection:
            return act_rows.standing_of(connection, rater, limit)

    def recent_acts(self, rater: str, seconds: float) -> int:
        """How many acts of a rater came within the last seconds."""
        with self.database.read() as connection:
            return act_rows.count_since(connection, rater, self.clock() - timedelta(seconds=seconds))

    def retract(self, act_id: str, rater: str, retraction_id: str) -> Recorded | None:
        """Take back an act of a rater by a new one; None if this rater has no such act."""
        act = self.find_act(act_id)
        if act is None or act.rater != rater or act.kind == "retraction":
            return None
        return self.record_act(act_rows.retraction_of(act, retraction_id, self.clock()))

    def verdicts_by_item(self, items: Iterable[str] | None = None) -> dict[str, list[Act]]:
        """The acts that still stand on the items, or on all, oldest first; an item without one is not in it."""
        with self.database.read() as connection:
            return act_rows.standing_by_item(connection, items)

    def raters_by_item(self, items: Iterable[str] | None = None) -> Raters:
        """For each item that was judged or skipped: the raters, each with the kinds of their acts that still stand.

        Of all items if None is given.
        """
        with self.database.read() as connection:
            return act_rows.raters_by_item(connection, items)

    def items_judged_after(self, number: int) -> set[str]:
        """The items of the acts, retractions too, that came after the one of this number."""
        with self.database.read() as connection:
            return act_rows.items_after(connection, number)

    def skips_by_rater(self, brand: str | None = None) -> dict[str, int]:
        """How many items each rater skipped; who skipped none is not in it."""
        with self.database.read() as connection:
            return act_rows.skips_by_rater(connection, brand)

    def record_answers(self, answers: Sequence[Answer]) -> list[RecordedAnswer]:
        """Keep logged answers, all in one commit; the outcome of each, in their order."""
        with self.database.write() as connection:
            return [answer_rows.insert(connection, answer, self.clock()) for answer in answers]

    def acts_since(self, day: str) -> list[Act]:
        """The acts that stand and have not landed by the end of a day, oldest first."""
        with self.database.read() as connection:
            return act_rows.standing_since(connection, day)

    def answers_of(self, interaction_ids: Iterable[str]) -> list[Answer]:
        """The logged answers among these ids, landed or not."""
        with self.database.read() as connection:
            return answer_rows.find_all(connection, interaction_ids)

    def lease(self, item: str, rater: str, minutes: float = 10) -> bool:
        """Give an item to a rater for some minutes; False if another rater has it."""
        with self.database.write() as connection:
            return lease_rows.take(connection, item, rater, self.clock(), minutes)

    def leased_to_others(self, rater: str) -> set[str]:
        """The items that other raters have at the moment."""
        with self.database.read() as connection:
            return lease_rows.of_others(connection, rater, self.clock())

    def leased_by(self, rater: str) -> set[str]:
        """The items that a rater has at the moment."""
        with self.database.read() as connection:
            return lease_rows.of_rater(connection, rater, self.clock())

    def release(self, item: str, rater: str) -> None:
        """Give an item back before its time."""
        with self.database.write() as connection:
            lease_rows.release(connection, item, rater)

    @property
    def raters(self) -> list[Rater]:
        with self.database.read() as connection:
            return rater_rows.all_raters(connection)

    def find_rater(self, rater: str) -> Rater | None:
        with self.database.read() as connection:
            return rater_rows.find(connection, rater)

    def add_invite(self, rater: str, brand: str | None = None, days: float = 30, admin: bool = False) -> str:
        """Invite a rater for one brand, or for all; the secret of the link, which is kept nowhere."""
        with self.database.write() as connection:
            return rater_rows.add_invite(connection, rater, brand, admin, self.clock(), days)

    def invited_by(self, token: str) -> Rater | None:
        """As `use_invite`, but the invitation stays as it is."""
        with self.database.read() as connection:
            return rater_rows.invited_by(connection, token, self.clock())

    def use_invite(self, token: str) -> Rater | None:
        """The rater whose invitation this is; None if it is unknown, revoked or expired."""
        with self.database.write() as connection:
            return rater_rows.use_invite(connection, token, self.clock())

    def invites(self) -> list[Invite]:
        with self.database.read() as connection:
            return rater_rows.all_invites(connection)

    def revoke_invite(self, invite_id: str) -> bool:
        """Revoke an invitation by its id; False if there is none. With the last one, the rater's sessions end."""
        with self.database.write() as connection:
            return rater_rows.revoke_invite(connection, invite_id)

    def add_key(self, name: str, scopes: Iterable[Scope], brand: str | None = None) -> str:
        """Make a key; its text, which is kept nowhere. Raises ValueError if the name is taken."""
        with self.database.write() as connection:
            return key_rows.add(connection, name, scopes, brand, self.clock())

    def find_key(self, text: str) -> Key | None:
        """The key of that text; None if it is unknown or revoked."""
        with self.database.read() as connection:
            return key_rows.find(connection, text)

    def all_keys(self) -> list[Key]:
        with self.database.read() as connection:
            return key_rows.all_keys(connection)

    def revoke_key(self, name: str) -> bool:
        """Revoke a key by its name, and end the sessions that it began; False if there is none."""
        with self.database.write() as connection:
            rater_rows.revoke_invites_of(connection, key_rows.session_name(name))
            return key_rows.revoke(connection, name)

    def counts(self) -> dict[str, int]:
        """Acts and answers that are kept, and those that wait to land."""
        with self.database.read() as connection:
            return act_rows.counts(connection) | answer_rows.counts(connection)

    def now_text(self) -> str:
        return time_text(self.now())

    def now(self) -> datetime:
        return self.clock()
