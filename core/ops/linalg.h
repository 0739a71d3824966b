// What the operations of linear algebra share: matrices by columns, checks in PyTorch's words, batches over LAPACK.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernels/lapack.h"
#include "ops/fresh.h"
#include "ops/levels.h"
#include "ops/products.h"
#include "ops/reduced.h"
#include "runtime/openblas.h"
#include "runtime/threads.h"

namespace tapeless::linalg {

// Element-wise work, recorded where anything is.
inline Tensor add(const Tensor& x, const Tensor& y) { return apply(row("add"), x, y); }
inline Tensor sub(const Tensor& x, const Tensor& y) { return apply(row("sub"), x, y); }
inline Tensor mul(const Tensor& x, const Tensor& y) { return apply(row("mul"), x, y); }
inline Tensor mul(const Tensor& x, double y) { return apply(row("mul"), x, Scalar(y)); }
inline Tensor div(const Tensor& x, const Tensor& y) { return apply(row("div"), x, y); }
inline Tensor neg(const Tensor& x) { return apply(row("neg"), x); }
inline Tensor conj(const Tensor& x) { return apply(row("conj"), x); }
/// x + y, where one of them may be missing.
inline Tensor plus(const Tensor& x, const Tensor& y) { return !x ? y : !y ? x : add(x, y); }

inline std::int64_t rows_of(const Tensor& x) { return x->sizes[x->dim() - 2]; }
inline std::int64_t columns_of(const Tensor& x) { return x->sizes[x->dim() - 1]; }
/// The transpose of each matrix, and its conjugate.
inline Tensor mT(const Tensor& x) { return transpose(x, -2, -1); }
inline Tensor mH(const Tensor& x) { return conj(mT(x)); }
/// Each element on or above (`above`), or on or below, diagonal k; 0 elsewhere.
Tensor triangle(const Tensor& x, bool above, std::int64_t k = 0);
/// Vectors as the diagonals of matrices, and a matrix of 0 and 1 that marks the diagonal.
Tensor diagonal_of(const Tensor& x);
Tensor as_diagonal(const Tensor& x);
Tensor on_diagonal(std::int64_t n, DType dtype, Device device);
/// x with `factor` times its diagonal; the imaginary part of the diagonal goes if `real`.
Tensor scaled_diagonal(const Tensor& x, double factor, bool real);

/// Refuses what is not a batch of (square) matrices of float32, float64 or complex numbers.
void check_matrices(const char* name, const Tensor& x, const char* argument = "A");
void check_square(const char* name, const Tensor& x, const char* argument = "A");
void check_numbers(const char* name, const Tensor& x, const char* kernel);
void check_alike(const char* name, const Tensor& a, const Tensor& b);

/// The batch's sizes, how many matrices it has, and the sizes of a batch of other things.
Dims batch_of(const Tensor& x);
Dims with(Dims batch, std::initializer_list<std::int64_t> sizes);
std::int64_t count_of(const Dims& sizes);

/// A copy whose matrices lie by columns, one behind another; not recorded.
Tensor by_columns(const Tensor& x);
/// The same without values.
Tensor empty_by_columns(const Dims& batch, std::int64_t m, std::int64_t n, DType dtype, Device device);
/// The sizes of the last two dimensions exchanged, without a view's history.
Tensor swapped(const Tensor& x);

/// Calls `body(index)` for each matrix of a batch: several at once, or one with OpenBLAS's own threads if it is large.
void for_each_matrix(std::int64_t count, std::int64_t order, FunctionRef<void(std::int64_t)> body);

/// Calls `body.operator()<T>()` with the type of that dtype.
template <class Body> void with_type(DType dtype, Body&& body) {
    switch (dtype) {
        case DType::Float32:
            return body.template operator()<float>();
        case DType::Float64:
            return body.template operator()<double>();
        case DType::Complex64:
            return body.template operator()<Complex<float>>();
        default:
            return body.template operator()<Complex<double>>();
    }
}

/// Refuses gradients that depend on the phases of vectors, which are anybody's choice. `products`: of the vectors with
/// their gradients, whose diagonal then is not real.
void check_phases(const char* name, const char* vectors, const Tensor& products);

/// Fails with LinAlgError for the first matrix whose info is not 0; `words(info)` says why.
void check_info(const std::string& name, const Tensor& info, std::string (*words)(int));

/// x of op(a) x = b by a triangular a, or x op(a) = b; recorded.
Tensor triangular(const Tensor& a, const Tensor& b, bool upper, bool left = true, bool unit = false);
/// The x of a x = b, or of x a = b; recorded.
Tensor solved(const Tensor& a, const Tensor& b, bool left = true);

/// A solution where the level with the number `wrapped` acts: `solve(a, b)` is the function itself, whose batches
/// broadcast; `part` is what it reads of a, linearly.
template <class Solve, class Part>
Tensor solution_at_level(int wrapped, const Tensor& a, const Tensor& b, bool left, Solve&& solve,
                         Part&& part) {
    const Held held(wrapped, {a, b});
    const int rank = std::max(a->dim(), b->dim());
    auto whole = [&](std::size_t i) { return held.own[i] ? held.whole(i, rank) : held.values[i]; };
    if (held.kind == Level::Kind::Batched) return batched(held.depth, solve(whole(0), whole(1)));
    const Tensor x = solve(held.values[0], held.values[1]);
    Tensor change = held.own[1] ? held.tangents[1] : Tensor();
    if (held.own[0]) {  // a x = b, so a dx = db - da x.
        const Tensor moved = part(held.tangents[0]);
        change = plus(change, neg(left ? matmul(moved, x) : matmul(x, moved)));
    }
    return dual(held.depth, x, solve(held.values[0], change));
}

/// A = P L U: L below and U on and above the diagonal of one matrix, by columns; the rows exchanged, counted from 1; for
/// each matrix the first pivot that is 0, or 0. Not recorded.
struct LuFactors {
    Tensor lu, pivots, info;
};
LuFactors lu_factors(const Tensor& a);

/// Records several outputs of one node; an output that is null is left out.
template <class P>
Ref<Node> record_all(const std::vector<Tensor>& outs, std::initializer_list<const Tensor*> inputs, P payload,
                     int saved) {
    Ref<Node> node = make_node(class_of<P>(), static_cast<int>(inputs.size()), saved,
                               static_cast<int>(outs.size()), std::move(payload));
    const int wrapped = deepest(inputs);
    int edge = 0;
    for (const Tensor* x : inputs) {
        if (*x) node->edges[edge] = edge_above(*x, wrapped);
        ++edge;
    }
    for (std::size_t i = 0; i < outs.size(); ++i) set_history(outs[i], node, static_cast<int>(i));
    return node;
}

}  // namespace tapeless::linalg
