// matrix_exp, whose derivative is read off the exponential of a matrix of twice the size.
#include "kernels/matrix_exp.h"

#include "ops/joining.h"
#include "ops/multiply.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

Tensor matrix_exp(const Tensor& x);

/// How exp changes at x in the direction v: the upper right block of exp([[x, v], [0, x]]).
/// R. Mathias, A chain rule for matrix functions and applications (1996).
Tensor change(const Tensor& x, const Tensor& v) {
    const int rank = x->dim();
    const std::int64_t n = x->sizes.back();
    const Tensor zeros = full(x->sizes, Scalar(0), x->dtype, x->device);
    const Tensor upper = cat({x, v}, -1), lower = cat({zeros, x}, -1);
    const Tensor whole = matrix_exp(cat({upper, lower}, -2));
    return slice(slice(whole, rank - 2, 0, n, 1), rank - 1, n, 2 * n, 1);
}

/// The gradient is the change at x^H in the direction g.
struct MatrixExp {
    static constexpr const char* node = "LinalgMatrixExpBackward0";
    static constexpr const char* const saved_names[] = {"self"};
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        out[0] = change(conj(transpose(unpack(node.saved[0], node), -2, -1)), in[0]);
    }
};

/// All dtypes are computed in float64: squaring loses as many bits as the norm has.
Tensor values(const Tensor& x) {
    const DType wide = is_complex(x->dtype) ? DType::Complex128 : DType::Float64;
    const Tensor rows = row_major(converted(x, wide)), out = fresh(x->sizes, wide, x->device);
    if (on_cpu(x) && x->numel > 0) {
        const std::int64_t n = x->sizes.back();
        char* to = mutable_data(*out);
        tapeless::matrix_exp(wide, x->numel / (n * n), n, data(*rows), to);
    }
    return converted(out, x->dtype);
}

Tensor at_level(const Tensor& x) {
    const Level& level = *level_of(*x);
    if (level.kind == Level::Kind::Batched) return batched(level.depth, matrix_exp(level.value));
    return dual(level.depth, matrix_exp(level.value), change(level.value, level.tangent));
}

Tensor matrix_exp(const Tensor& x) {
    check(x->dim() >= 2, "linalg.matrix_exp: The input tensor A must have at least 2 dimensions.");
    const std::int64_t rows = x->sizes[x->dim() - 2], columns = x->sizes.back();
    check(is_differentiable(x->dtype),
          "linalg.matrix_exp: Expected a floating point or complex tensor as input. Got ",
          facts(x->dtype).legacy_name);
    check(rows == columns, "linalg.matrix_exp: A must be batches of square matrices, but they are ", rows,
          " by ", columns, " matrices");
    const Tensor out = lifted(x) ? at_level(x) : values(x);
    if (needs_record({&x})) save(record(out, {&x}, MatrixExp{}, 1)->saved[0], x);
    return out;
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&matrix_exp>(
            "matrix_exp", "input",
            "The exponential of square matrices, the sum of input^k / k!: scaled, a Taylor polynomial, "
            "squared back. Derivative: that of the exponential at input^H in the direction g, a block "
            "of the exponential of a matrix of twice the size."),
    });

}  // namespace
}  // namespace tapeless
