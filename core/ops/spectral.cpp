// Factorizations by orthogonal matrices: QR, eigenvalues of Hermitian matrices, singular values, and their derivatives.
#include "ops/extremes.h"
#include "ops/joining.h"
#include "ops/linalg.h"
#include "ops/operation.h"

namespace tapeless {
namespace linalg {
namespace {

Tensor columns_from(const Tensor& x, std::int64_t start, std::int64_t end) {
    return slice(x, -1, start, end, 1);
}

/// The tensors with the columns of the second behind those of the first.
Tensor beside(const Tensor& x, const Tensor& y) { return cat({x, y}, -1); }

// --- QR ---

struct Qr {
    static constexpr const char* node = "LinalgQrBackward0";
    static constexpr const char* const saved_names[] = {"Q", "R"};
    static constexpr bool takes_undefined = true;
    enum class Mode { Reduced, Complete, R } mode;

    /// Of a matrix with at least as many rows as columns.
    static Tensor tall_gradient(const Tensor& gq, const Tensor& gr, const Tensor& q, const Tensor& r) {
        Tensor inner = gr ? matmul(gr, mH(r)) : Tensor();
        if (gq) inner = plus(inner, neg(matmul(mH(q), gq)));
        const Tensor upper = triangle(inner, true);
        const Tensor both = scaled_diagonal(add(upper, mH(upper)), 0.5, true);
        return triangular(mH(r), plus(matmul(q, both), gq), false, false);
    }
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0] && !in[1]) return;
        check(mode != Mode::R,
              "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use "
              "linalg.qr(A, mode='reduced') if you are going to require gradients.");
        const Tensor q = unpack(of.saved[0], of), r = unpack(of.saved[1], of);
        const std::int64_t m = rows_of(q), n = columns_of(r);
        check(mode != Mode::Complete || m <= n,
              "The QR decomposition is not differentiable when mode='complete' and "
              "nrows > ncols.");
        if (m >= n) {
            out[0] = tall_gradient(in[0], in[1], q, r);
            return;
        }
        // A = [X Y] with X = Q R1 and R2 = Q^H Y, so that R2's gradient is one of Q as well.
        const Tensor rest = columns_from(unpack(of.saved[2], of), m, n);
        const Tensor gr1 = in[1] ? columns_from(in[1], 0, m) : Tensor(),
                     gr2 = in[1] ? columns_from(in[1], m, n) : Tensor();
        const Tensor gq = gr2 ? plus(in[0], matmul(rest, mH(gr2))) : in[0];
        const Tensor left = tall_gradient(gq, gr1, q, columns_from(r, 0, m));
        out[0] = beside(left, gr2 ? matmul(q, gr2) : apply(row("mul"), rest, Scalar(0)));
    }
};

std::pair<Tensor, Tensor> qr_values(const Tensor& a, Qr::Mode mode) {
    const std::int64_t m = rows_of(a), n = columns_of(a), least = std::min(m, n);
    const std::int64_t width = mode == Qr::Mode::Complete ? m : least;
    const Dims batch = batch_of(a);
    const Tensor work = by_columns(a);
    const Tensor r = mode == Qr::Mode::Complete || m <= n ? work : by_columns(slice(work, -2, 0, n, 1));
    const bool no_q = mode == Qr::Mode::R;
    const Tensor q =
        no_q ? fresh({0}, a->dtype, a->device) : empty_by_columns(batch, m, width, a->dtype, a->device);
    if (!on_cpu(a)) return {q, r};
    with_type(a->dtype, [&]<class T>() {
        T* to = mutable_data<T>(*work);
        T* of_q = mutable_data<T>(*q);
        for_each_matrix(count_of(batch), least, [&](std::int64_t i) {
            std::vector<T> tau(static_cast<std::size_t>(std::max<std::int64_t>(least, 1)));
            T* matrix = to + i * m * n;
            if (least) Lapack<T>::qr(static_cast<int>(m), static_cast<int>(n), matrix, tau.data());
            if (no_q || m == 0 || width == 0) return;
            T* own = of_q + i * m * width;
            std::copy(matrix, matrix + m * std::min(n, width), own);
            Lapack<T>::reflectors_product(static_cast<int>(m), static_cast<int>(width),
                                          static_cast<int>(least), own, tau.data());
        });
    });
    const Tensor top = mode == Qr::Mode::Complete ? work : slice(work, -2, 0, least, 1);
    return {q, by_columns(triangle(top, true))};
}

Qr::Mode qr_mode(const std::string& mode) {
    if (mode == "reduced") return Qr::Mode::Reduced;
    if (mode == "complete") return Qr::Mode::Complete;
    check(mode == "r", "qr received unrecognized mode '", mode,
          "' but expected one of 'reduced' (default), 'r', or "
          "'complete'");
    return Qr::Mode::R;
}

