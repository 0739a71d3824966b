# torch.utils._pytree: nested containers taken apart and built again.
"""Trees: tuples, lists, dicts and registered types, nested; whatever else stands in them is a leaf."""

import functools
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

PyTree = Context = Any
FlattenFn = UnflattenFn = Callable[..., Any]


@dataclass(frozen=True)
class SequenceKey:
    """A step into a sequence."""

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"

    def get(self, sequence: Any) -> Any:
        """What stands there."""
        return sequence[self.idx]


@dataclass(frozen=True)
class MappingKey:
    """A step into a mapping."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"

    def get(self, mapping: Any) -> Any:
        """What stands there."""
        return mapping[self.key]


@dataclass(frozen=True)
class GetAttrKey:
    """A step to an attribute."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"

    def get(self, obj: Any) -> Any:
        """What stands there."""
        return getattr(obj, self.name)


KeyEntry = Any
KeyPath = tuple[Any, ...]


class NodeDef(NamedTuple):
    """How a container type is taken apart, built again, and stepped into."""

    type: type
    flatten_fn: Callable[[Any], tuple[list[Any], Any]]
    unflatten_fn: Callable[[Iterable[Any], Any], Any]
    flatten_with_keys_fn: Callable[[Any], tuple[list[tuple[Any, Any]], Any]] | None = None


SUPPORTED_NODES: dict[type, NodeDef] = {}


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[list[Any], Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
    *,
    serialized_type_name: str | None = None,
    to_dumpable_context: Any = None,
    from_dumpable_context: Any = None,
    flatten_with_keys_fn: Any = None,
) -> None:
    """Makes a type a container. ValueError if it is one."""
    if cls in SUPPORTED_NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    SUPPORTED_NODES[cls] = NodeDef(cls, flatten_fn, unflatten_fn, flatten_with_keys_fn)


_register_pytree_node = register_pytree_node


def _sequence(cls: type, build: Callable[[Iterable[Any], Any], Any], context: Callable[[Any], Any]) -> None:
    def flatten(x: Any) -> tuple[list[Any], Any]:
        return list(x), context(x)

    def with_keys(x: Any) -> tuple[list[tuple[Any, Any]], Any]:
        return [(SequenceKey(i), value) for i, value in enumerate(x)], context(x)

    register_pytree_node(cls, flatten, build, flatten_with_keys_fn=with_keys)


def _mapping(cls: type, build: Callable[[Iterable[Any], Any], Any], context: Callable[[Any], Any]) -> None:
    def flatten(x: Any) -> tuple[list[Any], Any]:
        return list(x.values()), context(x)

    def with_keys(x: Any) -> tuple[list[tuple[Any, Any]], Any]:
        return [(MappingKey(key), value) for key, value in x.items()], context(x)

    register_pytree_node(cls, flatten, build, flatten_with_keys_fn=with_keys)


_sequence(tuple, lambda values, _: tuple(values), lambda x: None)
_sequence(list, lambda values, _: list(values), lambda x: None)
_sequence(deque, lambda values, maxlen: deque(values, maxlen=maxlen), lambda x: x.maxlen)
_mapping(dict, lambda values, keys: dict(zip(keys, values, strict=True)), list)
_mapping(OrderedDict, lambda values, keys: OrderedDict(zip(keys, values, strict=True)), list)
_mapping(
    defaultdict,
    lambda values, context: defaultdict(context[0], zip(context[1], values, strict=True)),
    lambda x: [x.default_factory, list(x)],
)


def _namedtuple_keys(x: Any) -> tuple[list[tuple[Any, Any]], Any]:
    return [(GetAttrKey(name), value) for name, value in zip(x._fields, x, strict=True)], type(x)


class _NamedTuple:
    """Stands for every named tuple in the table of containers."""


SUPPORTED_NODES[_NamedTuple] = NodeDef(
    _NamedTuple, lambda x: (list(x), type(x)), lambda values, cls: cls(*values), _namedtuple_keys
)


def _is_namedtuple(x: Any) -> bool:
    return isinstance(x, tuple) and hasattr(type(x), "_fields")


def _get_node_type(tree: Any) -> Any:
    return _NamedTuple if _is_namedtuple(tree) else type(tree)


