"""An interpreter that has imported the project already, so that its processes start in milliseconds.

    test --starts--> client (a script in the place of `python`) --arguments, descriptors--> server --forks--> program

The client stands for the program: it passes signals on, ends as the program ends, and takes the program with it when
it is killed. It understands what the project and `multiprocessing` start: `-c CODE` and `-m MODULE` with arguments.
The program is not a child of the client, has its own process id, and none of the client's limits of resources. A test
of memory, of limits, or of what a kill leaves behind therefore starts `tests.commands.PYTHON` instead.
"""

import fcntl
import gc
import importlib
import multiprocessing
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PYTHON = sys.executable
"""An interpreter of its own for each process."""
PRELOADED = (
    "app.cli.main",
    "app.database.migrations",
    "app.jobs.worker",
    "app.jobs.import_job",
    "app.jobs.release_job",
    "app.main",
    "app.server",
    "tests.toy.reader",
)

CLIENT = """#!{python} -IS
import _signal, _socket, os, sys

passed = []
for number in map(int, os.listdir("/proc/self/fd")):
    try:
        if os.get_inheritable(number):
            passed.append(number)
    except OSError:
        pass  # the folder that was just listed
connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
connection.connect({address!r})
for number in (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM):
    _signal.signal(number, lambda number, frame: connection.send(bytes([number])))
words = [os.getcwd(), ",".join(map(str, passed)), str(len(sys.argv)), *sys.argv]
variables = [name + b"=" + value for name, value in os.environb.items()]
message = b"\\0".join([*map(os.fsencode, words), *variables])
descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in passed)
rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)
connection.sendmsg([len(message).to_bytes(4, "big")], [rights])
connection.sendall(message)
for number in passed:
    os.close(number)
code = int(connection.recv(16) or -_signal.SIGKILL)
if code >= 0:
    os._exit(code)
if -code != _signal.SIGKILL:
    _signal.signal(-code, _signal.SIG_DFL)
os.kill(os.getpid(), -code)
"""


class Request(NamedTuple):
    """A program that a client wants to be run."""

    folder: str
    arguments: list[str]
    environment: dict[bytes, bytes]
    descriptors: dict[int, int]
    """From the number that the program knows to the number here."""

    def prepare(self) -> None:
        """Give this process what a new interpreter would have: descriptors, environment, folder and streams."""
        moved = {}
        for number, here in self.descriptors.items():
            moved[number] = fcntl.fcntl(here, fcntl.F_DUPFD, 1000)
            os.close(here)
        for number, here in moved.items():
            os.dup2(here, number)
            os.close(here)
        os.environb.clear()
        os.environb.update(self.environment)
        os.chdir(self.folder)
        sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115 - for good
        sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115 - for good
        customize(os.environ.get("PYTHONPATH", ""))

    def run(self) -> None:
        """Run the program in this process, as `python` runs it."""
        words = iter(self.arguments)
        for word in words:
            if word in ("-c", "-m"):
                program = next(words)
                sys.argv = ["-c", *words]
                run_code(program) if word == "-c" else run_module(program)


def customize(path: str) -> None:
    """Put folders on Python's path, and import what customizes interpreters there."""
    folders = path.split(os.pathsep) if path else []
    sys.path[1:1] = folders
    if any(Path(folder, "sitecustomize.py").exists() for folder in folders):
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")


def run_code(code: str) -> None:
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    exec(compile(code, "<string>", "exec"), module.__dict__)


def run_module(name: str) -> None:
    sys.modules.pop(name, None)
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def received(connection: socket.socket) -> Request:
    head, descriptors, _, _ = socket.recv_fds(connection, 4, 250)
    with connection.makefile("rb") as file:
        message = file.read(int.from_bytes(head, "big"))
    folder, numbers, count, *rest = message.split(b"\0")
    arguments, variables = rest[1 : int(count)], rest[int(count) :]
    return Request(
        os.fsdecode(folder),
        [os.fsdecode(argument) for argument in arguments],
        {name: value for name, _, value in (variable.partition(b"=") for variable in variables)},
        dict(zip(map(int, numbers.split(b",")), descriptors, strict=True)),
    )


def start_with(executable: str) -> None:
    """Start the processes of this one with an interpreter."""
    sys.executable = executable
    multiprocessing.set_executable(executable)


def preload() -> None:
    """Import what programs need."""
    for module in PRELOADED:
        importlib.import_module(module)
    gc.freeze()


class Server:
    """Forks programs until its standard input is closed."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ, self.fork)
        self.selector.register(0, selectors.EVENT_READ, sys.exit)
        self.running: dict[int, socket.socket] = {}
        """From the process id of a program to its client."""
        self.is_preloaded = False

    def serve(self) -> Request:
        """Return, in each forked process, what it has to run."""
        while True:
            for key, _ in self.selector.select():
                request: Request | None = key.data()
                if request:
                    return request

    def fork(self) -> Request | None:
        if not self.is_preloaded:
            preload()
            self.is_preloaded = True
        client, _ = self.listener.accept()
        request = received(client)
        pid = os.fork()
        if pid == 0:
            self.forget(client)
            return request
        for descriptor in request.descriptors.values():
            os.close(descriptor)
        process = os.pidfd_open(pid)
        self.running[pid] = client
        self.selector.register(process, selectors.EVENT_READ, partial(self.end, pid, process))
        self.selector.register(client, selectors.EVENT_READ, partial(self.signal, pid, client))
        return None

    def forget(self, client: socket.socket) -> None:
        """Close what a forked process must not hold, or clients would not see the end of their programs."""
        for key in list(self.selector.get_map().values()):
            if isinstance(key.fileobj, int):
                os.close(key.fd)
        self.selector.close()
        for other in (self.listener, client, *self.running.values()):
            other.close()

    def signal(self, pid: int, client: socket.socket) -> None:
        """Pass on the signals of a client. A client that is gone was killed."""
        numbers = client.recv(16)
        if not numbers:
            self.selector.unregister(client)
        for number in numbers or (signal.SIGKILL,):
            os.kill(pid, number)

    def end(self, pid: int, process: int) -> None:
        """Let the client of a program that has ended end as it did."""
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.selector.unregister(process)
        os.close(process)
        with self.running.pop(pid) as client, suppress(ConnectionError, KeyError):
            self.selector.unregister(client)
            client.sendall(str(code).encode())


@contextmanager
def interpreter() -> Iterator[str]:
    """The path of the interpreter, for as long as its server runs."""
    with TemporaryDirectory(prefix="tests-", dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as listener:
        path, address = Path(folder, "python"), Path(folder, "socket")
        path.write_text(CLIENT.format(python=PYTHON, address=str(address)))
        path.chmod(0o700)
        listener.bind(str(address))
        listener.listen(100)
        number = listener.fileno()
        command = [PYTHON, "-m", "tests.interpreter", str(number), str(path)]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, pass_fds=[number], start_new_session=True
        ) as server:
            listener.close()  # so that no client waits for a server that has ended
            yield str(path)
            server.kill()


def main() -> None:
    start_with(sys.argv[2])
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        request = Server(listener).serve()
    request.prepare()
    request.run()


if __name__ == "__main__":
    main()
