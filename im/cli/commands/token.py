"""`imctl token`."""

import time
from argparse import Namespace

from im.cli.keys import DAY_SECONDS, local_token
from im.cli.output import Output
from im.cli.place import state_folder


def run(arguments: Namespace, output: Output) -> None:
    """Make a token with the local node's key."""
    seconds = arguments.days * DAY_SECONDS
    token = local_token(state_folder(arguments), arguments.user, seconds, arguments.admin)
    expires_at_ms = int((time.time() + seconds) * 1000)
    output.record({"user": arguments.user, "token": token, "expires_at_ms": expires_at_ms}, token)
