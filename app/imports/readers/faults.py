"""The error for an input that cannot be read."""

from app.imports.candidates import Unreadable


class UnreadableInput(Unreadable):
    """An input, or a file in it, cannot be read, either as a whole or from some point on."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"
