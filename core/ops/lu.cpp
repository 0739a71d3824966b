// LU factorization: the factors in one matrix or apart, and their derivative.
#include "ops/embed.h"
#include "ops/joining.h"
#include "ops/linalg.h"
#include "ops/operation.h"

namespace tapeless {
namespace linalg {

LuFactors lu_factors(const Tensor& a) {
    const std::int64_t m = rows_of(a), n = columns_of(a), least = std::min(m, n);
    const LuFactors out{by_columns(a), fresh(with(batch_of(a), {least}), DType::Int32, a->device),
                        fresh(batch_of(a), DType::Int32, a->device)};
    if (!on_cpu(a)) return out;
    std::int32_t* codes = mutable_data<std::int32_t>(*out.info);
    std::fill_n(codes, out.info->numel, 0);
    if (a->numel == 0) return out;
    std::int32_t* pivots = mutable_data<std::int32_t>(*out.pivots);
    with_type(a->dtype, [&]<class T>() {
        T* to = mutable_data<T>(*out.lu);
        for_each_matrix(out.info->numel, least, [&](std::int64_t i) {
            codes[i] =
                Lapack<T>::lu(static_cast<int>(m), static_cast<int>(n), to + i * m * n, pivots + i * least);
        });
    });
    return out;
}

namespace {

Tensor rows_from(const Tensor& x, std::int64_t start, std::int64_t end) {
    return slice(x, -2, start, end, 1);
}
Tensor columns_from(const Tensor& x, std::int64_t start, std::int64_t end) {
    return slice(x, -1, start, end, 1);
}

Tensor lower_of(const Tensor& lu) {
    const std::int64_t m = rows_of(lu), least = std::min(m, columns_of(lu));
    const Tensor below = triangle(columns_from(lu, 0, least), false, -1);
    const Tensor ones = on_diagonal(m, lu->dtype, lu->device);
    return add(below, columns_from(ones, 0, least));
}
Tensor upper_of(const Tensor& lu) {
    return triangle(rows_from(lu, 0, std::min(rows_of(lu), columns_of(lu))), true);
}

/// P of A = P L U as matrices of `like`'s batch.
Tensor permutation(const Tensor& like, const Tensor& pivots) {
    const std::int64_t n = rows_of(like), least = pivots->sizes[pivots->dim() - 1];
    const Tensor out = full(with(batch_of(like), {n, n}), Scalar(0), like->dtype, like->device);
    if (!on_cpu(out)) return out;
    const Tensor ordered = row_major(pivots);
    const std::int32_t* order = data<std::int32_t>(*ordered);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
    with_type(like->dtype, [&]<class T>() {
        T* to = mutable_data<T>(*out);
        for (std::int64_t i = 0; i < count_of(batch_of(like)); ++i) {
            for (std::int64_t k = 0; k < n; ++k) rows[static_cast<std::size_t>(k)] = k;
            for (std::int64_t k = 0; k < least; ++k) {
                std::swap(rows[static_cast<std::size_t>(k)],
                          rows[static_cast<std::size_t>(order[i * least + k] - 1)]);
            }
            for (std::int64_t k = 0; k < n; ++k) {
                to[i * n * n + rows[static_cast<std::size_t>(k)] * n + k] = Lapack<T>::number(1);
            }
        }
    });
    return out;
}

/// P^T times the gradient of A. A tall A is [A1; A2] with A2 = L2 U, a wide one [A1 A2] with A2 = L U2, A1 square.
Tensor unpermuted_gradient(Tensor gl, Tensor gu, const Tensor& l, const Tensor& u) {
    const std::int64_t m = rows_of(l), n = columns_of(u), k = std::min(m, n);
    const Tensor u1 = columns_from(u, 0, k), l1 = rows_from(l, 0, k);
    Tensor rest;
    if (m > n && gl) {
        rest = triangular(mH(u1), rows_from(gl, k, m), false, false);
        gu = plus(gu, neg(matmul(mH(rows_from(l, k, m)), rest)));
        gl = rows_from(gl, 0, k);
    } else if (m < n && gu) {
        rest = triangular(mH(l1), columns_from(gu, k, n), true, true, true);
        gl = plus(gl, neg(matmul(rest, mH(columns_from(u, k, n)))));
        gu = columns_from(gu, 0, k);
    }
    const Tensor below = gl ? triangle(matmul(mH(l1), triangle(gl, false, -1)), false, -1) : Tensor();
    const Tensor above = gu ? triangle(matmul(triangle(gu, true), mH(u1)), true) : Tensor();
    const Tensor inner = triangular(mH(l1), plus(below, above), true, true, true);
    const Tensor first = triangular(mH(u1), inner, false, false);
    if (m == n) return first;
    if (!rest) {
        const Tensor other = m > n ? rows_from(l, k, m) : columns_from(u, k, n);
        rest = apply(row("mul"), other, Scalar(0));
    }
    return cat({first, rest}, m > n ? -2 : -1);
}

struct LuFactor {
    static constexpr const char* node = "LinalgLuFactorExBackward0";
    static constexpr const char* const saved_names[] = {"LU", "pivots"};
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor lu = unpack(of.saved[0], of);
        const std::int64_t k = std::min(rows_of(lu), columns_of(lu));
        const Tensor g = unpermuted_gradient(columns_from(in[0], 0, k), rows_from(in[0], 0, k), lower_of(lu),
                                             upper_of(lu));
        out[0] = matmul(permutation(lu, unpack(of.saved[1], of)), g);
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        return std::string_view(name) == "pivot" ? std::optional<std::int64_t>(1) : std::nullopt;
    }
};

std::string no_pivot(int code) {
    const std::string at = std::to_string(code);
    return "U[" + at + "," + at +
           "] is zero and using it on lu_solve would result in a division by zero. If you still want to "
           "perform the "
           "factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)";
}

void check_factorable(const char* name, const Tensor& a, bool pivot) {
    check_matrices(name, a);
    check_numbers(name, a, "lu_factor_cpu");
    check(pivot, name, ": LU without pivoting is not implemented on the CPU");
}

std::vector<Tensor> lu_factor_ex(const Tensor& a, bool pivot, bool check_errors) {
    check_factorable("linalg.lu_factor", a, pivot);
    const LuFactors made = lu_factors(a);
    if (check_errors) check_info("torch.linalg.lu_factor", made.info, no_pivot);
    if (needs_record({&a})) {
        const Ref<Node> node = record(made.lu, {&a}, LuFactor{}, 2);
        save(node->saved[0], made.lu, 0);
        save(node->saved[1], made.pivots);
    }
    return {made.lu, made.pivots, made.info};
}

struct LinalgLu {
    static constexpr const char* node = "LinalgLuBackward0";
    static constexpr const char* const saved_names[] = {"P", "L", "U"};
    static constexpr bool takes_undefined = true;
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[1] && !in[2]) return;
        const Tensor g = unpermuted_gradient(in[1], in[2], unpack(of.saved[1], of), unpack(of.saved[2], of));
        out[0] = matmul(unpack(of.saved[0], of), g);
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        return std::string_view(name) == "pivot" ? std::optional<std::int64_t>(1) : std::nullopt;
    }
};

