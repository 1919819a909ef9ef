from __future__ import annotations

from pathlib import Path

import pytest

from patentclust.errors import ConfigError
from patentclust.params import (
    ClusterParams,
    EmbedParams,
    IngestParams,
    ReportParams,
    Resources,
    dump_params,
    load_params_file,
    resolve,
)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: EmbedParams(text="everything"), "text is 'everything'"),
        (lambda: EmbedParams(long="fold"), "long is"),
        (lambda: EmbedParams(dim=0), "dim is 0"),
        (lambda: EmbedParams(max_tokens=3), "max-tokens is 3"),
        (lambda: EmbedParams(task="../x"), "task is"),
        (lambda: ClusterParams(min_cluster_size=1), "min-size is 1"),
        (lambda: ClusterParams(selection="best"), "selection is"),
        (lambda: ClusterParams(min_dist=3), "min-dist is 3"),
        (lambda: ClusterParams(seed=-1), "seed is -1"),
        (lambda: Resources(gpu_layers="some"), "gpu-layers is"),
        (lambda: Resources(threads=0), "threads is 0"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(make: object, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        make()
    assert caught.value.hint


def test_flags_win_over_the_file_and_the_file_over_defaults() -> None:
    chosen = resolve(ClusterParams(), {"min_cluster_size": 5, "seed": 7}, {"seed": 9, "selection": None})
    assert (chosen.min_cluster_size, chosen.seed, chosen.selection) == (5, 9, "eom")


def test_parameters_survive_being_written_and_read(tmp_path: Path) -> None:
    stages = {
        "ingest": IngestParams(mapping=(("title", 'Title "en"\\x'), ("abstract", "摘要"))),
        "embed": EmbedParams(model="minilm", dim=64),
        "cluster": ClusterParams(min_dist=0.25),
        "report": ReportParams(title="A\tmap\x7f"),
    }
    path = tmp_path / "params.toml"
    path.write_text(dump_params(stages), encoding="utf-8")
    tables = load_params_file(path)
    assert {name: resolve(type(stages[name])(), tables[name], {}) for name in stages} == {
        **stages,
        "ingest": IngestParams(mapping=tuple(sorted(stages["ingest"].mapping))),
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[clusters]\n", "unknown table"),
        ("[cluster]\nminsize = 3\n", "unknown key 'minsize'"),
        ("cluster = 3\n", "not a table"),
        ("[cluster\n", "cannot read"),
    ],
)
def test_a_wrong_params_file_is_told(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        load_params_file(path)


@pytest.mark.parametrize("value", ['"ten"', "[1]", "2.5", "true"])
def test_a_value_of_the_wrong_type_is_told(value: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(f"[cluster]\nmin_cluster_size = {value}\n")
    with pytest.raises(ConfigError, match="min_cluster_size"):
        resolve(ClusterParams(), load_params_file(path)["cluster"], {})


def test_a_missing_params_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        load_params_file(tmp_path / "none.toml")
