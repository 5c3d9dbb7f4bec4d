"""The number of bytes that were written to a connection and not yet acknowledged by its client."""

import asyncio
import fcntl
import socket
import struct
import termios


def untaken_bytes(transport: asyncio.Transport) -> int:
    """Return the bytes that wait in the transport's buffer and, on Linux, those unacknowledged in the kernel's."""
    waiting = transport.get_write_buffer_size()
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is None:
        return waiting
    try:
        answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except (OSError, ValueError):  # it is closed already
        return waiting
    return waiting + int(struct.unpack("i", answer)[0])
