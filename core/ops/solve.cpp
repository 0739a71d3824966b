// LU factorization and what rests on it: solutions, inverses, determinants, and their derivatives.
#include <cmath>
#include <limits>

#include "ops/linalg.h"
#include "ops/operation.h"

namespace tapeless {
namespace linalg {
namespace {

/// The x of op(A) x = b by A's factors, which lie by columns; b of one batch with them is overwritten.
void solve_by_lu(const Tensor& lu, const Tensor& pivots, const Tensor& b, char op) {
    const std::int64_t n = rows_of(b), columns = columns_of(b);
    if (!on_cpu(b) || b->numel == 0) return;
    with_type(b->dtype, [&]<class T>() {
        const T* from = data<T>(*lu);
        const std::int32_t* order = data<std::int32_t>(*pivots);
        T* to = mutable_data<T>(*b);
        for_each_matrix(count_of(batch_of(b)), n, [&](std::int64_t i) {
            Lapack<T>::lu_solve(op, static_cast<int>(n), static_cast<int>(columns), from + i * n * n,
                                order + i * n, to + i * n * columns);
        });
    });
}

/// x as one of a batch, by columns.
Tensor in_batch(const Tensor& x, const Dims& batch) {
    return by_columns(expand(x, with(batch, {rows_of(x), columns_of(x)})));
}

/// The solution by factors: of A x = b, of A^H x = b if adjoint, of x A = b or x A^H = b if not left.
Tensor values_by_lu(const Tensor& lu, const Tensor& pivots, const Tensor& b, bool left, bool adjoint) {
    const ModeGuard quiet(kNoGrad, true);
    const Dims batch = broadcast(batch_of(lu), batch_of(b));
    const std::int64_t n = columns_of(lu);
    const Tensor factors = in_batch(lu, batch);
    const Tensor order = row_major(expand(pivots, with(batch, {n})));
    if (left) {
        const Tensor out = in_batch(b, batch);
        solve_by_lu(factors, order, out, adjoint ? 'C' : 'N');
        return out;
    }
    // x A = b is A^T x^T = b^T; x A^H = b is conj(A) x^T = b^T.
    Tensor turned = mT(b);
    if (adjoint && is_complex(b->dtype)) turned = conj(turned);
    const Tensor out = in_batch(turned, batch);
    solve_by_lu(factors, order, out, adjoint ? 'N' : 'T');
    const Tensor back = swapped(out);
    return adjoint && is_complex(b->dtype) ? conj(back) : back;
}

struct LinalgSolve {
    static constexpr const char* node = "LinalgSolveExBackward0";
    static constexpr const char* const saved_names[] = {"A", "LU", "pivots", "result"};
    bool left, vector;
    Dims a_sizes, b_sizes;

