"""Records votes and tells the conversation."""

from collections import Counter

from im.handler import HandlerContext, MessageHandler
from im_vote.vote_pb2 import Vote, Votes


class VoteHandler(MessageHandler):
    """One vote a user and poll; the last one counts."""

    type = 10_001
    body = Vote
    bodies = {10_002: Votes}
    needs_conversation = True

    async def handle(self, context: HandlerContext, vote: Vote) -> None:
        poll = f"{context.conversation}/{vote.poll}"
        votes = Votes.FromString(await context.store.get(poll) or b"")
        votes.choices[context.user] = vote.choice
        context.store.set(poll, votes.SerializeToString(deterministic=True))
        counts = sorted(Counter(votes.choices.values()).items())
        context.post(f"{vote.poll}: " + ", ".join(f"{choice} {count}" for choice, count in counts))
        context.reply(votes)
