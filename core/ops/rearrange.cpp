// Elements several times or in another order: repeat, flip, roll, rot90, and numbers repeated by counts.
#include <algorithm>

#include "ops/indexing.h"
#include "ops/linear.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

/// A fresh tensor like x in sizes and order of dimensions.
Tensor fresh_like(const Tensor& x) {
    const Dims strides = preserved_strides(x);
    return empty(x->sizes, x->dtype, x->device, &strides);
}

/// Each dimension as two: how often it is repeated, and its own size.
struct Repeat {
    static constexpr const char* node = "RepeatBackward0";
    Dims sizes, repeats;

    std::int64_t own(int d) const {
        const int lead = repeats.size() - sizes.size();
        return d < lead ? 1 : sizes[d - lead];
    }
    Dims split() const {
        Dims out;
        for (int d = 0; d < repeats.size(); ++d) {
            out.push_back(repeats[d]);
            out.push_back(own(d));
        }
        return out;
    }
    Tensor values(const Tensor& x) const {
        Dims result, strides;
        const int lead = repeats.size() - sizes.size();
        for (int d = 0; d < repeats.size(); ++d) {
            std::int64_t size = 0;
            check(!__builtin_mul_overflow(repeats[d], own(d), &size),
                  "repeat: a dimension of the result would have more than 2^63 - 1 elements");
            result.push_back(size);
            strides.push_back(0);
            strides.push_back(d < lead ? 0 : x->strides[d - lead]);
        }
        const Tensor out = empty(result, x->dtype, x->device);
        if (!on_cpu(x) || out->numel == 0) return out;
        const Dims parts = split();
        write(read_as(out, parts, contiguous_strides(parts), 0), read_as(x, parts, strides, x->offset));
        return out;
    }
    Tensor whole(const Tensor& all) const {
        Repeat map{with_rank(all, repeats.size())->sizes, repeats};
        map.repeats.insert(0, 1);
        return linear(with_rank(all, repeats.size()), map);
    }
    void backward(Node&, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (std::find(repeats.begin(), repeats.end(), 0) != repeats.end()) {
            out[0] = full(sizes, Scalar(0), in[0]->dtype, in[0]->device);
            return;
        }
        Dims dims;
        for (int d = 0; d < repeats.size(); ++d) {
            if (repeats[d] != 1) dims.push_back(2 * d);
        }
        const Tensor parts = reshape(in[0], split());
        out[0] = reshape(dims.empty() ? parts : sum(parts, dims, false), sizes);
    }
};

Tensor repeat(const Tensor& x, const Dims& repeats) {
    check(repeats.size() >= x->dim(),
          "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor: got ",
          repeats.size(), " repeats for a ", x->dim(), "-D tensor");
    for (std::int64_t count : repeats) {
        check(count >= 0, "Trying to create tensor with negative dimension ", count, ": repeats are ",
              repeats);
    }
    return linear(x, Repeat{x->sizes, repeats});
}

Tensor tile(const Tensor& x, const Dims& given) {
    Dims repeats = given;
    while (repeats.size() < x->dim()) repeats.insert(0, 1);
    return repeat(x, repeats);
}

/// Dimensions counted from the front, each at most once.
Dims different(const Dims& given, int rank) {
    Dims dims;
    std::uint64_t seen = 0;
    for (std::int64_t dim : given) {
        const int d = wrap_dim(dim, rank);
        check(!((seen >> d) & 1), "dim ", d, " appears multiple times in the list of dims");
        seen |= std::uint64_t{1} << d;
        dims.push_back(d);
    }
    return dims;
}

struct Flip {
    static constexpr const char* node = "FlipBackward0";
    Dims dims;

