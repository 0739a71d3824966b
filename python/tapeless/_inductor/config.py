# torch._inductor.config: settings of PyTorch's code generator, which keep what is written and change nothing.
"""Settings that programs write; there is no generator to read them."""

from types import SimpleNamespace

from tapeless._settings_module import patcher

coordinate_descent_tuning = coordinate_descent_check_all_directions = False
force_fuse_int_mm_with_mul = use_mixed_mm = freezing = max_autotune = max_autotune_gemm = False
epilogue_fusion = pattern_matcher = fx_graph_cache = True
shape_padding, debug = True, False
post_grad_custom_pre_pass = post_grad_custom_post_pass = None
triton = SimpleNamespace(cudagraphs=False, unique_kernel_names=True, cudagraph_trees=True)
cpp = SimpleNamespace(threads=-1, simdlen=None)
patch = patcher(globals())
