// Cholesky's factorization, solutions by it, and their derivatives.
#include "ops/linalg.h"
#include "ops/operation.h"

namespace tapeless {
namespace linalg {
namespace {

/// The gradient of a Hermitian matrix from that of its lower factor (Murray, arXiv:1602.07527).
Tensor cholesky_gradient(const Tensor& given_g, const Tensor& given_l, bool upper) {
    const Tensor g = upper ? mH(given_g) : given_g, l = upper ? mH(given_l) : given_l;
    const Tensor half = scaled_diagonal(triangle(matmul(mH(l), g), false), 0.5, true);
    const Tensor both = mul(add(half, mH(half)), 0.5);
    return triangular(l, triangular(mH(l), both, true), false, false);
}

struct CholeskyEx {
    static constexpr const char* node = "LinalgCholeskyExBackward0";
    static constexpr const char* const saved_names[] = {"L"};
    bool upper;
    void backward(Node& of, Gradients in, Gradients out) const {
        if (in[0]) out[0] = cholesky_gradient(in[0], unpack(of.saved[0], of), upper);
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        return std::string_view(name) == "upper" ? std::optional<std::int64_t>(upper) : std::nullopt;
    }
};

struct Cholesky : CholeskyEx {
    static constexpr const char* node = "CholeskyBackward0";
    static constexpr const char* const saved_names[] = {"result"};
};

struct Factored {
    Tensor factor, info;
};

Factored factored(const Tensor& a, bool upper) {
    const Tensor out = by_columns(a), info = fresh(batch_of(a), DType::Int32, a->device);
    const std::int64_t n = rows_of(a);
    if (!on_cpu(a)) return {out, info};
    std::int32_t* codes = mutable_data<std::int32_t>(*info);
    std::fill_n(codes, info->numel, 0);
    if (out->numel == 0) return {out, info};
    with_type(a->dtype, [&]<class T>() {
        T* to = mutable_data<T>(*out);
        for_each_matrix(info->numel, n, [&](std::int64_t i) {
            T* matrix = to + i * n * n;
            codes[i] = Lapack<T>::cholesky(upper ? 'U' : 'L', static_cast<int>(n), matrix);
            for (std::int64_t column = 0; column < n; ++column) {
                T* values = matrix + column * n;
                upper ? std::fill(values + column + 1, values + n, T{})
                      : std::fill(values, values + column, T{});
            }
        });
    });
    return {out, info};
}

std::string not_positive(int code) {
    return "The factorization could not be completed because the input is not positive-definite (the leading "
           "minor of "
           "order " +
           std::to_string(code) + " is not positive-definite).";
}

template <class P> Tensor recorded(const Tensor& a, const Tensor& out, P payload) {
    if (needs_record({&a})) save(record(out, {&a}, payload, 1)->saved[0], out, 0);
    return out;
}

std::vector<Tensor> cholesky_ex(const Tensor& a, bool upper, bool check_errors) {
    check_square("linalg.cholesky", a);
    check_numbers("linalg.cholesky", a, "cholesky_cpu");
    const Factored made = factored(a, upper);
    if (check_errors) check_info("linalg.cholesky_ex", made.info, not_positive);
    return {recorded(a, made.factor, CholeskyEx{upper}), made.info};
}

Tensor linalg_cholesky(const Tensor& a, bool upper) {
    check_square("linalg.cholesky", a);
    check_numbers("linalg.cholesky", a, "cholesky_cpu");
    const Factored made = factored(a, upper);
    check_info("linalg.cholesky", made.info, not_positive);
    return recorded(a, made.factor, CholeskyEx{upper});
}

Tensor cholesky(const Tensor& a, bool upper) {
    check_square("cholesky", a);
    check_numbers("cholesky", a, "cholesky_cpu");
    Factored made = factored(a, upper);
    if (a->numel == 0) made.factor = fresh(a->sizes, a->dtype, a->device);
    check_info("cholesky", made.info, not_positive);
    return recorded(a, made.factor, Cholesky{{upper}});
}

/// The x of A x = b by A's factor; recorded.
Tensor solved_by_factor(const Tensor& l, const Tensor& b, bool upper) {
    return upper ? triangular(l, triangular(mH(l), b, false), true)
                 : triangular(mH(l), triangular(l, b, false), true);
}

/// The factor's gradient from that of A: A = L L^H or U^H U.
Tensor factor_gradient(const Tensor& ga, const Tensor& l, bool upper) {
    const Tensor both = add(ga, mH(ga)), read = triangle(l, upper);
    return triangle(upper ? matmul(read, both) : matmul(both, read), upper);
}

struct CholeskySolve {
    static constexpr const char* node = "CholeskySolveBackward0";
    static constexpr const char* const saved_names[] = {"self", "input2", "result"};
    bool upper;
    Dims b_sizes, l_sizes;
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor l = unpack(of.saved[1], of), x = unpack(of.saved[2], of);
        const Tensor gb = solved_by_factor(l, in[0], upper);
        if (of.needs(0)) out[0] = sum_to_size(gb, b_sizes);
        if (of.needs(1)) out[1] = sum_to_size(factor_gradient(neg(matmul(gb, mH(x))), l, upper), l_sizes);
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        return std::string_view(name) == "upper" ? std::optional<std::int64_t>(upper) : std::nullopt;
    }
};

Tensor cholesky_solve(const Tensor& b, const Tensor& l, bool upper) {
    check(b->dim() >= 2, "b should have at least 2 dimensions, but has ", b->dim(), " dimensions instead");
    check(l->dim() >= 2, "u should have at least 2 dimensions, but has ", l->dim(), " dimensions instead");
    check(rows_of(l) == columns_of(l), "cholesky_solve: A must be batches of square matrices, but they are ",
          rows_of(l), " by ", columns_of(l), " matrices");
    check(columns_of(l) == rows_of(b), "Incompatible matrix sizes for cholesky_solve: each A matrix is ",
          rows_of(l), " by ", columns_of(l), " but each b matrix is ", rows_of(b), " by ", columns_of(b));
    check_numbers("cholesky_solve", b, "cholesky_solve_cpu");
    check_alike("cholesky_solve", l, b);
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        out = solved_by_factor(l, b, upper);
    }
    if (needs_record({&b, &l})) {
        const Ref<Node> node = record(out, {&b, &l}, CholeskySolve{upper, b->sizes, l->sizes}, 3);
        save(node->saved[0], b);
        save(node->saved[1], l);
        save(node->saved[2], out, 0);
    }
    return out;
}

struct CholeskyInverse {
    static constexpr const char* node = "CholeskyInverseBackward0";
    static constexpr const char* const saved_names[] = {"self", "result"};
    bool upper;
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor l = unpack(of.saved[0], of), inverse = unpack(of.saved[1], of);
        out[0] = factor_gradient(neg(matmul(matmul(inverse, in[0]), inverse)), l, upper);
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        return std::string_view(name) == "upper" ? std::optional<std::int64_t>(upper) : std::nullopt;
    }
};

