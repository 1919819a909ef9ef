"""What goes over the wire: requests as they are checked, answers as they are documented, errors in OpenAI's shape."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr
from pydantic.config import JsonDict

Tokens = list[StrictInt]
_EXAMPLE: JsonDict = {"model": "minilm", "input": ["A battery cell with a solid electrolyte."]}


class EmbeddingsRequest(BaseModel):
    """Texts to embed; fields that are not known are ignored, as OpenAI's clients send several."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    input: Annotated[
        StrictStr | list[StrictStr] | Tokens | list[Tokens],
        Field(description="A text, texts, or ids of the model's own vocabulary."),
    ]
    model: Annotated[str | None, Field(description="NAME or NAME:TASK of /v1/models; without it the served model.")] = (
        None
    )
    dimensions: Annotated[StrictInt | None, Field(ge=1, description="Matryoshka cut, where the model has one.")] = None
    encoding_format: Literal["float", "base64"] | None = "float"
    instruction: Annotated[
        str | None, Field(description="In place of the task's prompt: medical, legal, … or a sentence.")
    ] = None


class Embedding(BaseModel):
    """One vector, of unit length: numbers, or base64 of little-endian float32."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class Usage(BaseModel):
    """Tokens read, prompt and special tokens included."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingsAnswer(BaseModel):
    """Vectors in the order of the texts."""

    object: Literal["list"]
    model: str
    data: list[Embedding]
    usage: Usage


class Model(BaseModel):
    """A name that requests may give."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(BaseModel):
    """All of them."""

    object: Literal["list"]
    data: list[Model]


class _Wanted(BaseModel):
    """What hits must be; `years` as 2019, 2019-2023, 2019- or -2023."""

    top: Annotated[StrictInt, Field(ge=1, le=1000)] = 20
    assignee: str = ""
    ipc: str = ""
    years: str = ""
    cluster: StrictInt | None = None
    office: str = ""
    language: str = ""


class SimilarRequest(_Wanted):
    """A publication number or a text, and what hits must be; `years` as 2019, 2019-2023, 2019- or -2023."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "solid electrolyte"}]})

    id: str | None = None
    text: str | None = None


class SearchRequest(_Wanted):
    """A question, and what hits must be; `years` as 2019, 2019-2023, 2019- or -2023."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"query": "solid electrolyte"}]})

    query: Annotated[str, Field(description="What is looked for, in words of any language that the model reads.")]
    exact: Annotated[bool, Field(description="Look at every vector, even where an index of very many is faster.")] = (
        False
    )


class Original(BaseModel):
    """A document as it was read; `n_pages` is 0 where there is no PDF of it at hand."""

    doc_id: str
    title: str
    abstract: str
    claims: list[str]
    description: str
    language: str | None
    source_format: str
    n_pages: int


class Term(BaseModel):
    """A leading term and its weight."""

    term: str
    weight: float


class Cluster(BaseModel):
    """A cluster of the map's finest layer."""

    cluster_id: int
    label: str
    size: int
    silhouette: float | None
    terms: list[Term]
    exemplars: list[str]


class Problem(BaseModel):
    """What went wrong: message, kind, the field it concerns, a code."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(BaseModel):
    """OpenAI's shape of an error."""

    error: Problem


def error(message: str, *, kind: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    """Return an error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}