std::vector<Tensor> linalg_lu(const Tensor& a, bool pivot) {
    check_factorable("linalg.lu", a, pivot);
    const LuFactors made = lu_factors(a);
    Tensor p, l, u;
    {
        const ModeGuard quiet(kNoGrad, true);
        p = permutation(made.lu, made.pivots);
        l = row_major(lower_of(made.lu));
        u = row_major(upper_of(made.lu));
    }
    if (needs_record({&a})) {
        const Ref<Node> node = make_node(class_of<LinalgLu>(), 1, 3, 3, LinalgLu{});
        node->edges[0] = edge_above(a, deepest({&a}));
        set_history(l, node, 1);
        set_history(u, node, 2);
        save(node->saved[0], p);
        save(node->saved[1], l, 1);
        save(node->saved[2], u, 2);
    }
    return {p, l, u};
}

/// L and U out of one matrix.
struct LuUnpack {
    static constexpr const char* node = "LuUnpackBackward0";
    static constexpr bool takes_undefined = true;
    Dims sizes;

    /// x as the first rows or columns of such a matrix.
    Tensor placed(const Tensor& x) const {
        const int rank = sizes.size();
        for (int d : {rank - 2, rank - 1}) {
            if (x->sizes[d] < sizes[d]) return Embed{sizes, d, 0, x->sizes[d], 1, false}(x);
        }
        return x;
    }
    void backward(Node&, Gradients in, Gradients out) const {
        const Tensor below = in[0] ? placed(triangle(in[0], false, -1)) : Tensor();
        const Tensor above = in[1] ? placed(triangle(in[1], true)) : Tensor();
        out[0] = plus(below, above);
    }
};

std::vector<Tensor> lu_unpack(const Tensor& lu) {
    check_matrices("torch.lu_unpack", lu, "LU_data");
    Tensor lower, upper;
    {
        const ModeGuard quiet(kNoGrad, true);
        lower = row_major(lower_of(lu));
        upper = row_major(upper_of(lu));
    }
    if (needs_record({&lu})) record_all({lower, upper}, {&lu}, LuUnpack{lu->sizes}, 0);
    return {lower, upper};
}

const Offer offer({
    operation<&lu_unpack>("_lu_unpack", "LU",
                          "L and U out of one matrix. Derivative: the triangles of gL and gU.",
                          Offered::Function),
    operation<&permutation>("_lu_permutation", "LU, pivots", "P of A = P L U. No derivative.",
                            Offered::Function),
    operation<&lu_factor_ex>("_linalg_lu_factor_ex", "A, *, pivot=True, check_errors=False",
                             "L and U in one matrix, the exchanges of rows, and LAPACK's info. Derivative: "
                             "P L^-H (tril(L^H gL, -1) + triu(gU U^H)) U^-H of a square A.",
                             Offered::Function),
    operation<&linalg_lu>(
        "_linalg_lu", "A, *, pivot=True",
        "P, L and U with P L U = A. Derivative: P L^-H (tril(L^H gL, -1) + triu(gU U^H)) U^-H of a "
        "square A.",
        Offered::Function),
});

}  // namespace
}  // namespace linalg
}  // namespace tapeless
