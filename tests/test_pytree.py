"""torch.utils._pytree: trees are taken apart and built again, with shapes that print as PyTorch's."""

from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

from tapeless.utils import _pytree as pytree

Point = namedtuple("Point", "x y")
TREES = [
    1,
    [1, (2, [])],
    {"b": 1, "a": [2, None]},
    OrderedDict(z=1, y=2),
    defaultdict(list, {"k": 1}),
    deque([1, 2], maxlen=3),
    Point(1, (2, 3)),
]


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_a_tree_is_built_again(tree):
    leaves, spec = pytree.tree_flatten(tree)
    again = pytree.tree_unflatten(leaves, spec)
    assert again == tree and type(again) is type(tree) and spec == pytree.tree_structure(again)
    assert pytree.tree_map(lambda x: x, tree) == tree and len(leaves) == spec.num_leaves
    assert [pytree.key_get(tree, path) for path, _ in pytree.tree_leaves_with_path(tree)] == leaves


def test_a_shape_prints_as_pytorchs():
    leaves, spec = pytree.tree_flatten({"a": [1, (2, None)], "b": 3})
    assert leaves == [1, 2, None, 3] and (spec.num_leaves, spec.num_nodes) == (4, 7)
    text = "TreeSpec(dict, ['a', 'b'], [TreeSpec(list, None, [*,\n    TreeSpec(tuple, None, [*,\n      *])]),\n  *])"
    assert repr(spec) == text and repr(pytree.LeafSpec()) == "*"


def test_functions_of_several_trees_and_of_paths():
    assert pytree.tree_map(lambda x, y: x + y, (1, {"k": 2}), (10, {"k": 20})) == (11, {"k": 22})
    paths = pytree.tree_map_with_path(lambda path, x: pytree.keystr(path), {"a": [0, 0], "p": Point(0, 0)})
    assert paths == {"a": ["['a'][0]", "['a'][1]"], "p": Point("['p'].x", "['p'].y")}
    assert pytree.tree_map_only(int, lambda x: -x, [1, "s"]) == [-1, "s"]
    assert pytree.tree_map(len, [[1], [2, 3]], is_leaf=lambda x: isinstance(x, list) and isinstance(x[0], int)) == [
        1,
        2,
    ]
    assert pytree.tree_all(bool, [1, 2]) and not pytree.tree_any(bool, [0, 0])


def test_a_registered_type_is_a_container():
    class Pair:
        def __init__(self, a, b):
            self.a, self.b = a, b

    pytree.register_pytree_node(Pair, lambda p: ([p.a, p.b], None), lambda values, _: Pair(*values))
    try:
        assert pytree.tree_leaves([Pair(1, 2), 3]) == [1, 2, 3]
        with pytest.raises(ValueError, match="already registered as pytree node"):
            pytree.register_pytree_node(Pair, None, None)
    finally:
        del pytree.SUPPORTED_NODES[Pair]


def test_what_does_not_fit_is_refused():
    spec = pytree.tree_structure([1, 2])
    with pytest.raises(ValueError, match="expected 2 leaves but got 1"):
        pytree.tree_unflatten([1], spec)
    with pytest.raises(ValueError, match="Node arity mismatch; expected 2, but got 1"):
        pytree.tree_map(lambda *x: x, [1, 2], [1])
    with pytest.raises(ValueError, match="Type mismatch"):
        pytree.tree_map(lambda *x: x, [1, 2], (1, 2))
    with pytest.raises(TypeError, match="expected `treespec` to be instance of TreeSpec"):
        pytree.tree_unflatten([1], 3)
