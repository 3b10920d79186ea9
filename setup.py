"""Package metadata; tool settings stand in ``pyproject.toml``."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
(VERSION,) = re.findall(r'^__version__ = "(.+)"$', (HERE / "presence/__init__.py").read_text(), re.MULTILINE)

setup(
    name="presence",
    version=VERSION,
    description="A WebSocket presence daemon on Twisted and Autobahn",
    long_description=(HERE / "README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    license="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Framework :: Twisted",
        "Intended Audience :: Developers",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Communications",
        "Typing :: Typed",
    ],
    # Without package_dir an editable install succeeds and twistd does not know
    # ``presence``: setuptools then maps only packages that have an __init__.py.
    package_dir={"": "."},
    packages=[*find_packages(include=["presence", "presence.*"]), "twisted.plugins"],
    package_data={"presence": ["py.typed"], "presence.demo": ["assets/*"], "presence.ops": ["page/*"]},
    install_requires=[
        # Older Autobahn counts compressed bytes against the message limit (GHSA-hxp9-w8x3-p566).
        "autobahn>=26.7.1",
        "attrs>=23.1",
        "Automat>=25.4.16",
        "cachetools>=5.3",
        "msgspec>=0.19",
        "prometheus-client>=0.20",
        # The first with the names of today for what is read of certificates and keys.
        "cryptography>=42",
        # The first that takes them.
        "pyOpenSSL>=24.3",
        "service-identity>=24.1",
        "treq>=24.9",
        "Twisted>=25.5",
    ],
    extras_require={
        "test": ["hypothesis>=6.100", "PyYAML>=6", "schemathesis>=4.4", "trustme>=1.2", "websockets>=13"],
        "dev": [
            "build",
            "cachetools>=8.0.1",  # has types of its own
            "coverage[toml]>=7.6",
            "mypy>=1.15",
            "mypy-zope>=1.0.9",
            "ruff>=0.9",
            "towncrier>=24.8",
        ],
        "docs": ["furo>=2024.8", "sphinx>=9"],
    },
    entry_points={"console_scripts": ["presencectl=presence.ctl:main"]},
    # twistd reads the plugin as a file.
    zip_safe=False,
)
