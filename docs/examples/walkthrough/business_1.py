"""Business 1: friends, and the greeting of who accepts."""

from here import Stage, expect, play, somebody


async def step(stage: Stage) -> None:
    alice, bob = (stage.client(somebody(name)) for name in ("alice", "bob"))
    await alice.heads()
    await bob.heads()
    await alice.ask_friend(bob.user, "it's me")
    requests = await bob.friend_requests()
    (request,) = requests.requests
    expect((request.text, requests.unseen) == ("it's me", 1), f"bob finds a request: {request.text}")
    relation = await bob.accept_friend(alice.user)
    expect(relation.relation == "friend", "bob accepts: they are friends")
    (head,) = await alice.heads()
    expect(head.unread == 1, "alice has one unread message")
    page = await alice.history(head.conversation)
    expect(page.messages[-1].text == "你好", f"bob's greeting: {page.messages[-1].text}")


play(step)
