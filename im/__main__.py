"""`python -m im …` is `twistd …`, from a checkout as well as installed."""

from twisted.scripts.twistd import run

if __name__ == "__main__":
    run()
