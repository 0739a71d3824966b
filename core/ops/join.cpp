// cat and stack; each input's gradient is its own part of the result's.
#include <algorithm>
#include <cstring>

#include "ops/fresh.h"
#include "ops/joining.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

/// A part of a gradient in the dtype that its input has.
Tensor part_for(const Tensor& g, DType dtype) {
    const Tensor part = is_complex(g->dtype) && !is_complex(dtype) ? apply(row("real_part"), g) : g;
    return to_dtype(part, dtype);
}

struct Cat {
    static constexpr const char* node = "CatBackward0";
    std::int64_t dim;
    std::vector<std::int64_t> lengths;  ///< along dim; -1: an empty vector that was skipped
    std::vector<DType> dtypes;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        std::int64_t start = 0;
        for (int i = 0; i < node.edge_count; ++i) {
            const std::size_t at = static_cast<std::size_t>(i);
            const std::int64_t length = lengths[at];
            if (length < 0) {
                if (node.needs(i)) out[i] = full({0}, Scalar(0), dtypes[at], in[0]->device);
                continue;
            }
            if (node.needs(i)) out[i] = part_for(slice(in[0], dim, start, start + length, 1), dtypes[at]);
            start += length;
        }
    }
};

struct Stack {
    static constexpr const char* node = "StackBackward0";
    std::int64_t dim;
    std::vector<DType> dtypes;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        for (int i = 0; i < node.edge_count; ++i) {
            if (node.needs(i)) out[i] = part_for(select(in[0], dim, i), dtypes[static_cast<std::size_t>(i)]);
        }
    }
};

DType common_dtype(const std::vector<Tensor>& tensors) {
    std::vector<Argument> arguments(tensors.begin(), tensors.end());
    return result_type(arguments.data(), static_cast<int>(arguments.size()));
}

std::vector<DType> dtypes_of(const std::vector<Tensor>& tensors) {
    std::vector<DType> dtypes;
    for (const Tensor& x : tensors) dtypes.push_back(x->dtype);
    return dtypes;
}

/// Copies x, which may lack dim, into the slices [start, start + length) of a result.
void place(const Tensor& out, const Tensor& x, int dim, std::int64_t start, std::int64_t length) {
    if (x->numel == 0 || !on_cpu(x)) return;
    std::int64_t rows = 1;
    for (int d = 0; d < dim; ++d) rows *= out->sizes[d];
    const std::int64_t step = out->strides[dim];
    if (!x->contiguous || !out->contiguous || x->dtype != out->dtype) {
        Dims sizes = out->sizes;
        sizes[dim] = length;
        const Tensor region = tensor_of(out->storage, sizes, out->strides, start * step, out->dtype);
        Dims strides = x->strides;
        if (x->dim() < out->dim()) strides.insert(dim, 0);
        write(region, tensor_of(x->storage, sizes, strides, x->offset, x->dtype));
        return;
    }
    const std::size_t size = size_of(x->dtype);
    const std::size_t block = static_cast<std::size_t>(length * step) * size;
    const std::size_t pitch = static_cast<std::size_t>(out->sizes[dim] * step) * size;
    const char* from = data(*x);
    char* to = mutable_data(*out) + static_cast<std::size_t>(start * step) * size;
    for (std::int64_t i = 0; i < rows; ++i, from += block, to += pitch) std::memcpy(to, from, block);
}

template <class P> void record_all(const Tensor& out, const std::vector<Tensor>& tensors, P payload) {
    bool wanted = false;
    for (const Tensor& x : tensors) wanted |= needs_record({&x});
    if (!wanted) return;
    Ref<Node> node = make_node(class_of<P>(), static_cast<int>(tensors.size()), 0, 1, std::move(payload));
    for (std::size_t i = 0; i < tensors.size(); ++i) node->edges[i] = gradient_edge(tensors[i]);
    set_history(out, node);
}

