"""The command: `python -m tests.conformance.modules` compares the modules of nn with PyTorch's.

Samples are those of PyTorch's own database of modules, in training and in evaluation, and of `module_samples` for
modules that it lacks. Each is built with the same seed on both sides; then initial values, representation, results,
gradients, buffers and the state_dict, carried both ways, have to agree.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import re
import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.testing._internal.common_modules import ModuleErrorEnum, module_db

from .compare import Tolerance, brief, error_class, value_reason
from .convert import carry, dtype_name, read
from .library import Library, Unsupported
from .module_samples import DRAWN_NORMAL, EXCUSES, NOT_COMPARED, SAMPLES

# Gradients are sums of many terms: PyTorch's own are up to 4e-5 away from what float64 gives.
TOLERANCE = Tolerance({torch.float32: (1e-4, 5e-5)})


@dataclass
class Sample:
    """How a module is built and called, in PyTorch's terms."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)
    training: bool = True

    def __str__(self) -> str:
        given = [brief_value(x) for x in self.args]
        given += [f"{key}={brief_value(x)}" for key, x in self.kwargs.items()]
        mode = "training" if self.training else "evaluation"
        inputs = [brief_value(x) for x in (*self.inputs, *self.keywords.values())]
        return f"{self.name}({', '.join(given)})({', '.join(inputs)}) in {mode}"


def brief_value(x: Any) -> str:
    """An argument in few letters."""
    if isinstance(x, torch.Tensor):
        return f"{dtype_name(x.dtype)}{list(x.shape)}"
    if isinstance(x, tuple | list):
        return f"({', '.join(map(brief_value, x))})"
    return type(x).__name__ if isinstance(x, torch.nn.Module) else repr(x)[:40]


# --- Samples ---


def database_samples(info: Any, training: bool) -> list[Sample]:
    """PyTorch's samples of one module."""
    torch.manual_seed(11)
    given = info.module_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=True, training=training)
    samples = []
    for one in given:
        made, call = one.constructor_input, one.forward_input
        samples.append(Sample(info.name.removeprefix("nn."), made.args, made.kwargs, call.args, call.kwargs, training))
    return samples


def written_samples(name: str, training: bool) -> list[Sample]:
    """Our own samples of a module that the database lacks."""
    torch.manual_seed(12)
    return [
        Sample(name, args, kwargs, tuple(x() if callable(x) else x for x in inputs), {}, training)
        for args, kwargs, inputs in SAMPLES.get(name, ())
    ]


def named_modules() -> list[str]:
    """The module classes of torch.nn."""
    found = vars(torch.nn).items()
    return sorted(name for name, x in found if inspect.isclass(x) and issubclass(x, torch.nn.Module))


# --- Carrying a sample across ---


class Carrier:
    """Takes arguments of PyTorch's over to a library, modules and functions among them."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.seen: dict[int, Any] = {}

    def __call__(self, value: Any) -> Any:
        """The library's own form of a value."""
        if self.library.module is torch:
            return self._copy(value)
        if isinstance(value, torch.nn.Module):
            return self._module(value)
        if isinstance(value, list | tuple) and type(value) in (list, tuple):
            return type(value)(map(self, value))
        if isinstance(value, dict):
            return type(value)((key, self(item)) for key, item in value.items())
        if isinstance(value, torch.nn.LinearCrossEntropyOptions):
            return self.library.module.nn.LinearCrossEntropyOptions(**self(dataclasses.asdict(value)))
        if callable(value) and not isinstance(value, torch.dtype | type | torch.Tensor):
            return self.library.function(value)
        if isinstance(value, torch.nn.Parameter):
            return self.library.module.nn.Parameter(carry(self.library, value.detach(), {}), value.requires_grad)
        return carry(self.library, value, self.seen)

    def _copy(self, value: Any) -> Any:
        """A copy of a tensor, so that no gradient is left behind."""
        if isinstance(value, torch.nn.Module):
            return copy.deepcopy(value)
        if isinstance(value, torch.Tensor) and not isinstance(value, torch.nn.Parameter):
            if id(value) not in self.seen:
                self.seen[id(value)] = value.detach().clone().requires_grad_(value.requires_grad)
            return self.seen[id(value)]
        if isinstance(value, list | tuple) and type(value) in (list, tuple):
            return type(value)(map(self, value))
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        return value

    def _module(self, module: torch.nn.Module) -> Any:
        """A module with the same attributes, of the class of the same place."""
        path = f"{type(module).__module__}.{type(module).__qualname__}".removeprefix("torch.")
        kind = self.library.path(path)
        made = kind.__new__(kind)
        self.library.module.nn.Module.__init__(made)
        for name, value in vars(module).items():
            if name in ("_parameters", "_buffers", "_modules") or not name.startswith("_"):
                made.__dict__[name] = self(value)
        for name in ("_qkv_same_embed_dim", "_reversed_padding_repeated_twice"):
            if name in vars(module):
                made.__dict__[name] = vars(module)[name]
        return made


# --- What a library makes of a sample ---