std::vector<Tensor> qr(const Tensor& a, const std::string& named) {
    check_matrices("linalg.qr", a);
    check_numbers("linalg.qr", a, "geqrf_cpu");
    const Qr::Mode mode = qr_mode(named);
    std::pair<Tensor, Tensor> made;
    {
        const ModeGuard quiet(kNoGrad, true);
        made = qr_values(a, mode);
    }
    if (needs_record({&a})) {
        Qr payload;
        payload.mode = mode;
        const Ref<Node> node = record_all({made.first, made.second}, {&a}, payload, 3);
        save(node->saved[0], made.first, 0);
        save(node->saved[1], made.second, 1);
        if (rows_of(a) < columns_of(a)) save(node->saved[2], a);
    }
    return {made.first, made.second};
}

// --- Eigenvalues of Hermitian matrices ---

/// y_j - y_i off the diagonal, 1 on it.
Tensor differences(const Tensor& y) {
    const std::int64_t n = y->sizes[y->dim() - 1];
    return chosen(on_diagonal(n, DType::Bool, y->device), Scalar(1.0),
                  sub(unsqueeze(y, -2), unsqueeze(y, -1)));
}

}  // namespace

void check_phases(const char* name, const char* vectors, const Tensor& products) {
    if (!is_complex(products->dtype) || !on_cpu(products) || products->numel == 0) return;
    const ModeGuard quiet(kNoGrad, true);
    const Tensor diagonal = diagonal_of(products);
    const Tensor turn = mul(apply(row("abs"), sub(diagonal, conj(diagonal))), 0.5);
    check(item(*max(turn)).to<double>() < 1e-2, name, "_backward: The ", vectors,
          " in the complex case are specified up to multiplication by e^{i phi}. The specified loss function "
          "depends on "
          "this quantity, so it is ill-defined.");
}

namespace {

struct Eigh {
    static constexpr const char* node = "LinalgEighBackward0";
    static constexpr const char* const saved_names[] = {"eigenvalues", "eigenvectors"};
    static constexpr bool takes_undefined = true;
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0] && !in[1]) return;
        const Tensor values = unpack(of.saved[0], of), v = unpack(of.saved[1], of);
        if (!in[1]) {
            out[0] = matmul(mul(v, unsqueeze(in[0], -2)), mH(v));
            return;
        }
        const Tensor products = matmul(mH(v), in[1]);
        check_phases("linalg_eigh", "eigenvectors", products);
        // The Hermitian part of the gradient alone, as matrices that are not Hermitian are never read.
        const Tensor turns = mul(sub(products, mH(products)), 0.5);
        Tensor inner = scaled_diagonal(div(turns, differences(values)), 0, false);
        if (in[0]) inner = add(inner, as_diagonal(in[0]));
        out[0] = matmul(matmul(v, inner), mH(v));
    }
};

std::vector<Tensor> eigh(const Tensor& a, const std::string& uplo, bool vectors) {
    check_square("linalg.eigh", a);
    if (!(is_floating(a->dtype) || is_complex(a->dtype)) || size_of(a->dtype) < 4) {
        fail(ErrorKind::NotImplemented, "\"linalg_eigh_cpu\" not implemented for '",
             facts(a->dtype).legacy_name,
             "': linalg.eigh needs float32, float64 or complex numbers; convert first");
    }
    const bool upper = uplo == "U" || uplo == "u";
    check(upper || uplo == "L" || uplo == "l", "Expected UPLO argument to be 'L' or 'U', but got ", uplo);
    const std::int64_t n = rows_of(a);
    const bool recorded = needs_record({&a});
    const bool wanted = vectors || recorded;
    const Tensor v = by_columns(a), values = fresh(with(batch_of(a), {n}), real_of(a->dtype), a->device);
    const Tensor info = fresh(batch_of(a), DType::Int32, a->device);
    if (on_cpu(a)) {
        std::int32_t* codes = mutable_data<std::int32_t>(*info);
        std::fill_n(codes, info->numel, 0);
        if (a->numel) {
            with_type(a->dtype, [&]<class T>() {
                T* to = mutable_data<T>(*v);
                auto* of_values = mutable_data<typename Lapack<T>::Real>(*values);
                for_each_matrix(info->numel, n, [&](std::int64_t i) {
                    codes[i] = Lapack<T>::eigen(wanted, upper ? 'U' : 'L', static_cast<int>(n),
                                                to + i * n * n, of_values + i * n);
                });
            });
        }
    }
    check_info("linalg.eigh", info, [](int code) {
        return "The algorithm failed to converge because the input matrix is ill-conditioned or has too many "
               "repeated "
               "eigenvalues (error code: " +
               std::to_string(code) + ").";
    });
    if (recorded) {
        const Ref<Node> node = record_all({values, v}, {&a}, Eigh{}, 2);
        save(node->saved[0], values, 0);
        save(node->saved[1], v, 1);
    }
    return {values, v};
}

