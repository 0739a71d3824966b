# torch._dynamo.config: settings of PyTorch's tracer, which keep what is written into them and change nothing.
"""Settings that programs write; there is no tracer to read them."""

from tapeless._settings_module import patcher

verbose = suppress_errors = disable = capture_scalar_outputs = capture_dynamic_output_shape_ops = False
assume_static_by_default = automatic_dynamic_shapes = inline_inbuilt_nn_modules = True
dynamic_shapes = True
optimize_ddp = error_on_recompile = False
skip_fwd_side_effects_in_bwd_under_checkpoint = False
cache_size_limit = recompile_limit = 8
accumulated_cache_size_limit = accumulated_recompile_limit = 256
reorderable_logging_functions: set = set()
patch = patcher(globals())
