"""Tests of `im.tap.config` and `im.tap.settings`."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from im.core.events import KINDS
from im.core.limits import Limits
from im.tap.config import FOREIGN, Config, ConfigError, Given, load
from im.tap.settings import SETTINGS


class ConfigTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).resolve()
        self.folder.mkdir()

    def file(self, text: str) -> str:
        path = self.folder / "im.toml"
        path.write_text(text, "utf-8")
        return str(path)

    def load(self, options: Mapping[str, Given] | None = None, **environ: str) -> Config:
        return load(options or {}, environ, self.folder)

    def refusal(self, options: Mapping[str, Given] | None = None, **environ: str) -> str:
        with self.assertRaises(ConfigError) as caught:
            self.load(options, **environ)
        return str(caught.exception)

    def test_without_sources_the_defaults_hold(self) -> None:
        self.assertEqual(self.load(), Config(state_dir=self.folder / "var"))

    def test_a_file_goes_before_defaults(self) -> None:
        path = self.file('users = "open"\n[limits]\nframe_bytes = 100_000\n')
        config = self.load({"config": path})
        self.assertEqual((config.users, config.limits.frame_bytes), ("open", 100_000))

    def test_a_variable_goes_before_the_file(self) -> None:
        path = self.file('users = "open"\nlog = "text"\n')
        config = self.load(IM_CONFIG=path, IM_USERS="known")
        self.assertEqual((config.users, config.log), ("known", "text"))

    def test_an_option_goes_before_the_variable(self) -> None:
        config = self.load({"users": "open"}, IM_USERS="known", IM_LOG="text")
        self.assertEqual((config.users, config.log), ("open", "text"))

    def test_a_list_replaces_the_list_of_a_weaker_source(self) -> None:
        path = self.file('listen = ["tcp:1", "tcp:2"]\n')
        self.assertEqual(self.load({"config": path}).listen, ("tcp:1", "tcp:2"))
        self.assertEqual(self.load({"config": path}, IM_LISTEN="tcp:3 tcp:4").listen, ("tcp:3", "tcp:4"))
        self.assertEqual(self.load({"config": path, "listen": ["tcp:5"]}).listen, ("tcp:5",))

    def test_paths_start_where_they_were_written(self) -> None:
        other = self.folder / "etc"
        other.mkdir()
        (other / "im.toml").write_text('state_dir = "state"\n')
        self.assertEqual(self.load({"config": "etc/im.toml"}).state_dir, other / "state")
        self.assertEqual(self.load({"state_dir": "state"}).state_dir, self.folder / "state")
        self.assertEqual(self.load(IM_SIGNING_KEY_FILE="/k").signing_key_file, Path("/k"))

    def test_every_limit_is_a_setting_with_the_same_default(self) -> None:
        named = {name for name, setting in SETTINGS.items() if setting.is_limit}
        self.assertEqual(named, {each.name for each in fields(Limits)})
        self.assertEqual(self.load().limits, Limits())

    def test_every_field_is_a_setting(self) -> None:
        named = {name for name, setting in SETTINGS.items() if not setting.is_limit}
        self.assertEqual(named, {each.name for each in fields(Config)} - {"limits", *FOREIGN})

    def test_help_states_the_default_of_each_plain_setting(self) -> None:
        default = Config()
        for name in ("node", "http", "admin", "users", "same_class", "log", "log_level"):
            self.assertIn(f"[default {getattr(default, name)}]", SETTINGS[name].help)
        self.assertIn(f"[default {default.listen[0]}]", SETTINGS["listen"].help)

    def test_an_engines_url_may_stand_in_a_file(self) -> None:
        secret = self.folder / "redis"
        secret.write_text("redis://:secret@127.0.0.1:6379/0\n")
        self.assertEqual(self.load(IM_REDIS_URL=f"file:{secret}").redis_url, secret.read_text().strip())
        self.assertIn("cannot be read (No such file", self.refusal(IM_REDIS_URL="file:/nowhere"))

    def test_a_wrong_engines_url_is_refused_without_its_password(self) -> None:
        told = self.refusal(IM_AMQP_URL="http://user:secret@host/")
        self.assertIn("is no such URL; write one like amqp://", told)
        self.assertNotIn("secret", told)

    def test_authenticators_are_named_in_order(self) -> None:
        self.assertEqual(self.load(IM_AUTH="jwt,own").auth, ("jwt", "own"))
        self.assertEqual(self.load({"auth": "jwt own"}, IM_AUTH="own").auth, ("jwt", "own"))
        for line in ('auth = "jwt, own"', 'auth = ["jwt", "own"]'):
            self.assertEqual(self.load({"config": self.file(line + "\n")}).auth, ("jwt", "own"))

    def test_the_settings_of_other_authenticators_are_tables_of_the_file(self) -> None:
        path = self.file('auth = "ldap"\n[authenticators.ldap]\nserver = "ldap.example"\nport = 636\n')
        expected = {"ldap": {"server": "ldap.example", "port": 636}}
        self.assertEqual(self.load({"config": path}).authenticators, expected)
        for text in ("authenticators = 5\n", "[authenticators]\nldap = 5\n"):
            self.assertIn("authenticators holds no tables", self.refusal({"config": self.file(text)}))

    def test_off_serves_no_http(self) -> None:
        self.assertEqual(self.load({"http": "off"}, IM_ADMIN="").http, "")
        self.assertEqual(self.load({"http": "off"}, IM_ADMIN="").admin, "")

    def test_kinds_of_events_are_named_or_all(self) -> None:
        self.assertEqual(self.load({}).amqp_events, ())
        self.assertEqual(self.load(IM_AMQP_EVENTS="stored,read").amqp_events, ("stored", "read"))
        self.assertEqual(self.load(IM_AMQP_EVENTS="all").amqp_events, KINDS)

    def test_messages_are_kept_for_days_or_for_ever(self) -> None:
        path = self.file("message_days = 30\n")
        self.assertEqual(self.load({"config": path}).message_days, 30)
        self.assertEqual(self.load({"config": path}, IM_MESSAGE_DAYS="0").message_days, 0)
        for line in ("message_days = true", "message_days = 0.5"):
            self.assertIn("message_days", self.refusal({"config": self.file(line + "\n")}))

    def test_an_unknown_key_of_the_file_is_named_with_the_nearest(self) -> None:
        path = self.file('usres = "open"\n')
        self.assertEqual(
            self.refusal({"config": path}),
            f"{path}: usres: there is no such setting; perhaps you mean users.",
        )

    def test_a_limit_outside_its_table_is_unknown(self) -> None:
        self.assertIn("no such setting", self.refusal({"config": self.file("frame_bytes = 70000\n")}))
        self.assertIn("no such setting", self.refusal({"config": self.file('[limits]\nusers = "open"\n')}))

    def test_an_unknown_variable_is_named(self) -> None:
        self.assertIn("IM_USRS: there is no such setting", self.refusal(IM_USRS="open"))
        self.assertIn("--help", self.refusal(IM_ZZZZZZZZ="1"))

    def test_variables_of_tests_and_supervisor_are_none_of_ours(self) -> None:
        self.assertEqual(self.load(IM_TEST_LONG="1", IM_SUPERVISED="12", PATH="/bin").users, "known")

    def test_a_bad_value_names_place_and_fix(self) -> None:
        self.assertEqual(
            self.refusal({"users": "all"}), "--users: 'all' is none of known, open; choose one of them."
        )
        for name, value in (
            ("IM_FRAME_BYTES", "many"),
            ("IM_FRAME_BYTES", "0"),
            ("IM_DRAIN_SECONDS", "nan"),
            ("IM_DRAIN_SECONDS", "inf"),
            ("IM_DRAIN_SECONDS", "-1"),
            ("IM_LISTEN", ""),
            ("IM_STATE_DIR", ""),
            ("IM_NODE", "two words"),
            ("IM_AUTH", ","),
            ("IM_AUTH", "own,own"),
            ("IM_AMQP_EVENTS", "stored,other"),
            ("IM_JWT_KEYS_URL", "http://shop.example/jwks"),
            ("IM_JWT_KEYS_URL", "shop"),
            ("IM_JWT_USER_CLAIM", ""),
            ("IM_JWT_KEEP_SECONDS", "0"),
            ("IM_MESSAGE_DAYS", "-1"),
            ("IM_MESSAGE_DAYS", "a month"),
            ("IM_MESSAGE_DAYS", "36501"),
        ):
            sentence = self.refusal({}, **{name: value})
            self.assertTrue(sentence.startswith(f"{name}: "), sentence)
            self.assertIn(";", sentence)

    def test_a_value_of_another_kind_in_the_file_is_refused(self) -> None:
        for line in ("users = 1", 'listen = "tcp:1"', "listen = [1]", "limits = 1", "state_dir = true"):
            self.assertIn(line.split()[0], self.refusal({"config": self.file(line + "\n")}))
        for line in ("frame_bytes = true", "frame_bytes = 1e5", "drain_seconds = [1]"):
            self.assertIn(line.split()[0], self.refusal({"config": self.file(f"[limits]\n{line}\n")}))

    def test_limits_that_contradict_each_other_are_refused(self) -> None:
        self.assertIn("frame_bytes must be at most", self.refusal({"frame_bytes": "300000"}))
        self.assertIn("content_bytes", self.refusal({"content_bytes": "70000"}))

    def test_a_file_that_cannot_be_read_is_named(self) -> None:
        self.assertIn("No such file", self.refusal({"config": "missing.toml"}))
        self.assertIn("must be TOML", self.refusal({"config": self.file("users = \n")}))
        (self.folder / "latin.toml").write_bytes(b'node = "\xe4"\n')
        self.assertIn("must be TOML", self.refusal({"config": "latin.toml"}))
