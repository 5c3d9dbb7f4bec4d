"""What cannot be read, by its name."""

from app.imports.candidates import Unreadable


class UnreadableInput(Unreadable):
    """An input, or a file in it, that cannot be read, or not any further."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name, self.reason = name, reason

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"
