// Matrix products and their derivatives, which are matrix products again.
#include "ops/multiply.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

struct Mm : MmGradients {
    static constexpr const char* node = "MmBackward0";
    static constexpr const char* const saved_names[] = {"self", "mat2"};
    using MmGradients::MmGradients;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = of_x(in[0], unpack(node.saved[1], node));
        if (node.needs(1)) out[1] = of_y(in[0], unpack(node.saved[0], node));
    }
};

struct Bmm {
    static constexpr const char* node = "BmmBackward0";
    static constexpr const char* const saved_names[] = {"self", "mat2"};
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = bmm(in[0], conj(transpose(unpack(node.saved[1], node), 1, 2)));
        if (node.needs(1)) out[1] = bmm(conj(transpose(unpack(node.saved[0], node), 1, 2)), in[0]);
    }
};

struct Mv {
    static constexpr const char* node = "MvBackward0";
    static constexpr const char* const saved_names[] = {"self", "vec"};
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = outer(in[0], conj(unpack(node.saved[1], node)));
        if (node.needs(1)) out[1] = mv(t(conj(unpack(node.saved[0], node))), in[0]);
    }
};

struct Dot {
    static constexpr const char* node = "DotBackward0";
    static constexpr const char* const saved_names[] = {"self", "tensor"};
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = apply(row("mul"), in[0], conj(unpack(node.saved[1], node)));
        if (node.needs(1)) out[1] = apply(row("mul"), in[0], conj(unpack(node.saved[0], node)));
    }
};

/// The sum of conj(x) * y: conjugate in x, so g arrives conjugated there.
struct Vdot {
    static constexpr const char* node = "VdotBackward0";
    static constexpr const char* const saved_names[] = {"self", "other"};
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = apply(row("mul"), conj(in[0]), unpack(node.saved[1], node));
        if (node.needs(1)) out[1] = apply(row("mul"), in[0], unpack(node.saved[0], node));
    }
};

struct SqueezeInPlace : UnsafeView {
    static constexpr const char* node = "SqueezeBackward4";
};

/// A product of any ranks where the level with the number `wrapped` acts: for all examples it is a batched product.
Tensor product_at_level(int wrapped, const Tensor& x, const Tensor& y,
                        Tensor (*same)(const Tensor&, const Tensor&)) {
    return bilinear_at_level(wrapped, x, y, same, [&](const Tensor& a, bool, const Tensor& b, bool b_whole) {
        const bool vectors = x->dim() == 1, column = y->dim() == 1 && b_whole;
        Tensor out = matmul(vectors ? unsqueeze(a, -2) : a, column ? unsqueeze(b, -1) : b);
        if (column) out = squeeze(out, Dims{-1});
        return vectors ? squeeze(out, Dims{-1}) : out;
    });
}

}  // namespace

Tensor mm(const Tensor& x, const Tensor& y) {
    check(x->dim() == 2, "self must be a matrix");
    check(y->dim() == 2, "mat2 must be a matrix");
    check(x->sizes[1] == y->sizes[0], "mat1 and mat2 shapes cannot be multiplied (", x->sizes[0], "x",
          x->sizes[1], " and ", y->sizes[0], "x", y->sizes[1], ")");
    check(x->dtype == y->dtype, "expected m1 and m2 to have the same dtype, but got: ", c_name(x->dtype),
          " != ", c_name(y->dtype));
    check_devices("mm", {&x, &y});
    const int wrapped = deepest({&x, &y});
    const Tensor out = wrapped ? product_at_level(wrapped, x, y, mm)
                               : converted(multiply("addmm_impl_cpu_", x, y), x->dtype);
    if (needs_record({&x, &y})) save_factors(*record(out, {&x, &y}, Mm(x, y), 2), 0, x, y);
    return out;
}

Tensor bmm(const Tensor& x, const Tensor& y) {
    check_batches(x, y);
    check_devices("bmm", {&x, &y});
    const int wrapped = deepest({&x, &y});
    const Tensor out =
        wrapped ? product_at_level(wrapped, x, y, bmm) : converted(multiply("bmm", x, y), x->dtype);
    if (needs_record({&x, &y})) save_factors(*record(out, {&x, &y}, Bmm{}, 2), 0, x, y);
    return out;
}

