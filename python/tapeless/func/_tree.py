# Nested tuples, lists and dicts of tensors, as transforms take and return them.
"""Flattening nested containers and building them again."""

from collections.abc import Callable
from typing import Any


def flatten(tree: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The leaves of a tree in order, and the function that puts new leaves into its shape."""
    leaves: list[Any] = []

    def walk(node: Any) -> Callable[[Any], Any]:
        if isinstance(node, dict):
            children = {key: walk(value) for key, value in node.items()}
            return lambda it: type(node)((key, child(it)) for key, child in children.items())
        if isinstance(node, (tuple, list)):
            parts = [walk(value) for value in node]
            if hasattr(node, "_fields"):
                return lambda it: type(node)(*(part(it) for part in parts))
            kind = tuple if isinstance(node, tuple) else list
            return lambda it: kind(part(it) for part in parts)
        leaves.append(node)
        return next

    build = walk(tree)
    return leaves, lambda new: build(iter(new))


def tree_map(function: Callable[[Any], Any], tree: Any) -> Any:
    """The tree with the function's value in place of each leaf."""
    leaves, build = flatten(tree)
    return build([function(leaf) for leaf in leaves])


def broadcast_prefix(prefix: Any, tree: Any) -> list[Any]:
    """One value for each leaf of the tree, from a tree that may end earlier; a None or number counts for all below."""
    if isinstance(prefix, (tuple, list)):
        if not isinstance(tree, (tuple, list)) or len(prefix) != len(tree):
            raise ValueError(f"the structure {prefix!r} does not fit {type(tree).__name__}: give one entry for each")
        return [value for part, branch in zip(prefix, tree, strict=True) for value in broadcast_prefix(part, branch)]
    if isinstance(prefix, dict):
        return [value for key, branch in tree.items() for value in broadcast_prefix(prefix[key], branch)]
    return [prefix] * len(flatten(tree)[0])
