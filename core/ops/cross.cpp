// The vector product in three dimensions, and the Kronecker product.
#include "kernels/cross.h"

#include "ops/joining.h"
#include "ops/multiply.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

Tensor cross(const Tensor& x, const Tensor& y, std::int64_t dim);

struct Cross {
    static constexpr const char* node = "LinalgCrossBackward0";
    static constexpr const char* const saved_names[] = {"self", "other"};
    std::int64_t dim;
    Dims x_sizes, y_sizes;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0))
            out[0] = sum_to_size(cross(conj(unpack(node.saved[1], node)), in[0], dim), x_sizes);
        if (node.needs(1))
            out[1] = sum_to_size(cross(in[0], conj(unpack(node.saved[0], node)), dim), y_sizes);
    }
};

Tensor cross_values(const Tensor& x, const Tensor& y, const Dims& sizes, int dim) {
    const Tensor out = fresh(sizes, x->dtype, x->device);
    if (!on_cpu(x) || out->numel == 0) return out;
    const ModeGuard quiet(kNoGrad, true);
    const Tensor a = row_major(expand(x, sizes)), b = row_major(expand(y, sizes));
    std::int64_t outer = 1, inner = 1;
    for (int d = 0; d < sizes.size(); ++d) (d < dim ? outer : inner) *= d == dim ? 1 : sizes[d];
    char* to = mutable_data(*out);
    tapeless::cross(x->dtype, outer, inner, data(*a), data(*b), to);
    return out;
}

Tensor cross(const Tensor& x, const Tensor& y, std::int64_t given) {
    check(x->dim() == y->dim(), "linalg.cross: inputs must have the same number of dimensions.");
    const int dim = wrap_dim(given, x->dim());
    const auto length = [&](const Tensor& z) { return z->dim() ? z->sizes[dim] : 1; };
    check(length(x) == 3 && length(y) == 3, "linalg.cross: inputs dimension ", given,
          " must have length 3. Got ", length(x), " and ", length(y));
    check(x->dtype == y->dtype, "expected scalar type ", facts(x->dtype).legacy_name, " but found ",
          facts(y->dtype).legacy_name);
    check_devices("linalg_cross", {&x, &y});
    if (x->dtype == DType::Bool) {
        fail(ErrorKind::NotImplemented,
             "\"cross\" not implemented for 'Bool'; convert the operands to an integer dtype");
    }
    const Dims sizes = broadcast(x->sizes, y->sizes);
    const int wrapped = deepest({&x, &y});
    const Tensor out =
        wrapped ? bilinear_at_level(
                      wrapped, x, y, [&](const Tensor& a, const Tensor& b) { return cross(a, b, dim); },
                      [&](const Tensor& a, bool a_whole, const Tensor& b, bool b_whole) {
                          return cross(a_whole ? a : unsqueeze(a, 0), b_whole ? b : unsqueeze(b, 0), dim + 1);
                      })
                : cross_values(x, y, sizes, dim);
    if (is_differentiable(x->dtype) && needs_record({&x, &y})) {
        save_factors(*record(out, {&x, &y}, Cross{dim, x->sizes, y->sizes}, 2), 0, x, y);
    }
    return out;
}

Tensor cross_along(const Tensor& x, const Tensor& y, const std::optional<std::int64_t>& dim) {
    if (dim) return cross(x, y, *dim);
    for (int d = 0; d < x->dim(); ++d) {
        if (x->sizes[d] == 3) return cross(x, y, d);
    }
    fail(ErrorKind::Runtime, "no dimension of size 3 in input");
}

/// Dimensions of the two in turn, multiplied, and each pair seen as one.
Tensor kron(const Tensor& x, const Tensor& y) {
    const int rank = std::max(x->dim(), y->dim());
    Dims of_x, of_y, sizes;
    for (int d = 0; d < rank; ++d) {
        const std::int64_t m = d < rank - x->dim() ? 1 : x->sizes[d - (rank - x->dim())];
        const std::int64_t n = d < rank - y->dim() ? 1 : y->sizes[d - (rank - y->dim())];
        of_x.push_back(m);
        of_x.push_back(1);
        of_y.push_back(1);
        of_y.push_back(n);
        sizes.push_back(m * n);
    }
    const Tensor product = apply(row("mul"), reshape(x, of_x), reshape(y, of_y));
    return unsafe_view(contiguous(product), sizes);
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&cross_along>(
            "cross", "input, other, dim=None",
            "The vector product along dim, of 3 elements; without dim along the first one of that "
            "size. Derivatives: conj(other) x g and g x conj(input).",
            Offered::Both, kOutExact),
        operation<&cross>("_linalg_cross", "input, other, dim=-1",
                          "The vector product along a dimension of 3 elements.", Offered::Function,
                          kOutExact),
        operation<&kron>(
            "kron", "input, other",
            "The Kronecker product: each element of input replaced by its products with the whole of other. "
            "Derivatives: those of mul, summed over the other operand."),
    });

}  // namespace
}  // namespace tapeless
