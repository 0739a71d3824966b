# torch.fx: graphs of traced functions, of which none is made; types and `wrap` are here.
"""Symbolic tracing is not here: `symbolic_trace` refuses, and nothing is a Graph, a Node or a GraphModule."""

from collections.abc import Callable
from typing import Any

from tapeless import _doors
from tapeless.fx import experimental, graph, graph_module, node, proxy
from tapeless.fx._symbolic_trace import Tracer, symbolic_trace
from tapeless.fx.graph import Graph
from tapeless.fx.graph_module import GraphModule
from tapeless.fx.interpreter import Interpreter, Transformer
from tapeless.fx.node import Node, has_side_effect, map_arg
from tapeless.fx.proxy import Proxy

globals().update(_doors.refusals("replace_pattern", RuntimeError, "torch.fx.{}: there is no graph to rewrite"))


def wrap(fn_or_name: str | Callable[..., Any]) -> Any:
    """The function as it is: it would be a leaf of a trace."""
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError("Unsupported type for global function! Must be either a callable or string name")
    return fn_or_name


__all__ = [
    "Graph",
    "GraphModule",
    "Interpreter",
    "Node",
    "Proxy",
    "Tracer",
    "Transformer",
    "experimental",
    "graph",
    "graph_module",
    "has_side_effect",
    "map_arg",
    "node",
    "proxy",
    "symbolic_trace",
    "wrap",
]