Tensor mv(const Tensor& x, const Tensor& y) {
    check(x->dim() == 2 && y->dim() == 1, "vector + matrix @ vector expected, got 1, ", x->dim(), ", ",
          y->dim());
    check(x->sizes[1] == y->sizes[0], "size mismatch, got input (", x->sizes[0], "), mat (", x->sizes[0], "x",
          x->sizes[1], "), vec (", y->sizes[0], ")");
    check(x->dtype == y->dtype, "addmv input tensors must have the same dtype, but got ",
          facts(y->dtype).legacy_name, ", ", facts(x->dtype).legacy_name, ", and ",
          facts(y->dtype).legacy_name);
    check_devices("mv", {&x, &y});
    const int wrapped = deepest({&x, &y});
    const Tensor out =
        wrapped ? product_at_level(wrapped, x, y, mv)
                : resized(converted(multiply("addmv_impl_cpu", x, as_column(y)), x->dtype), {x->sizes[0]});
    if (needs_record({&x, &y})) save_factors(*record(out, {&x, &y}, Mv{}, 2), 0, x, y);
    return out;
}

namespace {

void check_vectors(const Tensor& x, const Tensor& y) {
    check(x->dim() == 1 && y->dim() == 1, "1D tensors expected, but got ", x->dim(), "D and ", y->dim(),
          "D tensors");
    check(x->dtype == y->dtype, "dot : expected both vectors to have same dtype, but found ",
          facts(x->dtype).legacy_name, " and ", facts(y->dtype).legacy_name);
    check(x->numel == y->numel, "inconsistent tensor size, expected tensor ", x->sizes, " and src ", y->sizes,
          " to have the same number of elements, but got ", x->numel, " and ", y->numel,
          " elements respectively");
    check_devices("dot", {&x, &y});
}

Tensor dot_values(const Tensor& x, const Tensor& y) {
    return resized(converted(multiply("dot", as_row(x), as_column(y)), x->dtype), {});
}

}  // namespace

Tensor dot(const Tensor& x, const Tensor& y) {
    check_vectors(x, y);
    const int wrapped = deepest({&x, &y});
    const Tensor out = wrapped ? product_at_level(wrapped, x, y, dot) : dot_values(x, y);
    if (needs_record({&x, &y})) save_factors(*record(out, {&x, &y}, Dot{}, 2), 0, x, y);
    return out;
}

Tensor vdot(const Tensor& x, const Tensor& y) {
    check_vectors(x, y);
    if (deepest({&x, &y})) return dot(conj(x), y);
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        out = marked(dot_values(conj(x), y));
    }
    if (needs_record({&x, &y})) save_factors(*record(out, {&x, &y}, Vdot{}, 2), 0, x, y);
    return out;
}

Tensor outer(const Tensor& x, const Tensor& y) {
    check(x->dim() == 1, "outer: Expected 1-D argument self, but got ", x->dim(), "-D");
    check(y->dim() == 1, "outer: Expected 1-D argument vec2, but got ", y->dim(), "-D");
    return apply(row("mul"), reshape(x, {x->sizes[0], 1}), y);
}

namespace {

Dims leading(const TensorBody& x, int dropped) {
    return Dims(x.sizes.data(), std::max(0, x.dim() - dropped));
}

Dims joined(Dims dims, std::initializer_list<std::int64_t> more) {
    for (std::int64_t size : more) dims.push_back(size);
    return dims;
}

/// Whether the operand of higher rank is to be folded into a matrix, so that one product does for all of its batches.
bool folds(const Tensor& x, const Tensor& y) {
    const bool x_larger = x->dim() >= y->dim();
    const Tensor& large = x_larger ? x : y;
    const Tensor& small = x_larger ? y : x;
    if (large->dim() < 3 || small->dim() > 2) return false;
    if (requires_grad(small)) return true;  // Unfolded, its gradient would first be as large as the batch.
    if (x->dim() == 2) return false;        // The result would have to be copied to be row-major.
    if (large->numel == 0) return true;
    Dims strides = large->strides, sizes = large->sizes;
    if (!x_larger) {
        std::swap(strides[large->dim() - 2], strides[large->dim() - 1]);
        std::swap(sizes[large->dim() - 2], sizes[large->dim() - 1]);
    }
    for (int d = 0; d + 2 < large->dim(); ++d) {
        if (strides[d] != strides[d + 1] * sizes[d + 1]) return false;
    }
    return true;
}

Tensor folded(const Tensor& x, const Tensor& y) {
    const bool turned = y->dim() > x->dim();
    const Tensor large = turned ? transpose(y, -2, -1) : x;
    const Tensor small = !turned ? y : x->dim() == 2 ? t(x) : x;
    Dims sizes = leading(*large, 1);
    const Tensor matrix = reshape(large, {product(sizes), large->sizes.back()});
    if (small->dim() == 1) return unsafe_view(mv(matrix, small), sizes);
    sizes.push_back(small->sizes[1]);
    const Tensor out = unsafe_view(mm(matrix, small), sizes);
    return turned ? contiguous(transpose(out, -2, -1)) : out;
}

Tensor batched(const Tensor& x, const Tensor& y) {
    const bool x_vector = x->dim() == 1, y_vector = y->dim() == 1;
    const std::int64_t m = x_vector ? 1 : x->sizes[x->dim() - 2], k = x->sizes.back();
    const std::int64_t rows = y_vector ? y->sizes[0] : y->sizes[y->dim() - 2],
                       n = y_vector ? 1 : y->sizes.back();
    if (x->dim() == 3 && y->dim() == 3 && x->sizes[0] != y->sizes[0]) {
        if (x->sizes[0] == 1 && requires_grad(x)) return matmul(squeeze(x, std::int64_t{0}), y);
        if (y->sizes[0] == 1 && requires_grad(y)) return matmul(x, squeeze(y, std::int64_t{0}));
    }
    const Dims batch = broadcast(leading(*x, 2), leading(*y, 2));
    const std::int64_t count = product(batch);
    const Tensor a = reshape(expand(x, joined(batch, {m, k})), {count, m, k});
    const Tensor b = y_vector ? unsqueeze(reshape(expand(y, joined(batch, {rows})), {count, rows}), 2)
                              : reshape(expand(y, joined(batch, {rows, n})), {count, rows, n});
    Dims sizes = batch;
    if (!x_vector) sizes.push_back(m);
    if (!y_vector) sizes.push_back(n);
    const Tensor out = bmm(a, b);
    return unsafe_view(y_vector ? squeeze(out, std::int64_t{-1}) : out, sizes);
}

}  // namespace

