"""`patentclust serve` and `keys`: a workspace over HTTP, and who may ask it."""

from __future__ import annotations

from typing import Annotated

import typer

from patentclust.cli.flags import GpuLayers, Json, Model, Offline, Threads, Workspace, existing, opened
from patentclust.params import PAGE_LANGUAGES, Resources

keys_app = typer.Typer(help="Make, list and revoke keys to the server of a workspace.", no_args_is_help=True)
KeyName = Annotated[str, typer.Argument(help="A name to know the key by.")]


def serve(
    workspace: Workspace = None,
    model: Model = None,
    host: Annotated[str, typer.Option(help="Address to listen on; other than loopback demands keys.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8321,
    require_keys: Annotated[bool, typer.Option("--require-keys", help="Demand keys on loopback too.")] = False,
    cors: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Web page that may call from a browser. Repeatable.", show_default="none"),
    ] = None,
    lang: Annotated[
        str | None,
        typer.Option(
            help=f"Language of what the live page adds: {', '.join(PAGE_LANGUAGES)}.", show_default="the report's"
        ),
    ] = None,
    gpu_layers: GpuLayers = "auto",
    threads: Threads = None,
    offline: Offline = False,
) -> None:
    """Serve a workspace: its page, embeddings as OpenAI's clients ask for them, similar, explain, clusters."""
    from patentclust import console
    from patentclust import serve as server
    from patentclust.serve.settings import Settings

    settings = Settings(host=host, port=port, require_keys=require_keys, origins=tuple(cors or ()), lang=lang)
    resources = Resources(threads=threads, gpu_layers=gpu_layers, offline=offline)
    progress = console.progress(quiet=False)
    # For embeddings alone a model will do.
    folder = opened(workspace) if model else existing(workspace)
    server.run(folder, model, settings, resources=resources, progress=progress, on_ready=console.print_line)


@keys_app.command("add")
def keys_add(
    name: KeyName,
    scope: Annotated[
        list[str] | None, typer.Option(help="embed, search or admin. Repeatable.", show_default="embed, search")
    ] = None,
    workspace: Workspace = None,
) -> None:
    """Make a key and print it: it is shown once and kept nowhere."""
    from patentclust import console
    from patentclust.serve import keys

    console.print_line(keys.add(opened(workspace).keys, name, scope or ["embed", "search"]))


@keys_app.command("list")
def keys_list(workspace: Workspace = None, as_json: Json = False) -> None:
    """List keys by name, with what they open."""
    from patentclust import console
    from patentclust.serve import keys

    found = keys.listed(opened(workspace).keys)
    if as_json:
        console.print_json([{"name": key.name, "scopes": key.scopes, "created": key.created} for key in found])
        return
    console.show_table(["key", "scopes", "made"], [[key.name, ", ".join(key.scopes), key.created] for key in found])


@keys_app.command("revoke")
def keys_revoke(name: KeyName, workspace: Workspace = None) -> None:
    """Make a key worthless, at once, for a running server too."""
    from patentclust.serve import keys

    keys.revoke(opened(workspace).keys, name)
