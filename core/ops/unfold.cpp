// unfold: the view of all windows along a dimension; its gradient adds up where windows overlap.
#include "ops/linear.h"
#include "ops/operation.h"
#include "ops/view_copies.h"
#include "ops/viewed.h"

namespace tapeless {
namespace {

Tensor unfold(const Tensor& x, std::int64_t dimension, std::int64_t size, std::int64_t step);

/// Windows of `size`, `step` apart, along a dimension of a tensor with `sizes`.
struct Windows {
    Dims sizes;
    int dim;
    std::int64_t size, step;
    std::int64_t count() const { return (sizes[dim] - size) / step + 1; }
};

/// Adds each window to where it lies: the transpose of unfold.
struct Fold : Windows {
    static constexpr const char* node = "UnfoldBackwardBackward0";
    Tensor values(const Tensor& given) const {
        const ModeGuard quiet(kNoGrad, true);
        const DType dtype = compute_type(given->dtype);
        const Tensor g = converted(given, dtype), out = full(sizes, Scalar(0), dtype, g->device);
        if (!on_cpu(g) || g->numel == 0) return converted(out, given->dtype);
        const std::int64_t last = (count() - 1) * step + 1;
        for (std::int64_t i = 0; i < size; ++i) {  // The i-th elements of all windows lie apart.
            const Tensor to = slice(out, dim, i, i + last, step), from = select(g, -1, i);
            const Argument both[] = {Argument(to), Argument(from)};
            step >= size ? write(to, from) : compute_into({&row("add").forward, dtype, dtype}, both, 2, to);
        }
        return converted(out, given->dtype);
    }
    Tensor whole(const Tensor& all) const {
        return linear(all, Fold{{with_examples(all, sizes), dim + 1, size, step}});
    }
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = unfold(in[0], dim, size, step);
    }
};

struct Unfold : Windows {
    static constexpr const char* node = "UnfoldBackward0";
    void backward(Node&, Gradients in, Gradients out) const {
        if (!in[0]) return;
        out[0] = sizes.empty() ? reshape(size == 1 ? in[0] : sum(in[0], {}, false), {})
                               : linear(in[0], Fold{*this});
    }
};

Tensor unfold(const Tensor& x, std::int64_t dimension, std::int64_t size, std::int64_t step) {
    const int dim = wrap_dim(dimension, x->dim());
    const std::int64_t length = x->dim() ? x->sizes[dim] : 1;
    check(size >= 0, "size is ", size, " but must be >= 0");
    check(size <= length, "maximum size for tensor at dimension ", dim, " is ", length, " but size is ",
          size);
    check(step > 0, "step is ", step, " but must be > 0");
    const Unfold node{{x->sizes, dim, size, step}};
    if (lifted(x)) {
        return recorded_view(linear_at_level(
                                 x, [&](const Tensor& held) { return unfold(held, dim, size, step); },
                                 [&](const Tensor& all) {
                                     return x->dim() ? unfold(all, dim + 1, size, step)
                                                     : slice(unsqueeze(all, 1), 1, 0, size, 1);
                                 }),
                             x, node);
    }
    Dims sizes = x->sizes, strides = x->strides;
    const std::int64_t stride = x->dim() ? strides[dim] : 1;
    if (x->dim()) {
        sizes[dim] = node.count();
        strides[dim] = step * stride;
    }
    sizes.push_back(size);
    strides.push_back(stride);
    return recorded_view(viewed(x, std::move(sizes), std::move(strides), x->offset), x, node);
}

Tensor unfold_copy(const Tensor& x, std::int64_t dimension, std::int64_t size, std::int64_t step) {
    return copied(unfold(x, dimension, size, step));
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&unfold>(
            "unfold", "input, dimension, size, step",
            "The view of all windows of `size` elements, `step` apart, along a dimension; positions in "
            "a window are a new last dimension. Derivative: the sum of g over the windows of an element.",
            Offered::Method),
        operation<&unfold_copy>("unfold_copy", "input, dimension, size, step",
                                "A row-major copy of Tensor.unfold. Derivative: that of unfold.",
                                Offered::Function),
    });

}  // namespace
}  // namespace tapeless
