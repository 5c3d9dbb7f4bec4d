"""How much of what was written to a connection its client has not confirmed."""

import asyncio
import fcntl
import socket
import struct
import termios


def untaken_bytes(transport: asyncio.Transport) -> int:
    """Bytes that the client has not confirmed: those that wait here, and on Linux those that wait in the kernel."""
    waiting = transport.get_write_buffer_size()
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is None:
        return waiting
    try:
        answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except (OSError, ValueError):  # it is closed already
        return waiting
    return waiting + int(struct.unpack("i", answer)[0])
