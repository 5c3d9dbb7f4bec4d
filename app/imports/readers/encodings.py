"""The names of text encodings that a person may give for a file that does not say its own."""


def is_text_encoding(name: str) -> bool:
    """Whether Python knows a text encoding of this name."""
    try:
        return "a".encode(name).decode(name) == "a"
    except (LookupError, UnicodeError, TypeError):
        return False
