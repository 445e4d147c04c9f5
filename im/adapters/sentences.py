"""What went wrong with a connection, in a sentence for an operator."""

from typing import Any

from OpenSSL import SSL


def sentence(error: Any) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def tls_sentence(error: BaseException | None) -> str:
    """What OpenSSL says of it, which is a list of (library, function, reason)."""
    if isinstance(error, SSL.Error) and error.args and error.args[0]:
        return str(error.args[0][0][-1])
    return f"its certificate is not for this name ({type(error).__name__})"
