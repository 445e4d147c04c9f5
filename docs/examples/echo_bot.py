"""Answers every text with the same text, as user echo of the node that runs in this folder's var/."""

from im.client import Bot, Incoming

bot = Bot()


@bot.on_text
async def echo(incoming: Incoming) -> None:
    await incoming.reply(incoming.text)


if __name__ == "__main__":
    bot.run()
