"""The walls of the house: who may import whom, and which codes nobody raises yet."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import presence
from presence.wire.closing import CloseCode
from presence.wire.errors import ErrorCode

ROOT = Path(presence.__file__).parent

ROOMS = (
    "tap",
    "reloading",
    "options",
    "demo",
    "ops",
    "service",
    "websocket",
    "session",
    "backend",
    "requests",
    "relay",
    "broadcast",
    "readers",
    "settling",
    "admission",
    "roster",
    "redis",
    "tokens",
    "wire",
    "interfaces",
    "host",
    "slices",
    "distribution",
    "deadlines",
    "ticker",
    "config",
    "logs",
)
"""The rooms of the daemon; a module imports from its own room and from those after it only."""

ALSO_MAY = {
    # Pure values that every implementation of the interfaces speaks of.
    "interfaces": {"presence.roster.history", "presence.roster.journal", "presence.wire"},
    # The simulated users of the demo are clients.
    "demo": {"presence.client"},
}
"""What a room may import beside that."""

PURE = {
    "session",
    "backend",
    "requests",
    "relay",
    "broadcast",
    "readers",
    "settling",
    "admission",
    "roster",
    "wire",
}
"""Rooms that know neither the reactor nor a network."""

APART = {
    "client": {"presence.client", "presence.wire", "presence.logs"},
    "ctl": {"presence.ctl", "presence.client", "presence.wire", "presence.logs"},
    # The public fakes stand around what is pure; nothing of the daemon imports them.
    "testing": {
        "presence.config",
        "presence.interfaces",
        "presence.deadlines",
        "presence.ticker",
        *(f"presence.{room}" for room in PURE),
    },
}
"""What rooms that are no part of the daemon may import."""

DOORS = {
    "presence.ctl.genconfig": {"presence.options"},
    "presence.ctl.checkconfig": {"presence.options"},
}
"""What single modules may import beside what their room may: these two are about the daemon's options."""

IMPURE = {"twisted.internet.reactor", "autobahn", "treq"}


def modules() -> dict[str, Path]:
    """Return the modules of presence, by their dotted names."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted names that a module imports, inside of its functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, places: set[str]) -> bool:
    """Return whether a dotted name is one of some packages or inside of one."""
    return any(f"{name}.".startswith(f"{place}.") for place in places)


def room_of(name: str) -> str:
    """Return the room of a module of presence; empty for the package itself."""
    return [*name.split("."), ""][1]


def open_to(module: str) -> set[str]:
    """Return what a module may import of presence."""
    room = room_of(module)
    if room in APART:
        return APART[room] | DOORS.get(module, set())
    below = {f"presence.{name}" for name in ROOMS[ROOMS.index(room) :]}
    return below | ALSO_MAY.get(room, set())


class DependencyTests(SynchronousTestCase):
    def test_every_module_stands_in_a_room(self) -> None:
        """A new folder or file at the top of the package has its place in the order."""
        rooms = {room_of(name) for name in modules()} - {""}
        self.assertEqual(rooms - {*ROOMS, *APART}, set())

    def test_dependencies_point_down(self) -> None:
        """A module imports from its own room and from those below it only."""
        climbing = [
            f"{name} imports {target}"
            for name, path in modules().items()
            for target in imports(path)
            if within(target, {"presence"}) and target != "presence.__version__"
            if not room_of(name) or not within(target, open_to(name))
        ]
        self.assertEqual(climbing, [])

    def test_pure_rooms(self) -> None:
        """What decides imports no reactor, no Autobahn and no treq."""
        found = [
            f"{name} imports {target}"
            for name, path in modules().items()
            if room_of(name) in PURE
            for target in imports(path)
            if within(target, IMPURE)
        ]
        self.assertEqual(found, [])

    def test_light_commands(self) -> None:
        """The commands of presencectl do not load the daemon, but for those that are about its options."""
        program = "import sys, presence.ctl; print([name for name in sys.argv[1:] if name in sys.modules])"
        daemon = ["presence.config", "presence.host", *(f"presence.{room}" for room in ROOMS[:3])]
        run = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", program, *daemon], capture_output=True, text=True, check=False
        )
        self.assertEqual((run.stdout, run.stderr), ("[]\n", ""))

    def test_no_reactor_at_import(self) -> None:
        """Importing the whole package installs no reactor."""
        program = (
            "import importlib, sys\n"
            "for name in sys.argv[1:]: importlib.import_module(name)\n"
            "print('twisted.internet.reactor' in sys.modules)"
        )
        names = [name for name in modules() if not name.endswith(".__main__")]
        run = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", program, *names], capture_output=True, text=True, check=False
        )
        self.assertEqual((run.stdout, run.stderr), ("False\n", ""))


class CodesInUseTests(SynchronousTestCase):
    def unused(self, kind: type[ErrorCode | CloseCode]) -> set[str]:
        """Return the members of a table of codes that nothing outside of the wire mentions."""
        named = {
            node.attr
            for name, path in modules().items()
            if room_of(name) not in {"wire", "client", "ctl", "testing"}
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute)
            if isinstance(node.value, ast.Name)
            if node.value.id == kind.__name__
        }
        return set(kind.__members__) - named

    def test_errors(self) -> None:
        """Every error is raised somewhere, but for those whose cause this release does not have."""
        judged_by_the_decoder = {"BAD_JSON", "BAD_MESSAGE", "UNKNOWN_TYPE"}
        not_yet = {"UNAVAILABLE", "DRAINING"}
        self.assertEqual(self.unused(ErrorCode) - judged_by_the_decoder, not_yet)

    def test_close_codes(self) -> None:
        """Every close code is sent somewhere."""
        self.assertEqual(self.unused(CloseCode), {"INVALID_PAYLOAD"})  # by the framing layer
