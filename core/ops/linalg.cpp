// What the operations of linear algebra share, and the triangular solution that most derivatives end in.
#include "ops/linalg.h"

#include "base/linalg_error.h"
#include "ops/operation.h"

namespace tapeless {
namespace linalg {
namespace {

constexpr std::int64_t kLargeOrder = 512;          ///< from which one matrix gets OpenBLAS's own threads
constexpr std::int64_t kSmallWork = 64 * 64 * 64;  ///< operations that a thread takes at least

/// A mask of an m by n matrix: true on or above, or on or below, diagonal k.
Tensor triangle_mask(std::int64_t m, std::int64_t n, bool above, std::int64_t k, Device device) {
    const Tensor mask = fresh({m, n}, DType::Bool, device);
    if (!on_cpu(mask)) return mask;
    bool* to = mutable_data<bool>(*mask);
    for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t j = 0; j < n; ++j) to[i * n + j] = above ? j - i >= k : j - i <= k;
    }
    return mask;
}

}  // namespace

Tensor triangle(const Tensor& x, bool above, std::int64_t k) {
    const Tensor mask = triangle_mask(rows_of(x), columns_of(x), above, k, x->device);
    return chosen(mask, x, Scalar(0));
}

Tensor on_diagonal(std::int64_t n, DType dtype, Device device) {
    const Tensor mask = fresh({n, n}, DType::Bool, device);
    if (on_cpu(mask)) {
        bool* to = mutable_data<bool>(*mask);
        for (std::int64_t i = 0; i < n * n; ++i) to[i] = i % (n + 1) == 0;
    }
    return converted(mask, dtype);
}

Tensor as_diagonal(const Tensor& x) {
    const std::int64_t n = x->sizes[x->dim() - 1];
    const Tensor marks = on_diagonal(n, DType::Bool, x->device);
    return chosen(marks, unsqueeze(x, -1), Scalar(0));
}

Tensor diagonal_of(const Tensor& x) {
    const std::int64_t n = std::min(rows_of(x), columns_of(x));
    const Tensor square = slice(slice(x, -2, 0, n, 1), -1, 0, n, 1);
    return sum(chosen(on_diagonal(n, DType::Bool, x->device), square, Scalar(0)), {-1}, false);
}

Tensor scaled_diagonal(const Tensor& x, double factor, bool real) {
    Tensor scaled = mul(x, factor);
    if (real && is_complex(x->dtype)) scaled = to_dtype(apply(row("real_part"), scaled), x->dtype);
    return chosen(on_diagonal(rows_of(x), DType::Bool, x->device), scaled, x);
}

void check_matrices(const char* name, const Tensor& x, const char* argument) {
    check(x->dim() >= 2, name, ": The input tensor ", argument, " must have at least 2 dimensions.");
}

void check_square(const char* name, const Tensor& x, const char* argument) {
    check_matrices(name, x, argument);
    check(rows_of(x) == columns_of(x), name, ": ", argument,
          " must be batches of square matrices, but they are ", rows_of(x), " by ", columns_of(x),
          " matrices");
}

void check_numbers(const char* name, const Tensor& x, const char* kernel) {
    check(is_floating(x->dtype) || is_complex(x->dtype), name,
          ": Expected a floating point or complex tensor as input. Got ", facts(x->dtype).legacy_name);
    if (x->dtype == DType::Float16 || x->dtype == DType::BFloat16) {
        fail(ErrorKind::NotImplemented, "\"", kernel, "\" not implemented for '", facts(x->dtype).legacy_name,
             "': ", name, " computes in float32 and float64; convert with .float() first");
    }
}

void check_alike(const char* name, const Tensor& a, const Tensor& b) {
    check(a->dtype == b->dtype, name, ": Expected A and B to have the same dtype, but found A of type ",
          facts(a->dtype).legacy_name, " and B of type ", facts(b->dtype).legacy_name, " instead");
    check_devices(name, {&a, &b});
}

Dims batch_of(const Tensor& x) {
    Dims batch;
    for (int d = 0; d < x->dim() - 2; ++d) batch.push_back(x->sizes[d]);
    return batch;
}

Dims with(Dims batch, std::initializer_list<std::int64_t> sizes) {
    for (std::int64_t size : sizes) batch.push_back(size);
    return batch;
}

std::int64_t count_of(const Dims& sizes) {
    std::int64_t count = 1;
    for (std::int64_t size : sizes) count *= size;
    return count;
}

Tensor swapped(const Tensor& x) {
    Dims sizes = x->sizes, strides = x->strides;
    std::swap(sizes[x->dim() - 2], sizes[x->dim() - 1]);
    std::swap(strides[x->dim() - 2], strides[x->dim() - 1]);
    return marked(tensor_of(x->storage, sizes, strides, x->offset, x->dtype));
}