    Tensor values(const Tensor& x) const {
        Dims strides = x->strides;
        std::int64_t offset = x->offset;
        for (std::int64_t dim : dims) {
            const int d = static_cast<int>(dim);
            if (x->dim() == 0 || x->sizes[d] == 0) continue;
            offset += (x->sizes[d] - 1) * strides[d];
            strides[d] = -strides[d];
        }
        const Tensor out = fresh_like(x);
        if (on_cpu(x) && x->numel > 0) write(out, read_as(x, x->sizes, strides, offset));
        return out;
    }
    Tensor whole(const Tensor& all) const {
        return all->dim() == 1 ? clone(all) : linear(all, Flip{behind_examples(dims, all->dim() - 1)});
    }
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = linear(in[0], *this);
    }
};

Tensor flip(const Tensor& x, const Dims& dims) { return linear(x, Flip{different(dims, x->dim())}); }

Tensor flip_matrix(const Tensor& x, const char* name, int dim) {
    check(x->dim() > dim, "Input must be >= ", dim + 1, "-d.: ", name, " got a ", x->dim(), "-D tensor");
    return flip(x, {dim});
}
Tensor fliplr(const Tensor& x) { return flip_matrix(x, "fliplr", 1); }
Tensor flipud(const Tensor& x) { return flip_matrix(x, "flipud", 0); }

/// Without dims the elements are rolled in row-major order, as one long dimension.
struct Roll {
    static constexpr const char* node = "RollBackward0";
    Dims shifts, dims;

    Tensor values(const Tensor& x) const {
        if (x->numel == 0) return dense_copy(x, false);
        if (dims.empty()) {
            const Tensor rows = row_major(x);
            const Tensor flat = read_as(rows, {x->numel}, {1}, rows->offset);
            const Tensor out = Roll{shifts, {0}}.values(flat);
            return read_as(out, x->sizes, contiguous_strides(x->sizes), 0);
        }
        const Tensor out = empty(x->sizes, x->dtype, x->device);
        if (on_cpu(x)) place(x, out, 0, x->offset, 0, x->sizes);
        return out;
    }
    /// Copies the part of x at `from` to the part of out at `to`, which are cut in two along each dimension of the list.
    void place(const Tensor& x, const Tensor& out, int next, std::int64_t from, std::int64_t to,
               Dims sizes) const {
        if (next == dims.size()) {
            return write(read_as(out, sizes, out->strides, to), read_as(x, sizes, x->strides, from));
        }
        const int d = static_cast<int>(dims[next]);
        const std::int64_t size = sizes[d], shift = ((shifts[next] % size) + size) % size;
        sizes[d] = size - shift;
        place(x, out, next + 1, from, to + shift * out->strides[d], sizes);
        if (shift == 0) return;
        sizes[d] = shift;
        place(x, out, next + 1, from + (size - shift) * x->strides[d], to, sizes);
    }
    Tensor whole(const Tensor& all) const {
        if (!dims.empty()) return linear(all, Roll{shifts, behind_examples(dims, all->dim() - 1)});
        const Tensor flat = reshape(all, {all->sizes[0], -1});
        return reshape(linear(flat, Roll{shifts, {1}}), all->sizes);
    }
    void backward(Node&, Gradients in, Gradients out) const {
        Dims back = shifts;
        for (std::int64_t& shift : back) shift = -shift;
        if (in[0]) out[0] = linear(in[0], Roll{back, dims});
    }
};

Tensor roll(const Tensor& x, const Dims& shifts, const Dims& given) {
    check(!shifts.empty(), "`shifts` required");
    if (given.empty()) {
        check(shifts.size() == 1, "shifts and dimensions must align. shifts: ", shifts.size(), ", dims:0");
        return linear(x, Roll{shifts, {}});
    }
    check(shifts.size() == given.size(), "shifts and dimensions must align. shifts: ", shifts.size(),
          ", dims:", given.size());
    Dims sums(x->dim() ? x->dim() : 1), total, dims;
    for (int i = 0; i < given.size(); ++i) {  // A dimension may be named twice: its shifts add up.
        if (x->dim() == 0)
            fail(ErrorKind::Index, "Dimension specified as ", given[i], " but tensor has no dimensions");
        const int d = wrap_dim(given[i], x->dim());
        if (x->sizes[d] == 0) continue;
        sums[d] = (sums[d] + shifts[i] % x->sizes[d]) % x->sizes[d];
    }
    for (int i = 0; i < given.size(); ++i) {
        const int d = wrap_dim(given[i], x->dim());
        if (std::find(dims.begin(), dims.end(), d) != dims.end()) continue;
        dims.push_back(d);
        total.push_back(sums[d]);
    }
    return linear(x, Roll{total, dims});
}

