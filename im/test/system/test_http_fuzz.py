"""Every route of the HTTP API, asked whatever its own description allows and more: a real node answers."""

import json
import urllib.request
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from im.test.system.imctl import ImctlCase

EXAMPLES = 30
"""Of each operation."""

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
HARMLESS = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class FuzzTests(ImctlCase):
    def setUp(self) -> None:
        super().setUp()
        self.key = self.make_key()
        self.url = self.told.http.rstrip("/")

    def test_no_route_fails_or_answers_what_it_does_not_say(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        request = urllib.request.Request(f"{self.url}/v1/openapi.json", headers=headers)
        with urllib.request.urlopen(request) as answer:
            document = json.load(answer)
        schema = schemathesis.openapi.from_dict(document)
        asked = 0
        results: list[Any] = [*schema.get_all_operations()]
        for result in results:
            self.fuzz(result.ok(), headers)
            asked += 1
        self.assertEqual(sum(len(methods) for methods in document["paths"].values()), asked)

    def fuzz(self, operation: Any, headers: dict[str, str]) -> None:
        """Ask one operation."""

        @HARMLESS
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            if isinstance(case.body, dict) and "wait_seconds" in case.body:
                case.body["wait_seconds"] = 0.01
            answer = case.call(base_url=self.url, headers=headers, timeout=20)
            case.validate_response(answer, checks=CHECKS)

        ask()