@dataclass
class Outcome:
    """Everything that is compared; numbers are PyTorch tensors by name."""

    error: BaseException | None = None
    stage: str = "construction"
    facts: dict[str, Any] = field(default_factory=dict)
    exact: dict[str, torch.Tensor] = field(default_factory=dict)
    near: dict[str, torch.Tensor] = field(default_factory=dict)
    module: Any = None


def _uninitialised(x: Any) -> bool:
    return type(x).__name__.startswith("Uninitialized")


def _note_state(library: Library, out: Outcome, module: Any, when: str, exact: bool) -> None:
    """Names, shapes and values of parameters and buffers, and the state's keys and versions."""
    for kind, named in (("parameter", module.named_parameters()), ("buffer", module.named_buffers())):
        for name, x in named:
            key = f"{when} {kind} {name}"
            if _uninitialised(x):
                out.facts[key] = type(x).__name__
                continue
            out.facts[key] = (dtype_name(x.dtype), tuple(x.shape), x.requires_grad, kind == type(x).__name__.lower())
            (out.exact if exact else out.near)[key] = read(library, x)
    state = module.state_dict()
    out.facts[f"{when} state_dict keys"] = list(state)
    out.facts[f"{when} state_dict versions"] = {key: dict(value) for key, value in state._metadata.items()}


def _leaves(library: Library, value: Any, path: str = "result") -> list[tuple[str, Any]]:
    """The tensors of a result by where they are, None and numbers among them."""
    if isinstance(value, tuple | list):
        return [leaf for at, x in enumerate(value) for leaf in _leaves(library, x, f"{path}[{at}]")]
    return [(path, value)]


def play(library: Library, sample: Sample, state: dict[str, torch.Tensor] | None) -> Outcome:
    """Build, load a state, call, differentiate, and write down what there is to see."""
    out = Outcome()
    carrier = Carrier(library)
    try:
        kind = library.path(f"nn.{sample.name}")
        args, kwargs = carrier(sample.args), carrier(sample.kwargs)
        library.module.manual_seed(1)
        module = kind(*args, **kwargs)
        out.module = module.train(sample.training)
        out.facts["repr"], out.facts["extra_repr"] = repr(module), module.extra_repr()
        _note_state(library, out, module, "initial", exact=True)
        out.stage = "state_dict"
        if state is not None and not any(map(_uninitialised, module.state_dict().values())):
            taken = {key: carry(library, x, {}) for key, x in state.items()}
            out.facts["load_state_dict"] = str(module.load_state_dict(taken))
        out.stage = "call"
        inputs, keywords = carrier(sample.inputs), carrier(sample.keywords)
        library.module.manual_seed(2)
        result = module(*inputs, **keywords)
        out.facts["class after the call"] = type(module).__name__
        leaves = _leaves(library, result)
        for path, x in leaves:
            _note_result(library, out, path, x)
        out.stage = "backward"
        _differentiate(library, out, module, [x for _, x in leaves], (inputs, keywords))
        _note_state(library, out, module, "final", exact=False)
    except Unsupported:
        raise
    except Exception as error:
        out.error = error
    return out


def _note_result(library: Library, out: Outcome, path: str, x: Any) -> None:
    if library.is_tensor(x):
        out.facts[path] = (dtype_name(x.dtype), tuple(x.shape), x.requires_grad)
        out.near[path] = read(library, x)
    else:
        out.facts[path] = x


def _differentiate(library: Library, out: Outcome, module: Any, results: list[Any], inputs: Any) -> None:
    """Gradients of inputs and parameters, under gradients drawn by PyTorch."""
    results = [x for x in results if library.is_tensor(x) and x.requires_grad]
    torch.manual_seed(3)
    given = [torch.randn(tuple(x.shape)).to(getattr(torch, dtype_name(x.dtype))) for x in results]
    if not results:
        return
    library.module.autograd.backward(results, [carry(library, g, {}) for g in given])
    for path, x in _leaves(library, [*inputs[0], *inputs[1].values()], "input"):
        _note_gradient(library, out, f"gradient of {path}", x)
    for name, x in module.named_parameters():
        _note_gradient(library, out, f"gradient of {name}", x)


def _note_gradient(library: Library, out: Outcome, key: str, x: Any) -> None:
    if library.is_tensor(x) and x.requires_grad:
        out.facts[key] = None if x.grad is None else (dtype_name(x.grad.dtype), tuple(x.grad.shape))
        if x.grad is not None:
            out.near[key] = read(library, x.grad)


# --- Comparison ---


def reasons(expected: Outcome, actual: Outcome, drawn_normal: bool) -> list[str]:
    """Every way in which two outcomes differ; normal numbers may differ in their last bit, others in none."""
    if expected.error or actual.error:
        pair = [f"{type(x.error).__name__ if x.error else 'nothing'} at {x.stage}" for x in (expected, actual)]
        if expected.error and actual.error and error_class(expected.error) == error_class(actual.error):
            return []
        told = brief(actual.error or expected.error)
        return [f"raises {pair[1]} where PyTorch raises {pair[0]}: {told}"]
    pairs = {
        key: [x.facts.get(key, "nothing") for x in (actual, expected)] for key in {**expected.facts, **actual.facts}
    }
    found = [f"{key}: {us!r:.300} where PyTorch has {them!r:.300}" for key, (us, them) in pairs.items() if us != them]
    if found:
        return found
    for key, x in expected.exact.items():
        same = torch.isclose if drawn_normal else torch.eq
        if not same(x, actual.exact[key]).all():
            found.append(f"{key}: not the same to the bit")
    for key, x in expected.near.items():
        found += [f"{key}: {reason.text}" for reason in value_reason("value", x, actual.near[key], TOLERANCE)]
    return found


