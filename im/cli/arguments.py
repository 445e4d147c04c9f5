"""The command line of `imctl`: every command and option. What they do is in `im.cli.commands`."""

from collections.abc import Callable, Mapping

from im.cli.actions import CONTACT_CHANGES, FRIENDS, GROUPS, Action
from im.cli.numbers import count, place, positive
from im.cli.options import Parser, acting, as_json, folder, local, timeout, whereto

DESCRIPTION = "Talks to an im node: sends, shows and keeps messages, and looks after a local node."
EPILOG = "Exit status: 0 done, 1 refused or failed, 2 wrong command line, 3 nobody answers or too late."


def make_parser() -> Parser:
    """The parser of everything. The result's `command` names the module in `im.cli.commands`."""
    parser = Parser(prog="imctl", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    parser.add_argument(
        "--version", action="store_const", const="version", dest="command", help="the version"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    for name, (describe, help_line) in _COMMANDS.items():
        command = commands.add_parser(name, help=help_line, description=f"{help_line}.", allow_abbrev=False)
        command.set_defaults(command=name)
        as_json(command)
        describe(command)
    return parser


def _chat(parser: Parser) -> None:
    acting(parser)
    whereto(parser, "--to", is_required=False)


def _actions(actions: Mapping[str, Action]) -> "Callable[[Parser], None]":
    """A command that is several in one; the result's `action` says which."""

    def describe(parser: Parser) -> None:
        chosen = parser.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=Parser)
        for name, action in actions.items():
            command = chosen.add_parser(
                name, help=action.help, description=f"{action.help}.", allow_abbrev=False
            )
            as_json(command)
            acting(command)
            for option in action.options:
                command.add_argument(option.name, **option.settings)

    return describe


def _token(parser: Parser) -> None:
    folder(parser)
    parser.add_argument("--user", required=True, metavar="USER", help="whom the token is for")
    parser.add_argument("--days", type=positive, default=30.0, metavar="N", help="how long it is good [30]")
    parser.add_argument("--admin", action="store_true", help="it also opens the administration")


def _send(parser: Parser) -> None:
    acting(parser)
    whereto(parser, "--to")
    timeout(parser, "how long to wait for the acknowledgement [10]", 10.0)
    parser.add_argument("--reply-to", type=place, default=0, metavar="SEQ", help="the message it answers")
    parser.add_argument(
        "--mention", action="append", default=[], metavar="USER", help="whom it mentions; repeatable"
    )
    parser.add_argument("--mention-everyone", action="store_true", help="it mentions all; for admins")
    parser.add_argument("text", metavar="TEXT", help="what to say")


def _message(parser: Parser) -> None:
    acting(parser)
    whereto(parser, "--with")
    parser.add_argument("seq", type=place, metavar="SEQ", help="the message's number there")


def _edit(parser: Parser) -> None:
    _message(parser)
    parser.add_argument("text", metavar="TEXT", help="what it says from now on")


def _react(parser: Parser) -> None:
    _message(parser)
    parser.add_argument("reaction", metavar="REACTION", help="such as an emoji")
    parser.add_argument("--remove", action="store_true", help="take it back")


def _delete(parser: Parser) -> None:
    acting(parser)
    whereto(parser, "--with")
    parser.add_argument("seqs", type=place, nargs="+", metavar="SEQ", help="the messages' numbers there")


def _contacts(parser: Parser) -> None:
    acting(parser)
    parser.add_argument(
        "change", nargs="?", choices=CONTACT_CHANGES, help="of what one keeps of a conversation"
    )
    whereto(parser, "--with", is_required=False)
    parser.add_argument("--limit", type=count, metavar="N", help="so many, the latest [all]")
    parser.add_argument("--hidden", action="store_true", help="those that are hidden, too")


def _call(parser: Parser) -> None:
    acting(parser)
    parser.add_argument("--conversation", default="", metavar="ID", help="where it belongs, if anywhere")
    parser.add_argument("--raw", action="store_true", help="BODY is hex or base64, not JSON")
    timeout(parser, "how long to wait for the answer [10]", 10.0)
    parser.add_argument("type", type=count, metavar="TYPE", help="its number, 10000 or above")
    parser.add_argument("body", metavar="BODY", help="the body, in JSON if an installed package owns it")


def _tail(parser: Parser) -> None:
    acting(parser)
    parser.add_argument("--count", type=count, metavar="N", help="end after so many")
    timeout(parser, "end after so long; with --count, exit status 3 if fewer came", None)


def _history(parser: Parser) -> None:
    acting(parser)
    whereto(parser, "--with")
    parser.add_argument("--limit", type=count, default=50, metavar="N", help="so many, the latest [50]")
    parser.add_argument("--before", type=place, metavar="SEQ", help="only what is older than this")


def _drain(parser: Parser) -> None:
    folder(parser)
    parser.add_argument("node", metavar="NODE", help="its name")


def _trace(parser: Parser) -> None:
    local(parser)
    parser.add_argument("conversation", nargs="?", metavar="CONVERSATION", help="the message's conversation")
    parser.add_argument("seq", nargs="?", type=place, metavar="SEQ", help="and its number there")
    parser.add_argument("--as", dest="user", metavar="USER", help="or else who sent it")
    parser.add_argument("--client-id", metavar="HEX", help="and under which client_msg_id")


def _dead_letters(parser: Parser) -> None:
    parser.add_argument("action", choices=("list", "show", "retry", "drop"), help="what to do")
    parser.add_argument("ids", nargs="*", metavar="ID", help="of which letters, as list shows them")
    parser.add_argument("--all", dest="everything", action="store_true", help="retry or drop all of them")
    parser.add_argument(
        "--amqp", metavar="URL", help="amqp://… of the cluster, or file:PATH that holds it [IM_AMQP_URL]"
    )
    parser.add_argument("--cluster", metavar="NAME", help="the cluster's name [IM_CLUSTER, else im]")
    parser.add_argument(
        "--limit", type=count, default=100, metavar="N", help="list so many, the oldest [100]"
    )


def _explain_unread(parser: Parser) -> None:
    _whom(parser)
    parser.add_argument("conversation", metavar="CONVERSATION", help="of which conversation")


def _verify_unread(parser: Parser) -> None:
    local(parser)
    parser.add_argument("--user", metavar="USER", help="only the numbers of this user")


def _person(parser: Parser) -> None:
    local(parser)
    parser.add_argument("--user", required=True, metavar="USER", help="whose data")


def _export(parser: Parser) -> None:
    _person(parser)
    parser.add_argument("--output", metavar="FILE", help="write to this new file [stdout]")


def _erase(parser: Parser) -> None:
    _person(parser)
    parser.add_argument("--yes", action="store_true", help="it can't be undone, and is meant")


def _sessions(parser: Parser) -> None:
    local(parser)
    parser.add_argument("--user", metavar="USER", help="only those of this user")


def _whom(parser: Parser) -> None:
    local(parser)
    parser.add_argument("user", metavar="USER", help="the user")


def _kick(parser: Parser) -> None:
    _whom(parser)
    parser.add_argument("--device", metavar="DEVICE", help="only the sessions of this device")


def _logout(parser: Parser) -> None:
    _whom(parser)
    parser.add_argument("device", metavar="DEVICE", help="the device's id, as `imctl sessions` shows it")


def _keys(parser: Parser) -> None:
    local(parser)
    parser.add_argument("action", choices=("create", "list", "revoke"), help="what to do")
    parser.add_argument("name", nargs="?", metavar="NAME", help="the new key's name, or the id to revoke")
    parser.add_argument("--scope", action="append", metavar="SCOPE", help="what it is for; repeatable [push]")


def _webhooks(parser: Parser) -> None:
    local(parser)
    actions = ("list", "add", "remove", "rotate", "test", "replay", "dead")
    parser.add_argument("action", choices=actions, help="what to do")
    parser.add_argument("what", nargs="?", metavar="URL|ID", help="the URL to add, else a webhook's id")
    parser.add_argument(
        "--kind", action="append", metavar="KIND", help="add: of what it hears; repeatable [all kinds]"
    )


def _push(parser: Parser) -> None:
    local(parser)
    whom = parser.add_mutually_exclusive_group(required=True)
    whom.add_argument("--to", nargs="+", metavar="USER", help="to these users")
    whom.add_argument("--everyone", action="store_true", help="to everyone who is online")
    parser.add_argument("event", nargs="?", metavar="TEXT|JSON", help="what to push: JSON, or else a text")
    parser.add_argument("--signal", action="store_true", help="once, to who is online; nothing is stored")
    parser.add_argument("--ttl", type=count, metavar="S", help="show it for so many seconds [30 days]")
    parser.add_argument("--collapse-key", default="", metavar="KEY", help="replaces what has the same key")
    parser.add_argument(
        "--wait", choices=("stored", "delivered"), default="stored", help="what to wait for [stored]"
    )
    parser.add_argument("--timeout", type=float, default=10.0, metavar="S", help="how long to wait [10]")


def _relay(parser: Parser) -> None:
    actions = ("run", "status", "list", "retry", "drop")
    parser.add_argument("action", nargs="?", choices=actions, help="what to do [run]")
    parser.add_argument(
        "--push",
        dest="keys",
        action="append",
        metavar="KEY",
        help="a dead letter to retry or drop; repeatable",
    )
    parser.add_argument(
        "--all", dest="everything", action="store_true", help="retry or drop all dead letters"
    )
    parser.add_argument("--database", metavar="URL", help="where pushes wait [IM_RELAY_DATABASE]")
    parser.add_argument("--url", help="the node's HTTP API, such as http://127.0.0.1:7280")
    parser.add_argument("--key-file", metavar="FILE", help="holds a key of the API, made for pushes")
    parser.add_argument("--ca-file", metavar="FILE", help="certificates to trust for https:")
    parser.add_argument("--once", action="store_true", help="deliver what waits, then end")
    parser.add_argument("--attempts", type=count, default=100, metavar="N", help="then it is dead [100]")
    parser.add_argument(
        "--lease", type=positive, default=15.0, metavar="S", help="until another relay takes over [15]"
    )
    parser.add_argument(
        "--limit", type=count, default=100, metavar="N", help="list so many, the latest [100]"
    )


def _signing_keys(parser: Parser) -> None:
    folder(parser)
    parser.add_argument("action", choices=("list", "rotate", "retire"), help="what to do")
    parser.add_argument("kid", nargs="?", metavar="KID", help="the key to retire")


def _presence(parser: Parser) -> None:
    local(parser)
    parser.add_argument("users", nargs="+", metavar="USER", help="of whom")


def _users(parser: Parser) -> None:
    local(parser)
    actions = ("create", "import", "show", "disable", "enable")
    parser.add_argument("action", choices=actions, help="what to do")
    parser.add_argument("what", metavar="USER|FILE", help="the user; of import, FILE.csv or FILE.jsonl")
    parser.add_argument("--name", help="create: what others call the user")
    parser.add_argument("--avatar", help="create: a URL, or what the app makes of it")
    parser.add_argument(
        "--field", action="append", metavar="NAME=VALUE", help="create: of the profile; repeatable"
    )


def _online_time(parser: Parser) -> None:
    local(parser)
    parser.add_argument("user", metavar="USER", nargs="?", help="whose")
    parser.add_argument("--all", dest="everyone", action="store_true", help="of everyone instead")
    parser.add_argument("--from", dest="first", metavar="DAY", help="first day, YYYY-MM-DD [six before --to]")
    parser.add_argument("--to", dest="last", metavar="DAY", help="last day [today]")
    parser.add_argument("--by", choices=("day", "hour"), default="day", help="day or hour [day]")
    parser.add_argument("--zone", metavar="ZONE", help="time zone, such as Europe/Paris [the node's]")
    parser.add_argument("--csv", action="store_true", help="comma-separated values")


def _file(what: str) -> "Callable[[Parser], None]":
    def describe(parser: Parser) -> None:
        folder(parser)
        parser.add_argument("file", metavar="FILE", help=what)

    return describe


def _bench(parser: Parser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", help="what to measure, or all")
    parser.add_argument(
        "--sessions", type=count, default=10_000, metavar="N", help="how many sessions idle [10000]"
    )
    parser.add_argument(
        "--seconds", type=positive, default=8.0, metavar="S", help="how long each variant of a load runs [8]"
    )
    parser.add_argument(
        "--members", type=count, default=500, metavar="N", help="how many members a group has [500]"
    )


def _nothing(parser: Parser) -> None:
    return


def _database(parser: Parser) -> None:
    parser.add_argument(
        "--database", metavar="URL", help="postgresql://…, or file:PATH that holds it [IM_DATABASE_URL]"
    )


def _migrate(parser: Parser) -> None:
    _database(parser)
    parser.add_argument(
        "--check", action="store_true", help="only say whether it is to be done; status 1 if so"
    )
    parser.add_argument(
        "--partitions", type=count, default=16, metavar="N", help="parts of the messages, at first [16]"
    )


def _epoch(parser: Parser) -> None:
    parser.add_argument("action", choices=["renew"], help="renew")
    _database(parser)


def _copy(parser: Parser) -> None:
    parser.add_argument("--from", dest="source", required=True, metavar="URL", help="sqlite:///PATH")
    parser.add_argument("--to", dest="target", metavar="URL", help="postgresql://… [IM_DATABASE_URL]")


_COMMANDS: dict[str, tuple[Callable[[Parser], None], str]] = {
    "token": (_token, "make a token with the local node's key"),
    "send": (_send, "send one message and wait until it is stored"),
    "call": (_call, "send a message of an app's own type and show what answers it"),
    "tail": (_tail, "show what a user has not yet received, then what comes"),
    "chat": (_chat, "talk with users and in groups, with marks for sent, delivered and read"),
    "history": (_history, "show the latest of a conversation"),
    "unread": (acting, "show how many unread messages each conversation has"),
    "contacts": (_contacts, "show a user's conversations: names, unread, what was said last"),
    "recall": (_message, "take a message back"),
    "edit": (_edit, "give one's own message another text"),
    "react": (_react, "set a reaction to a message, or take it back"),
    "delete": (_delete, "delete messages for oneself; others keep them"),
    "clear": (_message, "delete everything up to a message for oneself; others keep it"),
    "readers": (_message, "show how many have read a message, and who"),
    "friends": (_actions(FRIENDS), "show friends and requests, ask, accept, block"),
    "groups": (_actions(GROUPS), "show, make and change groups"),
    "nodes": (local, "show the nodes of a cluster: addresses, load, version, state"),
    "shards": (local, "show who owns the shards of a cluster, since when, and what waits"),
    "trace": (_trace, "show how a message went: committed, announced, delivered, read"),
    "dead-letters": (_dead_letters, "list, show, retry or drop what a cluster could not do"),
    "drain": (_drain, "end a node in order: its clients move to others first"),
    "sessions": (_sessions, "show who is connected to the local node"),
    "kick": (_kick, "end a user's sessions; they may come back"),
    "logout": (_logout, "log a device out, so that it needs a new token"),
    "disable": (_whom, "shut a user out: no login, no message, every session ends"),
    "enable": (_whom, "let a disabled user in again"),
    "push": (_push, "push to users: into their inboxes, or as a signal"),
    "relay": (_relay, "deliver the pushes that wait in a back end's database"),
    "keys": (_keys, "create, list or revoke the keys of back ends for the HTTP API"),
    "webhooks": (_webhooks, "add, list, try out or remove what events are posted to, and its dead letters"),
    "signing-keys": (_signing_keys, "list, rotate or retire the keys that sign the local node's tokens"),
    "presence": (_presence, "show who is online, and when the others were seen last"),
    "users": (_users, "create, import, show, disable or enable users"),
    "online-time": (_online_time, "show how long a user was online, and how far that may be off"),
    "explain-unread": (_explain_unread, "show how an unread number comes about"),
    "verify-unread": (_verify_unread, "recount what is unread, message by message"),
    "export": (_export, "show all that is stored about a user"),
    "erase": (_erase, "erase a user, with all that is theirs alone"),
    "backup": (_file("the copy, a new file"), "copy the local node's database, also while it runs"),
    "restore": (_file("the copy"), "put a copy back, while the local node does not run"),
    "migrate": (_migrate, "make or migrate the tables of a cluster's database"),
    "epoch": (_epoch, "begin a new store epoch in a cluster's database, after a restore"),
    "copy": (_copy, "copy a node's database into a cluster's, verified"),
    "doctor": (folder, "check the local node and say what to do"),
    "bench": (_bench, "measure what a private node of this version costs on this machine"),
    "version": (_nothing, "show the version"),
}

COMMANDS = tuple(_COMMANDS)
"""The names of all commands."""
