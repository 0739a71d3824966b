// Values of LAPACK's less common factors: Householder's reflectors, symmetric indefinite factors, least squares.
#include "ops/linalg.h"
#include "ops/operation.h"
#include "ops/underived.h"

namespace tapeless {
namespace linalg {
namespace {

// --- Reflectors ---

struct Geqrf : NamedUnderived<Geqrf> {
    static constexpr const char* node = "GeqrfBackward0";
    static constexpr const char* operation = "geqrf";
    static constexpr bool takes_undefined = true;
    void backward(Node& of, Gradients in, Gradients out) const {
        Tensor first[] = {in[0] ? in[0] : in[1]};
        NamedUnderived::backward(of, first, out);
    }
};

std::vector<Tensor> geqrf(const Tensor& a) {
    check_matrices("torch.geqrf", a, "input");
    check_numbers("geqrf", a, "geqrf_cpu");
    const std::int64_t m = rows_of(a), n = columns_of(a), least = std::min(m, n);
    Tensor factors, tau;
    {
        const ModeGuard quiet(kNoGrad, true);
        factors = by_columns(a);
        tau = full(with(batch_of(a), {least}), Scalar(0), a->dtype, a->device);
    }
    if (on_cpu(a) && a->numel) {
        with_type(a->dtype, [&]<class T>() {
            T *to = mutable_data<T>(*factors), *of_tau = mutable_data<T>(*tau);
            for_each_matrix(count_of(batch_of(a)), least, [&](std::int64_t i) {
                Lapack<T>::qr(static_cast<int>(m), static_cast<int>(n), to + i * m * n, of_tau + i * least);
            });
        });
    }
    if (needs_record({&a})) record_all({factors, tau}, {&a}, Geqrf{}, 0);
    return {factors, tau};
}

/// The first columns of Q from k reflectors. Not recorded.
Tensor householder_product(const Tensor& a, const Tensor& tau) {
    const std::int64_t m = rows_of(a), n = columns_of(a), k = tau->sizes.back();
    const Tensor out = by_columns(a), factors = row_major(tau);
    if (!on_cpu(a) || a->numel == 0) return out;
    with_type(a->dtype, [&]<class T>() {
        T* to = mutable_data<T>(*out);
        const T* of_tau = data<T>(*factors);
        for_each_matrix(count_of(batch_of(a)), n, [&](std::int64_t i) {
            Lapack<T>::reflectors_product(static_cast<int>(m), static_cast<int>(n), static_cast<int>(k),
                                          to + i * m * n, of_tau + i * k);
        });
    });
    return out;
}

/// op(Q) c, or c op(Q) if not left, from k reflectors. Not recorded.
Tensor ormqr(const Tensor& a, const Tensor& tau, const Tensor& c, bool left, bool transposed) {
    const std::int64_t m = rows_of(c), n = columns_of(c), k = tau->sizes.back(),
                       size = rows_of(a) * columns_of(a);
    const Tensor out = by_columns(c), reflectors = by_columns(a), factors = row_major(tau);
    if (!on_cpu(c) || c->numel == 0 || k == 0) return out;
    with_type(c->dtype, [&]<class T>() {
        T* to = mutable_data<T>(*out);
        const T *from = data<T>(*reflectors), *of_tau = data<T>(*factors);
        const char op = transposed ? (Lapack<T>::complex ? 'C' : 'T') : 'N';
        for_each_matrix(count_of(batch_of(c)), std::max(m, n), [&](std::int64_t i) {
            Lapack<T>::reflect(left ? 'L' : 'R', op, static_cast<int>(m), static_cast<int>(n),
                               static_cast<int>(k), from + i * size, of_tau + i * k, to + i * m * n);
        });
    });
    return out;
}

// --- Symmetric indefinite factors ---

std::vector<Tensor> ldl_factor_ex(const Tensor& a, bool hermitian, bool check_errors) {
    check_square("torch.linalg.ldl_factor_ex", a);
    check_numbers("torch.linalg.ldl_factor_ex", a, "ldl_factor_cpu");
    const std::int64_t n = rows_of(a);
    Tensor factors;
    {
        const ModeGuard quiet(kNoGrad, true);
        factors = by_columns(triangle(a, false));
    }
    const Tensor pivots = fresh(with(batch_of(a), {n}), DType::Int32, a->device);
    const Tensor info = fresh(batch_of(a), DType::Int32, a->device);
    if (on_cpu(a)) {
        std::int32_t *codes = mutable_data<std::int32_t>(*info),
                     *of_pivots = mutable_data<std::int32_t>(*pivots);
        std::fill_n(codes, info->numel, 0);
        with_type(a->dtype, [&]<class T>() {
            T* to = mutable_data<T>(*factors);
            for_each_matrix(a->numel ? info->numel : 0, n, [&](std::int64_t i) {
                codes[i] =
                    Lapack<T>::symmetric(hermitian, static_cast<int>(n), to + i * n * n, of_pivots + i * n);
            });
        });
    }
    if (check_errors) {
        check_info("torch.linalg.ldl_factor_ex", info, [](int code) {
            return "The diagonal element " + std::to_string(code) +
                   " is zero, the solve could not be completed because the input matrix is singular.";
        });
    }
    refuse_gradients("linalg_ldl_factor_ex", {&a}, {factors});
    return {factors, pivots, info};
}

Tensor ldl_solve(const Tensor& factors, const Tensor& pivots, const Tensor& b, bool hermitian) {
    check_square("torch.linalg.ldl_solve", factors, "LD");
    check_numbers("torch.linalg.ldl_solve", factors, "ldl_solve_cpu");
    check(b->dim() >= 2, "torch.linalg.ldl_solve: Expected B to have at least 2 dimensions, but it has ",
          b->dim(), " dimensions instead");
    check(factors->dtype == b->dtype, "torch.linalg.ldl_solve: Expected LD and B to have the same dtype");
    check(rows_of(factors) == rows_of(b),
          "torch.linalg.ldl_solve: Incompatible shapes of LD and B for the equation AX = B (",
          rows_of(factors), "x", columns_of(factors), " and ", rows_of(b), "x", columns_of(b), ")");
    const std::int64_t n = rows_of(b), columns = columns_of(b);
    const Dims batch = broadcast(batch_of(factors), batch_of(b));
    Tensor out, all, order;
    {
        const ModeGuard quiet(kNoGrad, true);
        out = by_columns(expand(b, with(batch, {n, columns})));
        all = by_columns(expand(factors, with(batch, {n, n})));
        order = row_major(expand(pivots, with(batch, {n})));
    }
    if (on_cpu(b) && out->numel) {
        with_type(b->dtype, [&]<class T>() {
            T* to = mutable_data<T>(*out);
            const T* from = data<T>(*all);
            const std::int32_t* of_pivots = data<std::int32_t>(*order);
            for_each_matrix(count_of(batch), n, [&](std::int64_t i) {
                Lapack<T>::symmetric_solve(hermitian, static_cast<int>(n), static_cast<int>(columns),
                                           from + i * n * n, of_pivots + i * n, to + i * n * columns);
            });
        });
    }
    refuse_gradients("linalg_ldl_solve", {&factors, &b}, {out});
    return out;
}

// --- Least squares ---

/// b's columns with room for the solution: max(m, n) elements each.
Tensor with_room(const Tensor& b, std::int64_t rows) {
    const Tensor out = empty_by_columns(batch_of(b), rows, columns_of(b), b->dtype, b->device);
    write(slice(out, -2, 0, rows_of(b), 1), b);
    return out;
}

/// The solution in what b becomes, whose further rows tell the residuals; ranks; singular values. Not recorded.
std::vector<Tensor> lstsq(const Tensor& a, const Tensor& b, double tolerance, const std::string& driver) {
    const ModeGuard quiet(kNoGrad, true);
    const std::int64_t m = rows_of(a), n = columns_of(a), columns = columns_of(b), rows = std::max(m, n);
    const char kind = driver.size() > 4 ? driver[4] : ' ';
    const bool values = kind == 'd' || kind == 's';
    const Dims batch = batch_of(a);
    const Tensor work = by_columns(a), x = with_room(b, rows);
    const Tensor ranks = full(batch, Scalar(std::int64_t{0}), DType::Int64, a->device);
    const Tensor singular =
        full(values ? with(batch, {std::min(m, n)}) : Dims{0}, Scalar(0), real_of(a->dtype), a->device);
    const Tensor info = full(batch, Scalar(std::int64_t{0}), DType::Int32, a->device);
    if (on_cpu(a) && a->numel) {
        with_type(a->dtype, [&]<class T>() {
            using Real = typename Lapack<T>::Real;
            T *of_a = mutable_data<T>(*work), *of_x = mutable_data<T>(*x);
            Real* of_values = values ? mutable_data<Real>(*singular) : nullptr;
            auto* of_ranks = mutable_data<std::int64_t>(*ranks);
            auto* codes = mutable_data<std::int32_t>(*info);
            for_each_matrix(info->numel, rows, [&](std::int64_t i) {
                typename Lapack<T>::Squares job{static_cast<int>(m),
                                                static_cast<int>(n),
                                                static_cast<int>(columns),
                                                of_a + i * m * n,
                                                of_x + i * rows * columns,
                                                static_cast<Real>(tolerance),
                                                values ? of_values + i * std::min(m, n) : nullptr};
                codes[i] = Lapack<T>::least_squares(kind, job);
                of_ranks[i] = job.rank;
            });
        });
    }
    check_info("torch.linalg.lstsq", info, [](int code) {
        return "The least squares solution could not be computed because the input matrix does not have full "
               "rank "
               "(error code: " +
               std::to_string(code) + ").";
    });
    return {x, ranks, singular};
}

const Offer offer({
    operation<&geqrf>("_geqrf", "input",
                      "Householder's reflectors below R, and their factors. No derivative.",
                      Offered::Function),
    operation<&householder_product>("_householder_product", "input, tau",
                                    "The first columns of Q from its reflectors: values alone.",
                                    Offered::Function),
    operation<&ormqr>("_ormqr", "input, tau, other, left, transpose",
                      "Q from its reflectors times another matrix: values alone.", Offered::Function),
    operation<&ldl_factor_ex>(
        "_linalg_ldl_factor_ex", "A, *, hermitian=False, check_errors=False",
        "L D L^T of symmetric matrices in one, pivots, and LAPACK's info. No derivative.", Offered::Function),
    operation<&ldl_solve>("linalg_ldl_solve", "LD, pivots, B, *, hermitian=False",
                          "X of A X = B by the factors of ldl_factor. No derivative.", Offered::Function),
    operation<&lstsq>(
        "_linalg_lstsq", "A, B, tolerance, driver",
        "The solution of least squares and what tells the residuals, ranks, singular values: values "
        "alone.",
        Offered::Function),
});

}  // namespace
}  // namespace linalg
}  // namespace tapeless