    Tensor columns(const Tensor& x) const { return vector ? unsqueeze(x, -1) : x; }
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor a = unpack(of.saved[0], of), x = columns(unpack(of.saved[3], of)), g = columns(in[0]);
        const Tensor gb = grad_enabled() || lifted(g)
                              ? solved(mH(a), g, left)
                              : values_by_lu(unpack(of.saved[1], of), unpack(of.saved[2], of), g, left, true);
        if (of.needs(0)) out[0] = sum_to_size(neg(left ? matmul(gb, mH(x)) : matmul(mH(x), gb)), a_sizes);
        if (of.needs(1)) out[1] = sum_to_size(vector ? squeeze(gb, -1) : gb, b_sizes);
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        return std::string_view(name) == "left" ? std::optional<std::int64_t>(left) : std::nullopt;
    }
};

/// The same around a level, whose factors nobody can read.
struct SolvedAtLevel {
    static constexpr const char* node = "LinalgSolveExBackward0";
    bool left;
    Dims a_sizes, b_sizes;
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor a = unpack(of.saved[0], of), x = unpack(of.saved[1], of);
        const Tensor gb = solved(mH(a), in[0], left);
        if (of.needs(0)) out[0] = sum_to_size(neg(left ? matmul(gb, mH(x)) : matmul(mH(x), gb)), a_sizes);
        if (of.needs(1)) out[1] = sum_to_size(gb, b_sizes);
    }
};

struct Solution {
    Tensor x, lu, pivots, info;
};

/// Solves and records; `vector`: b is a vector, or a batch of them.
Solution solution(const Tensor& a, const Tensor& b, bool left, bool vector) {
    Solution made;
    const LuFactors lu = lu_factors(a);
    {
        const ModeGuard quiet(kNoGrad, true);
        const Tensor x = values_by_lu(lu.lu, lu.pivots, vector ? unsqueeze(b, -1) : b, left, false);
        // A batch of vectors lies by columns as well, as in PyTorch.
        const Tensor flat = vector ? squeeze(x, -1) : x;
        made = {vector ? marked(flat->dim() > 1 ? by_columns(flat) : alias(flat)) : x, lu.lu, lu.pivots,
                lu.info};
    }
    if (needs_record({&a, &b})) {
        const Ref<Node> node = record(made.x, {&a, &b}, LinalgSolve{left, vector, a->sizes, b->sizes}, 4);
        save(node->saved[0], a);
        save(node->saved[1], made.lu);
        save(node->saved[2], made.pivots);
        save(node->saved[3], made.x, 0);
    }
    return made;
}

std::string singular(int) { return "The solver failed because the input matrix is singular."; }

/// Vectors where b has one dimension, or A's batch and its number of rows.
bool is_vector(const Tensor& a, const Tensor& b) {
    return b->dim() == 1 || (a->dim() - 1 == b->dim() && b->sizes == with(batch_of(a), {columns_of(a)}));
}

Solution checked_solution(const Tensor& a, const Tensor& b, bool left) {
    constexpr const char* name = "linalg.solve";
    check_numbers(name, a, "linalg_solve_cpu");
    check_alike(name, a, b);
    check_square(name, a);
    const bool vector = is_vector(a, b);
    check(left || !vector, name,
          ": Vector broadcasting of the right hand side is not supported for left=False. In this "
          "case linalg.solve is equivalent to B / A.squeeze(-1)");
    const Tensor columns = vector ? unsqueeze(detach(b), -1) : b;
    check(columns_of(a) == (left ? rows_of(columns) : columns_of(columns)), name,
          ": Incompatible shapes of A and B for the equation ", left ? "AX = B" : "XA = B", " (", rows_of(a),
          "x", columns_of(a), " and ", rows_of(columns), "x", columns_of(columns), ")");
    return solution(a, b, left, vector);
}

Tensor linalg_solve(const Tensor& a, const Tensor& b, bool left) {
    const Solution made = checked_solution(a, b, left);
    check_info("torch.linalg.solve", made.info, singular);
    return made.x;
}

std::vector<Tensor> linalg_solve_ex(const Tensor& a, const Tensor& b, bool left, bool check_errors) {
    const Solution made = checked_solution(a, b, left);
    if (check_errors) check_info("torch.linalg.solve_ex", made.info, singular);
    return {made.x, made.info};
}

// --- Inverses ---

struct LinalgInv {
    static constexpr const char* node = "LinalgInvExBackward0";
    static constexpr const char* const saved_names[] = {"inverse"};
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor adjoint = mH(unpack(of.saved[0], of));
        out[0] = neg(matmul(adjoint, matmul(in[0], adjoint)));
    }
};

std::pair<Tensor, Tensor> inverse_and_info(const Tensor& a) {
    check_square("linalg.inv", a);
    check_numbers("linalg.inv", a, "linalg_inv_ex_cpu");
    const LuFactors lu = lu_factors(a);
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        out = in_batch(on_diagonal(rows_of(a), a->dtype, a->device), batch_of(a));
        solve_by_lu(lu.lu, lu.pivots, out, 'N');
    }
    if (needs_record({&a})) save(record(out, {&a}, LinalgInv{}, 1)->saved[0], out, 0);
    return {out, lu.info};
}

std::string not_invertible(int code) {
    return "The diagonal element " + std::to_string(code) +
           " is zero, the inversion could not be completed because the input matrix is singular.";
}

Tensor linalg_inv(const Tensor& a) {
    const auto [out, info] = inverse_and_info(a);
    check_info("linalg.inv", info, not_invertible);
    return out;
}

std::vector<Tensor> linalg_inv_ex(const Tensor& a, bool check_errors) {
    const auto [out, info] = inverse_and_info(a);
    if (check_errors) check_info("linalg.inv_ex", info, not_invertible);
    return {out, info};
}

// --- Determinants ---

/// Pivots that are 0 become the smallest step from 1.
template <class T> void move_zero_pivots(T* values, std::int64_t n, std::int64_t total) {
    const T step = Lapack<T>::number(std::numeric_limits<typename Lapack<T>::Real>::epsilon());
    for (std::int64_t at = 0; at < total; at += n * n) {
        for (std::int64_t k = 0; k < n; ++k) {
            T& pivot = values[at + k * (n + 1)];
            if (pivot == T{}) pivot = step;
        }
    }
}

