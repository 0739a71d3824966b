// cat and stack; each input's gradient is its own part of the result's.
#include <algorithm>
#include <cstring>

#include "ops/fresh.h"
#include "ops/joining.h"
#include "ops/levels.h"
#include "ops/operation.h"

namespace tapeless {

Tensor part_for(const Tensor& g, DType dtype) {
    const Tensor part = is_complex(g->dtype) && !is_complex(dtype) ? apply(row("real_part"), g) : g;
    return to_dtype(part, dtype);
}

DType common_dtype(const std::vector<Tensor>& tensors) {
    std::vector<Argument> arguments(tensors.begin(), tensors.end());
    return result_type(arguments.data(), static_cast<int>(arguments.size()));
}

std::vector<DType> dtypes_of(const std::vector<Tensor>& tensors) {
    std::vector<DType> dtypes;
    for (const Tensor& x : tensors) dtypes.push_back(x->dtype);
    return dtypes;
}

namespace {

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

/// An empty vector joins anything, as it always could.
bool skipped(const Tensor& x) { return x->dim() == 1 && x->sizes[0] == 0; }

}  // namespace

namespace {

/// How tensors are joined along a dimension: checked, and with the sizes of the result.
struct Joint {
    Tensor lead;
    int dim;
    Dims sizes;
    std::vector<std::int64_t> lengths;  ///< along dim; -1: an empty vector that is skipped

    Joint(const std::vector<Tensor>& tensors, std::int64_t given) {
        if (tensors.empty()) fail(ErrorKind::Value, "torch.cat(): expected a non-empty list of Tensors");
        for (std::size_t i = 0; i < tensors.size(); ++i) {
            check(tensors[i]->dim() > 0, "zero-dimensional tensor (at position ", i,
                  ") cannot be concatenated");
            check_devices("cat", {&tensors[0], &tensors[i]});
            if (!lead && !skipped(tensors[i])) lead = tensors[i];
        }
        if (!lead) lead = tensors[0];
        dim = wrap_dim(given, lead->dim());
        sizes = lead->sizes;
        sizes[dim] = 0;
        for (std::size_t i = 0; i < tensors.size(); ++i) add(tensors[i], i);
    }
    void add(const Tensor& x, std::size_t i) {
        lengths.push_back(skipped(x) ? -1 : 0);
        if (skipped(x)) return;
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
    Tensor values(const std::vector<Tensor>& tensors) const {
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
        return out;
    }
    Tensor at_level(const std::vector<Tensor>& tensors, int wrapped) const {
        std::vector<Tensor> kept;
        for (std::size_t i = 0; i < tensors.size(); ++i) {
            if (lengths[i] >= 0) kept.push_back(to_dtype(tensors[i], common_dtype(tensors)));
        }
        return linear_at_level(
            wrapped, kept, [&](const std::vector<Tensor>& held) { return cat(held, dim); },
            [&](const std::vector<Tensor>& all) { return cat(all, dim + 1); });
    }
};

}  // namespace

Tensor cat(const std::vector<Tensor>& tensors, std::int64_t given) {
    Joint joint(tensors, given);
    const int wrapped = modes.has(kLevels) ? deepest(tensors) : 0;
    const Tensor out = wrapped ? joint.at_level(tensors, wrapped) : joint.values(tensors);
    record_all(out, tensors, Cat{joint.dim, std::move(joint.lengths), dtypes_of(tensors)});
    return out;
}

namespace {

Tensor stacked(const std::vector<Tensor>& tensors, int dim) {
    const Tensor& lead = tensors[0];
    Dims sizes = lead->sizes;
    sizes.insert(dim, static_cast<std::int64_t>(tensors.size()));
    const Tensor out = fresh(sizes, common_dtype(tensors), lead->device);
    for (std::size_t i = 0; i < tensors.size(); ++i)
        place(out, tensors[i], dim, static_cast<std::int64_t>(i), 1);
    return out;
}

}  // namespace

Tensor stack(const std::vector<Tensor>& tensors, std::int64_t given) {
    check(!tensors.empty(), "stack expects a non-empty TensorList");
    const Tensor& lead = tensors[0];
    const int dim = wrap_dim(given, lead->dim() + 1);
    for (std::size_t i = 1; i < tensors.size(); ++i) {
        check(tensors[i]->sizes == lead->sizes, "stack expects each tensor to be equal size, but got ",
              to_string(lead->sizes), " at entry 0 and ", to_string(tensors[i]->sizes), " at entry ", i);
        check_devices("stack", {&lead, &tensors[i]});
    }
    const int wrapped = modes.has(kLevels) ? deepest(tensors) : 0;
    const Tensor out =
        wrapped ? linear_at_level(
                      wrapped, tensors, [&](const std::vector<Tensor>& held) { return stack(held, dim); },
                      [&](const std::vector<Tensor>& all) { return stack(all, dim + 1); })
                : stacked(tensors, dim);
    record_all(out, tensors, Stack{dim, dtypes_of(tensors)});
    return out;
}

namespace {

const Offer offer(
    Offer::KnowsLevels{},
    {
        autocast(
            Autocast::Widest,
            operation<&cat>(
                "cat", "tensors, dim=0",
                "The tensors one after another along dim; they agree in all other sizes, RuntimeError if "
                "not, "
                "and "
                "are "
                "promoted to one dtype. An empty vector is skipped. Derivative: each takes its slice of g.",
                Offered::Function, kOutApart)),
        autocast(Autocast::Widest,
                 operation<&stack>(
                     "stack", "tensors, dim=0",
                     "Tensors of one shape side by side along a new dimension, promoted to one dtype. "
                     "Derivative: each "
                     "takes its slice of g.",
                     Offered::Function, kOutApart)),
    });

}  // namespace
}  // namespace tapeless
