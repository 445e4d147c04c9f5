"""Answers every text with the same text. Set IM_CONNECT and IM_TOKEN, then: python echo_bot.py"""

from im.client import Bot, Incoming

bot = Bot()


@bot.on_text
async def echo(incoming: Incoming) -> None:
    await incoming.reply(incoming.text)


if __name__ == "__main__":
    bot.run()
