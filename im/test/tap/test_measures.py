"""Tests of `im.tap.measures`, its page and its board."""

import json
import re
from typing import Any, cast

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.test.requesthelper import DummyRequest

from im.http.metrics import Kind, MetricsPage
from im.test.markdown import ROOT
from im.test.tap.metrics_table import PAGE, every_metric, node_metrics, page, worker_rows

BOARD = ROOT / "docs" / "deploy" / "grafana.json"
NAME = re.compile(r"\b(?:im|process)_\w+")


def scraped() -> dict[str, str]:
    """Each family that `/metrics` of new processes shows, and what it is; names without `_total`."""
    request: Any = DummyRequest([b""])
    text = MetricsPage(every_metric()).render_GET(request).decode()
    return {family.name: family.type for family in text_string_to_metric_families(text)}


def sample_names() -> set[str]:
    """The names by which the samples of `/metrics` can be asked for."""
    suffixes = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    return {name + suffix for name, kind in scraped().items() for suffix in suffixes[kind]}


def expressions(board: dict[str, Any]) -> list[str]:
    """What the panels and variables of a board ask for."""
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    variables = board["templating"]["list"]
    return asked + [cast(str, each["query"]) for each in variables if each["type"] == "query"]


class MetricsTests(SynchronousTestCase):
    def test_the_page_is_the_code(self) -> None:
        hint = "out of date: run `python -m im.test.tap.metrics_table --write`"
        self.assertTrue(PAGE.read_text(encoding="utf-8") == page(), f"{PAGE.name} is {hint}")

    def test_each_is_scraped_as_what_it_is(self) -> None:
        families = scraped()
        for metric in every_metric():
            self.assertEqual(families[metric.name.removesuffix("_total")], metric.kind)

    def test_names_and_help_follow_the_habits_of_prometheus(self) -> None:
        for metric in every_metric():
            self.assertRegex(metric.name, r"^im_[a-z_]+$")
            self.assertIs(metric.name.endswith("_total"), metric.kind is Kind.COUNTER, metric.name)
            self.assertRegex(metric.help, r"^[A-Z1].*\.$")

    def test_a_label_comes_with_its_values_from_the_start(self) -> None:
        values = {metric.name: metric.read() for metric in node_metrics()}
        self.assertEqual(
            values["im_sessions"], dict.fromkeys(["bot", "desktop", "phone", "tablet", "web"], 0)
        )
        self.assertEqual(values["im_part_ready"], {"store": 1, "node": 1})
        self.assertEqual(cast(dict[str, int], values["im_refusals_total"])["rate_limited"], 0)

    def test_a_worker_tells_of_its_parts_and_shards(self) -> None:
        values = {metric.name: metric.read() for metric in worker_rows()}
        self.assertEqual((values["im_part_ready"], values["im_shards_owned"]), ({"redis": 1}, 0))

    def test_the_page_names_only_what_is_scraped(self) -> None:
        text = re.sub(r"`im_\w+_seconds`|`im_store_batch_requests`", "", PAGE.read_text(encoding="utf-8"))
        named = {name for name in NAME.findall(text) if not name.startswith("im_gateway")}
        self.assertEqual(named - sample_names(), set())

    def test_the_board_asks_only_for_what_is_scraped(self) -> None:
        board = json.loads(BOARD.read_text(encoding="utf-8"))
        named = {name for each in expressions(board) for name in NAME.findall(each)}
        self.assertEqual(named - sample_names(), set())

    def test_the_board_shows_every_metric_of_ours(self) -> None:
        board = json.loads(BOARD.read_text(encoding="utf-8"))
        asked = " ".join(expressions(board))
        self.assertEqual([each.name for each in every_metric() if each.name not in asked], [])

    def test_panels_of_the_board_have_numbers_of_their_own(self) -> None:
        ids = [panel["id"] for panel in json.loads(BOARD.read_text(encoding="utf-8"))["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
