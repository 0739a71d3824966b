# What a row costs: every row of the table on 4096 elements, forward, and forward with backward where it has one.
"""The workloads of `make bench ARGS=rows`; they follow from the table, so a new row has its line here.

4096 elements are below where operations wait for one another, so a call has written its result when it returns.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

TARGETS: dict[str, float] = {}
ELEMENTS = 4096
INTERNAL = {"real_part"}  # Words of derivatives that are no function of PyTorch's.

Workloads = dict[str, Callable[[], Any]]
Row = dict[str, Any]


def workloads(torch: Any) -> Workloads:
    """All of them, by name; operands come from where the row says that tests draw them."""
    torch.manual_seed(0)
    found: Workloads = {}
    for row in importlib.import_module("tapeless")._core._row_facts():
        if row["name"] in INTERNAL:
            continue
        space = torch.nn.functional if row["serves_nn"] else torch
        if not hasattr(space, row["name"]):
            continue
        function, operands = getattr(space, row["name"]), _operands(torch, row)
        found[f"{row['name']}, {str(operands[-1].dtype).removeprefix('torch.')}"] = _forward(function, operands)
        if row["differentiable"] and "float32" in row["dtypes"]:
            found[f"{row['name']}, forward + backward"] = _both_ways(function, operands)
    return found


def _operands(torch: Any, row: Row) -> list[Any]:
    made = []
    for k in range(row["arity"]):
        x = torch.rand(ELEMENTS) * (row["high"] - row["low"]) + row["low"]
        if (row["bool_operands"] >> k) & 1:
            x = x > x.mean()
        elif "float32" not in row["dtypes"]:
            x = (x.abs() + 1).to(torch.int32)
        made.append(x)
    return made


def _forward(function: Callable[..., Any], operands: list[Any]) -> Callable[[], Any]:
    return lambda: function(*operands)


def _both_ways(function: Callable[..., Any], operands: list[Any]) -> Callable[[], None]:
    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x for x in operands]
    ones = function(*leaves).detach() * 0 + 1

    def run() -> None:
        function(*leaves).backward(ones)
        for x in leaves:
            x.grad = None

    return run