struct Rot90 {
    static constexpr const char* node = "Rot90Backward0";
    std::int64_t k;
    Dims dims;

    Tensor values(const Tensor& x) const {
        const int turns = static_cast<int>(k & 3), a = static_cast<int>(dims[0]),
                  b = static_cast<int>(dims[1]);
        if (turns == 0) return dense_copy(x, true);
        if (turns == 2) return Flip{dims}.values(x);
        const Tensor out = Flip{{turns == 1 ? b : a}}.values(x);
        Dims sizes = out->sizes, strides = out->strides;
        std::swap(sizes[a], sizes[b]);
        std::swap(strides[a], strides[b]);
        return read_as(out, sizes, strides, 0);
    }
    Tensor whole(const Tensor& all) const {
        return linear(all, Rot90{k, behind_examples(dims, all->dim() - 1)});
    }
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = linear(in[0], Rot90{-k, dims});
    }
};

Tensor rot90(const Tensor& x, std::int64_t k, const std::optional<Dims>& given) {
    const Dims dims = given ? *given : Dims{0, 1};
    check(dims.size() == 2, "expected total rotation dims == 2, but got dims = ", dims.size());
    check(x->dim() >= 2, "expected total dims >= 2, but got total dims = ", x->dim());
    const std::int64_t rank = x->dim(), apart = std::abs(dims[0] - dims[1]);
    check(apart != 0 && apart != rank, "expected rotation dims to be different, but got dim0 = ", dims[0],
          " and dim1 = ", dims[1]);
    return linear(x, Rot90{k, {wrap_dim(dims[0], x->dim()), wrap_dim(dims[1], x->dim())}});
}

/// Index i, counts[i] times.
Tensor repeated_indices(const Tensor& counts, const std::optional<std::int64_t>& size) {
    check(counts->dim() == 1, "repeat_interleave only accept 1D vector as repeat");
    if (counts->dtype != DType::Int64 && counts->dtype != DType::Int32) {
        fail(ErrorKind::NotImplemented, "\"repeat_interleave_cpu\" not implemented for '",
             facts(counts->dtype).legacy_name, "': repeats are counts; convert them with repeats.long()");
    }
    const Tensor dense = row_major(converted(counts, DType::Int64));
    const std::int64_t* times = data<std::int64_t>(*dense);
    std::int64_t total = 0;
    for (std::int64_t i = 0; i < dense->numel; ++i) {
        check(times[i] >= 0, "repeats can not be negative");
        check(!__builtin_add_overflow(total, times[i], &total),
              "repeat_interleave: the repeats add up to more than 2^63 - 1");
    }
    check(!size || *size == total, "repeat_interleave: output_size is ", size ? *size : 0,
          ", but the repeats add up to ", total,
          "; leave output_size out, or give that sum (allocated size does not "
          "match required size)");
    const Tensor out = fresh({total}, counts->dtype, counts->device);
    visit(counts->dtype, [&]<class T>(Type<T>) {
        T* to = total ? mutable_data<T>(*out) : nullptr;
        for (std::int64_t i = 0; i < dense->numel; ++i) to = std::fill_n(to, times[i], convert<T>(i));
    });
    return out;
}

