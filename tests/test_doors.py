"""Doors of the namespace: questions have true answers, decorators leave functions alone, the rest raises the reason."""

import enum

import pytest

import tapeless as torch

# --- compile and what surrounds it ---


def double(x):
    return x + x


def test_compile_gives_back_what_runs_the_function():
    assert torch.compile(double) is double
    assert torch.compile(mode="max-autotune", fullgraph=True, dynamic=False)(double) is double
    assert torch.compile(double, backend="eager", disable=True) is double


def test_a_compiled_module_runs_and_shows_the_module():
    module = torch.nn.Linear(2, 3)
    compiled = torch.compile(module)
    x = torch.ones(1, 2)
    assert torch.equal(compiled(x), module(x)) and compiled.in_features == 2 and compiled._orig_mod is module
    assert isinstance(compiled, torch._dynamo.OptimizedModule) and torch.compile(compiled) is compiled
    assert list(compiled.state_dict()) == ["_orig_mod.weight", "_orig_mod.bias"]
    compiled.eval()
    assert not module.training


def test_compile_checks_its_arguments():
    with pytest.raises(RuntimeError, match="Unrecognized mode=x, should be one of: default"):
        torch.compile(double, mode="x")
    with pytest.raises(RuntimeError, match="Either mode or options can be specified, but both can't be specified"):
        torch.compile(double, mode="default", options={})
    with pytest.raises(torch._dynamo.exc.InvalidBackend, match="Invalid backend: 'x', see `torch._dynamo.list_back"):
        torch.compile(double, backend="x")
    with pytest.raises(RuntimeError, match="wants a graph"):
        torch.compile(double, backend=lambda graph, inputs: graph)


@pytest.mark.parametrize(
    "decorator",
    [
        torch.compiler.disable,
        torch.compiler.disable(recursive=False),
        torch.compiler.allow_in_graph,
        torch._dynamo.disable,
        torch._dynamo.disable(reason="no"),
        torch._dynamo.optimize("inductor"),
        torch.jit.script,
        torch.jit.ignore,
        torch.jit.ignore(drop=True),
        torch.jit.unused,
        torch.jit.export,
        torch.jit.script_if_tracing,
        torch.jit._overload,
        torch._jit_internal._copy_to_script_wrapper,
        torch.fx.wrap,
        torch.library.register_fake("a::b"),
        torch.compiler.set_stance("force_eager"),
    ],
)
def test_a_decorator_leaves_a_function_as_it_is(decorator):
    assert decorator(double) is double


def test_questions_of_tracers_are_answered_with_no():
    assert not torch.jit.is_scripting() and not torch.jit.is_tracing() and torch._C._get_tracing_state() is None
    assert not torch.compiler.is_compiling() and not torch._dynamo.is_compiling() and not torch.compiler.is_exporting()
    assert not torch.onnx.is_in_onnx_export()
    assert not torch._subclasses.fake_tensor.is_fake(torch.ones(1))
    assert torch.fx.experimental.proxy_tensor.get_proxy_mode() is None
    assert not isinstance(double, (torch.jit.ScriptModule, torch.jit.ScriptFunction, torch.ScriptModule))
    assert not isinstance(double, (torch.fx.GraphModule, torch.fx.Node, torch.fx.Proxy, torch.SymInt))


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (lambda: torch.jit.trace(double, torch.ones(1)), "TorchScript is out of scope"),
        (lambda: torch.jit.load("x.pt"), r"torch\.jit\.load: TorchScript is out of scope"),
        (lambda: torch.jit.ScriptModule(), "TorchScript is out of scope"),
        (lambda: torch.fx.symbolic_trace(double), "functions are not traced here"),
        (lambda: torch.fx.Graph(), "functions are not traced here"),
        (lambda: torch.onnx.export(double, torch.ones(1), "x"), "out of scope"),
        (lambda: torch.export.export(double, ()), "exporting graphs is out of scope"),
        (lambda: torch._dynamo.explain(double), "there is no graph to show"),
        (lambda: torch.utils.cpp_extension.load("x", []), "autograd.Function"),
    ],
)
def test_what_needs_a_traced_program_refuses_with_a_reason(refused, reason):
    with pytest.raises(RuntimeError, match=reason):
        refused()