// --- Singular values ---

Tensor skew(const Tensor& x) { return sub(x, mH(x)); }

struct Svd {
    static constexpr const char* node = "LinalgSvdBackward0";
    static constexpr const char* const saved_names[] = {"U", "S", "Vh"};
    static constexpr bool takes_undefined = true;
    bool full;

    /// What stands between U and Vh: everything but the parts orthogonal to both.
    static Tensor inner_gradient(const Tensor& gu, const Tensor& gs, const Tensor& gvh, const Tensor& u,
                                 const Tensor& s, const Tensor& vh) {
        const Tensor of_u = gu ? skew(matmul(mH(u), gu)) : Tensor();
        const Tensor of_v = gvh ? skew(matmul(vh, mH(gvh))) : Tensor();
        check_phases("svd", "singular vectors", mul(plus(of_u, of_v), 0.5));
        Tensor inner;
        if (of_u) inner = mul(of_u, unsqueeze(s, -2));
        if (of_v) inner = plus(inner, mul(unsqueeze(s, -1), of_v));
        if (inner) inner = scaled_diagonal(div(inner, differences(mul(s, s))), 0, false);
        if (gs) inner = plus(inner, as_diagonal(is_complex(u->dtype) ? to_dtype(gs, u->dtype) : gs));
        if (of_u && is_complex(u->dtype)) {
            inner = plus(inner, as_diagonal(div(diagonal_of(of_u), mul(s, 2))));
        }
        return inner;
    }
    void backward(Node& of, Gradients in, Gradients out) const {
        Tensor gu = in[0], gs = in[1], gvh = in[2];
        if (!gu && !gs && !gvh) return;
        Tensor u = unpack(of.saved[0], of), vh = unpack(of.saved[2], of);
        const Tensor s = unpack(of.saved[1], of);
        const std::int64_t m = rows_of(u), n = columns_of(vh), k = std::min(m, n);
        if (full) {  // The vectors beyond the first k are any basis of what is left.
            u = columns_from(u, 0, k);
            vh = slice(vh, -2, 0, k, 1);
            if (gu) gu = columns_from(gu, 0, k);
            if (gvh) gvh = slice(gvh, -2, 0, k, 1);
        }
        if (!gu && !gvh) {
            out[0] = matmul(mul(u, unsqueeze(gs, -2)), vh);
            return;
        }
        Tensor g = matmul(matmul(u, inner_gradient(gu, gs, gvh, u, s, vh)), vh);
        if (m > k && gu) {
            const Tensor scaled = div(gu, unsqueeze(s, -2));
            g = add(g, matmul(sub(scaled, matmul(u, matmul(mH(u), scaled))), vh));
        }
        if (n > k && gvh) {
            const Tensor scaled = div(gvh, unsqueeze(s, -1));
            g = add(g, matmul(u, sub(scaled, matmul(matmul(scaled, mH(vh)), vh))));
        }
        out[0] = g;
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        return std::string_view(name) == "full_matrices" ? std::optional<std::int64_t>(full) : std::nullopt;
    }
};

template <class T> void fill_identities(T* values, std::int64_t n, std::int64_t total) {
    for (std::int64_t at = 0; at < total; ++at) {
        values[at] = Lapack<T>::number(at % (n * n) % (n + 1) == 0 ? 1 : 0);
    }
}

