// Eigenvalues and eigenvectors of any square matrices, and their derivative.
#include <cmath>

#include "ops/linalg.h"
#include "ops/operation.h"

namespace tapeless {
namespace linalg {
namespace {

struct Eig {
    static constexpr const char* node = "LinalgEigBackward0";
    static constexpr const char* const saved_names[] = {"eigenvalues", "eigenvectors"};
    static constexpr bool takes_undefined = true;
    bool real;  ///< the matrices are

    /// In the basis of the eigenvectors: (V^H gV less what only changes their lengths) over the differences of values.
    static Tensor of_vectors(const Tensor& g, const Tensor& values, const Tensor& v) {
        const Tensor products = matmul(mH(v), g);
        check_phases("linalg_eig", "eigenvectors", products);
        const Tensor lengths = to_dtype(apply(row("real_part"), diagonal_of(products)), v->dtype);
        const Tensor tangent = sub(products, matmul(mH(v), mul(v, unsqueeze(lengths, -2))));
        const Tensor apart = conj(sub(unsqueeze(values, -2), unsqueeze(values, -1)));
        const Tensor ones = on_diagonal(rows_of(v), v->dtype, v->device);
        return scaled_diagonal(div(tangent, add(apart, ones)), 0, false);
    }
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0] && !in[1]) return;
        const Tensor values = unpack(of.saved[0], of), v = unpack(of.saved[1], of);
        Tensor inner = in[1] ? of_vectors(in[1], values, v) : Tensor();
        if (in[0]) inner = plus(inner, as_diagonal(in[0]));
        const Tensor g = solved(mH(v), matmul(inner, mH(v)));
        out[0] = real ? apply(row("real_part"), g) : g;
    }
};

void check_finite(const Tensor& a) {
    const ModeGuard quiet(kNoGrad, true);
    const Tensor finite = apply(row("isfinite"), a);
    if (!on_cpu(a)) return;
    const Tensor dense = row_major(finite);
    const bool* all = data<bool>(*dense);
    check(std::all_of(all, all + dense->numel, [](bool one) { return one; }),
          "torch.linalg.eig: input tensor should not contain infs or NaNs.");
}

std::vector<Tensor> eig(const Tensor& a, bool vectors) {
    check_square("linalg.eig", a);
    if (!(is_floating(a->dtype) || is_complex(a->dtype)) || size_of(a->dtype) < 4) {
        fail(ErrorKind::NotImplemented, "\"linalg_eig_out_cpu\" not implemented for '",
             facts(a->dtype).legacy_name,
             "': linalg.eig needs float32, float64 or complex numbers; convert first");
    }
    check_finite(a);
    const std::int64_t n = rows_of(a);
    const bool recorded = needs_record({&a}), wanted = vectors || recorded;
    const DType dtype = is_complex(a->dtype) ? a->dtype : complex_of(a->dtype);
    const Dims batch = batch_of(a);
    const Tensor work = by_columns(a), values = fresh(with(batch, {n}), dtype, a->device);
    const Tensor v = empty_by_columns(batch, wanted ? n : 0, wanted ? n : 0, dtype, a->device);
    const Tensor info = fresh(batch, DType::Int32, a->device);
    if (on_cpu(a)) {
        std::int32_t* codes = mutable_data<std::int32_t>(*info);
        std::fill_n(codes, info->numel, 0);
        with_type(a->dtype, [&]<class T>() {
            using Number = Complex<typename Lapack<T>::Real>;
            if (a->numel == 0) return;
            T* to = mutable_data<T>(*work);
            Number *of_values = mutable_data<Number>(*values),
                   *of_v = wanted ? mutable_data<Number>(*v) : nullptr;
            for_each_matrix(info->numel, n, [&](std::int64_t i) {
                codes[i] = Lapack<T>::eigen_general(static_cast<int>(n), to + i * n * n, of_values + i * n,
                                                    wanted ? of_v + i * n * n : nullptr);
            });
        });
    }
    check_info("linalg.eig", info, [](int code) {
        return "The algorithm failed to converge because the input matrix is ill-conditioned or has too many "
               "repeated eigenvalues (error code: " +
               std::to_string(code) + ").";
    });
    if (recorded) {
        const Ref<Node> node = record_all({values, v}, {&a}, Eig{!is_complex(a->dtype)}, 2);
        save(node->saved[0], values, 0);
        save(node->saved[1], v, 1);
    }
    return {values, v};
}

const Offer offer({
    autocast(
        Autocast::Float32,
        operation<&eig>("_linalg_eig", "A, vectors=True",
                        "Complex eigenvalues and eigenvectors of length 1 of square matrices. Derivative: "
                        "V^-H (diag(gL) + (V^H gV - V^H V diag(V^H gV)) / conj(L_j - L_i)) V^H.",
                        Offered::Function)),
});

}  // namespace
}  // namespace linalg
}  // namespace tapeless