Tensor matmul(const Tensor& x, const Tensor& y) {
    check(x->dim() > 0 && y->dim() > 0, "both arguments to matmul need to be at least 1D, but they are ",
          x->dim(), "D and ", y->dim(), "D");
    if (x->dim() == 1 && y->dim() == 1) return dot(x, y);
    if (x->dim() == 2 && y->dim() == 1) return mv(x, y);
    if (x->dim() == 1 && y->dim() == 2) {
        const Tensor out = mm(unsqueeze(x, 0), y);
        return reshaped<SqueezeInPlace>(out, {out->sizes[1]});
    }
    if (x->dim() == 2 && y->dim() == 2) return mm(x, y);
    return folds(x, y) ? folded(x, y) : batched(x, y);
}

namespace {

const Offer offer(
    Offer::KnowsLevels{},
    {
        autocast(
            Autocast::Lower,
            operation<&matmul>(
                "matmul", "input, other",
                "The matrix product by ranks: two vectors give a number, a matrix and a vector a vector, two "
                "matrices a matrix; further dimensions are batches that broadcast. Both operands have one "
                "dtype, "
                "not bool. Derivatives: g @ other^H and input^H @ g.",
                Offered::Both, kOutExact)),
        autocast(Autocast::Lower,
                 operation<&mm>(
                     "mm", "input, mat2",
                     "The product of an (m, k) and a (k, n) matrix of one dtype, not bool; RuntimeError "
                     "when the sizes do "
                     "not fit. Derivatives: g @ mat2^H and input^H @ g.",
                     Offered::Both, kOutExact)),
        autocast(
            Autocast::Lower,
            operation<&bmm>(
                "bmm", "input, mat2",
                "The products of (b, m, k) and (b, k, n) batches of matrices of one dtype, not bool, without "
                "broadcasting. Derivatives: those of mm in each batch.",
                Offered::Both, kOutExact)),
        operation<&mv>(
            "mv", "input, vec",
            "The product of an (m, k) matrix and a (k) vector of one dtype, not bool. Derivatives: the outer "
            "product of g and conj(vec), and input^H @ g.",
            Offered::Both, kOutExact),
        operation<&dot>("dot", "input, tensor",
                        "The sum of the products of two vectors of one length and dtype, not bool; nothing "
                        "is conjugated. "
                        "Derivatives: g * conj(tensor) and g * conj(input).",
                        Offered::Both, kOutExact),
        operation<&vdot>("vdot", "input, other",
                         "The sum of conj(input) * other over two vectors of one length and dtype, not bool. "
                         "Derivatives: conj(g) * other and g * input.",
                         Offered::Both, kOutExact),
        operation<&outer>(
            "outer", "input, vec2",
            "The (n, m) products of each element of an (n) vector with each of an (m) vector. Derivatives: "
            "those of mul, summed over the other vector."),
    });

}  // namespace
}  // namespace tapeless