/// A^-H times numbers, one for each matrix; a singular A is moved a little, so that its gradient is the adjugate's.
Tensor adjoint_inverse_times(Node& of, int first_saved, const Tensor& numbers) {
    const Tensor a = unpack(of.saved[first_saved], of);
    const Tensor spread =
        mul(unsqueeze(unsqueeze(numbers, -1), -1), on_diagonal(rows_of(a), a->dtype, a->device));
    if (deepest({&a, &spread})) return solved(mH(a), spread);
    if (grad_enabled()) return solution(mH(a), spread, true, false).x;
    const Tensor lu = by_columns(unpack(of.saved[first_saved + 1], of));
    if (on_cpu(lu)) {
        with_type(lu->dtype,
                  [&]<class T>() { move_zero_pivots(mutable_data<T>(*lu), rows_of(lu), lu->numel); });
    }
    return values_by_lu(lu, unpack(of.saved[first_saved + 2], of), spread, true, true);
}

struct LinalgDet {
    static constexpr const char* node = "LinalgDetBackward0";
    static constexpr const char* const saved_names[] = {"result", "A", "LU", "pivots"};
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor g = mul(in[0], conj(unpack(of.saved[0], of)));
        out[0] = adjoint_inverse_times(of, 1, g);
    }
};

struct LinalgSlogdet {
    static constexpr const char* node = "LinalgSlogdetBackward0";
    static constexpr const char* const saved_names[] = {"sign", "A", "LU", "pivots"};
    void backward(Node& of, Gradients in, Gradients out) const {
        const Tensor sign = unpack(of.saved[0], of);
        Tensor g = in[1] ? to_dtype(in[1], sign->dtype) : Tensor();
        if (in[0] && is_complex(sign->dtype)) {
            // Moving the phase by i t moves the sign by i t sign.
            const Tensor phase = mul(conj(in[0]), sign);
            const Tensor imaginary = mul(sub(phase, conj(phase)), 0.5);
            g = g ? sub(g, imaginary) : neg(imaginary);
        }
        if (g) out[0] = adjoint_inverse_times(of, 1, g);
    }
};

/// Whether rows were exchanged an odd number of times.
bool is_odd(const std::int32_t* pivots, std::int64_t n) {
    bool odd = false;
    for (std::int64_t k = 0; k < n; ++k) odd ^= pivots[k] != k + 1;
    return odd;
}

template <class T> double size_of_number(T x) {
    if constexpr (Lapack<T>::complex) {
        return std::hypot(x.re, x.im);
    } else {
        return std::abs(x);
    }
}

template <class T> T scaled(T x, double by) {
    using Real = typename Lapack<T>::Real;
    if constexpr (Lapack<T>::complex) {
        return T{static_cast<Real>(x.re / by), static_cast<Real>(x.im / by)};
    } else {
        return static_cast<T>(x / by);
    }
}

/// The product of the diagonal of U, as such or as a number of size 1 and the logarithm of its size.
Tensor determinant(const LuFactors& lu, DType dtype) {
    const Tensor out = fresh(batch_of(lu.lu), dtype, lu.lu->device);
    if (!on_cpu(out)) return out;
    const std::int64_t n = rows_of(lu.lu);
    with_type(dtype, [&]<class T>() {
        const T* values = data<T>(*lu.lu);
        const std::int32_t* pivots = data<std::int32_t>(*lu.pivots);
        T* to = mutable_data<T>(*out);
        for (std::int64_t i = 0; i < out->numel; ++i) {
            T product = Lapack<T>::number(is_odd(pivots + i * n, n) ? -1 : 1);
            for (std::int64_t k = 0; k < n; ++k) product = product * values[i * n * n + k * (n + 1)];
            to[i] = product;
        }
    });
    return out;
}

