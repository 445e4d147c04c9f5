"""Connection 3: two users on one node; one writes, the other has it at once."""

from here import Stage, expect, play, somebody


async def step(stage: Stage) -> None:
    alice, bob = (stage.client(somebody(name)) for name in ("alice", "bob"))
    heard: list[str] = []
    bob.on_message(lambda message: heard.append(message.text))
    await bob.heads()  # he is online now
    sent = await alice.send_to(bob.user, "hello")
    expect(sent.seq == 1, f"stored as number {sent.seq} of {sent.conversation}")
    await stage.until(lambda: heard == ["hello"], "bob hears: hello")


play(step)
