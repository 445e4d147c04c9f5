"""Of a cluster: a person's data is told and erased by any node, and every unread number is right."""

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

Imctl = Callable[..., list[dict[str, Any]]]


def check_personal(case: SynchronousTestCase, imctl: Imctl, nodes: tuple[str, str]) -> None:
    """Zoe writes to two and owns a group; then she is erased by the node that she did not write to."""
    first, second = nodes
    imctl("users", "--node", first, "create", "zoe", "--name", "Zoe Quick")
    for peer in ("yan", "xia"):
        imctl("send", "--node", first, "--as", "zoe", "--to", peer, f"a secret for {peer}")
        imctl("friends", "request", "--node", first, "--as", "zoe", peer, "--text", "a secret wish")
    (made,) = imctl("groups", "create", "--node", first, "--as", "zoe", "Tea", "yan", "xia")
    imctl("push", "--node", first, '{"secret": 1}', "--to", "zoe")
    (told,) = imctl("explain-unread", "--node", second, "yan", "d~yan~zoe")
    case.assertEqual((told["unread"], told["recounted"]), (1, 1))
    case.assertIn("secret", str(imctl("export", "--node", second, "--user", "zoe")))
    (erased,) = imctl("erase", "--node", second, "--user", "zoe", "--yes")
    case.assertEqual(erased["messages"], 3)
    for user in ("zoe", "yan", "xia"):
        case.assertNotIn("secret", str(imctl("export", "--node", first, "--user", user)))
    (group,) = imctl("groups", "show", "--node", first, "--as", "yan", made["conversation"])
    case.assertEqual(group["members"], 2)
    (total,) = imctl("verify-unread", "--node", first)
    case.assertEqual(total["differences"], 0)
    case.assertGreater(total["places"], 5)
    (again,) = imctl("erase", "--node", first, "--user", "zoe", "--yes")
    case.assertEqual((again["messages"], again["rows"]), (0, 0))
