# torch.autograd.functional: derivatives of functions of tensors, by running backward on them.
"""Products with Jacobians and Hessians, and these matrices themselves, as `torch.autograd.functional`.

Functions take one tensor or a tuple of tensors and return one or a tuple; results are nested in the same way. With
`create_graph` the results can be differentiated again. With `strict` an output or a derivative that does not depend on
an input is a RuntimeError instead of zeros. (`tapeless.func` has the same for any nesting of containers.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tapeless
from tapeless import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _as_tuple_nocheck(x: Any) -> tuple[Any, ...]:
    if isinstance(x, tuple):
        return x
    return tuple(x) if isinstance(x, list) else (x,)


def _as_tuple(inp: Any, arg_name: str | None = None, fn_name: str | None = None) -> Any:
    """Whether `inp` is a tuple, and it as a tuple of tensors; TypeError for anything else.

    Without names, of what a user cannot have given, only the tuple.
    """
    if arg_name is None and fn_name is None:
        return _as_tuple_nocheck(inp)
    is_tuple = isinstance(inp, tuple)
    values = inp if is_tuple else (inp,)
    for place, value in enumerate(values):
        if isinstance(value, Tensor):
            continue
        what = f"the value at index {place}" if is_tuple else f"the given {arg_name}"
        raise TypeError(
            f"The {arg_name} given to {fn_name} must be either a Tensor or a tuple of Tensors but {what} has type "
            f"{type(value)}."
        )
    return is_tuple, values


def _tuple_postprocess(res: Any, to_unpack: Any) -> Any:
    """The single element of a tuple that stands for a tensor; nested where `to_unpack` is a pair."""
    if isinstance(to_unpack, tuple):
        outer, inner = to_unpack
        if not inner:
            res = tuple(part[0] for part in res)
        return res if outer else res[0]
    return res if to_unpack else res[0]


def _grad_preprocess(inputs: Sequence[Tensor], create_graph: bool, need_graph: bool) -> tuple[Tensor, ...]:
    """Inputs to differentiate by: views within the user's graph, or leaves of a graph of their own."""
    found = []
    for x in inputs:
        if create_graph and x.requires_grad:
            found.append(x.view_as(x))  # another tensor, so that only this use of it counts
        else:
            found.append(x.detach().requires_grad_(need_graph))
    return tuple(found)


def _grad_postprocess(inputs: Any, create_graph: bool) -> Any:
    """The results, without a graph unless it is asked for."""
    if isinstance(inputs, tuple):
        return tuple(_grad_postprocess(x, create_graph) for x in inputs)
    return inputs if create_graph else inputs.detach()