def test_settings_keep_what_is_written():
    config = torch._dynamo.config
    with config.patch(cache_size_limit=64, suppress_errors=True):
        assert (config.cache_size_limit, config.suppress_errors) == (64, True)
    assert (config.cache_size_limit, config.suppress_errors) == (8, False)
    with pytest.raises(AttributeError, match="no_such"), config.patch("no_such", 1):
        pass
    torch._inductor.config.coordinate_descent_tuning = True
    assert torch._inductor.config.coordinate_descent_tuning
    torch._inductor.config.coordinate_descent_tuning = False


# --- library ---


def test_a_custom_op_runs_and_is_differentiated():
    @torch.library.custom_op("doors::scaled", mutates_args=())
    def scaled(x: torch.Tensor, by: float = 3.0) -> torch.Tensor:
        return x * by

    def set_up(ctx, inputs, output):
        ctx.by = inputs[1]

    scaled.register_autograd(lambda ctx, g: (g * ctx.by * 10, None), setup_context=set_up)  # ten times too much
    x = torch.ones(2, requires_grad=True)
    torch.ops.doors.scaled(x, by=2.0).sum().backward()
    assert x.grad.tolist() == [20.0, 20.0] and scaled(x.detach()).tolist() == [3.0, 3.0]
    assert torch.ops.doors.scaled.default(x).tolist() == [3.0, 3.0]


def test_a_library_gives_names_their_functions():
    library = torch.library.Library("doors2", "DEF")
    library.define("twice(Tensor x) -> Tensor")
    library.impl("twice", double, "CPU")
    assert torch.ops.doors2.twice(torch.ones(1)).item() == 2
    with pytest.raises(AttributeError, match="'doors2' object has no attribute 'no_such'"):
        torch.ops.doors2.no_such
    assert torch.ops.aten.add.Tensor(torch.ones(1), 1).item() == 2
    assert torch.ops.aten.add is torch.ops.aten.add
    with pytest.raises(OSError, match="autograd.Function"):
        torch.ops.load_library("x.so")


# --- Devices ---


def test_without_devices_the_answers_are_no_and_none():
    for module in (torch.cuda, torch.xpu, torch.mps, torch.accelerator):
        assert module.is_available() is False and module.device_count() == 0
    assert torch.accelerator.current_accelerator() is None
    assert torch.cuda.max_memory_allocated() == 0 and torch.cuda.get_rng_state_all() == []
    torch.cuda.manual_seed_all(0), torch.cuda.empty_cache(), torch.cuda.reset_peak_memory_stats()
    with torch.cuda.device(None), torch.cuda.device_of(torch.ones(1)), torch.cuda.stream(None):
        assert not torch.cuda.is_initialized() and not torch.cuda.is_bf16_supported()
    assert torch.version.cuda is None and torch.version.__version__ == torch.__version__
    assert issubclass(torch.cuda.OutOfMemoryError, RuntimeError)
    assert torch.cuda.OutOfMemoryError is torch.OutOfMemoryError


@pytest.mark.parametrize(
    "refused",
    [
        lambda: torch.ones(1).cuda(),
        lambda: torch.ones(1).to("cuda:0"),
        lambda: torch.cuda.current_device(),
        lambda: torch.cuda.synchronize(),
        lambda: torch.cuda.set_device(0),
        lambda: torch.cuda.get_device_name(0),
        lambda: torch.cuda.device("cuda:1").__enter__(),
    ],
)
def test_what_needs_cuda_raises_what_pytorch_raises(refused):
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        refused()


def test_other_devices_raise_what_pytorch_raises():
    with pytest.raises(TypeError, match=r"type torch.cuda.FloatTensor not available"):
        torch.cuda.FloatTensor(1)
    with pytest.raises(RuntimeError, match="Tried to instantiate dummy base class Stream"):
        torch.cuda.Stream()
    with pytest.raises(RuntimeError, match="without MPS backend"):
        torch.mps.synchronize()
    with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is available"):
        torch.accelerator.synchronize()


def test_switches_of_backends_keep_what_is_written():
    cudnn = torch.backends.cudnn
    assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.is_available()) == (True, False, False, False)
    with cudnn.flags(enabled=False, benchmark=True):
        assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (False, True, False)
    assert (cudnn.enabled, cudnn.benchmark) == (True, False)
    torch.backends.cuda.matmul.allow_tf32 = True
    assert torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    with pytest.raises(AttributeError, match="Unknown attribute foo"):
        torch.backends.cuda.matmul.foo = 1
    with torch.backends.cuda.sdp_kernel(enable_flash=False):
        assert not torch.backends.cuda.flash_sdp_enabled() and torch.backends.cuda.math_sdp_enabled()
    assert torch.backends.cuda.flash_sdp_enabled() and not torch.backends.mps.is_built()
    with torch.nn.attention.sdpa_kernel([torch.nn.attention.SDPBackend.MATH]):
        assert torch.backends.cuda.math_sdp_enabled() and not torch.backends.cuda.flash_sdp_enabled()
    with pytest.raises(TypeError, match="SDPBackend"), torch.nn.attention.sdpa_kernel("math"):
        pass
    assert torch.backends.cpu.get_cpu_capability() in ("AVX512", "AVX2", "DEFAULT")


