"""What a member has not seen: cursors that only move forward over running counts that never change.

`n` of an entry is how many entries up to and with it count as unread. With `c` the furthest of
read, own last, clear and join - 1, unread is what counts after `c` less the member's own, and less
what counted there once and is gone: recalled, or deleted by the member. The own last cursor moves to
a new entry of one's own only where nothing of others lies unseen before it, so no send ever reads
what its sender has not seen.
"""

from collections.abc import Callable
from dataclasses import dataclass

LookUp = Callable[[int], tuple[int, int]]
"""Of a seq: its `n`, and how many counting entries of the member's own come after it."""


@dataclass(slots=True)
class Cursors:
    """One member's cursors in one conversation, each with the running count beside it.

    `join_seq` is the seq at which the member came in and `join_n` the count before it; what comes from
    `history_seq` on they may see, too (0: nothing before they came).
    `own_after` counts the member's own counting entries after `c`; `own_max_seq` is the newest own.
    """

    read_seq: int = 0
    read_n: int = 0
    own_last_seq: int = 0
    own_last_n: int = 0
    own_after: int = 0
    own_max_seq: int = 0
    clear_seq: int = 0
    clear_n: int = 0
    join_seq: int = 1
    join_n: int = 0
    history_seq: int = 0

    def seen(self) -> tuple[int, int]:
        """`c` and `n(c)`: everything up to there is seen, or not for this member."""
        return max(
            (self.read_seq, self.read_n),
            (self.own_last_seq, self.own_last_n),
            (self.clear_seq, self.clear_n),
            (self.join_seq - 1, self.join_n),
        )

    @property
    def visible_from(self) -> int:
        """The first seq that the member may see."""
        return max(self.history_seq or self.join_seq, self.clear_seq + 1)

    def unread(self, head_n: int, gone: int = 0) -> int:
        """How many entries of others after `c` count, with `head_n` the running count at the head.

        `gone` are the entries of others after `c` that counted once, and are recalled or deleted now.
        """
        return head_n - self.seen()[1] - self.own_after - gone

    def move_read(self, seq: int, head_seq: int, head_n: int, look_up: LookUp) -> bool:
        """Move the read cursor to `seq`, at most to the head, never back; False if it stands there.

        `look_up` is asked only where the counts do not follow from the head.
        """
        seq = min(seq, head_seq)
        if seq <= self.read_seq:
            return False
        passes = seq > self.seen()[0]
        if seq == head_seq:
            n, own_after = head_n, 0
        elif head_n == head_seq and (not self.own_after or seq >= self.own_max_seq or not passes):
            n, own_after = seq, 0  # every entry counts, so that n is the seq
        else:
            n, own_after = look_up(seq)
        self.read_seq, self.read_n = seq, n
        if passes:
            self.own_after = own_after
        return True

    def move_clear(self, seq: int, head_seq: int, head_n: int, look_up: LookUp) -> bool:
        """Let the member see nothing up to `seq`, at most to the head; False if it is so already."""
        seq = min(seq, head_seq)
        if seq <= self.clear_seq:
            return False
        passes = seq > self.seen()[0]
        n, own_after = (head_n, 0) if seq == head_seq else look_up(seq)
        self.clear_seq, self.clear_n = seq, n
        if passes:
            self.own_after = own_after
        return True

    def join(self, seq: int, n_before: int, history_seq: int) -> None:
        """Come in, at the new head `seq` and with `n_before` the count before it."""
        if seq - 1 > self.seen()[0]:
            self.own_after = 0
        self.join_seq, self.join_n, self.history_seq = seq, n_before, history_seq

    def add_own(self, seq: int, n: int, counts: bool) -> None:
        """Take in a new entry of the member's own at the head: its seq, and `n` with it."""
        if self.unread(n - counts) == 0:
            self.own_last_seq, self.own_last_n = seq, n
            self.own_after = 0
        else:
            self.own_after += counts
        self.own_max_seq = seq
