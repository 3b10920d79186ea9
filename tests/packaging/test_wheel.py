"""A wheel, installed and run from another directory."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from presence import __version__

ROOT = Path(__file__).parents[2]
SHIPPED = ("presence", "twisted", "setup.py", "pyproject.toml", "MANIFEST.in", "README.rst", "LICENSE")


def run(*words: str | Path, directory: Path) -> str:
    """Run a program that knows nothing of the checkout, and return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    finished = subprocess.run(  # noqa: S603 - programs of our own environment
        words, cwd=directory, env=environment, stdout=subprocess.PIPE, check=True, text=True
    )
    return finished.stdout


def run_pip(*words: str | Path, directory: Path) -> None:
    """Run pip, with what it builds in an environment of its own."""
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", *words, "--quiet", directory=directory)


def copy_tree(directory: Path) -> Path:
    """Return a copy of what is shipped: setuptools leaves things behind, and finds them again."""
    tree = directory / "tree"
    tree.mkdir()
    for name in SHIPPED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tree / name)
    return tree


def make_environment(directory: Path) -> Path:
    """Make an environment that has all but presence."""
    environment = directory / "environment"
    venv.create(environment, symlinks=True)
    (site_packages,) = environment.glob("lib/*/site-packages")
    # What presence depends on comes from the environment that runs the tests, where
    # an editable install of presence stays out of sight: a path file is not followed twice.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return environment


@functools.cache
def installed() -> Path:
    """Build a wheel, install it, and return the environment: nothing but the wheel is new there."""
    directory = Path(tempfile.mkdtemp(dir=".")).absolute()
    run_pip("wheel", "--no-deps", "--wheel-dir", directory, copy_tree(directory), directory=directory)
    (wheel,) = directory.glob("*.whl")
    environment = make_environment(directory)
    python = environment / "bin" / "python"
    run_pip("--python", python, "install", "--no-deps", "--no-index", wheel, directory=directory)
    return environment


class EditableTests(SynchronousTestCase):
    def test_twistd(self) -> None:
        """After ``pip install -e`` the help of ``twistd``, run elsewhere, lists presence."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        python = make_environment(directory) / "bin" / "python"
        run_pip("--python", python, "install", "--no-deps", "-e", copy_tree(directory), directory=directory)
        told = run(python, Path(sysconfig.get_path("scripts"), "twistd"), "--help", directory=directory)
        self.assertRegex(told, r"(?m)^ +presence +WebSocket")


class InstalledWheelTests(SynchronousTestCase):
    def python(self, *words: str | Path) -> str:
        """Run the environment's Python elsewhere, and return what it printed."""
        elsewhere = Path(self.mktemp())
        elsewhere.mkdir()
        return run(installed() / "bin" / "python", *words, directory=elsewhere)

    def script(self, name: str) -> Path:
        """Return one of Twisted's programs."""
        return Path(sysconfig.get_path("scripts"), name)

    def test_comes_from_the_wheel(self) -> None:
        """What is run is the wheel, and not the checkout."""
        program = (
            "import presence, twisted.plugins.presence_plugin as p; print(presence.__file__, p.__file__)"
        )
        for path in self.python("-c", program).split():
            self.assertTrue(Path(path).is_relative_to(installed()), path)

    def test_twistd(self) -> None:
        """The help of ``twistd`` lists presence."""
        self.assertRegex(self.python(self.script("twistd"), "--help"), r"(?m)^ +presence +WebSocket")

    def test_twist(self) -> None:
        """The help of ``twist`` lists presence."""
        self.assertRegex(self.python(self.script("twist"), "--help"), r"(?m)^ +presence +WebSocket")

    def test_python_m_twisted(self) -> None:
        """The help of ``python -m twisted`` lists presence."""
        self.assertRegex(self.python("-m", "twisted", "--help"), r"(?m)^ +presence +WebSocket")

    def test_version(self) -> None:
        """``twistd presence --version`` tells the version of presence."""
        told = self.python(self.script("twistd"), "presence", "--version")
        self.assertEqual(told.split()[-1], __version__)

    def test_is_typed(self) -> None:
        """The marker that makes type checkers look at the package is installed."""
        (marker,) = installed().glob("lib/*/site-packages/presence/py.typed")
        self.assertTrue(marker.is_file())

    def test_assets(self) -> None:
        """Every file of the package is in the wheel."""
        (package,) = installed().glob("lib/*/site-packages/presence")
        shipped = {path.relative_to(ROOT / "presence") for path in (ROOT / "presence").rglob("*.*")}
        missing = {str(path) for path in shipped if not (package / path).exists()}
        self.assertEqual({path for path in missing if "__pycache__" not in path}, set())