def tree_is_leaf(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Whether it is no container, or `is_leaf` says that it counts as a leaf."""
    return (is_leaf is not None and is_leaf(tree)) or _get_node_type(tree) not in SUPPORTED_NODES


@dataclass(eq=True)
class TreeSpec:
    """The shape of a tree: the type of a container, what it needs to be built, and the shapes of what it holds."""

    type: Any
    context: Any
    children_specs: list["TreeSpec"]
    num_nodes: int = field(init=False)
    num_leaves: int = field(init=False)
    num_children: int = field(init=False)

    def __post_init__(self) -> None:
        self.num_nodes = 1 + sum(child.num_nodes for child in self.children_specs)
        self.num_leaves = sum(child.num_leaves for child in self.children_specs)
        self.num_children = len(self.children_specs)
        if self.type is None:
            self.num_leaves = 1

    def is_leaf(self) -> bool:
        """Whether it is the shape of a leaf."""
        return self.type is None

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The tree of this shape with these leaves."""
        return tree_unflatten(leaves, self)

    def child(self, index: int) -> "TreeSpec":
        """The shape of a child."""
        return self.children_specs[index]

    def children(self) -> list["TreeSpec"]:
        """The shapes of the children."""
        return list(self.children_specs)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """What stands in the tree where this shape has leaves. ValueError if it is shaped otherwise."""
        if self.is_leaf():
            return [tree]
        kind = _get_node_type(tree)
        if kind is not self.type:
            raise ValueError(f"Type mismatch; expected {self.type!r}, but got {type(tree)!r}.")
        children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
        if len(children) != self.num_children:
            raise ValueError(f"Node arity mismatch; expected {self.num_children}, but got {len(children)}.")
        if context != self.context:
            raise ValueError(f"Node context mismatch for custom node type {self.type!r}.")
        return [x for child, spec in zip(children, self.children_specs, strict=True) for x in spec.flatten_up_to(child)]

    def __repr__(self, indent: int = 0) -> str:
        if self.is_leaf():
            return "*"
        if not self.children_specs:
            return f"TreeSpec({self.type.__name__}, {self.context}, [])"
        separator = ",\n" + " " * (indent + 2)
        inner = separator.join(child.__repr__(indent + 2) for child in self.children_specs)
        return f"TreeSpec({self.type.__name__}, {self.context}, [{inner}])"

    def __hash__(self) -> int:
        return hash((self.type, str(self.context), tuple(map(hash, self.children_specs))))


PyTreeSpec = TreeSpec


class LeafSpec(TreeSpec):
    """The shape of a leaf."""

    def __init__(self) -> None:
        super().__init__(None, None, [])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TreeSpec) and other.is_leaf()

    def __hash__(self) -> int:
        return 0


_LEAF = LeafSpec()


def tree_flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeSpec]:
    """The leaves in order, and the shape."""
    leaves: list[Any] = []
    return leaves, _walk(tree, is_leaf, leaves)


def _walk(tree: Any, is_leaf: Callable[[Any], bool] | None, leaves: list[Any]) -> TreeSpec:
    if tree_is_leaf(tree, is_leaf):
        leaves.append(tree)
        return _LEAF
    kind = _get_node_type(tree)
    children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
    return TreeSpec(kind, context, [_walk(child, is_leaf, leaves) for child in children])


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> Any:
    """The tree of that shape with these leaves. ValueError if there are more or fewer than it takes."""
    if not isinstance(treespec, TreeSpec):
        raise TypeError(f"tree_unflatten expected `treespec` to be instance of TreeSpec but got {type(treespec)}.")
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(
            f"tree_unflatten expected {treespec.num_leaves} leaves but got {len(leaves)}, for the shape {treespec}"
        )
    return _build(iter(leaves), treespec)


def _build(leaves: Iterator[Any], spec: TreeSpec) -> Any:
    if spec.is_leaf():
        return next(leaves)
    children = [_build(leaves, child) for child in spec.children_specs]
    return SUPPORTED_NODES[spec.type].unflatten_fn(children, spec.context)


