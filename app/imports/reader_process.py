"""Reading inputs item by item, in a process of its own beside the one that writes.

    reader process:  inputs -> streams -> found items -> messages of some items -> pipe
    this process:    pipe -> found items

If the writer falls behind, the reader uses the time to prebuild candidates (`app.imports.preparation`).
"""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Queue
from typing import NamedTuple

from app.common.gc_pause import collected_between
from app.imports.candidates import Found, Rejection, SourceItem, Unreadable
from app.imports.clients.registry import streams_at
from app.imports.name_index import Names
from app.imports.preparation import prebuild
from app.imports.readers.archives import Stream
from app.imports.readers.faults import UnreadableInput
from app.imports.readers.files import streams, streams_of
from app.imports.registry import FORMATS, Format, ReadSettings
from app.store.rows import batches

UNITS_PER_MESSAGE = 50
"""The number of items that are sent together."""
MOST_MESSAGES_AHEAD = 10
"""The number of unsent messages at which the reader waits for the writer."""
PREBUILD_FROM = 4
"""The number of unsent messages from which the reader prebuilds candidates, so that the writer need not."""
_END = pickle.dumps(None)


class Input(NamedTuple):
    """One input of an import."""

    where: str
    """A file, a folder or an address; `-` is standard input."""
    shown: str = ""
    """The name in the report, for a file whose path must not be shown."""
    is_followed: bool = False
    """Whether it is a page of a query whose other pages are inputs, too."""


class ReadRequest(NamedTuple):
    """What has to be read. It is small and can be sent to another process."""

    format: str
    inputs: tuple[Input, ...]
    names: Names
    since: str | None
    settings: ReadSettings


def _latest_day(date: str) -> str:
    """The last day that a partial date can mean, because a year is not before any day in it."""
    return date + "-12-31"[len(date) - 4 :]


def _is_wanted(format: Format, found: Found, since: str | None) -> bool:
    if since is None or format.updated is None or isinstance(found, Rejection):
        return True
    updated = format.updated(found)
    return updated is None or _latest_day(updated) >= since


def is_address(input: str) -> bool:
    """Whether an input is a web address rather than a path."""
    return input.startswith(("https://", "http://"))


def _streams(format: Format, input: Input, settings: ReadSettings) -> Iterator[Stream]:
    if is_address(input.where):
        yield from streams_at(input.where, format.suffixes, settings)
    elif input.shown:
        with Path(input.where).open("rb") as file:
            yield from streams_of(input.shown, file, format.suffixes)
    else:
        yield from streams(Path(input.where), format.suffixes)


def _read_input(format: Format, input: Input, request: ReadRequest) -> Iterator[Found]:
    """Yields what one input holds. A file that cannot be read becomes a rejection, and the next file is read."""
    try:
        for stream in _streams(format, input, request.settings):
            try:
                found = format.units(stream.file, stream.name, request.names, request.settings)
                yield from map(_without_more_pages, found) if input.is_followed else found
            except UnreadableInput as error:
                yield Rejection(error.name, "", error.reason)
            except Unreadable as error:
                yield Rejection(stream.name, "", str(error))
    except UnreadableInput as error:
        yield Rejection(error.name, "", error.reason)


def _without_more_pages(found: Found) -> Found:
    """The item without the warning that there are further pages."""
    if isinstance(found, Rejection):
        return found
    return found._replace(warnings=tuple(each for each in found.warnings if each.kind != "more-pages"))


def read_items(request: ReadRequest) -> Iterator[Found]:
    """Reads all inputs in this process.

    Items that were updated before `since` are passed over; items without a date are not.
    """
    format = FORMATS[request.format]
    for input in request.inputs:
        for found in _read_input(format, input, request):
            if _is_wanted(format, found, request.since):
                yield found


def _end_with_parent() -> None:
    """Ends this process when its parent has ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _read_and_send(pipe: Connection, request: ReadRequest) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    messages: Queue[bytes] = Queue(MOST_MESSAGES_AHEAD)
    sender_thread = threading.Thread(target=_send_messages, args=(pipe, messages), daemon=True)
    sender_thread.start()
    with collected_between() as collect:
        for chunk in batches(read_items(request), UNITS_PER_MESSAGE):
            if messages.qsize() >= PREBUILD_FROM:
                chunk = list(map(prebuild, chunk))  # noqa: PLW2901
            messages.put(pickle.dumps(chunk, pickle.HIGHEST_PROTOCOL))
            collect()
    messages.put(_END)
    sender_thread.join()


def _send_messages(pipe: Connection, messages: "Queue[bytes]") -> None:
    """Writes messages to the pipe in a thread, because a pipe holds less than one message and writing blocks."""
    last = b""
    while last is not _END:
        last = messages.get()
        pipe.send_bytes(last)


def read_in_process(request: ReadRequest) -> Generator[Found]:
    """Reads in a process of its own, a little ahead of the consumer.

    Standard input can only be read in this process.
    """
    if any(input.where == "-" for input in request.inputs):
        yield from read_items(request)
        return
    others = multiprocessing.get_context("spawn")
    receiver, sender = others.Pipe(duplex=False)
    process = others.Process(target=_read_and_send, args=(sender, request), daemon=True)
    process.start()
    sender.close()
    try:
        yield from _received(receiver)
    finally:
        receiver.close()
        process.terminate()
        process.join()


def _received(pipe: Connection) -> Iterator[Found]:
    try:
        while (chunk := pipe.recv()) is not None:
            yield from chunk
    except EOFError:
        raise Unreadable("the process that reads broke off") from None


def start_reading(found: Iterator[Found]) -> Iterator[Found]:
    """Waits for the first item, so that the reader process is known to have started and reads on meanwhile."""
    first = next(found, None)
    return chain(() if first is None else (first,), found)


def count_units(found: Iterator[Found], report: Callable[[int, int], None]) -> Iterator[Found]:
    """Passes items on and reports the numbers of items and rejections so far."""
    units = refused = 0
    for one in found:
        units, refused = units + isinstance(one, SourceItem), refused + isinstance(one, Rejection)
        report(units, refused)
        yield one
