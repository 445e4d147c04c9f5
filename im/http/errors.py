"""Errors over HTTP: one JSON shape, and the status of each code."""

import json

from im.core.errors import Code, Refused

STATUS: dict[Code, int] = {
    Code.UNAUTHENTICATED: 401,
    Code.EXPIRED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.BLOCKED: 403,
    Code.DISABLED: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.OUT_OF_ORDER: 409,
    Code.STALE_ATTEMPT: 409,
    Code.TOO_LARGE: 413,
    Code.RATE_LIMITED: 429,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DRAINING: 503,
}
"""The status of each code that is not 400."""

_REASONS = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Content Too Large",
    431: "Header Too Large",
    503: "Service Unavailable",
}


def status_of(code: Code) -> int:
    """The HTTP status of a code."""
    return STATUS.get(code, 400)


def error_body(refused: Refused) -> bytes:
    """`{"error": {"code", "number", "text", "field", "retryable"}}` and a newline, in UTF-8."""
    code = refused.code
    error = {
        "code": code.label,
        "number": int(code),
        "text": refused.text,
        "field": refused.field,
        "retryable": code.is_retryable,
    }
    return json.dumps({"error": error}, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def raw_response(refused: Refused, status: int) -> bytes:
    """A whole response that ends its connection, for where no request could be read."""
    body = error_body(refused)
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
