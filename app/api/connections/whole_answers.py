"""A small response with a known body, as the bytes of one HTTP/1.1 message.

uvicorn inspects each header by itself and writes head and body separately. For a small response that costs more than
making it does.
"""

from collections.abc import Iterable, Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

Header = tuple[bytes, bytes]


def whole_answer(
    method: str, status: int, headers: Sequence[Header], of_server: Iterable[Header], body: bytes, *, keep_alive: bool
) -> bytes | None:
    """Return the whole message, or None if uvicorn must send it.

    That is so for a response with a `Connection` header, and for content whose `Content-Length` is absent or differs.
    Raise a `ValueError` if a header holds a line break.
    """
    named = dict(headers)
    has_content = method != "HEAD" and status != 304
    if b"connection" in named or (has_content and int(named.get(b"content-length", -1)) != len(body)):
        return None
    parts = [STATUS_LINE[status]]
    for name, value in (*headers, *of_server):
        parts += (name, b": ", value, b"\r\n")
    head = b"".join(parts)
    lines = len(parts) // 4 + 1
    if not head.count(b"\n") == head.count(b"\r") == lines:
        raise ValueError("a header holds a line break")
    end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
    return b"".join((head, end, body if has_content else b""))
