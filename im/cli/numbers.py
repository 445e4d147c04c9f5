"""Numbers of a command line. Each raises what argparse makes a sentence of."""

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
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def seconds(text: str) -> int:
    """A whole number of seconds, 0 included, as the wire can carry it."""
    number = int(text)
    if not 0 <= number < 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to {2**32 - 1}")
    return number


# argparse says "invalid NAME value" with the name of the function.
positive.__name__ = "number"
count.__name__ = seconds.__name__ = "whole number"