/// Every element, or slice along dim, `count` times in a row.
Tensor repeated_evenly(const Tensor& given, std::int64_t count, const std::optional<std::int64_t>& dim,
                       const std::optional<std::int64_t>& size) {
    const Tensor x = dim ? given : reshape(given, {-1});
    const int d = wrap_dim(dim.value_or(0), x->dim());
    check(count >= 0, "Repeats must be non-negative");
    wrap_dim(d + 1, x->dim() + 1);  // A number has no dimension to repeat along.
    const std::int64_t total = x->sizes[d] * count;
    check(!size || *size == total, "repeat_interleave: Invalid output_size, expected ", total, " but got ",
          size ? *size : 0);
    Dims sizes = x->sizes, result = x->sizes;
    sizes.insert(d + 1, count);
    result[d] = total;
    return view(clone(expand(unsqueeze(x, d + 1), sizes), MemoryFormat::Contiguous), result);
}

Tensor repeated_by_counts(const Tensor& given, const Tensor& counts, const std::optional<std::int64_t>& dim,
                          const std::optional<std::int64_t>& size) {
    const Tensor x = dim ? given : reshape(given, {-1});
    const int d = wrap_dim(dim.value_or(0), x->dim());
    const std::int64_t length = x->dim() ? x->sizes[d] : 1;
    check(counts->dim() <= 1, "repeats must be 0-dim or 1-dim tensor");
    if (counts->dim() == 0 || counts->sizes[0] == 1) {
        const Tensor spread = expand(reshape(counts, {1}), {length});
        return index_select(x, d, repeated_indices(spread, size));
    }
    check(counts->sizes[0] == length,
          "repeats must have the same size as input along dim, but got repeats.size(0) = ", counts->sizes[0],
          " and input.size(", d, ") = ", length);
    return index_select(x, d, repeated_indices(counts, size));
}

Tensor repeat_interleave(const Tensor& x, const std::optional<TensorOrNumber>& repeats,
                         const std::optional<std::int64_t>& dim,
                         const std::optional<std::int64_t>& output_size) {
    if (!repeats) return repeated_indices(x, output_size);
    if (const Tensor* counts = std::get_if<Tensor>(&*repeats))
        return repeated_by_counts(x, *counts, dim, output_size);
    const Scalar& number = std::get<Scalar>(*repeats);
    if (number.category() > Category::Integer) {
        fail(ErrorKind::Type, "repeat_interleave(): argument 'repeats' must be int or Tensor, not float");
    }
    return repeated_evenly(x, number.to<std::int64_t>(), dim, output_size);
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&repeat>(
            "repeat", "input, *repeats",
            "The tensor repeats[d] times along each dimension d, by copying; further repeats in front "
            "make new dimensions. Derivative: the sum of g over the repetitions.",
            Offered::Method),
        operation<&tile>("tile", "input, *dims",
                         "repeat, where missing counts in front are 1. Derivative: that of repeat."),
        operation<&repeat_interleave>("repeat_interleave",
                                      "input, repeats=None, dim=None, *, output_size=None",
                                      "Each slice along dim (each element of the flattened tensor without "
                                      "dim) several times in a row: a number "
                                      "of times, or by a tensor of counts. With counts alone, index i "
                                      "counts[i] times. Derivative: the sum of g "
                                      "over the repetitions."),
        operation<&flip>(
            "flip", "input, *dims",
            "A copy with the order of the elements along dims reversed. Derivative: the flip of g."),
        operation<&fliplr>("fliplr", "input", "flip along dimension 1. Derivative: the flip of g."),
        operation<&flipud>("flipud", "input", "flip along dimension 0. Derivative: the flip of g."),
        operation<&roll>(
            "roll", "input, shifts, dims=()",
            "A copy whose elements moved by shifts along dims, those pushed out coming in at the other "
            "end; without dims, in row-major order. Derivative: g rolled back."),
        operation<&rot90>(
            "rot90", "input, k=1, dims=None",
            "A copy turned k times by 90 degrees from dims[0] (default 0) towards dims[1] (default 1). "
            "Derivative: g turned back."),
    });

}  // namespace
}  // namespace tapeless
