"""Every class that crosses the broker, with its fields, as an earlier program wrote them.

A line that begins with spaces goes on with the one before. Classes are added, and fields at the ends. Whoever
changes anything else lets programs of two versions not run side by side, and has to say so to operators.
"""

LINES = """\
AnswerFriend user peer accept greeting
ApiKey id name scopes created_ms revoked_ms
ApiKeys keys
Approve user
AskFriend user peer text
Asking user text time_ms
AskingPage conversation asking next
Away since until batches messages more next_ms
AwayDevice device device_class platform token
AwayPassed is_new
BeatNode node started_ms
Block user peer blocked
ChangeAppState session user at_ms is_foreground heartbeat_ms blurred_ms
ChangeGroup conversation user key change
ChangeMessage conversation user key target change
Changed users epoch position
ClearHistory conversation user seq
CloseSession opened closed_ms reason bound_ms clock_ms blurred_ms
Conclude handler user key read changes posts reply
Concluded reply sent duplicate
Contact remark pinned muted hidden marked relation is_blocking
ContactChanged user conversation contact moved
CountEvents most
CreateGroup conversation user key owner name avatar announcement settings members
CreateKey id digest name scopes
CreateUser user
CreateWebhook id url kinds secret
CursorMoved conversation user read_seq delivered_seq unread moved
Custom conversation user device type id key body
CustomReply type body
DeadEvent event attempts error
DeadLetter event attempts error
DeadLetters letters next
DeadReplayed events
Decline user
DeleteEntries conversation user seqs
Delivery users conversation seq frame except_session member_version change
Dissolve
Edit content
EndFriendship user peer
EndNode node last_ms
EndSilentNodes silent_ms
Entry seq n kind sender client_msg_id time_ms content
Event id kind user time_ms payload
EventCount consumer pending dead oldest_ms
EventCounts counts
EventLane lane attempts events
EventsFound lanes behind more next_ms
EventsKept rows
EventsSettled events
EventsSubscribed consumer kinds
Eviction session code text
ExpirePushes most
ExpireRequests pending_ms most
Figure bucket device_class online_ms online_bound_ms foreground_ms foreground_bound_ms
FindAway consumer before_ms most
FindEvents consumer now_ms most
FindKey digest
FindMembers conversation users
FindPresence users viewer
FindUsers users
Fold seq edited_seq reactions
FriendRequest requester addressee text state created_ms decided_ms
GetGroup conversation user
GetMemberships user
GetProfile user
GetPush push after limit
GetReaders conversation user seq
GetRecord handler key
GetRelation user peer
GetReply handler user key
GroupChanged conversation entry epoch is_new version_before member_version joined left lookers asked
GroupFacts name avatar members role asking is_dissolved mentions
GroupRecord conversation name avatar announcement owner settings members asking member_version
  created_ms is_dissolved role silenced_until_ms
GroupSettings may_invite may_post joining history is_muted
Head conversation head_seq head_n head_time_ms unread read_seq delivered_seq visible_from active
  member_version epoch_seq peer_read_seq peer_delivered_seq last contact group
Hop worker epoch number batch is_end
InboxEntry user seq is_new
Invite users
Join text
KeepAnswer owner key status body
KeepEvents most
KeepLedger most
LaneOutcome lane done dead waiting attempts next_ms
Leave
LedgerKept entered purged more
ListAsking conversation user after limit
ListDead consumer after limit
ListKeys
ListMembers conversation user after limit
ListPushTokens user
ListRequests user sent before_ms after limit
ListWebhooks
LogOut user device before_ms
LoggedIn user device fence has_groups
LoggedOut user device
Login user device device_class attempt issued_ms
MemberPage conversation member_version members next
MemberRecord user role silenced_until_ms
MembersFound conversation member_version users
MembershipChange before joined left
Memberships user groups
MessageChanged conversation entry epoch is_new member_version
MoveClock node clock_ms
MoveDelivered conversation user seq device is_foreground
MoveRead conversation user seq
NodeBatch results deliveries signals evictions presence
NodeEnded sessions
OfflineMessage user conversation seq sender kind time_ms content is_cut badge is_muted is_mention
  devices
OnlineDevice device_class is_foreground
OnlineTime user first last by zone
OnlineTimeReport user zone figures
OnlineTimes after first last by zone
OnlineTimesPage reports next
OpenDirect user peer
OpenSession session user device device_class node opened_ms is_foreground heartbeat_ms clock_ms
PassAway consumer since until batches told
Place batch entry after
PlaceChanged conversation user visible_from unread moved
Post conversation sender client_msg_id kind content
Presence user devices last_seen_ms
PresenceFound presences
ProfileRecord user name avatar fields
Pull conversation user from_seq backward limit
PullPage conversation epoch entries visible_from head_seq active member_version read_seq peer_read_seq
  peer_delivered_seq more folds
Push id content expires_ms collapse_key device_classes
PushDevice device device_class acknowledged_ms
PushRecord push created_ms expires_ms users next
PushStored entries unknown epoch time_ms
PushToken device platform token
PushTokens user tokens
PushUser user seq devices
PushesExpired rows
React reaction is_set
Reaction reaction users is_own
Readers conversation seq read members users
Recall
Record key value version
Refused code text field retry_after_ms last_attempt alternate
RegisterPushToken user device platform token
RelationChanged user peer relation is_blocking request entries epoch time_ms moved is_private
RelationEntry seq n kind sender client_msg_id content
Remember owner key digest token
Remembered token status body
Remove users
RemovePushToken platform token
RemoveWebhook id
ReplayDead consumer most
RequestPage requests unseen more
RequestsExpired rows
RequestsSeen user requests
RevokeKey id
RotateSecret id secret
SeeRequests user
Send conversation sender device client_msg_id after seen_seq kind content mentions verdict
Sent conversation seq n time_ms epoch duplicate read member_version
SessionNoted is_new
SetContact user conversation remark pinned muted hidden marked
SetDisabled user disabled
SetGroup name avatar announcement may_invite may_post joining history is_muted
SetProfile user name avatar fields
SetRole user role
SettleEvents consumer lanes behind
Signal users frame except_session device_classes
Silence user seconds
Stale key
StorePush push users
SubscribeEvents consumer kinds
Sync user cursor after device issued_ms
SyncCursor epoch position
SyncPage cursor heads next
Transfer user
UserState user disabled
UsersFound users
Verdict refused
Webhook id url kinds secret created_ms old_secret old_until_ms
Webhooks webhooks
WhatChanged node users epoch position
WithdrawRequest user peer
"""
