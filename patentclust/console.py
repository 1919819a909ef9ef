"""Everything the user sees in a terminal or a notebook: progress, summaries, tables, errors.

Progress and errors go to stderr, results to stdout. Text from patents and errors is never read as markup.
"""

from __future__ import annotations

import csv as csv_module
import io
import json
import sys
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Task as RichTask
from rich.table import Column, Table
from rich.text import Text

from patentclust.errors import ConfigError, PatentclustError
from patentclust.pasting import pasteable
from patentclust.progress import Quiet, Task
from patentclust.schemas import counted
from patentclust.stages import Outcome, StageState

if TYPE_CHECKING:
    from patentclust.stages.assign import Assigned
    from patentclust.stages.cost import Cost
    from patentclust.stages.diff import Difference
    from patentclust.stages.explain import Explanation
    from patentclust.stages.search import Found
    from patentclust.stages.similar import Likeness
    from patentclust.stages.sweep import Size

# Facts that count units, and how each is said of them.
_UNIT_FACTS = {
    "units": "{units}",
    "noise": "{units} as noise",
    "noise_before": "{units} as noise before outliers were let in",
    "left_out": "{units} left out",
    "without_text": "{units} without text",
}
# What other facts count; they are in the plural, and said in the singular of one.
_NOUNS = {"cluster", "document", "duplicate", "edge", "failure", "file", "node", "request", "shard", "token", "vector"}
_SNIPPET_CHARS = 240
_SHOWN_DOCUMENTS = 10

_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def human_bytes(n_bytes: float) -> str:
    """Return a size as a person writes it, e.g. `46.2 MB`."""
    size = float(n_bytes)
    for unit in _BYTE_UNITS:
        if size < 1000 or unit == _BYTE_UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable")


class _CountColumn(ProgressColumn):
    """Show the count and the rate in the bar's own unit."""

    def render(self, task: RichTask) -> Text:
        unit = task.fields["unit"]
        if unit == "characters":  # they stand for work; the note counts what a person counts
            return Text(f"{task.percentage:.0f} %")
        if unit == "bytes":
            rate = f", {human_bytes(task.speed)}/s" if task.speed else ""
            share = f" of {human_bytes(task.total)}" if task.total else ""
            return Text(f"{task.percentage:.0f} %{share}{rate}" if share else human_bytes(task.completed) + rate)
        total = f"/{task.total:,.0f}" if task.total else ""
        rate = f", {task.speed:,.0f}/s" if task.speed and task.speed >= 1 else ""
        return Text(f"{task.completed:,.0f}{total} {unit}{rate}")


class _Bar:
    def __init__(self, progress: Progress, task_id: Any) -> None:
        self._progress, self._task_id = progress, task_id

    def advance(self, amount: float = 1, *, note: str | None = None) -> None:
        """Move the bar."""
        if note is not None:
            self._progress.update(self._task_id, note=escape(note))
        self._progress.update(self._task_id, advance=amount)


class Live:
    """Draw progress with rich, in a terminal or in Jupyter."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)

    @contextmanager
    def task(self, label: str, *, total: float | None, unit: str) -> Iterator[Task]:
        """Open a bar that goes away when its work is done."""
        columns = (
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            # The bar gives way where the terminal is narrow: a wrapped line cannot be read.
            BarColumn(bar_width=None, table_column=Column(max_width=24)),
            _CountColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[note]}", table_column=Column(no_wrap=True)),
            TextColumn("ETA"),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
        )
        bare = not (self._console.is_terminal or self._console.is_jupyter)
        with Progress(*columns, console=self._console, transient=True, disable=bare) as progress:
            yield _Bar(progress, progress.add_task(escape(label), total=total, unit=unit, note=""))

    def note(self, message: str) -> None:
        """Print one line."""
        self._console.print(Text(pasteable(message)), style="dim", soft_wrap=True)


def progress(*, quiet: bool = False) -> Live | Quiet:
    """Return progress fit for where we are: bars in a terminal or a notebook, only the lines that stay elsewhere."""
    return Quiet() if quiet else Live()


def show_outcome(outcome: Outcome) -> None:
    """Print one stage's summary line and its warnings."""
    console = Console(stderr=True, highlight=False)
    done = "is current" if outcome.current else "done"
    line = Text.assemble((f"{outcome.stage:<8}", "bold"), f"{done:<11}", _facts(outcome.facts, outcome.unit))
    console.print(line, soft_wrap=True)
    for warning in outcome.warnings:
        console.print(Text.assemble(("  note: ", "yellow"), pasteable(warning)), soft_wrap=True)


def _facts(facts: Mapping[str, Any], unit: str) -> str:
    return ", ".join(_fact(name, value, unit) for name, value in facts.items())


def _fact(name: str, value: Any, unit: str) -> str:
    if name in _UNIT_FACTS:
        return _UNIT_FACTS[name].format(units=counted(value, unit))
    head, *rest = name.replace("_", " ").split()
    if head.removesuffix("s") in _NOUNS:
        return " ".join([counted(value, head.removesuffix("s")), *rest])
    return " ".join(["no" if value is None else _figure(value), head, *rest])


