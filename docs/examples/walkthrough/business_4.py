"""Business 4: unread is derived from what was read, and the same on all devices."""

from here import Stage, expect, play, somebody

from im.client import CursorMoved


async def step(stage: Stage) -> None:
    name = somebody("bob")
    alice, phone, desktop = stage.client(somebody("alice")), stage.client(name), stage.client(name)
    told: list[CursorMoved] = []
    desktop.on_cursor(told.append)
    await phone.heads()
    await desktop.heads()
    for number in range(1, 4):
        sent = await alice.send_to(name, f"number {number}")
    expect(await phone.unread() == 3, "bob has three unread messages")
    moved = await phone.read(sent.conversation, 2)
    expect(moved.unread == 1, "he reads up to the second on his phone: one is left")
    await stage.until(
        lambda: [each.unread for each in told if each.user == name][-1:] == [1], "his desktop is told at once"
    )
    expect((await phone.read(sent.conversation, 1)).unread == 1, "a cursor never goes back")
    await phone.send(sent.conversation, "got it", seen_seq=sent.seq)
    expect(await desktop.unread() == 0, "he answers having seen all: none is left, nor does his own count")


play(step)
