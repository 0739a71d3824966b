// Sums and means over dimensions, and the sum that undoes broadcasting.
#include <cstring>

#include "kernels/reduce.h"
#include "ops/operation.h"
#include "ops/reduced.h"

namespace tapeless {
namespace {

/// The gradient of a reduction, with the reduced dimensions back in place and expanded.
Tensor spread(const Tensor& g, const Dims& sizes, const Dims& dims, bool keepdim) {
    return expand(with_kept_dims(g, sizes, dims.empty() ? every_dim(sizes.size()) : dims, keepdim), sizes);
}

struct Sum {
    static constexpr const char* node = "SumBackward0";
    Dims sizes, dims;
    bool keepdim;
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = spread(in[0], sizes, dims, keepdim);
    }
};
struct SumDim : Sum {
    static constexpr const char* node = "SumBackward1";
};
struct Mean : Sum {
    static constexpr const char* node = "MeanBackward0";
    double count;
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = apply(row("div"), spread(in[0], sizes, dims, keepdim), Scalar(count));
    }
};
struct MeanDim : Mean {
    static constexpr const char* node = "MeanBackward1";
};

/// All elements, straight from the expression if x is pending: it need not be written for this.
void sum_all(const Tensor& x, char* out) {
    const DType accumulator = sum_type(x->dtype);
    const std::int64_t blocks = (x->numel + kBlock - 1) / kBlock;
    const Tensor partials = empty({std::max<std::int64_t>(blocks, 1)}, accumulator);
    char* base = partials->storage->buffer->data;
    std::memset(base, 0, size_of(accumulator));
    Layout layout{x->sizes, x->strides, {}};
    const bool in_place = is_dense(x->sizes, x->strides);  // Any order of addition will do, so memory's own.
    Operand operand;
    if (in_place) {
        set_operand(operand, x, layout, true);
        sum_blocks(operand, x->numel, {}, sum_loop(x->dtype), size_of(accumulator), base);
    } else {
        layout = {x->sizes, contiguous_strides(x->sizes), {}};
        set_operand(operand, x, layout, true);
        const Dims space = space_of(layout, &operand, 1, nullptr);
        sum_blocks(operand, x->numel, space, sum_loop(x->dtype), size_of(accumulator), base);
    }
    sum_pairs(accumulator, base, blocks);
    std::memcpy(out, base, size_of(accumulator));
}

/// Sum over `dims` into a fresh tensor of the accumulator's dtype with the reduced dimensions kept as 1.
Tensor sum_kept(const Tensor& x, const Dims& dims) {
    const DType accumulator = sum_type(x->dtype);
    Tensor out = empty(reduced_sizes(x->sizes, dims, true), accumulator, x->device);
    if (x->device.type != DeviceType::CPU) return out;
    char* to = out->storage->buffer->data;
    if (x->numel == 0) {
        std::memset(to, 0, out->storage->bytes);
        return out;
    }
    if (out->numel == 1 && x->numel >= kBlock) {
        sum_all(x, to);
        return out;
    }
    const Block block(x, dims);
    sum_along(x->dtype, data(*block.held), block, to);
    return out;
}

Tensor reduced(const Tensor& given, const Dims& dims, bool keepdim, DType result) {
    const ModeGuard quiet(kNoGrad, true);
    const Tensor x =
        is_integral(given->dtype) && !is_integral(result) ? to_dtype(given, result)
        : given->dtype != result && sum_type(given->dtype) != result && !is_integral(given->dtype)
            ? to_dtype(given, result)
            : given;
    Dims all = dims;
    if (all.empty()) {
        for (int d = 0; d < x->dim(); ++d) all.push_back(d);
    }
    Tensor out = x->dim() == 0 ? to_dtype(x, sum_type(x->dtype), true) : sum_kept(x, all);
    out = to_dtype(out, result);
    if (keepdim || x->dim() == 0) return out;
    Dims sizes;
    for (int d = 0; d < x->dim(); ++d) {
        if (std::find(all.begin(), all.end(), d) == all.end()) sizes.push_back(x->sizes[d]);
    }
    return tensor_of(out->storage, sizes, contiguous_strides(sizes), 0, result);
}

}  // namespace

