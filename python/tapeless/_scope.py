# What of PyTorch is out of scope, why, and what to use instead: one table, read by errors and by `make coverage`.
"""Names of PyTorch that will not come, by the beginning of the name."""

SPARSE = ("sparse layouts are out of scope", "a dense tensor, or scipy.sparse and torch.from_numpy")
NESTED = ("nested and masked layouts are out of scope", "torch.nn.utils.rnn.pad_sequence, and a mask")
QUANTIZED = ("quantization is out of scope", "float16 or bfloat16 tensors")
SCRIPT = ("TorchScript is out of scope", "the function or the module itself, and its state_dict")
EXPORT = ("exporting graphs is out of scope", "the module itself, and its state_dict")
TRACED = ("functions are not traced: they run as they are written", "the function itself; tapeless.viz shows its graph")
COMPILED = ("what is compiled against PyTorch's C++ cannot be loaded", "torch.autograd.Function in Python")
PROCESSES = ("distributed work is out of scope", "one process")

# A name belongs to the longest entry that it equals or extends by a dot; an entry with a * stands for any such word.
SCOPE: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("sparse", "sparse_*", "hspmm", "smm", "sspaddmm", "hsmm", "Tensor.to_sparse"), SPARSE),
    **dict.fromkeys(
        ("Tensor._values", "Tensor._indices", "Tensor.values", "Tensor.indices", "Tensor.coalesce"), SPARSE
    ),
    **dict.fromkeys(("Tensor.is_coalesced", "Tensor.sparse_mask", "Tensor._nnz", "Tensor.crow_indices"), SPARSE),
    **dict.fromkeys(
        ("Tensor.col_indices", "Tensor.dense_dim", "Tensor.sparse_dim", "cuda.sparse", "optim.SparseAdam"), SPARSE
    ),
    **dict.fromkeys(("nested", "masked", "Tensor.to_padded_tensor", "nested_tensor"), NESTED),
    **dict.fromkeys(("ao", "quantization", "quantize_*", "quantized*", "fake_quantize_*", "nn.quantized"), QUANTIZED),
    **dict.fromkeys(
        ("nn.qat", "nn.intrinsic", "dequantize", "q_*", "quint8", "qint8", "qint32", "quint4x2"), QUANTIZED
    ),
    **dict.fromkeys(("quint2x4", "Tensor.q_scale", "Tensor.int_repr", "Tensor.dequantize", "fbgemm_*"), QUANTIZED),
    **dict.fromkeys(("per_tensor_*", "per_channel_*", "qscheme", "_scaled_mm", "backends.quantized"), QUANTIZED),
    **dict.fromkeys(("Tensor.to_sparse_csr", "Tensor.to_sparse_coo", "Tensor.sparse_resize_"), SPARSE),
    **dict.fromkeys(("jit", "classes", "ScriptModule", "_C._jit_*", "parse_schema", "parse_ir"), SCRIPT),
    **dict.fromkeys(("export", "onnx", "_inductor", "package", "utils.mobile_optimizer", "_export"), EXPORT),
    **dict.fromkeys(("fx", "_dynamo", "_subclasses", "_custom_op", "_logging"), TRACED),
    **dict.fromkeys(("_functorch", "utils._triton", "_C._functorch"), TRACED),
    **dict.fromkeys(("ops", "utils.cpp_extension", "utils._cpp_extension_versioner"), COMPILED),
    **dict.fromkeys(("distributed", "_C._distributed_*", "nn.parallel.DistributedDataParallel"), PROCESSES),
}


def entry(name: str) -> tuple[str, str] | None:
    """Why the name (without "torch.") is out of scope, and what to use instead; None if it is not."""
    words = name.split(".")
    for end in range(len(words), 0, -1):
        start = ".".join(words[:end])
        found = SCOPE.get(start)
        if found is None:
            found = next((SCOPE[k] for k in SCOPE if k.endswith("*") and start.startswith(k[:-1])), None)
        if found is not None:
            return found
    return None