Tensor by_columns(const Tensor& x) { return swapped(own_copy(swapped(x))); }

Tensor empty_by_columns(const Dims& batch, std::int64_t m, std::int64_t n, DType dtype, Device device) {
    return swapped(fresh(with(batch, {n, m}), dtype, device));
}

void for_each_matrix(std::int64_t count, std::int64_t order, FunctionRef<void(std::int64_t)> body) {
    if (count == 1 && order >= kLargeOrder) {
        return with_openblas_threads(thread_count(), [&] { body(0); });
    }
    const std::int64_t block =
        std::max<std::int64_t>(1, kSmallWork / std::max<std::int64_t>(1, order * order * order));
    parallel_blocks(count, block, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) body(i);
    });
}

void check_info(const std::string& name, const Tensor& info, std::string (*words)(int)) {
    if (!on_cpu(info)) return;
    const std::int32_t* codes = data<std::int32_t>(*info);
    for (std::int64_t i = 0; i < info->numel; ++i) {
        if (!codes[i]) continue;
        const std::string which = info->dim() ? "(Batch element " + std::to_string(i) + "): " : "";
        throw LinAlgError(text(name, ": ", which, words(codes[i])));
    }
}

namespace {

/// Both with their matrices' batches broadcast to one; recorded.
std::pair<Tensor, Tensor> with_common_batch(const Tensor& a, const Tensor& b) {
    const Dims batch = broadcast(batch_of(a), batch_of(b));
    return {expand(a, with(batch, {rows_of(a), columns_of(a)})),
            expand(b, with(batch, {rows_of(b), columns_of(b)}))};
}

Tensor triangular_values(const Tensor& given_a, const Tensor& given_b, bool upper, bool left, bool unit) {
    const ModeGuard quiet(kNoGrad, true);
    const auto [a, b] = with_common_batch(given_a, given_b);
    const Tensor matrix = by_columns(a), out = by_columns(b);
    const std::int64_t count = count_of(batch_of(out)), m = rows_of(out), n = columns_of(out);
    const std::int64_t order = left ? m : n;
    if (!on_cpu(out) || out->numel == 0) return out;
    with_type(out->dtype, [&]<class T>() {
        const T* from = data<T>(*matrix);
        T* to = mutable_data<T>(*out);
        for_each_matrix(count, order, [&](std::int64_t i) {
            Lapack<T>::triangular_solve(left ? 'L' : 'R', upper ? 'U' : 'L', 'N', unit ? 'U' : 'N',
                                        static_cast<int>(m), static_cast<int>(n), from + i * order * order,
                                        to + i * m * n);
        });
    });
    return out;
}

/// The gradient of a triangular matrix from those of a solution by it.
Tensor gradient_of_triangle(const Tensor& gb, const Tensor& x, bool upper, bool left, bool unit) {
    const Tensor whole = left ? matmul(gb, mH(x)) : matmul(mH(x), gb);
    return triangle(neg(whole), upper, unit ? (upper ? 1 : -1) : 0);
}

struct SolveTriangular {
    static constexpr const char* node = "LinalgSolveTriangularBackward0";
    static constexpr const char* const saved_names[] = {"self", "result"};
    bool upper, left, unit;
    Dims a_sizes, b_sizes;

    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor a = unpack(of.saved[0], of), x = unpack(of.saved[1], of);
        const Tensor gb = triangular(mH(a), in[0], !upper, left, unit);
        if (of.needs(0)) out[0] = sum_to_size(gradient_of_triangle(gb, x, upper, left, unit), a_sizes);
        if (of.needs(1)) out[1] = sum_to_size(gb, b_sizes);
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        const std::string_view asked = name;
        if (asked == "upper") return upper;
        if (asked == "left") return left;
        return asked == "unitriangular" ? std::optional<std::int64_t>(unit) : std::nullopt;
    }
};

void check_solvable(const char* name, const Tensor& a, const Tensor& b, bool left) {
    const std::int64_t order = left ? rows_of(b) : columns_of(b);
    check(columns_of(a) == order, name, ": Incompatible shapes of A and B for the equation ",
          left ? "AX = B" : "XA = B", " (", rows_of(a), "x", columns_of(a), " and ", rows_of(b), "x",
          columns_of(b), ")");
}

}  // namespace

