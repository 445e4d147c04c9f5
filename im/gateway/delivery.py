"""From a batch of the node bus to the sessions that it concerns: one frame's bytes for all."""

from collections.abc import Iterable

from im.core.errors import Refused
from im.gateway.groups import Groups
from im.gateway.pool import Pool
from im.ports import Delivery, Eviction, Signal

MOST_OF_RUN = 16
"""Entries of a group that a session gets in one go."""


class Deliverer:
    """Finds the sessions in the pool."""

    def __init__(self, pool: Pool, groups: Groups) -> None:
        self._pool = pool
        self._groups = groups

    def deliver(self, deliveries: Iterable[Delivery]) -> None:
        """Put stored entries on their way to their sessions."""
        of_user = self._pool.of_user
        run: list[Delivery] = []
        for delivery in deliveries:
            users, conversation, seq, frame, except_session, member_version, _ = delivery
            if member_version:
                run = self._in_run(run, delivery)
                continue
            for user in users:
                for connection in of_user(user):
                    session = connection.session
                    if session is not None and session.id != except_session:
                        connection.deliver(conversation, seq, frame)
        if run:
            self._groups.deliver(run)

    def _in_run(self, run: list[Delivery], delivery: Delivery) -> list[Delivery]:
        """Gather a group's delivery with those before it, if it is of the same group and version."""
        if run:
            last = run[-1]
            is_next = last.conversation == delivery.conversation and last.seq < delivery.seq
            if is_next and last.member_version == delivery.member_version and delivery.change is None:
                if len(run) < MOST_OF_RUN:
                    run.append(delivery)
                    return run
            self._groups.deliver(run)
        return [delivery]

    def signal(self, signals: Iterable[Signal]) -> None:
        """Send what may be lost."""
        of_user = self._pool.of_user
        for users, frame, except_session, device_classes in signals:
            for user in users:
                for connection in of_user(user):
                    session = connection.session
                    if session is None or session.id == except_session:
                        continue
                    if not device_classes or session.device_class in device_classes:
                        connection.signal(frame)

    def evict(self, evictions: Iterable[Eviction]) -> None:
        """End sessions."""
        for session_id, code, text in evictions:
            connection = self._pool.get(session_id)
            if connection is not None:
                connection.end(Refused(code, text))
