"""Who may do what in a group, and what can't be one."""

from twisted.trial.unittest import SynchronousTestCase

from im.core.errors import Code, Refused
from im.core.groups import (
    ADMIN,
    APP,
    BREAKS,
    DEFAULT_SETTINGS,
    MEMBER,
    NOBODY,
    OWNER,
    USERS_AT_ONCE,
    GroupSettings,
    dissolved,
    gone,
    group_conversation,
    group_problem,
    is_group,
    key_problem,
    needs,
    outranks,
    post_refusal,
    rank,
    settings_problem,
    users_problem,
)
from im.core.texts import text_problem

ROLES = (NOBODY, MEMBER, ADMIN, OWNER, APP)
KEY = b"k" * 16


class GroupTests(SynchronousTestCase):
    def assert_denied(self, refused: Refused | None) -> None:
        assert refused is not None
        self.assertEqual(Code.PERMISSION_DENIED, refused.code)

    def assert_field(self, field: str, refused: Refused | None) -> None:
        assert refused is not None
        self.assertEqual((Code.INVALID_ARGUMENT, field), (refused.code, refused.field))

    def test_each_role_may_what_those_before_it_may(self) -> None:
        self.assertEqual(list(ROLES), sorted(ROLES, key=rank))
        for number, least in enumerate(ROLES[1:4], start=1):
            for role in ROLES[:number]:
                self.assert_denied(needs(least, role))
            for role in ROLES[number:]:
                self.assertIsNone(needs(least, role))

    def test_one_acts_on_lower_roles_only(self) -> None:
        for role in ROLES:
            for other in ROLES:
                self.assertEqual(rank(role) > rank(other), outranks(role, other) is None)

    def test_members_post_unless_somebody_forbids_it(self) -> None:
        self.assertIsNone(post_refusal(DEFAULT_SETTINGS, MEMBER, 0, 1))
        muted = GroupSettings(is_muted=True)
        self.assert_denied(post_refusal(muted, MEMBER, 0, 1))
        self.assertIsNone(post_refusal(muted, ADMIN, 0, 1))
        owners = GroupSettings(may_post=OWNER)
        self.assert_denied(post_refusal(owners, ADMIN, 0, 1))
        self.assertIsNone(post_refusal(owners, OWNER, 0, 1))

    def test_a_silenced_member_posts_when_the_time_is_over(self) -> None:
        self.assert_denied(post_refusal(DEFAULT_SETTINGS, MEMBER, 1_000, 999))
        self.assertIsNone(post_refusal(DEFAULT_SETTINGS, MEMBER, 1_000, 1_000))
        self.assertIsNone(post_refusal(DEFAULT_SETTINGS, OWNER, 1_000, 999))

    def test_an_id_follows_from_who_asks_and_the_request(self) -> None:
        mine = group_conversation("alice", KEY)
        self.assertEqual(mine, group_conversation("alice", KEY))
        self.assertIsNone(group_problem(mine))
        others = {group_conversation("bob", KEY), group_conversation("alice", b"o" * 16), mine}
        self.assertEqual(3, len(others))

    def test_only_a_group_s_id_is_one(self) -> None:
        self.assertTrue(is_group("g~x"))
        self.assertFalse(is_group("d~alice~bob"))
        self.assertIsNone(group_problem("g~x"))
        for wrong in ("d~alice~bob", "i~alice", "g~", "g~a b", "g~a~b", "g~" + "x" * 65, "group"):
            self.assert_field("conversation", group_problem(wrong))

    def test_a_key_has_sixteen_bytes(self) -> None:
        self.assertIsNone(key_problem(KEY))
        self.assert_field("key", key_problem(b"short"))

    def test_texts_are_printable_and_bounded(self) -> None:
        self.assertIsNone(text_problem("two\nlines, one\ttab", "announcement", 20, BREAKS))
        self.assert_field("name", text_problem("x" * 21, "name", 20, BREAKS))
        self.assert_field("name", text_problem("nul\0", "name", 20, BREAKS))
        self.assert_field("name", text_problem("\ud800", "name", 20, BREAKS))

    def test_settings_are_of_the_choices(self) -> None:
        self.assertIsNone(settings_problem(DEFAULT_SETTINGS))
        for field, wrong in (
            ("may_invite", GroupSettings(may_invite="nobody")),
            ("may_post", GroupSettings(may_post="nobody")),
            ("joining", GroupSettings(joining="nobody")),
            ("history", GroupSettings(history="nobody")),
        ):
            self.assert_field(field, settings_problem(wrong))

    def test_a_change_names_each_user_once_and_not_too_many(self) -> None:
        self.assertIsNone(users_problem(("alice", "bob")))
        many = tuple(f"user{number}" for number in range(USERS_AT_ONCE + 1))
        for wrong in ((), many, ("a b",), ("bob", "bob")):
            self.assert_field("users", users_problem(wrong))

    def test_who_left_and_what_is_dissolved_is_told_apart(self) -> None:
        self.assert_denied(gone())
        self.assert_denied(dissolved())
        self.assertNotEqual(gone().text, dissolved().text)