std::vector<Tensor> svd(const Tensor& a, bool full_matrices, bool vectors) {
    check_matrices("linalg.svd", a);
    check_numbers("linalg.svd", a, "linalg_svd_cpu");
    const std::int64_t m = rows_of(a), n = columns_of(a), k = std::min(m, n);
    const Dims batch = batch_of(a);
    const bool recorded = needs_record({&a}), wanted = vectors || recorded;
    const std::int64_t width = full_matrices ? m : k, height = full_matrices ? n : k;
    const Tensor u =
        wanted ? empty_by_columns(batch, m, width, a->dtype, a->device) : fresh({0}, a->dtype, a->device);
    const Tensor vh =
        wanted ? empty_by_columns(batch, height, n, a->dtype, a->device) : fresh({0}, a->dtype, a->device);
    const Tensor s = fresh(with(batch, {k}), real_of(a->dtype), a->device);
    const Tensor info = fresh(batch, DType::Int32, a->device);
    if (on_cpu(a)) {
        const Tensor work = by_columns(a);
        std::int32_t* codes = mutable_data<std::int32_t>(*info);
        std::fill_n(codes, info->numel, 0);
        const char job = !wanted ? 'N' : full_matrices ? 'A' : 'S';
        with_type(a->dtype, [&]<class T>() {
            T* matrix = mutable_data<T>(*work);
            T *of_u = mutable_data<T>(*u), *of_vh = mutable_data<T>(*vh);
            auto* values = mutable_data<typename Lapack<T>::Real>(*s);
            if (k == 0) {  // There is nothing to decompose: any basis will do.
                if (wanted) fill_identities(of_u, m, u->numel);
                if (wanted) fill_identities(of_vh, height, vh->numel);
                return;
            }
            for_each_matrix(info->numel, k, [&](std::int64_t i) {
                codes[i] = Lapack<T>::svd(job, static_cast<int>(m), static_cast<int>(n), matrix + i * m * n,
                                          values + i * k, wanted ? of_u + i * m * width : of_u,
                                          static_cast<int>(m), wanted ? of_vh + i * n * height : of_vh,
                                          static_cast<int>(std::max<std::int64_t>(height, 1)));
            });
        });
    }
    check_info("linalg.svd", info, [](int code) -> std::string {
        if (code < 0)
            return "The algorithm failed to converge because the input matrix contained non-finite values.";
        return "The algorithm failed to converge because the input matrix is ill-conditioned or has too many "
               "repeated "
               "singular values (error code: " +
               std::to_string(code) + ").";
    });
    if (recorded) {
        const Ref<Node> node = record_all({u, s, vh}, {&a}, Svd{full_matrices}, 3);
        save(node->saved[0], u, 0);
        save(node->saved[1], s, 1);
        save(node->saved[2], vh, 2);
    }
    return {u, s, vh};
}

// --- The pseudo-inverse ---

struct Pinv {
    static constexpr const char* node = "LinalgPinvBackward0";
    static constexpr const char* const saved_names[] = {"self", "result"};
    /// Golub and Pereyra (1973): no singular vectors, so that equal singular values do no harm.
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor a = unpack(of.saved[0], of), p = unpack(of.saved[1], of), ph = mH(p), gh = mH(in[0]);
        if (rows_of(a) <= columns_of(a)) {
            const Tensor k = matmul(gh, p), kp = matmul(k, ph);
            const Tensor first = sub(kp, mH(matmul(p, k)));
            const Tensor second = sub(matmul(matmul(ph, p), sub(gh, matmul(k, a))), matmul(matmul(a, p), kp));
            out[0] = add(first, second);
            return;
        }
        const Tensor k = matmul(p, gh), pk = matmul(ph, k);
        const Tensor first = sub(pk, mH(matmul(k, p)));
        const Tensor second = sub(matmul(matmul(sub(gh, matmul(a, k)), p), ph), matmul(matmul(pk, p), a));
        out[0] = add(first, second);
    }
};

/// `inverse`, which is a's pseudo-inverse, with that history.
Tensor pinv(const Tensor& a, const Tensor& inverse) {
    const Tensor out = marked(alias(inverse));
    if (needs_record({&a})) {
        const Ref<Node> node = record(out, {&a}, Pinv{}, 2);
        save(node->saved[0], a);
        save(node->saved[1], out, 0);
    }
    return out;
}

const Offer offer({
    operation<&pinv>(
        "_linalg_pinv", "A, inverse",
        "The pseudo-inverse, already computed, recorded. Derivative: Golub's and Pereyra's, by products of "
        "A, its pseudo-inverse and g.",
        Offered::Function),
    autocast(Autocast::Float32,
             operation<&qr>(
                 "_linalg_qr", "A, mode='reduced'",
                 "Q with orthonormal columns and an upper triangular R with Q R = A. Derivative: "
                 "(gQ + Q B) R^-H, B the Hermitian matrix whose upper triangle is that of gR R^H - Q^H gQ.",
                 Offered::Function)),
    autocast(
        Autocast::Float32,
        operation<&eigh>(
            "_linalg_eigh", "A, UPLO='L', vectors=True",
            "Eigenvalues, ascending, and eigenvectors of Hermitian matrices, of which one triangle is read. "
            "Derivative: V (diag(gL) + (V^H gV) / (L_j - L_i)) V^H.",
            Offered::Function)),
    autocast(Autocast::Float32,
             operation<&svd>("_linalg_svd", "A, full_matrices=True, vectors=True",
                             "U, S and V^H with U diag(S) V^H = A and S descending. Derivative: U (diag(gS) "
                             "+ (skew(U^H gU) S_j + "
                             "S_i skew(V^H gV)) / (S_j^2 - S_i^2)) V^H and the parts orthogonal to U and V.",
                             Offered::Function)),
});

}  // namespace
}  // namespace linalg
}  // namespace tapeless
