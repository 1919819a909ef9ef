"""What needs an extra says which one, and how to get it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

EXTRAS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]


@pytest.mark.parametrize(
    ("module", "foreign", "package", "extra"),
    [
        ("patentclust.integrations.langchain", "langchain_core", "langchain-core", "langchain"),
        ("patentclust.integrations.llama_index", "llama_index", "llama-index-core", "llama-index"),
    ],
)
def test_a_class_for_a_framework_that_is_not_there_names_its_extra(
    module: str, foreign: str, package: str, extra: str
) -> None:
    script = (
        f"import sys; sys.modules[{foreign!r}] = None\n"
        "from patentclust.errors import MissingExtraError\n"
        f"try: import {module}\n"
        "except MissingExtraError as error: print(error, error.hint, sep='\\n')\n"
    )
    said = subprocess.check_output([sys.executable, "-c", script], text=True)
    assert said.splitlines() == [
        f"{module} needs the package {package}",
        f'run: python -m pip install "patentclust[{extra}]"',
    ]
    assert any(requirement.startswith(package) for requirement in EXTRAS[extra])
