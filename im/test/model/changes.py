"""What becomes of messages that are there, as the docs have it."""

from typing import Any

from im.core.changing import (
    ChangeMessage,
    ClearHistory,
    DeleteEntries,
    Edit,
    MessageChanged,
    PlaceChanged,
    React,
    Recall,
)
from im.core.errors import Code
from im.core.messages import Entry
from im.test.model.memory import EDIT, EDITABLE, EPOCH, MESSAGES, REACTION, RECALL, Place, Said, Talk, rank
from im.test.model.messages import ids_of, post_refusal
from im.test.model.shop import Shop


class ChangeRules:
    """Recall, edit, reaction; delete and clear for oneself."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    def change(self, write: ChangeMessage) -> Any:
        """Change a message, once."""
        if write.user in self.shop.disabled:
            return Code.DISABLED
        found = self.shop.place(write.conversation, write.user)
        talk = self.shop.talks.get(write.conversation)
        if talk is None or (write.user and found is None):
            return Code.NOT_FOUND
        earlier = ids_of(talk, write.user).get(write.key)
        if earlier is not None:
            said = talk.log[earlier - 1]
            entry = Entry(
                earlier, talk.n(earlier), said.kind, said.sender, said.key, said.time_ms, said.content
            )
            return self._changed(talk, entry)
        place = Place("", role="app") if found is None else found[1]
        refused = self._refusal(talk, place, write)
        if refused is not None:
            return refused
        said = talk.log[write.target - 1]
        if isinstance(write.change, Recall):
            return self._recall(talk, said, write)
        if isinstance(write.change, Edit):
            return self._edit(talk, said, write, write.change)
        return self._react(talk, said, write, write.change)

    def _refusal(self, talk: Talk, place: Place, write: ChangeMessage) -> Code | None:
        is_recall, is_edit = isinstance(write.change, Recall), isinstance(write.change, Edit)
        if talk.group is None and place.user:
            peer = self.shop.peer(talk, place.user)
            if peer is not None and peer.is_blocking and not is_recall:
                return Code.BLOCKED
        elif place.user:
            if not place.is_in or (talk.group is not None and talk.group.is_dissolved):
                return Code.PERMISSION_DENIED
            refused = post_refusal(talk, place, self.shop.now_ms) if is_edit else None
            if refused is not None:
                return refused
        is_there = place.visible_from <= write.target <= len(talk.log)
        said = talk.log[write.target - 1] if is_there else None
        if said is None or said.kind not in MESSAGES or (said.recalled_at and not is_recall):
            return Code.NOT_FOUND
        return None

    def _recall(self, talk: Talk, said: Said, write: ChangeMessage) -> Any:
        if said.recalled_at:
            return self._changed(talk, None)
        place = talk.places.get(write.user)
        is_admin = not write.user or (talk.group and place and rank(place.role) >= rank("admin"))
        is_own = write.user == said.sender
        is_late = self.shop.now_ms - said.time_ms > self.shop.rules.recall_ms
        if not is_admin and (not is_own or is_late):
            return Code.PERMISSION_DENIED
        self._blank_edits(talk, write.target)
        said.edited_at, said.reactions = 0, {}
        changed = self._tell(talk, RECALL, write, {"target": write.target})
        said.recalled_at = len(talk.log)
        return changed

    def _edit(self, talk: Talk, said: Said, write: ChangeMessage, change: Edit) -> Any:
        is_late = self.shop.now_ms - said.time_ms > self.shop.rules.edit_ms
        if write.user != said.sender or said.kind not in EDITABLE or is_late:
            return Code.PERMISSION_DENIED
        if said.content == change.content:
            return self._changed(talk, None)
        self._blank_edits(talk, write.target)
        said.content = change.content
        changed = self._tell(talk, EDIT, write, {"target": write.target, "content": change.content})
        said.edited_at = len(talk.log)
        return changed

    def _blank_edits(self, talk: Talk, target: int) -> None:
        for said in talk.log:
            if said.kind == EDIT and said.content["target"] == target:
                said.content = {"target": target}

    def _react(self, talk: Talk, said: Said, write: ChangeMessage, change: React) -> Any:
        users = said.reactions.get(change.reaction, {})
        if (write.user in users) == change.is_set:
            return self._changed(talk, None)
        content = {"target": write.target, "reaction": change.reaction}
        changed = self._tell(
            talk, REACTION, write, {**content, **({"is_set": True} if change.is_set else {})}
        )
        if change.is_set:
            said.reactions.setdefault(change.reaction, {})[write.user] = len(talk.log)
        else:
            del users[write.user]
        return changed

    def _tell(self, talk: Talk, kind: int, write: ChangeMessage, content: dict[str, Any]) -> MessageChanged:
        entry = talk.say(Said(kind, write.user, write.key, self.shop.now_ms, content))
        return self._changed(talk, entry)._replace(is_new=True)

    def _changed(self, talk: Talk, entry: Entry | None) -> MessageChanged:
        return MessageChanged(talk.id, entry, EPOCH, False, talk.version if talk.group else 0)

    def delete(self, write: DeleteEntries) -> Any:
        """Delete entries for one user."""
        if write.user in self.shop.disabled:
            return Code.DISABLED
        found = self.shop.place(write.conversation, write.user)
        if found is None:
            return Code.NOT_FOUND
        talk, place = found
        seqs = {seq for seq in write.seqs if place.visible_from <= seq <= talk.head(place)}
        moved = not seqs <= place.deleted
        place.deleted |= seqs
        return self._placed(talk, place, moved)

    def clear(self, write: ClearHistory) -> Any:
        """Delete everything up to a seq for one user."""
        if write.user in self.shop.disabled:
            return Code.DISABLED
        found = self.shop.place(write.conversation, write.user)
        if found is None:
            return Code.NOT_FOUND
        talk, place = found
        before = place.cleared
        place.cleared = max(before, min(write.seq, talk.head(place)))
        return self._placed(talk, place, place.cleared > before)

    def _placed(self, talk: Talk, place: Place, moved: bool) -> PlaceChanged:
        return PlaceChanged(talk.id, place.user, place.visible_from, len(talk.unseen(place)), moved)