def tree_iter(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> Iterator[Any]:
    """The leaves, one by one."""
    yield from tree_flatten(tree, is_leaf)[0]


def tree_leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves in order."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> TreeSpec:
    """The shape."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """The tree of what the function gives for each leaf, together with what stands in the other trees there."""
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves, *(spec.flatten_up_to(rest) for rest in rests)]
    return _build(iter([func(*values) for values in zip(*columns, strict=True)]), spec)


def tree_map_(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """Calls the function for each leaf, and gives the tree itself."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _predicate(types: Any) -> Callable[[Any], bool]:
    if callable(types) and not isinstance(types, type):
        return types
    return lambda x: isinstance(x, types)


def map_only(types: Any, /) -> Callable[[Callable[..., Any]], Callable[[Any], Any]]:
    """A decorator: the function on values of the types, and other values as they are."""
    chosen = _predicate(types)

    def decorate(func: Callable[..., Any]) -> Callable[[Any], Any]:
        @functools.wraps(func)
        def mapped(x: Any) -> Any:
            return func(x) if chosen(x) else x

        return mapped

    return decorate


def tree_map_only(types: Any, /, func: Callable[..., Any], tree: Any, is_leaf: Any = None) -> Any:
    """`tree_map` on leaves of the types (or those that a function picks) only."""
    return tree_map(map_only(types)(func), tree, is_leaf=is_leaf)


def tree_map_only_(types: Any, /, func: Callable[..., Any], tree: Any, is_leaf: Any = None) -> Any:
    """`tree_map_` on leaves of the types only."""
    return tree_map_(map_only(types)(func), tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether it holds for all leaves."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether it holds for a leaf."""
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(types: Any, /, pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether it holds for all leaves of the types."""
    return all(pred(x) for x in tree_iter(tree, is_leaf) if isinstance(x, types))


def tree_any_only(types: Any, /, pred: Callable[[Any], bool], tree: Any, is_leaf: Any = None) -> bool:
    """Whether it holds for a leaf of the types."""
    return any(pred(x) for x in tree_iter(tree, is_leaf) if isinstance(x, types))


def _paths(tree: Any, is_leaf: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if tree_is_leaf(tree, is_leaf):
        yield path, tree
        return
    node = SUPPORTED_NODES[_get_node_type(tree)]
    if node.flatten_with_keys_fn is None:
        raise ValueError(
            f"Did not find a flatten_with_keys_fn for type: {node.type}. Please pass one when registering it."
        )
    for key, child in node.flatten_with_keys_fn(tree)[0]:
        yield from _paths(child, is_leaf, (*path, key))


def tree_leaves_with_path(tree: Any, is_leaf: Any = None) -> list[tuple[KeyPath, Any]]:
    """Each leaf with the steps that lead to it."""
    return list(_paths(tree, is_leaf, ()))


def tree_flatten_with_path(tree: Any, is_leaf: Any = None) -> tuple[list[tuple[KeyPath, Any]], TreeSpec]:
    """Each leaf with the steps that lead to it, and the shape."""
    return tree_leaves_with_path(tree, is_leaf), tree_structure(tree, is_leaf)


def tree_map_with_path(func: Callable[..., Any], tree: Any, *rests: Any, is_leaf: Any = None) -> Any:
    """`tree_map` of a function that gets the steps to each leaf first."""
    pairs, spec = tree_flatten_with_path(tree, is_leaf)
    columns = [spec.flatten_up_to(rest) for rest in rests]
    results = [func(path, leaf, *values) for (path, leaf), *values in zip(pairs, *columns, strict=True)]
    return tree_unflatten(results, spec)


def keystr(kp: KeyPath) -> str:
    """The steps as Python would write them."""
    return "".join(map(str, kp))


def key_get(obj: Any, kp: KeyPath) -> Any:
    """What the steps lead to."""
    for key in kp:
        obj = key.get(obj)
    return obj


def _broadcast_to_and_flatten(tree: Any, treespec: TreeSpec, is_leaf: Any = None) -> list[Any] | None:
    """The tree's leaves, each repeated over what the shape has in its place; None if they do not fit."""
    if tree_is_leaf(tree, is_leaf):
        return [tree] * treespec.num_leaves
    kind = _get_node_type(tree)
    if treespec.is_leaf() or kind is not treespec.type:
        return None
    children, context = SUPPORTED_NODES[kind].flatten_fn(tree)
    if len(children) != treespec.num_children or context != treespec.context:
        return None
    parts = [
        _broadcast_to_and_flatten(child, spec, is_leaf)
        for child, spec in zip(children, treespec.children_specs, strict=True)
    ]
    return None if any(part is None for part in parts) else [x for part in parts for x in part]
