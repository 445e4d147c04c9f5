"""Business 2: what is written to somebody who is away is there when they come back, in order."""

from here import Stage, expect, play, somebody


async def step(stage: Stage) -> None:
    name = somebody("bob")
    alice = stage.client(somebody("alice"))
    for number in range(1, 6):
        await alice.send_to(name, f"number {number}")
    print("alice wrote five messages; bob was never here")
    bob = stage.client(name)
    heard: list[str] = []
    bob.on_message(lambda message: heard.append(message.text))
    wanted = [f"number {number}" for number in range(1, 6)]
    await stage.until(lambda: heard == wanted, "bob comes, and hears all five in order")
    expect(await bob.unread() == 5, "they are unread until he has read them")


play(step)