Tensor triangular(const Tensor& a, const Tensor& b, bool upper, bool left, bool unit) {
    const int wrapped = deepest({&a, &b});
    const Tensor out =
        wrapped ? solution_at_level(
                      wrapped, a, b, left,
                      [&](const Tensor& x, const Tensor& y) { return triangular(x, y, upper, left, unit); },
                      [&](const Tensor& t) { return triangle(t, upper, unit ? (upper ? 1 : -1) : 0); })
                : triangular_values(a, b, upper, left, unit);
    if (needs_record({&a, &b})) {
        const Ref<Node> node =
            record(out, {&a, &b}, SolveTriangular{upper, left, unit, a->sizes, b->sizes}, 2);
        save(node->saved[0], a);
        save(node->saved[1], out, 0);
    }
    return out;
}

namespace {

Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left, bool unitriangular) {
    constexpr const char* name = "linalg.solve_triangular";
    check_numbers(name, a, "triangular_solve_cpu");
    check_alike(name, a, b);
    check_square(name, a);
    check_matrices(name, b, "B");
    check_solvable(name, a, b, left);
    return triangular(a, b, upper, left, unitriangular);
}

/// torch.triangular_solve: the same with b first, the transpose of A where that is asked for, and a copy of A.
struct TriangularSolve {
    static constexpr const char* node = "TriangularSolveBackward0";
    static constexpr const char* const saved_names[] = {"self", "A", "solution"};
    static constexpr bool takes_undefined = true;
    bool upper, transposed, unit;
    Dims b_sizes, a_sizes;

    void backward(Node& of, Gradients in, Gradients out) const {
        Tensor ga = in[1];
        if (in[0]) {
            const Tensor a = unpack(of.saved[1], of), x = unpack(of.saved[2], of);
            // A^T's adjoint is conj(A).
            const Tensor gb =
                triangular(transposed ? conj(a) : mH(a), in[0], transposed == upper, true, unit);
            if (of.needs(0)) out[0] = sum_to_size(gb, b_sizes);
            const Tensor of_op = gradient_of_triangle(gb, x, upper != transposed, true, unit);
            ga = plus(ga, sum_to_size(transposed ? mT(of_op) : of_op, a_sizes));
        }
        if (of.needs(1) && ga) out[1] = ga;
    }
    std::optional<std::int64_t> saved_number(const char* name) const {
        const std::string_view asked = name;
        if (asked == "upper") return upper;
        if (asked == "transpose") return transposed;
        return asked == "unitriangular" ? std::optional<std::int64_t>(unit) : std::nullopt;
    }
};

std::vector<Tensor> triangular_solve(const Tensor& b, const Tensor& a, bool upper, bool transposed,
                                     bool unit) {
    check(b->dim() >= 2, "torch.triangular_solve: Expected b to have at least 2 dimensions, but it has ",
          b->dim(), " dimensions instead");
    check(a->dim() >= 2, "torch.triangular_solve: Expected A to have at least 2 dimensions, but it has ",
          a->dim(), " dimensions instead");
    check(rows_of(a) == columns_of(a),
          "triangular_solve: A must be batches of square matrices, but they are ", rows_of(a), " by ",
          columns_of(a), " matrices");
    check(columns_of(a) == rows_of(b), "Incompatible matrix sizes for triangular_solve: each A matrix is ",
          rows_of(a), " by ", columns_of(a), " but each b matrix is ", rows_of(b), " by ", columns_of(b));
    check_numbers("triangular_solve", b, "triangular_solve_cpu");
    check_alike("triangular_solve", a, b);
    Tensor x, copy;
    {
        const ModeGuard quiet(kNoGrad, true);
        x = triangular_values(transposed ? mT(a) : a, b, upper != transposed, true, unit);
        copy = by_columns(expand(a, with(batch_of(x), {rows_of(a), rows_of(a)})));
    }
    if (needs_record({&b, &a})) {
        const Ref<Node> node =
            record_all({x, copy}, {&b, &a}, TriangularSolve{upper, transposed, unit, b->sizes, a->sizes}, 3);
        save(node->saved[0], b);
        save(node->saved[1], a);
        save(node->saved[2], x, 0);
    }
    return {x, copy};
}

const Offer offer({
    autocast(Autocast::Float32,
             operation<&triangular_solve>(
                 "_triangular_solve", "input, A, upper=True, transpose=False, unitriangular=False",
                 "X of A X = input for a triangular A, or of A^T X = input, and a copy of A. Derivative: "
                 "that of linalg.solve_triangular.",
                 Offered::Function)),
    operation<&solve_triangular>("linalg_solve_triangular",
                                 "input, B, *, upper, left=True, unitriangular=False",
                                 "X of A X = B for a triangular A, of which only that triangle is read; of X "
                                 "A = B if not left; with a diagonal "
                                 "of ones if unitriangular. Batches broadcast. Derivative: A^-H g for B, and "
                                 "the triangle of -(A^-H g) X^H.",
                                 Offered::Function),
});

}  // namespace
}  // namespace linalg
}  // namespace tapeless
