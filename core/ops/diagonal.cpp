// Diagonals: the view, its copies, matrices made of diagonals, and the trace.
#include "ops/diagonals.h"

#include <algorithm>

#include "ops/linear.h"
#include "ops/operation.h"
#include "ops/view_copies.h"
#include "ops/viewed.h"

namespace tapeless {
namespace {

/// A diagonal of a tensor with `sizes`; dim1 and dim2 count from the front.
struct Place {
    Dims sizes;
    std::int64_t offset;
    int dim1, dim2;

    Place for_examples(const Tensor& all) const {
        return {with_examples(all, sizes), offset, dim1 + 1, dim2 + 1};
    }
    std::int64_t length() const {
        const std::int64_t rows = sizes[dim1] - std::max<std::int64_t>(-offset, 0);
        return std::max<std::int64_t>(std::min(rows, sizes[dim2] - std::max<std::int64_t>(offset, 0)), 0);
    }
    /// The diagonal of x, not recorded and no view.
    Tensor seen(const Tensor& x) const {
        Dims shape = x->sizes, strides = x->strides;
        const std::int64_t count = length(), step = strides[dim1] + strides[dim2];
        const std::int64_t start = offset >= 0 ? offset * strides[dim2] : -offset * strides[dim1];
        for (int d : {std::max(dim1, dim2), std::min(dim1, dim2)}) {
            shape.erase(d);
            strides.erase(d);
        }
        shape.push_back(count);
        strides.push_back(step);
        return tensor_of(x->storage, std::move(shape), std::move(strides), x->offset + (count ? start : 0),
                         x->dtype);
    }
};

/// g on a diagonal of zeros; its transpose is the diagonal.
struct EmbedDiagonal : Place {
    static constexpr const char* node = "DiagonalBackwardBackward0";
    Tensor values(const Tensor& g) const {
        const Tensor out = full(sizes, Scalar(0), g->dtype, g->device);
        if (on_cpu(g) && g->numel > 0) write(seen(out), g);
        return out;
    }
    Tensor whole(const Tensor& all) const { return linear(all, EmbedDiagonal{for_examples(all)}); }
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = diagonal(in[0], offset, dim1, dim2);
    }
};
struct DiagEmbed : EmbedDiagonal {
    static constexpr const char* node = "DiagEmbedBackward0";
};

struct Diagonal : Place {
    static constexpr const char* node = "DiagonalBackward0";
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = linear(in[0], EmbedDiagonal{*this});
    }
};

/// The sum of the main diagonal; g goes to each of its elements.
struct Trace : Place {
    static constexpr const char* node = "TraceBackward0";
    Tensor values(const Tensor& x) const {
        const ModeGuard quiet(kNoGrad, true);
        return sum(seen(x), {-1}, false);
    }
    Tensor whole(const Tensor& all) const {
        const Tensor line = diagonal(all, offset, dim1 + 1, dim2 + 1);
        return sum(line, {-1}, false);
    }
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = linear(expand(in[0], {length()}), EmbedDiagonal{*this});
    }
};

}  // namespace

Tensor diagonal(const Tensor& x, std::int64_t offset, std::int64_t given1, std::int64_t given2) {
    const int dim1 = wrap_dim(given1, x->dim()), dim2 = wrap_dim(given2, x->dim());
    check(dim1 != dim2, "diagonal dimensions cannot be identical ", given1, ", ", given2);
    const Diagonal node{{x->sizes, offset, dim1, dim2}};
    Tensor out;
    if (lifted(x)) {
        out = linear_at_level(
            x, [&](const Tensor& held) { return diagonal(held, offset, dim1, dim2); },
            [&](const Tensor& all) { return diagonal(all, offset, dim1 + 1, dim2 + 1); });
    } else {
        out = node.seen(x);
        set_view(out, x);
    }
    return recorded_view(out, x, node);
}