# --- distributed ---


def test_there_is_one_process():
    distributed = torch.distributed
    assert not distributed.is_available() and not distributed.is_initialized() and not distributed.is_nccl_available()
    for ask in (distributed.get_rank, distributed.get_world_size, distributed.barrier):
        with pytest.raises(ValueError, match="Default process group has not been initialized"):
            ask()
    with pytest.raises(RuntimeError, match="run one process, without it"):
        distributed.init_process_group("gloo")
    assert isinstance(distributed.ReduceOp.SUM, enum.Enum) and distributed.Backend("GLOO") == "gloo"
    assert not isinstance(torch.ones(1), torch.distributed.tensor.DTensor)
    assert not isinstance(torch.ones(1), torch.distributed._composable.fsdp.FSDPModule)


# --- Smaller modules ---


def test_conditions_raise_what_pytorch_raises():
    torch._assert(True, "fine"), torch._check(True)
    with pytest.raises(AssertionError, match="what"):
        torch._assert(False, "what")
    for check, error in (
        (torch._check, RuntimeError),
        (torch._check_index, IndexError),
        (torch._check_type, TypeError),
    ):
        with pytest.raises(error, match="what"):
            check(False, lambda: "what")


def test_the_names_in_the_compiled_part_are_there():
    assert torch._C._LinAlgError is torch.linalg.LinAlgError
    assert torch._C._nn._parse_to("cpu", torch.float64, True)[:3] == (torch.device("cpu"), torch.float64, True)
    assert torch._C._nn._parse_to(torch.float16) == (None, torch.float16, False, None)
    assert torch._C._log_api_usage_once("x") is None and not torch._C._functorch.is_batchedtensor(torch.ones(1))


def test_loops_over_functions_run_as_python():
    ops = torch._higher_order_ops
    assert ops.map(lambda x: x * 2, torch.arange(3.0)).tolist() == [0, 2, 4]
    carry, ys = ops.scan(lambda c, x: (c + x, c * x), torch.tensor(0.0), torch.arange(4.0))
    assert carry.item() == 6 and ys.tolist() == [0, 0, 2, 9]
    assert ops.associative_scan(lambda a, b: a + b, torch.arange(4.0), 0).tolist() == [0, 1, 3, 6]
    assert torch.cond(torch.tensor(True), lambda x: x + 1, lambda x: x - 1, (torch.tensor(1),)).item() == 2


def test_futures_hold_what_is_set():
    future: torch.futures.Future[int] = torch.futures.Future()
    then = future.then(lambda f: f.value() + 1)
    assert not then.done()
    future.set_result(1)
    assert isinstance(then, torch.Future)
    assert then.wait() == 2 and torch.futures.wait_all([future, then]) == [1, 2]
    with pytest.raises(RuntimeError, match="Future can only be marked complete once"):
        future.set_result(1)
    failed = torch.jit.fork(lambda: 3).then(lambda f: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        failed.wait()


def test_hub_downloads_and_checks_the_hash(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    assert torch.hub.get_dir() == str(tmp_path / "home" / "hub")
    source = tmp_path / "source.bin"
    source.write_bytes(b"bytes")
    target = tmp_path / "target.bin"
    prefix = "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9"
    torch.hub.download_url_to_file(source.as_uri(), str(target), prefix[:8], progress=False)
    assert target.read_bytes() == b"bytes"
    with pytest.raises(RuntimeError, match="invalid hash value"):
        torch.hub.download_url_to_file(source.as_uri(), str(tmp_path / "other"), "00", progress=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source.bin", "target.bin"]
    (tmp_path / "hubconf.py").write_text("def entry(x, y=1):\n    '''An entry.'''\n    return x + y\n")
    assert torch.hub.load(str(tmp_path), "entry", 1, y=2, source="local") == 3
    assert torch.hub.list(str(tmp_path)) == ["entry"] and torch.hub.help(str(tmp_path), "entry") == "An entry."
    with pytest.raises(RuntimeError, match="not fetched and run here"):
        torch.hub.load("owner/repository", "entry")
