"""The picture of a graph shows the graph, stands alone, and survives size and hostile names."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

import tapeless as torch
from tapeless import viz

SVG = "{http://www.w3.org/2000/svg}"


def tutorial_program():
    names = ("a", "x1", "x2", "x3", "x4")
    leaves = {name: torch.randn(5, 5).requires_grad_() for name in names}
    a, x1, x2, x3, x4 = leaves.values()
    return (10 - (x3 * (x1 * a) + x4 * (x2 * a))).sum(), leaves


def boxes_and_edges(svg):
    root = ElementTree.fromstring(svg)
    boxes = {box.get("id"): box for box in root.iter(f"{SVG}g") if "node" in box.get("class", "").split()}
    edges = [
        (path.get("data-from"), path.get("data-to"))
        for path in root.iter(f"{SVG}path")
        if path.get("class") == "edge"
    ]
    return boxes, edges


def named_edges(svg):
    boxes, edges = boxes_and_edges(svg)
    return sorted((boxes[a].get("data-name"), boxes[b].get("data-name")) for a, b in edges)


def test_a_small_program_is_drawn_node_for_node_and_edge_for_edge():
    loss, leaves = tutorial_program()
    minus = loss.grad_fn.next_functions[0][0].name().partition("Backward")[0]
    assert named_edges(viz.graph(loss, leaves).svg()) == sorted(
        [("Sum", "output"), (minus, "Sum"), ("Add", minus), ("Mul", "Add"), ("Mul", "Add")]
        + [("Mul", "Mul"), ("Mul", "Mul"), ("a", "Mul"), ("a", "Mul")]
        + [(name, "Mul") for name in ("x1", "x2", "x3", "x4")]
    )


def test_one_operand_used_twice_is_two_edges():
    x = torch.randn(3).requires_grad_()
    assert named_edges(viz.graph(x * x, {"x": x}).svg()) == [
        ("Mul", "output"),
        ("x", "Mul"),
        ("x", "Mul"),
    ]


def test_boxes_of_one_layer_do_not_overlap_and_stay_on_the_page():
    loss, leaves = tutorial_program()
    root = ElementTree.fromstring(viz.graph(loss, leaves).svg())
    width, height = float(root.get("width")), float(root.get("height"))
    areas = []
    for box in root.iter(f"{SVG}g"):
        if "node" in box.get("class", "").split():
            shape = box.find(f"{SVG}rect")
            areas.append(tuple(float(shape.get(key)) for key in ("x", "y", "width", "height")))
    assert len(areas) == 13
    for at, (x, y, w, h) in enumerate(areas):
        assert 0 <= x <= x + w <= width and 0 <= y <= y + h <= height
        for x2, y2, w2, h2 in areas[at + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_leaves_show_their_names_shapes_and_dtypes():
    weight = torch.zeros(2, 7, dtype=torch.float64).requires_grad_()
    svg = viz.graph((weight * 2).sum(), {"weight": weight}).svg()
    boxes, _ = boxes_and_edges(svg)
    texts = [[text.text for text in box.iter(f"{SVG}text")] for box in boxes.values()]
    assert ["weight", "2×7  float64"] in texts


@pytest.mark.parametrize("kind", ["svg", "html"])
def test_nothing_outside_the_document_is_named(kind):
    loss, leaves = tutorial_program()
    text = getattr(viz.graph(loss, leaves), kind)()
    assert set(re.findall(r"https?://[^\"'\s<>]*", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(link|img|iframe|object|embed)\b|\bsrc\s*=|@import", text)
    assert set(re.findall(r"url\(([^)]*)\)", text)) == {"#arrow"}


HOSTILE = [
    '</script><script>alert("1")</script>',
    "<b onclick='x'>&amp;\"'",
    "]]><!-- --> \x00\x08 \ud800 ￿",
    'a\\n"b',
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name):
    x = torch.ones(2).requires_grad_()
    picture = viz.graph({name: x * 2}, {name: x})
    boxes, edges = boxes_and_edges(picture.svg())
    assert len(boxes) == 3 and len(edges) == 2
    html = picture.html()
    assert html.count("<script") == 2 and html.count("</script>") == 2
    assert "<b " not in html
    html.encode("utf-8")
    quoted = re.findall(r'label="((?:[^"\\]|\\.)*)"\];', picture.dot())
    assert len(quoted) == 3


def test_a_chain_of_20000_nodes_is_walked_without_recursion_and_folded_with_a_notice():
    x = torch.ones(2).requires_grad_()
    y = x
    for _ in range(20_000):
        y = y + 1
    picture = viz.graph(y)
    boxes, edges = boxes_and_edges(picture.svg())
    assert len(boxes) < 20 and len(edges) == len(boxes) - 1
    assert "19,995 operations" in picture.notice
    assert picture.notice in picture.html()


def test_a_chain_drawn_whole_needs_no_recursion_either():
    x = torch.ones(2).requires_grad_()
    y = x
    for _ in range(3_000):
        y = y + 1
    picture = viz.graph(y, max_nodes=10_000)
    boxes, edges = boxes_and_edges(picture.svg())
    assert (len(boxes), len(edges), picture.notice) == (3_002, 3_001, None)


def test_what_cannot_be_folded_is_cut_far_from_the_output_and_said():
    x, w = (torch.ones(2).requires_grad_() for _ in range(2))
    y = x
    for _ in range(500):
        y = y * w + w
    picture = viz.graph(y, {"w": w}, max_nodes=50)
    boxes, _ = boxes_and_edges(picture.svg())
    ghosts = [box for box in boxes.values() if "ghost" in box.get("class")]
    assert len(boxes) - len(ghosts) == 52
    # 1,000 operations and 2 leaves, of which 50 are drawn.
    assert "952 nodes farthest" in picture.notice


def test_the_walk_stops_at_its_limit_and_says_so():
    y = torch.ones(2).requires_grad_()
    for _ in range(100):
        y = y + 1
    assert "stopped after 40 nodes" in viz.graph(y, walk_limit=40).notice


def test_optional_facts_of_a_node_are_shown_where_they_exist():
    class Node:
        _output_shapes = [((2, 3), "torch.float32")]
        _saved_bytes = 1536
        location = "/home/me/model.py:41"
        next_functions = ()

        def name(self):
            return "MineBackward"

    class Result:
        grad_fn, requires_grad, shape, dtype = Node(), True, (2, 3), "torch.float32"

    picture = viz.graph(Result())
    assert ">Mine</text>" in picture.svg() and ">model.py:41</text>" in picture.svg()
    assert '"1.5 KiB"' in picture.html() and '"/home/me/model.py:41"' in picture.html()


def test_a_matrix_product_has_its_own_colour():
    x, y = torch.ones(2, 3).requires_grad_(), torch.ones(3, 2)
    boxes, _ = boxes_and_edges(viz.graph(x.mm(y).exp().sum()).svg())
    kinds = {box.get("data-name"): box.get("class") for box in boxes.values()}
    assert kinds == {
        "Mm": "node k-product",
        "Exp": "node k-pointwise",
        "Sum": "node k-reduction",
        "leaf": "node k-leaf",
        "output": "node k-output",
    }


def test_several_outputs_and_a_leaf_that_is_an_output():
    x = torch.ones(2).requires_grad_()
    edges = named_edges(viz.graph([x * 2, x + 1, x], {"x": x}).svg())
    assert ("Mul", "output 0") in edges and ("Add", "output 1") in edges
    assert ("x", "output 2") in edges


def test_save_writes_the_form_that_the_name_asks_for(tmp_path):
    loss, leaves = tutorial_program()
    picture = viz.graph(loss, leaves)
    for ending, first in ((".svg", "<svg"), (".html", "<!DOCTYPE html>"), (".dot", "digraph")):
        picture.save(tmp_path / f"g{ending}")
        assert (tmp_path / f"g{ending}").read_text(encoding="utf-8").startswith(first)
    with pytest.raises(ValueError, match="'.png'.*has to end in"):
        picture.save(tmp_path / "g.png")


def test_a_tensor_without_graph_is_refused_with_a_reason():
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad and does not"):
        viz.graph(torch.ones(2))
    with pytest.raises(TypeError, match="element 1 is a float"):
        viz.graph([torch.ones(2).requires_grad_() * 1, 3.0])