def _validate_v(v: Sequence[Tensor], other: Sequence[Tensor], is_other_tuple: bool) -> None:
    if len(other) != len(v):
        if is_other_tuple:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(other)} but got {len(v)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for place, (own, wanted) in enumerate(zip(v, other, strict=True)):
        if own.size() != wanted.size():
            prefix = f"Entry {place} in " if is_other_tuple else ""
            raise RuntimeError(f"{prefix}v has invalid size: should be {wanted.size()} but got {own.size()}.")


def _check_requires_grad(inputs: Any, input_type: str, strict: bool) -> None:
    """In strict mode, RuntimeError for what does not depend on the inputs."""
    if not strict:
        return
    if input_type not in ("outputs", "grad_inputs", "jacobian", "hessian"):
        raise RuntimeError("Invalid input_type to _check_requires_grad")
    for place, x in enumerate(inputs):
        if x is None:
            raise RuntimeError(
                f"The output of the user-provided function is independent of input {place}. This is not allowed in "
                "strict mode."
            )
        if not x.requires_grad:
            raise RuntimeError(_INDEPENDENT[input_type].format(place))


_INDEPENDENT = {
    "outputs": "Output {} of the user-provided function does not require gradients. The outputs must be computed in a "
    "differentiable manner from the input when running in strict mode.",
    "grad_inputs": "The gradient with respect to input {} is independent of the inputs of the user-provided function. "
    "This is not allowed in strict mode.",
    "jacobian": "The jacobian of the user-provided function with respect to input {} is independent of the input. "
    "This is not allowed in strict mode when create_graph=True.",
    "hessian": "The hessian of the user-provided function with respect to input {} is independent of the input. "
    "This is not allowed in strict mode when create_graph=True.",
}

_STAGES = {
    "back": "The output of the user-provided function is independent of input {}. This is not allowed in strict mode.",
    "back_trick": "The gradient with respect to the input is independent of entry {} in the grad_outputs when using "
    "the double backward trick to compute forward mode gradients. This is not allowed in strict mode.",
    "double_back": "The jacobian of the user-provided function is independent of input {}. This is not allowed in "
    "strict mode.",
    "double_back_trick": "The hessian of the user-provided function is independent of entry {} in the grad_jacobian. "
    "This is not allowed in strict mode as it prevents from using the double backward trick to replace forward mode "
    "AD.",
}


def _autograd_grad(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    grad_outputs: Any = None,
    create_graph: bool = False,
    retain_graph: bool | None = None,
    is_grads_batched: bool = False,
) -> tuple[Any, ...]:
    """`autograd.grad`, which gives None for everything where no output depends on an input."""
    weights = (None,) * len(outputs) if grad_outputs is None else grad_outputs
    used = [(out, w) for out, w in zip(outputs, weights, strict=True) if out is not None and out.requires_grad]
    if not used:
        return (None,) * len(inputs)
    roots, weights = zip(*used, strict=True)
    return tapeless.autograd.grad(
        roots,
        tuple(inputs),
        weights,
        allow_unused=True,
        create_graph=create_graph,
        retain_graph=retain_graph,
        is_grads_batched=is_grads_batched,
    )


def _fill_in_zeros(
    grads: Sequence[Any], refs: Sequence[Tensor], strict: bool, create_graph: bool, stage: str
) -> tuple[Tensor, ...]:
    """Zeros like the references where a gradient is None; in strict mode an error that the stage explains."""
    if stage not in _STAGES:
        raise RuntimeError(f"Invalid stage argument '{stage}' to _fill_in_zeros")
    found = []
    for place, (g, ref) in enumerate(zip(grads, refs, strict=True)):
        if g is None and strict:
            raise RuntimeError(_STAGES[stage].format(place))
        if strict and create_graph and not g.requires_grad and "double" not in stage:
            raise RuntimeError(
                f"The jacobian of the user-provided function is independent of input {place}. This is not allowed in "
                "strict mode when create_graph=True."
            )
        found.append(tapeless.zeros_like(ref) if g is None else g)
    return tuple(found)


def _call(func: Callable[..., Any], inputs: Sequence[Tensor], name: str, strict: bool) -> tuple[bool, Any]:
    is_tuple, outputs = _as_tuple(func(*inputs), "outputs of the user-provided function", name)
    _check_requires_grad(outputs, "outputs", strict=strict)
    return is_tuple, outputs


def _vector(v: Any, like: Sequence[Tensor], is_tuple: bool, name: str, of: str) -> tuple[Tensor, ...]:
    """The vector v as a tuple of detached tensors; None stands for 1 where there is a single number."""
    if v is None:
        if len(like) != 1 or like[0].nelement() != 1:
            raise RuntimeError(f"The vector v can only be None if {of} a single Tensor with a single element.")
        return (tapeless.ones_like(like[0]),)
    _, v = _as_tuple(v, "v", name)
    v = _grad_preprocess(v, create_graph=False, need_graph=False)
    _validate_v(v, like, is_tuple)
    return v


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), vᵀJ): v is like the outputs, the product like the inputs."""
    with tapeless.enable_grad():
        is_inputs_tuple, inputs = _as_tuple(inputs, "inputs", "vjp")
        inputs = _grad_preprocess(inputs, create_graph=create_graph, need_graph=True)
        is_outputs_tuple, outputs = _call(func, inputs, "vjp", strict)
        v = _vector(v, outputs, is_outputs_tuple, "vjp", "the user-provided function returns")
    with tapeless.set_grad_enabled(create_graph or tapeless.is_grad_enabled()):
        found = _autograd_grad(outputs, inputs, v, create_graph=create_graph)
        product = _fill_in_zeros(found, inputs, strict, create_graph, "back")
    outputs = _grad_postprocess(outputs, create_graph)
    product = _grad_postprocess(product, create_graph)
    return _tuple_postprocess(outputs, is_outputs_tuple), _tuple_postprocess(product, is_inputs_tuple)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), Jv): v is like the inputs, the product like the outputs.

    By backward of the backward: uᵀJ is linear in u, and its derivative along v is Jv.
    """
    with tapeless.enable_grad():
        is_inputs_tuple, inputs = _as_tuple(inputs, "inputs", "jvp")
        inputs = _grad_preprocess(inputs, create_graph=create_graph, need_graph=True)
        v = _vector(v, inputs, is_inputs_tuple, "jvp", "the input to the user-provided function is")
        is_outputs_tuple, outputs = _call(func, inputs, "jvp", strict)
        seeds = tuple(tapeless.zeros_like(out, requires_grad=True) for out in outputs)
        rows = _autograd_grad(outputs, inputs, seeds, create_graph=True)
        _check_requires_grad(rows, "grad_inputs", strict=strict)
    with tapeless.set_grad_enabled(create_graph or tapeless.is_grad_enabled()):
        found = _autograd_grad(rows, seeds, v, create_graph=create_graph)
        product = _fill_in_zeros(found, outputs, strict, create_graph, "back_trick")
    outputs = _grad_postprocess(outputs, create_graph)
    product = _grad_postprocess(product, create_graph)
    return _tuple_postprocess(outputs, is_outputs_tuple), _tuple_postprocess(product, is_outputs_tuple)


