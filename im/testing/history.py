"""The history checker: what clients sent, were told and were handed, against what the store holds.

A test or bench records as things happen and calls `check` at the end. Nothing here shares code
with the rules that it checks. A *process* is one run of a client; it may `begin` again under the
same name, continuing from its stored state, or afresh.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from im.core.messages import Entry, Head


class Outcome(NamedTuple):
    """What stands in the end.

    `logs` are whole conversations as the store has them; `heads` the store's view of each member,
    by (user, conversation); `unread` what each process shows, by (process, conversation).
    `up_to_date` are the processes that had time and network to catch up and have no open request.
    """

    logs: Mapping[str, Sequence[Entry]]
    heads: Mapping[tuple[str, str], Head]
    unread: Mapping[tuple[str, str], int]
    up_to_date: Sequence[str]


class Verdict(NamedTuple):
    """Readable violations, and how many messages each kind concerns."""

    violations: tuple[str, ...]
    lost: int
    duplicated: int
    reordered: int


class _Sending(NamedTuple):
    conversation: str
    content: bytes
    seen_seq: int


class _Handed(NamedTuple):
    process: str
    conversation: str
    seq: int
    sender: str
    client_msg_id: bytes
    content: bytes


class _Began(NamedTuple):
    process: str
    continues: bool


class _Placed(NamedTuple):
    process: str
    conversation: str


@dataclass
class _Process:
    user: str
    sends: dict[bytes, _Sending] = field(default_factory=dict)
    """In the order in which the app sent them; those of earlier runs without state are in `old`."""
    old: list[dict[bytes, _Sending]] = field(default_factory=list)
    acknowledged: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    refused: dict[bytes, str] = field(default_factory=dict)


@dataclass
class _Findings:
    violations: list[str] = field(default_factory=list)
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0

    def add(self, text: str, lost: int = 0, duplicated: int = 0, reordered: int = 0) -> None:
        self.violations.append(text)
        self.lost += lost
        self.duplicated += duplicated
        self.reordered += reordered


class History:
    """Records in the order of the calls."""

    def __init__(self) -> None:
        self._processes: dict[str, _Process] = {}
        self._events: list[_Handed | _Began | _Placed] = []
        self._marks: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._asked: dict[tuple[str, str], int] = {}
        self._confirmed: dict[tuple[str, str], int] = {}
        self._findings = _Findings()

    def began(self, process: str, user: str, continues: bool = False) -> None:
        """A process of `user` starts: from the state it stored, or with none."""
        known = self._processes.get(process)
        if known is None:
            self._processes[process] = _Process(user)
        elif not continues:
            known.old.append(known.sends)
            known.sends = {}
        self._forget_marks(process)
        self._events.append(_Began(process, continues))

    def placed(self, process: str, conversation: str) -> None:
        """A process without state learned of a conversation in its first sync: it begins where its user is.

        In every other conversation it begins at the first entry.
        """
        self._events.append(_Placed(process, conversation))

    def sending(
        self, process: str, conversation: str, client_msg_id: bytes, content: bytes, seen_seq: int = 0
    ) -> None:
        """The app asked the client to send; `seen_seq` is what the client says that the user has seen."""
        self._processes[process].sends[client_msg_id] = _Sending(conversation, content, seen_seq)

    def acknowledged(self, process: str, client_msg_id: bytes, conversation: str, seq: int) -> None:
        """The app was told that the message is stored."""
        known = self._processes[process]
        before = known.acknowledged.setdefault(client_msg_id, (conversation, seq))
        if before != (conversation, seq):
            text = f"{process}: {client_msg_id.hex()} acknowledged as {before} and as {(conversation, seq)}"
            self._findings.add(text, duplicated=1)

    def refused(self, process: str, client_msg_id: bytes, why: str) -> None:
        """The app was told that the message failed for good."""
        self._processes[process].refused[client_msg_id] = why

    def handed(self, process: str, conversation: str, entry: Entry) -> None:
        """The app was handed an entry of a conversation."""
        self._events.append(
            _Handed(process, conversation, entry.seq, entry.sender, entry.client_msg_id, entry.content)
        )

    def reading(self, user: str, conversation: str, seq: int) -> None:
        """The app of one process of `user` said that everything up to `seq` was seen."""
        self._asked[user, conversation] = max(seq, self._asked.get((user, conversation), 0))

    def read(self, user: str, conversation: str, seq: int) -> None:
        """The app was told that the read cursor stands at `seq` or further."""
        self._confirmed[user, conversation] = max(seq, self._confirmed.get((user, conversation), 0))

    def marked(self, process: str, conversation: str, user: str, read_seq: int, delivered_seq: int) -> None:
        """The app was told how far `user` has read and received."""
        key = (process, conversation, user)
        read, delivered = self._marks.get(key, (0, 0))
        if read_seq < read or delivered_seq < delivered:
            self._findings.add(
                f"{process}: marks of {user} in {conversation} went back from {(read, delivered)}"
                f" to {(read_seq, delivered_seq)}"
            )
        self._marks[key] = (read_seq, delivered_seq)

    def contents(self, process: str, conversation: str) -> list[bytes]:
        """What a process was handed of a conversation so far, in order."""
        handed = [event for event in self._events if isinstance(event, _Handed)]
        return [
            each.content for each in handed if (each.process, each.conversation) == (process, conversation)
        ]

    def check(self, outcome: Outcome) -> Verdict:
        """Everything that is wrong, recorded or found now."""
        found = _Findings(list(self._findings.violations), duplicated=self._findings.duplicated)
        _check_logs(outcome, found)
        stored = _Stored(outcome.logs)
        for name, process in self._processes.items():
            _check_answers(name, process, stored, found)
            _check_sender_order(name, process, stored, found)
            if name in outcome.up_to_date:
                _check_nothing_open(name, process, found)
        _Playback(self._processes, stored, found).run(self._events, outcome)
        self._check_cursors(outcome, found)
        self._check_marks(outcome, found)
        return Verdict(tuple(found.violations), found.lost, found.duplicated, found.reordered)

    def _forget_marks(self, process: str) -> None:
        for key in [key for key in self._marks if key[0] == process]:
            del self._marks[key]

    def _check_marks(self, outcome: Outcome, found: _Findings) -> None:
        for (process, conversation, user), marks in self._marks.items():
            length = len(outcome.logs.get(conversation, ()))
            if max(marks) > length:
                found.add(f"{process}: marks of {user} in {conversation} at {marks}, the head is {length}")

    def _check_cursors(self, outcome: Outcome, found: _Findings) -> None:
        for (user, conversation), head in outcome.heads.items():
            log = outcome.logs.get(conversation, ())
            seen = self._seen_by_sends(user, conversation, log)
            least = max(seen, self._confirmed.get((user, conversation), 0))
            most = max(seen, self._asked.get((user, conversation), 0))
            read = head.read_seq
            if not least <= read <= min(most, len(log)):
                found.add(f"{user} has read {conversation} to {least} or {most}, the store says {read}")
            if head.delivered_seq > len(log):
                found.add(f"{user} received {conversation} up to {head.delivered_seq} of {len(log)}")
            unread = sum(entry.kind < 100 and entry.sender != user and entry.seq > read for entry in log)
            if head.unread != unread:
                found.add(f"{user} has {unread} unread in {conversation}, the store says {head.unread}")
            for (process, shown_of), shown in outcome.unread.items():
                mine = self._processes[process].user == user and shown_of == conversation
                if mine and shown != unread:
                    found.add(f"{process} shows {shown} unread in {conversation}, there are {unread}")

    def _seen_by_sends(self, user: str, conversation: str, log: Sequence[Entry]) -> int:
        """The furthest that a stored send of the user said was seen, at most to the head before it."""
        mine = [each for each in self._processes.values() if each.user == user]
        sends = {key: sent for each in mine for run in _all_sends(each) for key, sent in run.items()}
        seen = 0
        for entry in log:
            if entry.sender == user and entry.client_msg_id in sends:
                seen = max(seen, min(sends[entry.client_msg_id].seen_seq, entry.seq - 1))
        return seen


class _Stored:
    """The logs by (conversation, client_msg_id) and by (conversation, seq)."""

    def __init__(self, logs: Mapping[str, Sequence[Entry]]) -> None:
        self.logs = logs
        self._by_id = {
            (name, entry.sender, entry.client_msg_id): entry for name, log in logs.items() for entry in log
        }

    def of(self, conversation: str, sender: str, client_msg_id: bytes) -> Entry | None:
        return self._by_id.get((conversation, sender, client_msg_id))

    def at(self, conversation: str, seq: int) -> Entry | None:
        log = self.logs.get(conversation, ())
        return log[seq - 1] if 1 <= seq <= len(log) else None

    def head(self, conversation: str) -> int:
        return len(self.logs.get(conversation, ()))


def _all_sends(process: _Process) -> Iterator[dict[bytes, _Sending]]:
    yield from process.old
    yield process.sends


def _check_logs(outcome: Outcome, found: _Findings) -> None:
    for name, log in outcome.logs.items():
        seqs = [entry.seq for entry in log]
        if seqs != list(range(1, len(log) + 1)):
            found.add(f"{name}: the seqs are not 1 to {len(log)}: {seqs}", lost=1)
        ids: set[tuple[str, bytes]] = set()
        n = 0
        for entry in log:
            key = (entry.sender, entry.client_msg_id)
            if key in ids:
                found.add(f"{name}: {entry.client_msg_id.hex()} is stored twice", duplicated=1)
            ids.add(key)
            n += 0 < entry.kind < 100
            if entry.n != n:
                found.add(f"{name}: entry {entry.seq} has running count {entry.n}, {n} entries count")


def _check_answers(name: str, process: _Process, stored: _Stored, found: _Findings) -> None:
    everything = {key: sent for sends in _all_sends(process) for key, sent in sends.items()}
    for client_msg_id, (conversation, seq) in process.acknowledged.items():
        entry, sent = stored.at(conversation, seq), everything.get(client_msg_id)
        if entry is None or entry.client_msg_id != client_msg_id or entry.sender != process.user:
            found.add(f"{name}: acknowledged {client_msg_id.hex()} is not at {conversation} {seq}", lost=1)
        elif sent is None or sent.content != entry.content:
            found.add(f"{name}: {conversation} {seq} does not hold what was sent", lost=1)
        if client_msg_id in process.refused:
            found.add(f"{name}: {client_msg_id.hex()} was acknowledged and refused")
    for client_msg_id, why in process.refused.items():
        sent = everything[client_msg_id]
        if stored.of(sent.conversation, process.user, client_msg_id) is not None:
            found.add(f"{name}: {client_msg_id.hex()} failed ({why}), yet it is stored")


def _check_sender_order(name: str, process: _Process, stored: _Stored, found: _Findings) -> None:
    for sends in _all_sends(process):
        last: dict[str, int] = {}
        for client_msg_id, sent in sends.items():
            entry = stored.of(sent.conversation, process.user, client_msg_id)
            if entry is None:
                continue
            if entry.seq < last.get(sent.conversation, 0):
                found.add(f"{name}: {sent.conversation} {entry.seq} was sent later", reordered=1)
            last[sent.conversation] = entry.seq


def _check_nothing_open(name: str, process: _Process, found: _Findings) -> None:
    for client_msg_id in process.sends:
        if client_msg_id not in process.acknowledged and client_msg_id not in process.refused:
            found.add(f"{name}: {client_msg_id.hex()} was never answered", lost=1)


class _Playback:
    """Follows how far each process was handed each conversation.

    Entries that a process sent itself need not be handed to it. Where a process without state was
    placed, it begins at most where the furthest process of its user had arrived by then.
    """

    def __init__(self, processes: Mapping[str, _Process], stored: _Stored, found: _Findings) -> None:
        self._processes = processes
        self._stored = stored
        self._found = found
        self._at: dict[str, dict[str, int]] = {name: {} for name in processes}
        self._furthest: dict[tuple[str, str], int] = {}
        self._may_repeat: set[tuple[str, str]] = set()
        self._runs = {name: _all_sends(each) for name, each in processes.items()}
        self._own: dict[str, dict[bytes, _Sending]] = {}

    def run(self, events: Sequence[_Handed | _Began | _Placed], outcome: Outcome) -> None:
        for event in events:
            if isinstance(event, _Handed):
                self._handed(event)
            elif isinstance(event, _Began):
                self._began(event)
            else:
                self._placed(event.process, event.conversation)
        for name in outcome.up_to_date:
            for conversation, log in outcome.logs.items():
                if (self._processes[name].user, conversation) in outcome.heads:
                    self._check_end(name, conversation, len(log))

    def _began(self, event: _Began) -> None:
        if event.continues:
            self._may_repeat.update((event.process, conversation) for conversation in self._stored.logs)
        else:
            for conversation in self._stored.logs:
                self._reach(self._processes[event.process].user, conversation)
            self._at[event.process] = {}
            self._own[event.process] = next(self._runs[event.process])

    def _placed(self, process: str, conversation: str) -> None:
        user = self._processes[process].user
        self._reach(user, conversation)
        self._at[process][conversation] = self._furthest[user, conversation]
        self._may_repeat.add((process, conversation))

    def _handed(self, event: _Handed) -> None:
        name, conversation, seq = event.process, event.conversation, event.seq
        entry = self._stored.at(conversation, seq)
        if entry is None or (entry.sender, entry.client_msg_id, entry.content) != event[3:]:
            self._found.add(f"{name} was handed {conversation} {seq}, which the store does not have", lost=1)
            return
        at = self._past_own(name, conversation, self._at[name].get(conversation, 0), seq - 1)
        if seq == at + 1 or (seq <= at and (name, conversation) in self._may_repeat):
            self._advance(name, conversation, seq)
        elif seq <= at:
            self._found.add(f"{name} was handed {conversation} {seq} again", duplicated=1)
        else:
            self._found.add(
                f"{name} was handed {conversation} {seq} after {at}", lost=seq - at - 1, reordered=1
            )
            self._advance(name, conversation, seq)
        self._may_repeat.discard((name, conversation))

    def _advance(self, name: str, conversation: str, seq: int) -> None:
        self._at[name][conversation] = seq

    def _reach(self, user: str, conversation: str) -> None:
        """Note how far any process of the user is now, at most."""
        head = self._stored.head(conversation)
        reached = [self._furthest.get((user, conversation), 0)]
        for name in self._own:
            if self._processes[name].user == user:
                at = self._at[name].get(conversation, 0)
                reached.append(self._past_own(name, conversation, at, head))
        self._furthest[user, conversation] = max(reached)

    def _past_own(self, name: str, conversation: str, at: int, limit: int) -> int:
        """How far `at` moves over entries that the process itself sent, at most to `limit`."""
        own, user = self._own[name], self._processes[name].user
        while at < limit:
            entry = self._stored.at(conversation, at + 1)
            if entry is None or entry.sender != user or entry.client_msg_id not in own:
                break
            at += 1
        return at

    def _check_end(self, name: str, conversation: str, head: int) -> None:
        at = self._past_own(name, conversation, self._at[name].get(conversation, 0), head)
        if at < head:
            self._found.add(f"{name} was handed {conversation} up to {at} of {head}", lost=head - at)
