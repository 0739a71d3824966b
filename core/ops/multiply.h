// What products share: the multiplication itself, factors of sums, and what their nodes save.
#pragma once

#include "ops/fresh.h"
#include "ops/levels.h"
#include "ops/products.h"

namespace tapeless {

/// How PyTorch's messages about products name an element type.
const char* c_name(DType dtype);

/// The product of two matrices, or of two stacks of as many, in the dtype that products are computed in; not recorded.
/// `kernel` names it in messages.
Tensor multiply(const char* kernel, const Tensor& x, const Tensor& y);

/// A vector seen as a matrix of one column, or of one row. Not recorded.
Tensor as_column(const Tensor& x);
Tensor as_row(const Tensor& x);
/// A product with other sizes over the same bytes: no view, nothing recorded.
Tensor resized(const Tensor& x, const Dims& sizes);
/// The same as PyTorch records it where a result is only given other sizes.
Tensor unsafe_view(const Tensor& x, const Dims& sizes);

Tensor conj(const Tensor& x);
Scalar conj(const Scalar& x);
bool is_one(const Scalar& x);
Tensor scaled(const Tensor& x, const Scalar& factor);

/// Refuses what are no two batches of matrices that fit.
void check_batches(const Tensor& x, const Tensor& y);

/// Saves of two operands what the gradient of the other needs; slot k holds operand k.
void save_factors(Node& node, int first_edge, const Tensor& x, const Tensor& y);

/// The gradients of x @ y; each has the layout of its operand.
struct MmGradients {
    bool x_by_columns, y_by_columns;

    MmGradients(const Tensor& x, const Tensor& y);
    Tensor of_x(const Tensor& g, const Tensor& y) const;
    Tensor of_y(const Tensor& g, const Tensor& x) const;
};

/// A product given the sizes of the operands' batch dimensions back; squeezing is the same thing.
struct UnsafeView {
    static constexpr const char* node = "UnsafeViewBackward0";
    Dims sizes;
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = reshape(in[0], sizes);
    }
};

template <class P> Tensor reshaped(const Tensor& x, const Dims& sizes) {
    const Tensor out = lifted(x)
                           ? linear_at_level(
                                 x, [&](const Tensor& held) { return reshape(held, sizes); },
                                 [&](const Tensor& all) { return reshape(all, with_examples(all, sizes)); })
                           : resized(x, sizes);
    if (needs_record({&x})) record(out, {&x}, P{x->sizes});
    return out;
}

}  // namespace tapeless