def _construct_standard_basis_for(tensors: Sequence[Tensor], tensor_numels: Sequence[int]) -> tuple[Tensor, ...]:
    """For tensors of N elements together, N × numel pieces of the identity matrix: all directions, tensor by tensor."""
    if len(tensors) != len(tensor_numels) or not tensors:
        raise AssertionError("_construct_standard_basis_for: give the number of elements of each of some tensors")
    total, found, start = sum(tensor_numels), [], 0
    for x, n in zip(tensors, tensor_numels, strict=True):
        piece = x.new_zeros((total, n))
        piece.diagonal(-start).fill_(1)
        found.append(piece)
        start += n
    return tuple(found)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian: for an output [*O] and an input [*I], a tensor [*O, *I].

    Of tuples, a tuple for each output with an entry for each input. `vectorize` takes all rows at once. With
    `strategy="forward-mode"` (and vectorize) columns are computed, which are fewer where the inputs are.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs '
            'than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError(
                'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` are not '
                'supported together (yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
            )
        return _jacfwd(func, inputs, strict, vectorize)
    with tapeless.enable_grad():
        is_inputs_tuple, inputs = _as_tuple(inputs, "inputs", "jacobian")
        inputs = _grad_preprocess(inputs, create_graph=create_graph, need_graph=True)
        is_outputs_tuple, outputs = _call(func, inputs, "jacobian", strict)
        if strict and vectorize:
            raise RuntimeError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. "
                "Please either set `strict=False` or `vectorize=False`."
            )
        of_output = _vectorized_rows if vectorize else _row_by_row
        found = tuple(of_output(outputs, i, inputs, create_graph, strict) for i in range(len(outputs)))
    found = _grad_postprocess(found, create_graph)
    return _tuple_postprocess(found, (is_outputs_tuple, is_inputs_tuple))


def _row_by_row(
    outputs: Sequence[Tensor], place: int, inputs: Sequence[Tensor], create_graph: bool, strict: bool
) -> tuple[Tensor, ...]:
    """The derivatives of one output by all inputs, one backward for each of its elements."""
    output = outputs[place]
    rows: list[list[Tensor]] = [[] for _ in inputs]
    for number in output.reshape(-1).unbind():
        found = _autograd_grad((number,), inputs, retain_graph=True, create_graph=create_graph)
        for column, (kept, g, x) in enumerate(zip(rows, found, inputs, strict=True)):
            _check_row(g, place, column, create_graph, strict)
            kept.append(tapeless.zeros_like(x) if g is None else g)
    return tuple(
        (tapeless.stack(kept) if kept else x.new_zeros((0, *x.shape))).view(output.size() + x.size())
        for kept, x in zip(rows, inputs, strict=True)
    )


def _check_row(g: Any, output: int, place: int, create_graph: bool, strict: bool) -> None:
    if strict and g is None:
        raise RuntimeError(
            f"Output {output} of the user-provided function is independent of input {place}. This is not allowed in "
            "strict mode."
        )
    if strict and create_graph and not g.requires_grad:
        raise RuntimeError(
            f"The jacobian of the user-provided function is independent of input {place}. This is not allowed in "
            "strict mode when create_graph=True."
        )


def _vectorized_rows(
    outputs: Sequence[Tensor], place: int, inputs: Sequence[Tensor], create_graph: bool, strict: bool
) -> tuple[Tensor, ...]:
    """The derivatives of one output by all inputs, from one batch of backward passes."""
    output = outputs[place]
    (basis,) = _construct_standard_basis_for((output,), (output.numel(),))
    weights = (basis.view((-1, *output.shape)),)
    found = _autograd_grad((output,), inputs, weights, create_graph, retain_graph=True, is_grads_batched=True)
    return tuple(
        x.new_zeros(output.size() + x.size()) if g is None else g.view(output.size() + x.size())
        for g, x in zip(found, inputs, strict=True)
    )


