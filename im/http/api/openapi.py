"""The OpenAPI 3.1 document of a table of routes, made of its types."""

import re
from typing import Any

import msgspec

from im import __version__
from im.core.errors import Code
from im.http.api.once import HEADER
from im.http.api.table import Route
from im.http.errors import status_of


class ErrorDetail(msgspec.Struct):
    """What was refused: the stable name and number of the code, a text for people, the wrong field."""

    code: str
    number: int
    text: str
    field: str
    retryable: bool


class ErrorAnswer(msgspec.Struct):
    """The answer to every request that is refused."""

    error: ErrorDetail


_ALWAYS = (
    Code.INVALID_ARGUMENT,
    Code.UNAUTHENTICATED,
    Code.PERMISSION_DENIED,
    Code.TOO_LARGE,
    Code.RATE_LIMITED,
    Code.UNAVAILABLE,
)
_REF = "#/components/schemas/{name}"


def document(routes: list[Route]) -> dict[str, Any]:
    """The whole document, ready for JSON."""
    types = {type_ for route in routes for type_ in (route.answer, route.body) if type_ is not None}
    ordered = [*sorted(types - {dict}, key=lambda type_: type_.__name__), ErrorAnswer]
    schemas, components = msgspec.json.schema_components(ordered, ref_template=_REF)
    by_type = dict(zip(ordered, schemas, strict=True)) | {dict: {"type": "object"}}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, by_type)
    return {
        "openapi": "3.1.0",
        "info": {"title": "im: the API of back ends", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"bearer": []}],
    }


def _operation(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": re.sub(r"\W+", "_", route.name).strip("_").lower(),
        "parameters": _parameters(route),
        "responses": _responses(route, schemas),
    }
    if route.scope == "":
        operation["security"] = []
    elif route.scope:
        operation["x-scope"] = route.scope
    if route.body is not None:
        content = {"application/json": {"schema": schemas[route.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    if route.query is not None:
        _, components = msgspec.json.schema_components([route.query], ref_template=_REF)
        schema = components[route.query.__name__]
        required = schema.get("required", ())
        for name, field in schema["properties"].items():
            parameters.append({"name": name, "in": "query", "required": name in required, "schema": field})
    if route.is_once:
        text = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"}
        parameters.append({"name": HEADER, "in": "header", "required": False, "schema": text})
    return parameters


def _responses(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    answer = {"application/json": {"schema": schemas[route.answer]}}
    responses: dict[str, Any] = {"200": {"description": "Done.", "content": answer}}
    codes: dict[int, list[str]] = {}
    always = _ALWAYS if route.scope != "" else (Code.INVALID_ARGUMENT, Code.TOO_LARGE, Code.RATE_LIMITED)
    for code in dict.fromkeys((*always, *route.codes, *((Code.CONFLICT,) if route.is_once else ()))):
        codes.setdefault(status_of(code), []).append(code.label)
    for status, labels in sorted(codes.items()):
        content = {"application/json": {"schema": schemas[ErrorAnswer]}}
        responses[str(status)] = {"description": ", ".join(labels), "content": content}
    return responses
