"""Why an event was not handled. Nothing of the call is kept."""


class Retry(Exception):
    """Handle the event again, after so many milliseconds where given."""

    def __init__(self, after_ms: int | None = None):
        super().__init__(f"again in {after_ms} ms" if after_ms is not None else "again")
        self.after_ms = after_ms


class Refused(Exception):
    """Nothing is done and nothing is wrong; the text is logged."""


class Failed(Exception):
    """It cannot be handled: the event goes to the dead letters, a fault."""
