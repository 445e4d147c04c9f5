"""Writes down in a database of the app's own who was there, and for how long."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from im.hook import Hook, HookContext, UserOffline


class Attendance(Hook):
    """One row for each session that ended."""

    def configure(self, settings: Mapping[str, Any]) -> None:
        self.path = str(settings["database"])

    async def user_offline(self, context: HookContext, event: UserOffline) -> None:
        row = (event.session, event.user, event.device_class, event.duration_ms // 1000, event.reason)
        await context.in_thread(self.write, row)

    def write(self, row: tuple[object, ...]) -> None:
        with sqlite3.connect(self.path) as database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS stay (session PRIMARY KEY, user, class, seconds, reason)"
            )
            database.execute("INSERT OR IGNORE INTO stay VALUES (?, ?, ?, ?, ?)", row)