Tensor cholesky_inverse(const Tensor& l, bool upper) {
    check_square("cholesky_inverse", l);
    check_numbers("cholesky_inverse", l, "cholesky_inverse_out_cpu");
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        out = solved_by_factor(l, on_diagonal(rows_of(l), l->dtype, l->device), upper);
    }
    if (needs_record({&l})) {
        const Ref<Node> node = record(out, {&l}, CholeskyInverse{upper}, 2);
        save(node->saved[0], l);
        save(node->saved[1], out, 0);
    }
    return out;
}

constexpr const char* kFactor =
    "Cholesky's factor L of each Hermitian positive definite matrix A = L L^H, of which one triangle is "
    "read, or U with "
    "A = U^H U if upper. Derivative: L^-H (P + P^H) L^-1 / 2, P the lower triangle of L^H g with half its "
    "diagonal.";

const Offer offer({
    autocast(Autocast::Float32, operation<&linalg_cholesky>("linalg_cholesky", "input, *, upper=False",
                                                            kFactor, Offered::Function)),
    autocast(Autocast::Float32,
             operation<&cholesky_ex>("_linalg_cholesky_ex", "input, *, upper=False, check_errors=False",
                                     kFactor, Offered::Function)),
    autocast(Autocast::Float32, operation<&cholesky>("cholesky", "input, upper=False", kFactor)),
    autocast(Autocast::Float32,
             operation<&cholesky_solve>(
                 "cholesky_solve", "input, input2, upper=False",
                 "X of A X = input by A's Cholesky factor, input2. Derivative: A^-1 g for input, and for "
                 "the factor the triangle of -(G + G^H) L, G = A^-1 g X^H.")),
    autocast(Autocast::Float32,
             operation<&cholesky_inverse>(
                 "cholesky_inverse", "input, upper=False",
                 "A^-1 by A's Cholesky factor. Derivative: the triangle of -(G + G^H) L, G = A^-1 g A^-1.")),
});

}  // namespace
}  // namespace linalg
}  // namespace tapeless
