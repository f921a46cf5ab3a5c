"""A composer that has nothing to say, for tests of what goes on around the music."""

from device.messages import Phrase


class Rest:
    """A composer of silence."""

    trace = b"bars so far."

    def follow(self, phrase, trace=b""):
        self.followed, self.known = phrase, trace

    def compose(self, target, *, phrase_id, start_s, at_s, style):
        return Phrase(at_s=at_s, phrase_id=phrase_id, start_s=start_s, beats=16.0, notes=(), target=target,
                      style=style)


class SeededRest(Rest):
    """A composer of silence that remembers its session's seed, as the real one is made."""

    def __init__(self, seed):
        self.seed = seed