def _figure(value: Any) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def outcome_dict(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as plain data."""
    return {
        "stage": outcome.stage,
        "current": outcome.current,
        "unit": outcome.unit,
        "facts": dict(outcome.facts),
        "warnings": list(outcome.warnings),
        "outputs": [str(path) for path in outcome.outputs],
    }


def show_status(states: Sequence[StageState]) -> None:
    """Print the table of a workspace's stages."""
    colours = {"current": "green", "stale": "yellow", "damaged": "red", "missing": "dim"}
    rows = [
        [
            state.stage,
            Text(state.state, style=colours[state.state]),
            f"{state.n_rows:,}" if state.n_rows else "",
            human_bytes(state.n_bytes) if state.n_bytes else "",
            state.fingerprint[:12],
            pasteable(state.detail),
        ]
        for state in states
    ]
    show_table(["stage", "state", "rows", "size", "fingerprint", "why"], rows, numeric={"rows", "size"})


def show_cost(cost: Cost, *, as_json: bool) -> None:
    """Print what a run would cost, to stdout."""
    from patentclust.stages.cost import sentences

    if as_json:
        print_json(asdict(cost))
        return
    for line in sentences(cost):
        print_line(line)


def show_matrix(names: Sequence[str], matrix: Any, *, csv: bool, as_json: bool) -> None:
    """Print how alike terms are: a table, CSV, or JSON."""
    rows = [[f"{value:.3f}" for value in row] for row in matrix]
    if as_json:
        print_json({"terms": list(names), "similarity": [[float(value) for value in row] for row in rows]})
    elif csv:
        table = io.StringIO()
        writer = csv_module.writer(table, lineterminator="\n")
        writer.writerow(["term", *names])
        writer.writerows([name, *row] for name, row in zip(names, rows, strict=True))
        print_line(table.getvalue(), end="")
    else:
        cells = [
            [Text(name, style="bold"), *(Text(value, style=_shade(float(value))) for value in row)]
            for name, row in zip(names, rows, strict=True)
        ]
        show_table(["term", *names], cells, numeric=set(names))


def _shade(cosine: float) -> str:
    return "bold green" if cosine >= 0.7 else "" if cosine >= 0.4 else "dim"


def show_checks(results: Sequence[Any]) -> None:
    """Print a model's checks with pass or fail."""
    verdicts = {True: Text("pass", style="green"), False: Text("FAIL", style="bold red"), None: Text("–", style="dim")}
    show_table(["check", "result", "detail"], [[r.name, verdicts[r.passed], r.detail] for r in results])


def show_scores(lines: Sequence[Any]) -> None:
    """Print a scorecard, each figure with how to read it; a figure met again is not explained again."""
    from patentclust.scores import SCORES

    explained: set[str] = set()
    rows = []
    for line in lines:
        score = SCORES[line.score]
        rows.append(
            [
                score.name,
                line.against,
                _score(line.value, score.form),
                "" if line.score in explained else score.sentence,
            ]
        )
        explained.add(line.score)
    show_table(["score", "against", "value", "how to read it"], rows, numeric={"value"})


def _score(value: float | int | None, form: str) -> str:
    return f"{value:.1%}" if form == "share" and value is not None else _figure(value)


def show_explanation(found: Explanation) -> None:
    """Print why one unit is where it is."""
    facts = [
        ("document", found.doc_id),
        ("title", found.title),
        ("cluster", found.cluster),
        ("probability", _figure(found.probability)),
        ("silhouette", _figure(found.silhouette)),
        ("cosine to its centre", _figure(found.similarity)),
        ("runner-up", found.runner_up or "none"),
        ("margin", _figure(found.margin)),
        ("shared terms", ", ".join(found.terms) or "none"),
        ("classes", ", ".join(f"{name} ({share:.0%} of the cluster)" for name, share in found.classes.items())),
    ]
    show_table(["fact", "value"], facts)
    for name, units in (("exemplar", found.exemplars), ("nearest", found.nearest)):
        print_line("")
        rows = [[unit.doc_id, f"{unit.similarity:.3f}", unit.cluster, unit.title] for unit in units]
        show_table([name, "cosine", "cluster", "title"], rows, numeric={"cosine"})


def show_assigned(rows: Sequence[Assigned]) -> None:
    """Print where new documents fall."""
    cells = [
        [row.doc_id, row.cluster, f"{row.probability:.2f}", row.runner_up, row.nearest[0][0], row.title] for row in rows
    ]
    show_table(["document", "cluster", "probability", "runner-up", "nearest", "title"], cells, numeric={"probability"})
    if n_known := sum(row.known for row in rows):
        note(f"{counted(n_known, 'document')} on the map already, shown where the map has them")


def show_likeness(found: Sequence[Likeness]) -> None:
    """Print where each document falls, and what is near; of a file of very many, the first of them."""
    for likeness in found[:_SHOWN_DOCUMENTS]:
        place = likeness.place
        where = f"{place.cluster} ({place.probability:.2f})" if place.probability else place.cluster
        facts = [where, f"runner-up: {place.runner_up or 'none'}", f"at {place.x:.2f}, {place.y:.2f}"]
        facts += [f"shares {', '.join(place.terms)}"] if place.terms else []
        note(f"{f'{likeness.doc_id} {likeness.title}'.strip()}: {'; '.join(facts)}")
        asked = [likeness.doc_id] if len(found) > 1 else []
        rows = []
        for hit in likeness.hits:
            names = "; ".join(hit.assignees)
            rows.append([*asked, hit.doc_id, f"{hit.similarity:.3f}", hit.year or "", hit.cluster, names, hit.title])
        if not rows:
            note("nothing near: no document of the map is what the filters ask for")
            continue
        headers = ["document", "cosine", "year", "cluster", "assignee", "title"]
        show_table(["asked", *headers] if asked else headers, rows, numeric={"cosine"})
    if len(found) > _SHOWN_DOCUMENTS:
        note(f"and {counted(len(found) - _SHOWN_DOCUMENTS, 'document')} more: --csv FILE or --json tells of all")


def show_found(found: Sequence[Found]) -> None:
    """Print what a search found, each with the passage that speaks for it."""
    rows = []
    for hit in found:
        text = f"{hit.title}: {_short(hit)}"
        rows.append([hit.doc_id, f"{hit.similarity:.3f}", hit.year or "", "; ".join(hit.assignees), text])
    if not rows:
        print_line("nothing found: no document that the filters leave has a passage like this")
        return
    show_table(["document", "cosine", "year", "assignee", "title: passage"], rows, numeric={"cosine"})


def _short(hit: Found) -> str:
    text = " ".join(hit.snippet.split())
    return text if len(text) <= _SNIPPET_CHARS else f"{text[:_SNIPPET_CHARS]}…"


def show_difference(found: Difference) -> None:
    """Print what changed from one map to another."""
    note(
        f"{counted(found.n_common, 'unit')} on both, {found.n_came:,} came, {found.n_went:,} went;"
        f" noise {found.n_noise_before:,} before, {found.n_noise_after:,} after; ARI {found.ari:.3f}"
    )
    rows = [
        [change.kind, f"{change.n_common:,}", f"{'; '.join(change.before)} → {'; '.join(change.after)}"]
        for change in found.changes
    ]
    show_table(["change", "in common", "clusters"], rows, numeric={"in common"})


def show_sweep(rows: Sequence[Size]) -> None:
    """Print minimum sizes side by side; * marks the one that --min-size auto takes."""
    table = [[*map(_figure, list(asdict(row).values())[:-1]), "*" * row.chosen] for row in rows]
    names = [name.removesuffix("_cluster_size").removeprefix("n_").replace("_", " ") for name in asdict(rows[0])]
    show_table([*names[:-1], "auto"], table, numeric=set(names[:-1]))


def show_table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, numeric: Container[str] = ()) -> None:
    """Print a table to stdout: in columns on a terminal; into a file or a pipe a line a row, cells parted by tabs.

    Cells are text, never markup.
    """
    if not sys.stdout.isatty():
        for row in (headers, *rows):
            print_line("\t".join(" ".join(str(cell).split()) for cell in row))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, header in enumerate(headers):
        # Keys and figures stay whole; their headers, names and prose wrap where the terminal is narrow.
        table.add_column(
            Text(header),
            justify="right" if header in numeric else "left",
            no_wrap=index == 0,
            min_width=max((cell_len(str(row[index])) for row in rows), default=0) if header in numeric else None,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    Console(highlight=False).print(table)


def print_json(value: Any) -> None:
    """Print machine-readable JSON to stdout."""
    print_line(json.dumps(value, ensure_ascii=False, indent=2))


def print_line(text: str, *, end: str = "\n") -> None:
    """Print one result to stdout.

    Raises:
        ConfigError: it cannot be written; BrokenPipeError where whoever read it has left.
    """
    try:
        sys.stdout.write(text + end)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritten(error) from error


def unwritten(error: OSError) -> ConfigError:
    """Return why stdout cannot be written, as something the user can mend."""
    return ConfigError(f"stdout cannot be written: {error.strerror}", hint="send it where there is space")


def note(text: str) -> None:
    """Say something about a result, on stderr."""
    Console(stderr=True, highlight=False).print(Text(pasteable(text)), soft_wrap=True)


def show_error(error: PatentclustError) -> None:
    """Print what went wrong and what to do next."""
    console = Console(stderr=True, highlight=False)
    console.print(Text.assemble(("error: ", "bold red"), str(error)), soft_wrap=True)
    if error.hint:
        console.print(Text.assemble(("hint: ", "bold"), pasteable(error.hint)), soft_wrap=True)
