"""What every store does, one class a concern; mix each in with the two methods of `StoreContract`."""

from im.testing.contracts.store_base import DIRECT, StoreContract, a_send, client_id
from im.testing.contracts.store_changes import ChangeContract
from im.testing.contracts.store_disabling import DisablingContract
from im.testing.contracts.store_events import EventCarryingContract, EventNotingContract
from im.testing.contracts.store_explaining import ExplainingContract
from im.testing.contracts.store_group_messages import GroupMessageContract
from im.testing.contracts.store_groups import GroupContract
from im.testing.contracts.store_handlers import HandlerContract
from im.testing.contracts.store_ledger import LedgerContract
from im.testing.contracts.store_listing import AppContract, ListContract
from im.testing.contracts.store_looking import LookingContract
from im.testing.contracts.store_personal import PersonalContract
from im.testing.contracts.store_presence import PresenceContract
from im.testing.contracts.store_purging import PurgingContract
from im.testing.contracts.store_pushes import BackendContract, PushContract
from im.testing.contracts.store_reaching import AwayContract, PushTokenContract
from im.testing.contracts.store_reading import PullContract, SyncContract
from im.testing.contracts.store_relations import BlockContract, ContactContract, FriendContract
from im.testing.contracts.store_sending import CursorContract, SendingContract
from im.testing.contracts.store_tracing import TracingContract
from im.testing.contracts.store_users import UserContract
from im.testing.contracts.store_verdicts import VerdictContract
from im.testing.contracts.store_webhooks import WebhookContract

__all__ = [
    "DIRECT",
    "AppContract",
    "AwayContract",
    "BackendContract",
    "BlockContract",
    "ChangeContract",
    "ContactContract",
    "CursorContract",
    "DisablingContract",
    "EventCarryingContract",
    "EventNotingContract",
    "ExplainingContract",
    "FriendContract",
    "GroupContract",
    "GroupMessageContract",
    "HandlerContract",
    "LedgerContract",
    "ListContract",
    "LookingContract",
    "PersonalContract",
    "PresenceContract",
    "PullContract",
    "PurgingContract",
    "PushContract",
    "PushTokenContract",
    "SendingContract",
    "StoreContract",
    "SyncContract",
    "TracingContract",
    "UserContract",
    "VerdictContract",
    "WebhookContract",
    "a_send",
    "client_id",
]
