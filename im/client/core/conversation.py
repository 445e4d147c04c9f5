"""How far one conversation was received: contiguous, whatever comes early, twice or never."""

from im.client.core.events import Message
from im.core.messages import Head

MAX_EARLY = 256
"""Entries of one conversation that are kept while one before them is missing."""


class Conversation:
    """One conversation's receiving side.

    `handed` is the last seq that was given to the front, `done` the last that the front has finished
    with: only that is acknowledged and saved, and `saved` is how much of it was passed on for that.
    `head_seq` is the furthest seq that anything told of. `is_placed` is false while a first sync has
    yet to tell where this device begins. `ahead` are own messages that were stored in a store epoch
    that no sync told of yet: its name, and their seqs.
    """

    __slots__ = (
        "ahead",
        "done",
        "early",
        "epoch",
        "handed",
        "head",
        "head_seq",
        "id",
        "is_placed",
        "is_pulling",
        "member_version",
        "saved",
        "skips",
    )

    def __init__(self, conversation: str, epoch: str, received: int, is_placed: bool = True) -> None:
        self.id = conversation
        self.epoch = epoch
        self.handed = self.done = self.saved = self.head_seq = received
        self.member_version = 0
        self.is_placed = is_placed
        self.is_pulling = False
        self.head: Head | None = None
        self.early: dict[int, Message | None] | None = None
        self.skips: dict[int, int] | None = None
        self.ahead: tuple[str, list[int]] | None = None

    @property
    def has_gap(self) -> bool:
        """Whether entries are known of that were not handed out."""
        return self.handed < self.head_seq

    def arrive(self, seq: int, message: Message | None) -> list[Message]:
        """An entry came. What can be handed out now, in order.

        `message` None: an entry that the user need not see again, their own from this device.
        """
        if seq > self.head_seq:
            self.head_seq = seq
        if not self.is_placed or seq != self.handed + 1:
            self._keep(seq, message)
            return []
        ready = []
        early = self.early
        while True:
            if message is None:
                self._skip(seq)
            else:
                self.handed = seq
                ready.append(message)
            seq += 1
            if not early or seq not in early:
                return ready
            message = early.pop(seq)

    def place(self, received: int) -> list[Message]:
        """Everything up to `received` needs no handing out. What can be handed out now."""
        self.is_placed = True
        self.head_seq = max(self.head_seq, received)
        if received > self.handed:
            self._skip(received)
        early = self.early
        if not early:
            return []
        for seq in [each for each in early if each <= self.handed]:
            del early[seq]
        if self.handed + 1 not in early:
            return []
        seq = self.handed + 1
        return self.arrive(seq, early.pop(seq))

    def finish(self, seq: int) -> bool:
        """The front is done with `seq`; false if that is no news."""
        if not self.done < seq <= self.handed:
            return False
        self.done = seq
        skips = self.skips
        while skips and self.done in skips:
            self.done = skips.pop(self.done)
        return True

    def stored_ahead(self, epoch: str, seq: int) -> None:
        """A message of this device was stored, in a store epoch that is not this one."""
        if self.ahead is None or self.ahead[0] != epoch:
            self.ahead = epoch, []
        if len(self.ahead[1]) < MAX_EARLY:
            self.ahead[1].append(seq)

    def renew(self, epoch: str, epoch_seq: int) -> None:
        """A new store epoch: what is after `epoch_seq` is not what was received (rule L6).

        `place` is to follow: own messages of the new epoch may come next.
        """
        self.epoch = epoch
        self.handed = self.done = self.saved = min(self.done, epoch_seq)
        self.head_seq = self.handed
        self.member_version = 0
        own = self._own_of_both(epoch_seq)
        if self.ahead is not None and self.ahead[0] == epoch:
            own += self.ahead[1]
        self.early = self.skips = self.ahead = None
        for seq in own:
            self._keep(seq, None)
            self.head_seq = max(self.head_seq, seq)

    def _own_of_both(self, epoch_seq: int) -> list[int]:
        """Own messages up to `epoch_seq` that came before what the front has yet to finish with."""
        early = [seq for seq, message in (self.early or {}).items() if message is None]
        skipped = [seq for after, seq in (self.skips or {}).items() if seq == after + 1]
        return [seq for seq in early + skipped if seq <= epoch_seq]

    def _skip(self, seq: int) -> None:
        if self.done == self.handed:
            self.done = seq
        else:
            if self.skips is None:
                self.skips = {}
            self.skips[self.handed] = seq
        self.handed = seq

    def _keep(self, seq: int, message: Message | None) -> None:
        if seq <= self.handed and self.is_placed:
            return
        if self.early is None:
            self.early = {}
        if len(self.early) < MAX_EARLY or seq in self.early:
            self.early[seq] = message
