"""The image of the daemon, and what stands around it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from presence.options import Options
from tests.canary import secret
from tests.etc.files import ETC, read


def stages() -> list[str]:
    """Return the stages of the image, with lines that go on joined and without comments."""
    text = re.sub(r"(?m)^#.*\n", "", read("docker/Dockerfile")).replace("\\\n", "")
    return text.split("FROM ")[1:]


def words(stage: str, instruction: str) -> list[str]:
    """Return the words of an instruction that has them as a list."""
    (found,) = re.findall(rf"(?m)^{instruction}\b.*?(\[.*\])$", stage)
    told: list[str] = json.loads(found)
    return told


class ImageTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Look at the stage that becomes the image."""
        self.build, self.image = stages()

    def test_nobody(self) -> None:
        """It runs as a user who is nobody."""
        self.assertEqual(re.findall(r"(?m)^USER (.*)$", self.image), ["10001:10001"])

    def test_no_tools(self) -> None:
        """Nothing is installed in it; what is needed comes from the stage before."""
        self.assertNotIn("RUN ", self.image)
        self.assertIn("COPY --from=build /opt/presence /opt/presence", self.image)
        self.assertIn("--without-pip", self.build)

    def test_python(self) -> None:
        """Both stages have the same Python, so that what one installs works in the other."""
        first, last = (stage.split()[0] for stage in stages())
        self.assertEqual(first, last)

    def test_command(self) -> None:
        """The daemon understands its options, and listens for others than the container."""
        self.assertEqual(words(self.image, "ENTRYPOINT"), ["twistd", "-n", "--pidfile=", "presence"])
        options = Options()
        options.parseOptions(["--api-url", "https://api.example.com", *words(self.image, "CMD")])
        self.assertEqual(list(options.endpoints), ["tcp:8080:backlog=4096"])

    def test_health(self) -> None:
        """Its health is asked where the daemon tells it by default."""
        asked = ["presencectl", "health", "http://127.0.0.1:8081/"]
        self.assertEqual(words(self.image, "HEALTHCHECK"), asked)

    def test_context(self) -> None:
        """What is installed goes into the build, and all of that is there."""
        lines = read("docker/Dockerfile.dockerignore").splitlines()
        taken = {line.removeprefix("!") for line in lines if line.startswith("!")}
        self.assertLessEqual({"presence", "twisted", "setup.py", "pyproject.toml", "README.rst"}, taken)
        self.assertEqual({name for name in taken if not (ETC.parent / name).exists()}, set())


class ComposeTests(SynchronousTestCase):
    def setUp(self) -> None:
        """Read the file."""
        services: dict[str, Any] = msgspec.yaml.decode(read("docker/compose.yml"))["services"]
        self.nginx, self.daemon = services["nginx"], services["presence"]

    def test_files(self) -> None:
        """The files that are mounted and built from are there."""
        mounted = [volume.split(":")[0] for volume in self.nginx["volumes"]]
        built = [self.daemon["build"]["context"] + "/" + self.daemon["build"]["dockerfile"]]
        for name in [*mounted, *built]:
            self.assertTrue(name.startswith("/etc/") or (ETC / "docker" / name).is_file(), name)

    def test_command(self) -> None:
        """The daemon understands its options, and listens where nginx looks for it."""
        key = Path(self.mktemp())
        key.write_text(secret("ops-key"))
        key.chmod(0o600)
        words = [
            re.sub("^--ops-key-file=.*", f"--ops-key-file={key}", word) for word in self.daemon["command"]
        ]
        options = Options({})
        options.parseOptions(words)
        self.assertEqual(list(options.endpoints), ["tcp:8080:interface=127.0.0.1:backlog=4096"])
        self.assertIn("server 127.0.0.1:8080;", read("nginx/presence.conf"))
        self.assertEqual(self.daemon["network_mode"], "service:nginx")

    def test_confined(self) -> None:
        """The daemon may do nothing to its machine, and has its time to stop."""
        confined = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
        self.assertEqual({name: self.daemon[name] for name in confined}, confined)
        self.assertEqual(self.daemon["stop_grace_period"], "30s")