def _returned(library: Library, expected: Outcome, actual: Outcome) -> list[str]:
    """What PyTorch's module says to the state of ours."""
    if actual.error or expected.error:
        return []
    state = {key: read(library, x) for key, x in actual.module.state_dict().items()}
    try:
        said = str(expected.module.load_state_dict(state))
    except Exception as error:
        return [f"state_dict given back: {brief(error)}"]
    return [] if said == "<All keys matched successfully>" else [f"state_dict given back: {said}"]


def fresh_state(library: Library, sample: Sample) -> dict[str, torch.Tensor] | None:
    """A state of other values than those that a module begins with, which could hide what it loads."""
    carrier = Carrier(library)
    try:
        state = library.path(f"nn.{sample.name}")(*carrier(sample.args), **carrier(sample.kwargs)).state_dict()
    except Exception:
        return None  # `play` meets the same error, and tells of it
    if not state or any(map(_uninitialised, state.values())):
        return None
    torch.manual_seed(4)
    return {key: torch.rand_like(x) + 0.1 if x.is_floating_point() else x.clone() for key, x in state.items()}


def compare(ours: Library, theirs: Library, sample: Sample) -> list[str]:
    """The ways in which a sample disagrees."""
    state = fresh_state(theirs, sample)
    expected, actual = play(theirs, sample, state), play(ours, sample, state)
    return reasons(expected, actual, sample.name in DRAWN_NORMAL) or _returned(ours, expected, actual)


def error_reasons(ours: Library, info: Any) -> tuple[int, list[str]]:
    """PyTorch's samples of wrong arguments: how many, and those that we do not refuse in the same words."""
    if info.module_error_inputs_func is None:
        return 0, []
    given = info.module_error_inputs_func(info, device="cpu", dtype=torch.float32, requires_grad=True, training=True)
    carrier, count, found = Carrier(ours), 0, []
    for one in given:
        count += 1
        made, call = one.module_error_input.constructor_input, one.module_error_input.forward_input
        try:
            module = ours.path(info.name)(*carrier(made.args), **carrier(made.kwargs))
            if one.error_on != ModuleErrorEnum.CONSTRUCTION_ERROR:
                module(*carrier(call.args), **carrier(call.kwargs))
            found.append(f"raises nothing where PyTorch raises {one.error_type.__name__}: {one.error_regex:.80}")
        except Exception as error:
            if not isinstance(error, one.error_type):
                found.append(f"raises {brief(error)} where PyTorch raises {one.error_type.__name__}")
            elif not re.search(one.error_regex, str(error)):
                found.append(f"says {str(error)[:120]!r} where PyTorch says {one.error_regex[:120]!r}")
    return count, found


def main() -> int:
    """Compares all modules, or those named; 0 only when all agree."""
    wanted = sys.argv[1:]
    started = time.perf_counter()
    ours, theirs = Library("tapeless"), Library("torch")
    infos = {info.name.removeprefix("nn."): info for info in module_db}
    names = [name for name in named_modules() if (not wanted or name in wanted) and name not in NOT_COMPARED]
    count, agree, bad_names = 0, 0, []
    excused: Counter[str] = Counter()
    for name in names:
        info = infos.get(name)
        bad: list[str] = []
        errors, unlike = error_reasons(ours, info) if info else (0, [])
        told = [("errors", reason) for reason in unlike]
        modes = (True, False) if info is None or info.train_and_eval_differ else (True,)
        samples = [x for mode in modes for x in (database_samples(info, mode) if info else [])]
        samples += [x for mode in (True, False) for x in written_samples(name, mode)]
        count, agree = count + errors, agree + errors - len(unlike)
        for sample in samples:
            count += 1
            found = compare(ours, theirs, sample)
            agree += not found
            told += [(str(sample), found[0])] if found else []
        if not samples:
            bad.append("no sample")
        for where, reason in told:
            excuse = next((x for x in EXCUSES if name in x.names and re.search(x.pattern, reason)), None)
            if excuse:
                excused[excuse.reason] += 1
            else:
                bad.append(f"{where}: {reason}")
        for line in bad[: 100 if wanted else 3]:
            print(f"FAIL {line}")
        bad_names += [name] if bad else []
    for name, reason in NOT_COMPARED.items():
        print(f"not compared: {name}: {reason}")
    for reason, times in excused.items():
        print(f"excused: {times} samples: {reason}")
    print(
        f"modules: {len(names)} names, {count} samples, {agree} agree, {excused.total()} excused "
        f"({time.perf_counter() - started:.0f} s)"
    )
    if bad_names:
        print(f"disagree: {' '.join(bad_names)}")
    return 1 if bad_names else 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(main())
