"""The node bus within one process: publishing is a call."""

from zope.interface import implementer

from im.ports import ADDRESS_SEPARATOR, INodeBus, NodeBatch, NodeReceiver


@implementer(INodeBus)
class MemoryNodeBus:
    """node -> receiver, in a dict."""

    def __init__(self) -> None:
        self._receivers: dict[str, NodeReceiver] = {}

    def attach(self, node: str, receiver: NodeReceiver) -> None:
        """See `INodeBus`."""
        self._receivers[node] = receiver

    def detach(self, node: str) -> None:
        """See `INodeBus`."""
        self._receivers.pop(node, None)

    def publish(self, node: str, batch: NodeBatch) -> None:
        """See `INodeBus`."""
        receiver = self._receivers.get(node.partition(ADDRESS_SEPARATOR)[0])
        if receiver is not None:
            receiver(batch)
