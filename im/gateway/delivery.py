"""From a batch of the node bus to the sessions that it concerns: one frame's bytes for all."""

from collections.abc import Iterable

from im.core.errors import Refused
from im.gateway.groups import Groups
from im.gateway.pool import Pool
from im.ports import Delivery, Eviction, Signal


class Deliverer:
    """Finds the sessions in the pool."""

    def __init__(self, pool: Pool, groups: Groups) -> None:
        self._pool = pool
        self._groups = groups

    def deliver(self, deliveries: Iterable[Delivery]) -> None:
        """Put stored entries on their way to their sessions."""
        of_user = self._pool.of_user
        for delivery in deliveries:
            users, conversation, seq, frame, except_session, member_version, _ = delivery
            if member_version:
                self._groups.deliver(delivery)
                continue
            for user in users:
                for connection in of_user(user):
                    session = connection.session
                    if session is not None and session.id != except_session:
                        connection.deliver(conversation, seq, frame)

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
