"""How late the event loop is: what it should do now and does later, everyone waits for."""

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from im.core.histogram import Histogram

LOOK_SECONDS = 1.0
_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class EventLoopLag:
    """Asks to be called every second and notes in `seconds` how much later that is."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._due = 0.0
        self._call: IDelayedCall | None = None
        self.seconds = Histogram(_BOUNDS)

    def start(self) -> None:
        """Look from now on."""
        self._due = self._clock.seconds() + LOOK_SECONDS
        self._call = self._clock.callLater(LOOK_SECONDS, self._look)

    def stop(self) -> None:
        """Look no more. Idempotent."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _look(self) -> None:
        self.seconds.observe(max(0.0, self._clock.seconds() - self._due))
        self.start()