/// An empty vector joins anything, as it always could.
bool skipped(const Tensor& x) { return x->dim() == 1 && x->sizes[0] == 0; }

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, std::int64_t given) {
    if (tensors.empty()) fail(ErrorKind::Value, "torch.cat(): expected a non-empty list of Tensors");
    const Tensor* first = nullptr;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        check(tensors[i]->dim() > 0, "zero-dimensional tensor (at position ", i, ") cannot be concatenated");
        check_devices("cat", {&tensors[0], &tensors[i]});
        if (!first && !skipped(tensors[i])) first = &tensors[i];
    }
    const Tensor& lead = first ? *first : tensors[0];
    const int dim = wrap_dim(given, lead->dim());
    Dims sizes = lead->sizes;
    sizes[dim] = 0;
    std::vector<std::int64_t> lengths;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const Tensor& x = tensors[i];
        lengths.push_back(skipped(x) ? -1 : 0);
        if (skipped(x)) continue;
        check(x->dim() == lead->dim(), "Tensors must have same number of dimensions: got ", lead->dim(),
              " and ", x->dim());
        for (int d = 0; d < x->dim(); ++d) {
            check(d == dim || x->sizes[d] == lead->sizes[d],
                  "Sizes of tensors must match except in dimension ", dim, ". Expected size ", lead->sizes[d],
                  " but got size ", x->sizes[d], " for tensor number ", i, " in the list.");
        }
        lengths.back() = x->sizes[dim];
        check(!__builtin_add_overflow(sizes[dim], x->sizes[dim], &sizes[dim]),
              "cat: the sizes along dimension ", dim, " add up to more than 2^63 - 1");
    }
    const bool last =
        std::all_of(tensors.begin(), tensors.end(), [](const Tensor& x) { return is_channels_last(*x); });
    const Dims strides = last ? channels_last_strides(sizes) : contiguous_strides(sizes);
    const Tensor out = marked(empty(sizes, common_dtype(tensors), lead->device, &strides));
    std::int64_t start = 0;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        if (lengths[i] <= 0) continue;
        place(out, tensors[i], dim, start, lengths[i]);
        start += lengths[i];
    }
    record_all(out, tensors, Cat{dim, std::move(lengths), dtypes_of(tensors)});
    return out;
}

Tensor stack(const std::vector<Tensor>& tensors, std::int64_t given) {
    check(!tensors.empty(), "stack expects a non-empty TensorList");
    const Tensor& lead = tensors[0];
    const int dim = wrap_dim(given, lead->dim() + 1);
    for (std::size_t i = 1; i < tensors.size(); ++i) {
        check(tensors[i]->sizes == lead->sizes, "stack expects each tensor to be equal size, but got ",
              to_string(lead->sizes), " at entry 0 and ", to_string(tensors[i]->sizes), " at entry ", i);
        check_devices("stack", {&lead, &tensors[i]});
    }
    Dims sizes = lead->sizes;
    sizes.insert(dim, static_cast<std::int64_t>(tensors.size()));
    const Tensor out = fresh(sizes, common_dtype(tensors), lead->device);
    for (std::size_t i = 0; i < tensors.size(); ++i)
        place(out, tensors[i], dim, static_cast<std::int64_t>(i), 1);
    record_all(out, tensors, Stack{dim, dtypes_of(tensors)});
    return out;
}

namespace {

const Offer offer({
    operation<&cat>(
        "cat", "tensors, dim=0",
        "The tensors one after another along dim; they agree in all other sizes, RuntimeError if not, and "
        "are "
        "promoted to one dtype. An empty vector is skipped. Derivative: each takes its slice of g.",
        Offered::Function, kOutApart),
    operation<&stack>(
        "stack", "tensors, dim=0",
        "Tensors of one shape side by side along a new dimension, promoted to one dtype. Derivative: each "
        "takes its slice of g.",
        Offered::Function, kOutApart),
});

}  // namespace
}  // namespace tapeless
