"""YAML files as nodes or plain values, within bounds of size, depth and number, and with one kind of fault.

PyYAML reads whatever it is given to the end, and lets out whatever its conversions run into: a number of 5000 digits,
a month of 13, a character beyond Unicode. Here each of these is a `YamlFault` with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from alpr.system.regular_files import read_regular

MOST_BYTES = 512 << 10
MOST_NODES = 20_000
"""Keys and values, those that merging repeats included; far above any real file of ours."""
MOST_DEPTH = 100
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MERGE, _VALUE = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:value"
_NO_VALUE = (ValueError, OverflowError, KeyError, IndexError, AttributeError, TypeError)


class YamlFault(Exception):
    """Raised for whatever is wrong with a YAML file; the reader of the file adds which one it is.

    Args:
        line: from 1; None where it is about the whole file.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


def read_yaml_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """Read the text of a YAML file.

    Args:
        path: a regular file.
        most_bytes: a longer one is refused.

    Raises:
        OSError: it cannot be read, or is too large.
        YamlFault: it is no UTF-8 text.
    """
    try:
        text = read_regular(path, most_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise YamlFault(f"not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    if bad := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise YamlFault(f"control character {bad.group()!r}; save it as plain UTF-8 text", line)
    return text


def load_yaml(path: Path, most_bytes: int = MOST_BYTES, most_nodes: int = MOST_NODES) -> Any:
    """Load a YAML file as plain values; None where it is empty.

    Args:
        path: a regular file.
        most_bytes: a longer file is refused.
        most_nodes: a file of more keys and values is refused.

    Raises:
        OSError: it cannot be read, or is too large.
        YamlFault: what is wrong with it.
    """
    return yaml_value(read_yaml_text(path, most_bytes), most_nodes)


def yaml_value(text: str, most_nodes: int = MOST_NODES) -> Any:
    """Parse a YAML text into plain values; None where it is empty.

    Args:
        text: one document.
        most_nodes: more keys and values are refused.

    Raises:
        YamlFault: what is wrong with it.
    """
    with faults_of(text):
        loader = BoundedLoader(text, most_nodes)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()


@contextmanager
def faults_of(text: str) -> Iterator[None]:
    """Turn whatever a `BoundedLoader` of a text raises into a `YamlFault`.

    Args:
        text: that is being loaded; quoted in the fault.

    Raises:
        YamlFault: what it was.
    """
    try:
        yield
    except yaml.MarkedYAMLError as error:
        raise _fault(error, text) from error
    except yaml.YAMLError as error:
        raise YamlFault(f"not valid YAML: {' '.join(str(error).split())[:200]}") from error
    except RecursionError as error:
        raise YamlFault("nested too deep") from error


class BoundedLoader(yaml.SafeLoader):
    """PyYAML's safe loader with bounds; used within `faults_of`.

    Args:
        most_nodes: that it composes and merges.
    """

    def __init__(self, text: str, most_nodes: int = MOST_NODES) -> None:
        self._left = self._most = most_nodes
        self._depth = 0
        super().__init__(text)

    def get_single_node(self) -> yaml.Node | None:
        """Return the nodes of the only document; None where there is none."""
        try:
            return super().get_single_node()
        except (ValueError, OverflowError) as error:  # "\Uffffffff"
            raise yaml.YAMLError(f"line {self.line + 1}: no such character ({error})") from error

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node with all that it holds, within the bounds.

        Args:
            parent: as in PyYAML.
            index: as in PyYAML.
        """
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        self._count(1, mark)
        if self._depth >= MOST_DEPTH:
            raise YamlFault("nested too deep", mark.line + 1)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put in place of `<<` what it stands for: that comes first, for its keys give way to the mapping's own."""
        pairs, node.value = node.value, []  # so that a mapping which merges itself ends
        own, merged = [], []
        for key, value in pairs:
            if key.tag != _MERGE:
                key.tag = "tag:yaml.org,2002:str" if key.tag == _VALUE else key.tag
                own.append((key, value))
                continue
            for each in reversed(_mappings(value)):
                self.flatten_mapping(each)
                self._count(len(each.value), key.start_mark)
                merged.extend(each.value)
        node.value = merged + own

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Construct the plain value of a node.

        Args:
            node: as in PyYAML.
            deep: as in PyYAML.
        """
        try:
            return super().construct_object(node, deep)
        except _NO_VALUE as error:
            written = f"{node.value:.40}" if isinstance(node.value, str) else ""
            kind = node.tag.rpartition(":")[2]
            why = f" ({str(error)[:100]})" if isinstance(error, ValueError) else ""
            raise YamlFault(f"{written!r} is no {kind}{why}", node.start_mark.line + 1) from error

    def _count(self, nodes: int, mark: yaml.Mark) -> None:
        self._left -= nodes
        if self._left < 0:
            raise YamlFault(f"has more than {self._most:,} keys and values", mark.line + 1)


def _mappings(node: yaml.Node) -> list[yaml.MappingNode]:
    """What `<<` names."""
    named: list[yaml.Node] = node.value if isinstance(node, yaml.SequenceNode) else [node]
    mappings = [each for each in named if isinstance(each, yaml.MappingNode)]
    if len(mappings) < len(named):
        line = node.start_mark.line + 1
        raise YamlFault("not valid YAML: << takes a mapping or a list of mappings, such as *defaults", line)
    return mappings


def _fault(error: yaml.MarkedYAMLError, text: str) -> YamlFault:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    lines = text.splitlines()
    has_tab = line <= len(lines) and "\t" in lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
    hint = "; indent with spaces, not tabs" if has_tab or "'\\t'" in str(error.problem) else ""
    return YamlFault(f"not valid YAML: {str(error.problem or error.context)[:200]}{hint}", line)