std::pair<Tensor, Tensor> sign_and_logarithm(const LuFactors& lu, DType dtype) {
    const Tensor sign = fresh(batch_of(lu.lu), dtype, lu.lu->device);
    const Tensor logarithm = fresh(batch_of(lu.lu), real_of(dtype), lu.lu->device);
    if (!on_cpu(sign)) return {sign, logarithm};
    const std::int64_t n = rows_of(lu.lu);
    with_type(dtype, [&]<class T>() {
        const T* values = data<T>(*lu.lu);
        const std::int32_t* pivots = data<std::int32_t>(*lu.pivots);
        T* signs = mutable_data<T>(*sign);
        auto* logarithms = mutable_data<typename Lapack<T>::Real>(*logarithm);
        for (std::int64_t i = 0; i < sign->numel; ++i) {
            T unit = Lapack<T>::number(is_odd(pivots + i * n, n) ? -1 : 1);
            double sum = 0;
            for (std::int64_t k = 0; k < n; ++k) {
                const T pivot = values[i * n * n + k * (n + 1)];
                const double size = size_of_number(pivot);
                sum += std::log(size);
                unit = size == 0 ? T{} : unit * scaled(pivot, size);
            }
            signs[i] = unit;
            logarithms[i] = static_cast<typename Lapack<T>::Real>(sum);
        }
    });
    return {sign, logarithm};
}

void save_factors(Node& node, const Tensor& a, const LuFactors& lu) {
    save(node.saved[1], a);
    save(node.saved[2], lu.lu);
    save(node.saved[3], lu.pivots);
}

Tensor linalg_det(const Tensor& a) {
    check_square("linalg.det", a);
    check_numbers("linalg.det", a, "lu_cpu");
    const LuFactors lu = lu_factors(a);
    const Tensor out = determinant(lu, a->dtype);
    if (needs_record({&a})) {
        const Ref<Node> node = record(out, {&a}, LinalgDet{}, 4);
        save(node->saved[0], out, 0);
        save_factors(*node, a, lu);
    }
    return out;
}

std::vector<Tensor> slogdet(const Tensor& a) {
    check_square("linalg.slogdet", a);
    check_numbers("linalg.slogdet", a, "lu_cpu");
    const LuFactors lu = lu_factors(a);
    const auto [sign, logarithm] = sign_and_logarithm(lu, a->dtype);
    if (needs_record({&a})) {
        const Ref<Node> node = record_all({sign, logarithm}, {&a}, LinalgSlogdet{}, 4);
        save(node->saved[0], sign, 0);
        save_factors(*node, a, lu);
    }
    return {sign, logarithm};
}

constexpr const char* kInverse =
    "The inverse of each matrix, by its LU factors; fails with LinAlgError if one is singular. "
    "Derivative: -A^-H g A^-H.";
constexpr const char* kDet =
    "The determinant of each matrix, by its LU factors. Derivative: g conj(det A) A^-H.";

const Offer offer({
    autocast(Autocast::Float32,
             operation<&linalg_solve>(
                 "linalg_solve", "A, B, *, left=True",
                 "X of A X = B, or of X A = B if not left; B may be a vector for each matrix. Batches "
                 "broadcast. Derivative: A^-H g for B, and -(A^-H g) X^H for A.",
                 Offered::Function)),
    operation<&linalg_solve_ex>("_linalg_solve_ex", "A, B, *, left=True, check_errors=False",
                                "linalg_solve and LAPACK's info. Derivative: that of linalg_solve.",
                                Offered::Function),
    autocast(Autocast::Float32, operation<&linalg_inv>("linalg_inv", "A", kInverse, Offered::Function)),
    autocast(Autocast::Float32, operation<&linalg_inv>("inverse", "input", kInverse)),
    autocast(Autocast::Float32, operation<&linalg_inv_ex>("_linalg_inv_ex", "A, *, check_errors=False",
                                                          kInverse, Offered::Function)),
    operation<&linalg_det>("linalg_det", "A", kDet, Offered::Function),
    operation<&linalg_det>("det", "input", kDet),
    operation<&slogdet>(
        "_slogdet", "A",
        "A number of size 1 and the logarithm of the size of each determinant. Derivative: A^-H times "
        "the logarithm's g, and for complex numbers the part of the sign's that turns it.",
        Offered::Function),
});

}  // namespace

Tensor solved(const Tensor& a, const Tensor& b, bool left) {
    if (const int wrapped = deepest({&a, &b})) {
        const Tensor out = solution_at_level(
            wrapped, a, b, left, [&](const Tensor& x, const Tensor& y) { return solved(x, y, left); },
            [](const Tensor& t) { return t; });
        if (needs_record({&a, &b})) {
            const Ref<Node> node = record(out, {&a, &b}, SolvedAtLevel{left, a->sizes, b->sizes}, 2);
            save(node->saved[0], a);
            save(node->saved[1], out, 0);
        }
        return out;
    }
    const Solution made = solution(a, b, left, false);
    check_info("torch.linalg.solve", made.info, singular);
    return made.x;
}

}  // namespace linalg
}  // namespace tapeless
