"""A finished map -> a running Milvus, over gRPC, which servers of all versions speak. The only door to pymilvus."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from patentclust.embedders import openai
from patentclust.errors import MissingExtraError, StoreError
from patentclust.exporters import Files
from patentclust.params import Resources
from patentclust.stages.pushing import KEY_VARIABLE, http_address

_SECONDS = 300
_CONNECT_SECONDS = 10


class MilvusStore:
    """A running Milvus; use it in a `with` block."""

    def __init__(self, url: str, resources: Resources) -> None:
        """Prepare to send; nothing is sent yet.

        Raises:
            ConfigError: the address is none, or --offline forbids it.
            MissingExtraError: pymilvus is not installed.
        """
        self._url = http_address(url, resources)
        self.shown = openai.shown(self._url)
        try:
            import pymilvus
        except ImportError as error:
            raise MissingExtraError(
                "--to milvus --url needs the package pymilvus", hint="run: python -m pip install pymilvus"
            ) from error
        # It prints the tracebacks of errors that it raises as well.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        self._pymilvus: Any = pymilvus
        self._client: Any = None

    def __enter__(self) -> MilvusStore:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def send(self, files: Files, name: str) -> int:
        """Make the collection where it is not there, fill it, and return the number of requests that filled it.

        Raises:
            StoreError: the server cannot be reached, or refuses; what was filled before is in the collection.
        """
        _, first = next(files)
        made = json.loads(b"".join(first))
        self._ask(partial(self._make, name, made))
        n_sent = 0
        for _, chunks in files:
            rows = json.loads(b"".join(chunks))["rows"]
            self._ask(partial(self._client.upsert, name, rows, timeout=_SECONDS))
            n_sent += 1
        return n_sent

    def _make(self, name: str, made: dict[str, Any]) -> None:
        if self._client is None:
            key = os.environ.get(KEY_VARIABLE, "")
            self._client = self._pymilvus.MilvusClient(self._url, token=key, timeout=_CONNECT_SECONDS)
        if self._client.has_collection(name):
            return
        kinds = {"VarChar": self._pymilvus.DataType.VARCHAR, "FloatVector": self._pymilvus.DataType.FLOAT_VECTOR}
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=made["schema"]["enableDynamicField"])
        for field in made["schema"]["fields"]:
            sizes = {key: int(value) for key, value in field["elementTypeParams"].items()}
            is_key = field.get("isPrimary", False)
            schema.add_field(field["fieldName"], kinds[field["dataType"]], is_primary=is_key, **sizes)
        indices = self._client.prepare_index_params()
        for index in made["indexParams"]:
            indices.add_index(index["fieldName"], index_type="AUTOINDEX", metric_type=index["metricType"])
        self._client.create_collection(name, schema=schema, index_params=indices)

    def _ask(self, act: Callable[[], Any]) -> None:
        # What is busy or out of reach for a moment pymilvus itself asks again.
        try:
            act()
        except self._pymilvus.MilvusException as error:
            raise StoreError(
                f"{self.shown} cannot be reached, or refuses: {' '.join(str(error).split())[:300]}",
                hint=f"check --url and --name; its key comes from {KEY_VARIABLE}. The same command goes on: units with"
                " the same id are replaced",
            ) from error
