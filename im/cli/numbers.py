"""Numbers of a command line, as far as the wire carries them; argparse makes a sentence of what is wrong."""

import argparse
import math


def positive(text: str) -> float:
    """A finite number above 0."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def count(text: str) -> int:
    """A whole number above 0."""
    return _whole(text, 1, 2**32 - 1)


def place(text: str) -> int:
    """The number of an entry in its conversation."""
    return _whole(text, 1, 2**63 - 1)


def seconds(text: str) -> int:
    """A whole number of seconds, 0 included."""
    return _whole(text, 0, 2**32 - 1)


def _whole(text: str, least: int, most: int) -> int:
    number = int(text)
    if number < least:
        raise argparse.ArgumentTypeError(f"{text} is not above {least - 1}")
    if number > most:
        raise argparse.ArgumentTypeError(f"{text} is above {most}")
    return number


# argparse says "invalid NAME value" with the name of the function.
positive.__name__ = "number"
count.__name__ = place.__name__ = seconds.__name__ = "whole number"
