"""From a YAML file to a validated model, every mistake reported at once with file, line and path.

Knows YAML, the environment and pydantic; knows nothing of what the configuration is about (see `alpr.config`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from alpr.config.mistakes import Loc, Mistake, mistakes_of
from alpr.errors import ConfigError
from alpr.system.bounded_yaml import MOST_DEPTH, BoundedLoader, YamlFault, faults_of, read_yaml_text, yaml_value

_Model = TypeVar("_Model", bound=BaseModel)
_ENV_PREFIX = "ALPR__"
_MAX_VALUES = 20_000  # far above any real configuration; stops aliases that unfold without end
_MOST_TOLD = 100  # nobody mends more before trying again
_LARGEST = 2**63 - 1
# What YAML can write with escapes, and neither a path nor JSON can hold; tabs and ends of lines are text.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(slots=True)
class Document:
    """A YAML file as plain values, and where each of them stands."""

    name: str
    """As the user gave it."""
    tree: dict[str, Any] = field(default_factory=dict)
    lines: dict[Loc, int] = field(default_factory=dict)
    """1-based line of every value."""
    variables: dict[Loc, tuple[str, str]] = field(default_factory=dict)
    """Environment variable that set a value, where one did: its name and text."""
    mistakes: list[Mistake] = field(default_factory=list)

    def error(self) -> ConfigError:
        """All mistakes in the order of the file, one per line, each once."""
        ordered = sorted(self.mistakes, key=lambda mistake: mistake.line or self._line(mistake.loc) or 0)
        told = list(dict.fromkeys(map(_in_one_line, map(self._told, ordered))))
        rest = [f"{self.name}: and more mistakes: mend these first"] if len(told) > _MOST_TOLD else []
        return ConfigError("\n".join(told[:_MOST_TOLD] + rest))

    def _told(self, mistake: Mistake) -> str:
        line = mistake.line or self._line(mistake.loc)
        variable = self._variable(mistake.loc)
        place = f" ({variable})" if variable else f":{line}" if line else ""
        return f"{self.name}{place}: {_dotted(mistake.loc)}{mistake.text}"

    def _line(self, loc: Loc) -> int | None:
        """Of a value or, where that is missing, of what should hold it."""
        return next((self.lines[loc[:end]] for end in range(len(loc), -1, -1) if loc[:end] in self.lines), None)

    def _variable(self, loc: Loc) -> str | None:
        """That set the value, a part of it, or what holds it."""
        near = (
            name
            for at, (name, _) in self.variables.items()
            if loc and (at[: len(loc)] == loc or loc[: len(at)] == at)
        )
        return next(near, None)


def read_document(path: Path, environ: Mapping[str, str], foreign_keys: Iterable[str] = ()) -> Document:
    """Read a YAML file and lay the environment over it.

    Args:
        path: of the file, UTF-8.
        environ: `ALPR__CAMERAS__0__URL=…` sets `cameras.0.url`.
        foreign_keys: top-level keys of other files of ours, whose variables do not concern this one.

    Raises:
        ConfigError: the file is missing, not text, not YAML, or not a mapping. Lesser mistakes are collected
            in the document.
    """
    document = Document(str(path))
    try:
        _fill(document, read_yaml_text(path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    except YamlFault as fault:
        raise ConfigError(f"{path}{f':{fault.line}' if fault.line else ''}: {_in_one_line(str(fault))}") from fault
    _lay_environment_over(document, environ, frozenset(foreign_keys))
    return document


def validate(document: Document, model: type[_Model], checks: Iterable[Mistake]) -> _Model:
    """Make the model of a document.

    Args:
        document: from `read_document`.
        model: the pydantic model; its validators find the file's folder in `info.context["folder"]`.
        checks: further mistakes, found across fields.

    Raises:
        ConfigError: every mistake in it.
    """
    document.mistakes.extend(checks)
    document.tree = _cleaned(document.tree, (), document.mistakes)
    try:
        made = _validated(document, model)
    except ValidationError as error:
        document.mistakes.extend(mistakes_of(model, error))
        raise document.error() from error
    if document.mistakes:
        raise document.error()
    return made


def _validated(document: Document, model: type[_Model], *, is_retry: bool = False) -> _Model:
    context = {"folder": Path(document.name).absolute().parent}
    try:
        # By way of JSON, where strict means: no "5" for 5, no yes for 1, but a list is as good as a tuple.
        return model.model_validate_json(json.dumps(document.tree, default=str), strict=True, context=context)
    except ValidationError as error:
        # ALPR__DEVICE__NAME=007 means the text: nobody puts quotes within a variable.
        wanted_text = [found["loc"] for found in error.errors() if found["type"] == "string_type"]
        as_text = [loc for loc in wanted_text if loc in document.variables]
        if is_retry or not as_text:
            raise
        for loc in as_text:
            _put(document.tree, loc, document.variables[loc][1])
        return _validated(document, model, is_retry=True)


def _fill(document: Document, text: str) -> None:
    with faults_of(text):
        loader = BoundedLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                raise YamlFault("the file is empty; see configs/ for examples")
            if not isinstance(node, yaml.MappingNode):
                raise YamlFault("the file should hold 'key: value' lines", node.start_mark.line + 1)
            document.tree = _Unfolding(loader, document).value(node, (), ())
        finally:
            loader.dispose()


class _Unfolding:
    """Turns nodes into plain values, noting lines, twice-given keys and endless aliases."""

    def __init__(self, loader: BoundedLoader, document: Document) -> None:
        self._loader = loader
        self._document = document
        self._flat: set[int] = set()
        self._count = 0

    def value(self, node: yaml.Node, loc: Loc, parents: tuple[int, ...]) -> Any:
        line = node.start_mark.line + 1
        self._count += 1
        if id(node) in parents or self._count > _MAX_VALUES:
            raise YamlFault(f"{_dotted(loc)}an alias that unfolds without end", line)
        if len(parents) >= MOST_DEPTH:
            raise YamlFault("nested too deep", line)
        self._document.lines.setdefault(loc, line)
        within = (*parents, id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc, within)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*loc, index), within) for index, child in enumerate(node.value)]
        try:
            return self._loader.construct_object(node)
        except YamlFault as fault:  # an impossible date, for one
            raise YamlFault(f"{_dotted(loc)}{fault}", line) from fault

    def _mapping(self, node: yaml.MappingNode, loc: Loc, within: tuple[int, ...]) -> dict[str, Any]:
        if id(node) not in self._flat:
            self._note_twice_given(node, loc)
            self._loader.flatten_mapping(node)  # `<<: *defaults`
            self._flat.add(id(node))
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else ""
            if not key or _UNWRITABLE.search(key):
                text = "a key should be a word"
                self._document.mistakes.append(Mistake(loc, text, key_node.start_mark.line + 1))
                continue
            # The key's line, not the value's: a block begins on the line after its key.
            self._document.lines[*loc, key] = key_node.start_mark.line + 1
            made[key] = self.value(value_node, (*loc, key), within)
        return made

    def _note_twice_given(self, node: yaml.MappingNode, loc: Loc) -> None:
        first: dict[str, int] = {}
        for key_node, _ in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in first and key != "<<":
                text = f"given twice, first on line {first[key]}"
                self._document.mistakes.append(Mistake((*loc, key), text, line))
            first.setdefault(key, line)


def _cleaned(value: Any, loc: Loc, mistakes: list[Mistake]) -> Any:
    """The tree without what cannot be written as JSON, each a mistake."""
    if isinstance(value, dict):
        return {key: _cleaned(each, (*loc, key), mistakes) for key, each in value.items()}
    if isinstance(value, list):
        return [_cleaned(each, (*loc, index), mistakes) for index, each in enumerate(value)]
    if isinstance(value, str) and (found := _UNWRITABLE.search(value)):
        mistakes.append(Mistake(loc, f"holds the character U+{ord(found[0]):04X}, which is no text"))
        return _UNWRITABLE.sub("?", value)
    if isinstance(value, int) and abs(value) > _LARGEST:
        mistakes.append(Mistake(loc, f"is a number of more than {len(str(_LARGEST))} digits"))
        return 0
    return value


def _lay_environment_over(document: Document, environ: Mapping[str, str], foreign_keys: frozenset[str]) -> None:
    settings = {name: _env_loc(name) for name in environ if name.startswith(_ENV_PREFIX)}
    for name, loc in sorted(settings.items(), key=lambda pair: [str(part).zfill(6) for part in pair[1]]):
        if loc[0] in foreign_keys:
            continue
        document.variables[loc] = name, environ[name]
        if not _put(document.tree, loc, _env_value(environ[name])):
            document.mistakes.append(Mistake(loc, "there is no such place in the file"))


def _env_loc(name: str) -> Loc:
    return tuple(
        int(part) if re.fullmatch(r"[0-9]{1,6}", part) else part.lower()
        for part in name[len(_ENV_PREFIX) :].split("__")
    )


def _env_value(text: str) -> Any:
    """Numbers, booleans, null and [lists] as in YAML; all else is text as it stands."""
    try:
        return yaml_value(text)
    except YamlFault:
        return text


def _put(tree: Any, loc: Loc, value: Any) -> bool:
    """Set a value deep in a tree, making mappings on the way; False where it does not fit."""
    for part, following in zip(loc, (*loc[1:], None), strict=True):
        is_end = following is None
        if isinstance(tree, list) and isinstance(part, int) and part <= len(tree):
            if part == len(tree):
                tree.append(None)
        elif isinstance(tree, dict) and isinstance(part, str):
            tree.setdefault(part, None)
        else:
            return False
        if is_end:
            tree[part] = value
        elif tree[part] is None:
            tree[part] = [] if isinstance(following, int) else {}
        tree = tree[part]
    return True


def _dotted(loc: Loc) -> str:
    return ".".join(map(str, loc)) + ": " if loc else ""


def _in_one_line(told: str) -> str:
    """With what cannot be printed spelled out: a file may hold line breaks that look like none."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in told)