def _jacfwd(func: Callable[..., Any], inputs: Any, strict: bool = False, vectorize: bool = False) -> Any:
    """The Jacobian column by column, in forward mode, all columns at once."""
    if strict:
        raise RuntimeError(
            'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are not supported '
            'together (yet). Please either set `strict=False` or `strategy="reverse-mode"`.'
        )
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for "
            "`vectorize=True`."
        )
    is_inputs_tuple, inputs = _as_tuple(inputs, "inputs", "jacobian")
    is_outputs_tuple = False

    def checked(*args: Tensor) -> tuple[Tensor, ...]:
        nonlocal is_outputs_tuple
        is_outputs_tuple, outputs = _as_tuple(func(*args), "outputs of the user-provided function", "jacobian")
        return outputs

    found = tapeless.func.jacfwd(checked, argnums=tuple(range(len(inputs))))(*inputs)
    return _tuple_postprocess(tuple(found), (is_outputs_tuple, is_inputs_tuple))


def _one_number(func: Callable[..., Any], name: str, strict: bool) -> Callable[..., Tensor]:
    """The function, held to return one number."""

    def checked(*args: Any) -> Tensor:
        is_tuple, outputs = _call(func, args, name, strict)
        if is_tuple:
            raise RuntimeError(f"The function given to {name} should return a single Tensor")
        if outputs[0].nelement() != 1:
            raise RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element")
        return outputs[0].squeeze()

    return checked


def _second_is_constant(place: int) -> RuntimeError:
    return RuntimeError(
        "While computing the hessian, found that the jacobian of the user-provided function with respect to input "
        f"{place} is independent of the input. This is not allowed in strict mode. You should ensure that your "
        "function is twice differentiable and that the jacobian depends on the inputs (this would be violated by a "
        "linear function for example)."
    )


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of one number: for inputs [*I] and [*K], a tensor [*I, *K], in a tuple of tuples."""
    is_inputs_tuple, inputs = _as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    number = _one_number(func, "hessian", strict)
    forward = outer_jacobian_strategy == "forward-mode"

    def gradient(*args: Tensor) -> Any:
        if forward:
            return tapeless.func.jacrev(number, argnums=tuple(range(len(args))))(*args)
        rows = jacobian(number, args, create_graph=True)
        for place, row in enumerate(rows):
            if strict and not row.requires_grad:
                raise _second_is_constant(place)
        return rows

    found = jacobian(
        gradient,
        inputs,
        create_graph=create_graph,
        strict=strict,
        vectorize=vectorize,
        strategy=outer_jacobian_strategy,
    )
    return _tuple_postprocess(found, (is_inputs_tuple, is_inputs_tuple))


def _gradient(
    func: Callable[..., Any], inputs: Any, v: Any, create_graph: bool, strict: bool, name: str
) -> tuple[Any, ...]:
    """What vhp and hvp begin with: the inputs, v, the number, and its gradient with a graph."""
    is_inputs_tuple, inputs = _as_tuple(inputs, "inputs", name)
    inputs = _grad_preprocess(inputs, create_graph=create_graph, need_graph=True)
    v = _vector(v, inputs, is_inputs_tuple, name, "the input to the user-provided function is")
    output = _one_number(func, name, strict)(*inputs)
    slopes = _autograd_grad((output,), inputs, create_graph=True)
    for place, g in enumerate(slopes):
        if strict and g is not None and not g.requires_grad:
            raise _second_is_constant(place)
    _check_requires_grad(slopes, "jacobian", strict=strict)
    return is_inputs_tuple, inputs, v, output, slopes


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), vᵀH) for a function whose value is one number; v and the product are like the inputs."""
    with tapeless.enable_grad():
        is_tuple, inputs, v, output, slopes = _gradient(func, inputs, v, create_graph, strict, "vhp")
    with tapeless.set_grad_enabled(create_graph or tapeless.is_grad_enabled()):
        found = _autograd_grad(slopes, inputs, v, create_graph=create_graph)
        product = _fill_in_zeros(found, inputs, strict, create_graph, "double_back")
    product = _grad_postprocess(product, create_graph)
    return _grad_postprocess(output, create_graph), _tuple_postprocess(product, is_tuple)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """(func(*inputs), Hv) for a function whose value is one number; v and the product are like the inputs.

    By backward of uᵀH, which is linear in u. As H is symmetric where second derivatives are continuous, vhp gives the
    same for less.
    """
    with tapeless.enable_grad():
        is_tuple, inputs, v, output, slopes = _gradient(func, inputs, v, create_graph, strict, "hvp")
        seeds = tuple(tapeless.zeros_like(x, requires_grad=True) for x in inputs)
        rows = _autograd_grad(slopes, inputs, seeds, create_graph=True)
        _check_requires_grad(rows, "hessian", strict=strict)
    with tapeless.set_grad_enabled(create_graph or tapeless.is_grad_enabled()):
        found = _autograd_grad(rows, seeds, v, create_graph=create_graph)
        product = _fill_in_zeros(found, inputs, strict, create_graph, "double_back_trick")
    product = _grad_postprocess(product, create_graph)
    return _grad_postprocess(output, create_graph), _tuple_postprocess(product, is_tuple)
