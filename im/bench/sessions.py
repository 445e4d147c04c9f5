"""Jobs about sessions rather than traffic: many that idle, many that log in, many that were away."""

from collections.abc import Iterator, Sequence
from itertools import islice
from time import perf_counter
from typing import Any

from im.bench.loop import Loop
from im.bench.measured import Figures
from im.bench.meter import Meter
from im.bench.pairs import ChatPair, ChatSender, compare, faults
from im.bench.session import LoadSession
from im.proto.session_pb2 import Heartbeat
from im.wire import codec, hot

LOGINS_AT_ONCE = 32
LOGIN_SECONDS = 120.0
IN_FLIGHT = 16

Job = dict[str, Any]


def log_in_all(loop: Loop, job: Job) -> list[LoadSession]:
    """Log every user of the job in, `LOGINS_AT_ONCE` on their way at a time."""
    users: Iterator[tuple[str, str]] = iter(job["tokens"].items())
    address = job["websocket"] if job.get("transport") == "websocket" else (job["host"], job["port"])
    sessions: list[LoadSession] = []
    waiting: list[LoadSession] = []
    ends = perf_counter() + LOGIN_SECONDS
    while perf_counter() < ends:
        for user, token in islice(users, LOGINS_AT_ONCE - len(waiting)):
            session = LoadSession(loop, address, user)
            session.start_login(token)
            waiting.append(session)
        if not waiting:
            break
        loop.turn(0.01)
        sessions += [session for session in waiting if session.is_answered]
        waiting = [session for session in waiting if not session.is_answered]
    return sessions


def log_in_at_both(loop: Loop, job: Job) -> tuple[list[LoadSession], list[LoadSession]]:
    """Log every other user in at the job's own node, the rest at its `far` one; both in order."""
    users = list(job["tokens"].items())
    near = log_in_in_order(loop, {**job, "tokens": dict(users[::2])})
    return near, log_in_in_order(loop, {**job, **job["far"], "tokens": dict(users[1::2])})


def log_in_in_order(loop: Loop, job: Job) -> list[LoadSession]:
    """As `log_in_all`; the sessions in the order of the job."""
    order = {user: number for number, user in enumerate(job["tokens"])}
    return sorted(log_in_all(loop, job), key=lambda session: order[session.user])


def chat_pairs(loop: Loop, job: Job) -> list[ChatPair]:
    """Log every user of the job in, and pair each with the next."""
    sessions = log_in_in_order(loop, job)
    return [ChatPair(loop, *two) for two in zip(sessions[::2], sessions[1::2], strict=True)]


def idle(job: Job, meter: Meter) -> Figures:
    """Hold sessions that do nothing but beat, evenly spread over the interval."""
    loop, before = Loop(), meter.rss()
    sessions = log_in_all(loop, job)
    held = meter.rss() - before
    beat = codec.pack(Heartbeat(), 1)
    pause = job["heartbeat_seconds"] / len(sessions)
    began = due = perf_counter()
    cpu, beats = meter.cpu(), 0
    while (now := perf_counter()) - began < job["seconds"]:
        while due <= now:
            sessions[beats % len(sessions)].channel.write(beat)
            beats += 1
            due += pause
        loop.turn(min(0.01, pause))
    cpu = meter.cpu() - cpu
    alive = sum(session.channel.is_open for session in sessions)
    return {
        "sessions": alive,
        "lost": len(job["tokens"]) - alive,
        "rss_bytes_per_session": held / len(sessions),
        "messages": beats,
        "server_cpu": cpu,
    }


def login(job: Job, meter: Meter) -> Figures:
    """Log everybody in, and out by closing. The second time, the devices were here before."""
    loop, cpu, began = Loop(), meter.cpu(), perf_counter()
    sessions = log_in_all(loop, job)
    seconds, cpu = perf_counter() - began, meter.cpu() - cpu
    for session in sessions:
        session.channel.close()
    return {
        "messages": len(sessions),
        "lost": len(job["tokens"]) - len(sessions),
        "seconds": seconds,
        "server_cpu": cpu,
    }


def offline(job: Job, meter: Meter) -> Figures:
    """One half of the users writes to the other half, who are away; then those come and pull."""
    loop, users = Loop(), list(job["tokens"].items())
    sessions = {each.user: each for each in log_in_all(loop, {**job, "tokens": dict(users[::2])})}
    away = dict(users[1::2])
    senders = [
        ChatSender(loop, sessions[user], peer) for (user, _), peer in zip(users[::2], away, strict=True)
    ]
    each = job["messages"] // len(senders)
    cpu, began = meter.cpu(), perf_counter()
    is_stored = _store(loop, senders, each)
    store_cpu, store_seconds = meter.cpu() - cpu, perf_counter() - began
    cpu, began = meter.cpu(), perf_counter()
    comers = {each.user: each for each in log_in_all(loop, {**job, "tokens": away})}
    verdicts = [_pull(sender, comers[peer]) for sender, peer in zip(senders, away, strict=True)]
    loop.turn(0.1)
    found = faults(verdicts)
    return {
        "messages": each * len(senders),
        **found,
        "lost": found["lost"] + (not is_stored),
        "store_cpu": store_cpu,
        "store_seconds": store_seconds,
        "server_cpu": meter.cpu() - cpu,
        "seconds": perf_counter() - began,
    }


def _store(loop: Loop, senders: Sequence[ChatSender], each: int) -> bool:
    def top_up() -> bool:
        for sender in senders:
            flow = sender.flow
            while len(flow.sent_at) < each and len(flow.sent_at) - flow.acked < IN_FLIGHT:
                sender.send(loop.now)
        return all(sender.flow.acked == each for sender in senders)

    return loop.run_until(top_up, LOGIN_SECONDS)


def _pull(sender: ChatSender, comer: LoadSession) -> tuple[int, int, int]:
    entries = comer.entries(sender.conversation)
    if entries:
        comer.channel.write(hot.deliver_ack(sender.conversation, entries[-1].seq))
    ids = [entry.client_msg_id for entry in entries]
    return compare(sender.ids, sender.flow.acked, ids, ids)