namespace {

Tensor diag_embed(const Tensor& x, std::int64_t offset, std::int64_t given1, std::int64_t given2) {
    const int rank = x->dim() + 1;
    if (x->dim() == 0)
        fail(ErrorKind::Index, "Dimension out of range: diag_embed needs a tensor with a dimension");
    const int dim1 = wrap_dim(given1, rank), dim2 = wrap_dim(given2, rank);
    check(dim1 != dim2, "diagonal dimensions cannot be identical ", given1, ", ", given2);
    const std::int64_t side = x->sizes.back() + std::abs(offset);
    Dims sizes(x->sizes.data(), x->dim() - 1);
    sizes.insert(std::min(dim1, dim2), side);
    sizes.insert(std::max(dim1, dim2), side);
    return linear(x, DiagEmbed{{{sizes, offset, dim1, dim2}}});
}

Tensor diagonal_copy(const Tensor& x, std::int64_t offset, std::int64_t dim1, std::int64_t dim2) {
    return copied(diagonal(x, offset, dim1, dim2));
}

Tensor diag(const Tensor& x, std::int64_t diagonal) {
    check(x->dim() == 1 || x->dim() == 2, "diag(): Supports 1D or 2D tensors. Got ", x->dim(), "D");
    return x->dim() == 1 ? diag_embed(x, diagonal, 0, 1) : diagonal_copy(x, diagonal, 0, 1);
}

Tensor diagflat(const Tensor& x, std::int64_t offset) { return diag(view(contiguous(x), {-1}), offset); }

Tensor trace(const Tensor& x) {
    check(x->dim() == 2, "trace: expected a matrix, but got tensor with dim ", x->dim());
    if (x->dtype == DType::Bool) {
        fail(ErrorKind::NotImplemented,
             "\"trace\" not implemented for 'Bool'; convert the matrix to an integer dtype");
    }
    return linear(x, Trace{{x->sizes, 0, 0, 1}});
}

/// Writes through views that as_strided makes, so that the graph sees what was overwritten.
Tensor fill_diagonal_(const Tensor& x, const Scalar& value, bool wrap) {
    check(x->dim() >= 2, "dimensions must larger than 1: fill_diagonal_ got a ", x->dim(), "-D tensor");
    std::int64_t least = x->sizes[0], step = 0;
    for (int d = 0; d < x->dim(); ++d) {
        check(x->dim() == 2 || x->sizes[d] == x->sizes[0],
              "all dimensions of input must be of equal length, but got ", x->sizes);
        least = std::min(least, x->sizes[d]);
        step += x->strides[d];
    }
    fill_(as_strided(x, {least}, {step}, x->offset), value);
    if (!wrap || x->dim() != 2 || x->sizes[0] <= x->sizes[1] + 1) return x;
    // After each block of `width` rows, one row is left out.
    const std::int64_t height = x->sizes[0], width = x->sizes[1], skip = width + 1;
    const std::int64_t count = (height * width + width) / skip - least;
    fill_(as_strided(x, {count}, {step}, x->offset + x->strides[0] * skip), value);
    return x;
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&diagonal>(
            "diagonal", "input, offset=0, dim1=0, dim2=1",
            "The view of a diagonal as the last dimension: element i lies at index i of dim1 and "
            "i + offset of dim2. Derivative: g on that diagonal of zeros."),
        operation<&diagonal_copy>("diagonal_copy", "input, offset=0, dim1=0, dim2=1",
                                  "A copy of diagonal. Derivative: that of diagonal.", Offered::Function),
        operation<&diag_embed>("diag_embed", "input, offset=0, dim1=-2, dim2=-1",
                               "Matrices of zeros, in dim1 and dim2, with the last dimension on a diagonal. "
                               "Derivative: that diagonal of g."),
        operation<&diag>(
            "diag", "input, diagonal=0",
            "The matrix with a vector on a diagonal, or a copy of a matrix's diagonal. Derivative: the "
            "diagonal of g, or g on the diagonal."),
        operation<&diagflat>("diagflat", "input, offset=0",
                             "The matrix with all elements on a diagonal. Derivative: the diagonal of g."),
        autocast(
            Autocast::Float32,
            operation<&trace>("trace", "input",
                              "The sum of a matrix's main diagonal. Derivative: g times the unit matrix.")),
    });
const Offer in_place({
    operation<&fill_diagonal_>(
        "fill_diagonal_", "input, fill_value, wrap=False",
        "One number on the main diagonal, in place; with wrap, on those of a tall matrix's "
        "further blocks too. Derivative: g with zeros there.",
        Offered::Method),
});

}  // namespace
}  // namespace tapeless