namespace {

/// A sum or a mean where x's level acts; without dimensions, over all those of each example.
Tensor at_level(const Tensor& x, const Dims& dims, bool keepdim, const DType* dtype,
                Tensor (*same)(const Tensor&, const Dims&, bool, const DType*)) {
    Dims all = dims;
    for (int d = 0; dims.empty() && d < x->dim(); ++d) all.push_back(d);
    return linear_at_level(
        x, [&](const Tensor& held) { return same(held, dims, keepdim, dtype); },
        [&](const Tensor& whole) {
            if (all.empty()) return to_dtype(whole, *dtype);
            return same(whole, behind_examples(all, x->dim()), keepdim, dtype);
        });
}

/// `whole`: no dimensions were named, which PyTorch tells from an empty list of them.
Tensor sum_as(const Tensor& x, const Dims& given, bool keepdim, const DType* dtype, bool whole) {
    const Dims dims = checked_dims(given, x->dim());
    const DType result = dtype ? *dtype : is_integral(x->dtype) ? DType::Int64 : x->dtype;
    Tensor out = lifted(x) ? at_level(x, dims, keepdim, &result, sum) : reduced(x, dims, keepdim, result);
    if (modes.word) out->inference = modes.has(kInference);
    if (!is_differentiable(result) || !needs_record({&x})) return out;
    if (whole) {
        record(out, {&x}, Sum{x->sizes, {}, false});
    } else {
        record(out, {&x}, SumDim{{x->sizes, dims, keepdim}});
    }
    return out;
}

Tensor mean_as(const Tensor& x, const Dims& given, bool keepdim, const DType* dtype, bool whole) {
    const DType result = dtype ? *dtype : x->dtype;
    check(is_differentiable(result),
          "mean(): could not infer output dtype. Input dtype must be either a floating point or "
          "complex dtype. Got: ",
          facts(x->dtype).legacy_name);
    const Dims dims = checked_dims(given, x->dim());
    double count = 1;
    for (std::int64_t d : dims) count *= x->dim() ? static_cast<double>(x->sizes[static_cast<int>(d)]) : 1;
    if (dims.empty()) count = static_cast<double>(x->numel);
    Tensor out;
    if (lifted(x)) {
        out = at_level(x, dims, keepdim, &result, mean);
    } else {
        const ModeGuard quiet(kNoGrad, true);
        const DType wide = compute_type(result);
        out = to_dtype(apply(row("div"), reduced(x, dims, keepdim, wide), Scalar(count)), result);
    }
    if (modes.word) out->inference = modes.has(kInference);
    if (!needs_record({&x})) return out;
    if (whole) {
        record(out, {&x}, Mean{{x->sizes, {}, false}, count});
    } else {
        record(out, {&x}, MeanDim{{{x->sizes, dims, keepdim}, count}});
    }
    return out;
}

}  // namespace

Tensor sum(const Tensor& x, const Dims& dims, bool keepdim, const DType* dtype) {
    return sum_as(x, dims, keepdim, dtype, dims.empty() && !keepdim);
}

Tensor mean(const Tensor& x, const Dims& dims, bool keepdim, const DType* dtype) {
    return mean_as(x, dims, keepdim, dtype, dims.empty() && !keepdim);
}

Tensor sum_to_size(const Tensor& x, const Dims& sizes) {
    if (x->sizes == sizes) return x;
    Dims dims;
    const int shift = x->dim() - sizes.size();
    for (int d = 0; d < x->dim(); ++d) {
        if (d < shift || (sizes[d - shift] == 1 && x->sizes[d] != 1)) dims.push_back(d);
    }
    Tensor out = dims.empty() ? x : sum(x, dims, true);
    return shift ? reshape(out, sizes) : out;
}

namespace {

Tensor sum_of(const Tensor& x, std::optional<Dims> dim, bool keepdim, std::optional<DType> dtype) {
    return sum_as(x, dim.value_or(Dims()), keepdim, dtype ? &*dtype : nullptr, !dim && !keepdim);
}
Tensor mean_of(const Tensor& x, std::optional<Dims> dim, bool keepdim, std::optional<DType> dtype) {
    return mean_as(x, dim.value_or(Dims()), keepdim, dtype ? &*dtype : nullptr, !dim && !keepdim);
}
Tensor sum_to_size_of(const Tensor& x, Dims size) {
    check(broadcast(x->sizes, size) == x->sizes, "size {", to_string(size), "} is not expandable to size {",
          to_string(x->sizes), "}.");
    return size.empty() ? sum(x, {}, false) : sum_to_size(x, size);
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&sum_of>(
            "sum", "input, dim=None, keepdim=False, *, dtype=None",
            "The sum over all elements or over dimensions; integers add up in int64. The gradient of each "
            "element is that of its sum."),
        operation<&mean_of>("mean", "input, dim=None, keepdim=False, *, dtype=None",
                            "The arithmetic mean over all elements or over dimensions; needs a floating or "
                            "complex dtype. Derivative: g / count everywhere."),
        operation<&sum_to_size_of>("sum_to_size", "input, *size",
                                   "Sums to a shape that broadcasts to the input's.", Offered::Method),
    });

}  // namespace
}  // namespace tapeless
