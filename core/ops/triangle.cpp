// tril and triu, in place as well, and the indices of triangles.
#include "kernels/triangle.h"

#include <algorithm>

#include "ops/linear.h"
#include "ops/operation.h"
#include "ops/written.h"

namespace tapeless {
namespace {

/// Keeps one triangle of the last two dimensions. What is cut does not reach the result, and g does not reach it.
template <bool Lower> struct Cut {
    std::int64_t diagonal;

    Tensor values(const Tensor& x) const {
        const Tensor rows = row_major(x), out = empty(x->sizes, x->dtype, x->device);
        if (on_cpu(x)) fill(out, data(*rows));
        return out;
    }
    /// Into row-major `out`, whose elements `in` may be.
    void fill(const Tensor& out, const char* in) const {
        if (out->numel == 0) return;
        const std::int64_t width = out->sizes.back(), height = out->sizes[out->dim() - 2];
        keep_triangle({out->numel / width, height, width, diagonal, Lower}, size_of(out->dtype),
                      mutable_data(*out), in);
    }
};
struct Tril : Cut<true> {
    static constexpr const char* node = "TrilBackward0";
    Tensor whole(const Tensor& all) const { return linear(all, *this); }
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = linear(in[0], *this);
    }
};
struct Triu : Cut<false> {
    static constexpr const char* node = "TriuBackward0";
    Tensor whole(const Tensor& all) const { return linear(all, *this); }
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = linear(in[0], *this);
    }
};

template <class P> constexpr const char* name_of() { return std::is_same_v<P, Tril> ? "tril" : "triu"; }

template <class P> Tensor triangle(const Tensor& x, std::int64_t diagonal) {
    check(x->dim() >= 2, name_of<P>(), ": input tensor must have at least 2 dimensions, but has ", x->dim());
    return linear(x, P{{diagonal}});
}

template <class P> void triangle_(const Tensor& x, std::int64_t diagonal) {
    check(x->dim() >= 2, name_of<P>(), ": input tensor must have at least 2 dimensions, but has ", x->dim());
    const P cut{{diagonal}};
    write_inplace(
        x, {&x}, cut, 0,
        [&](const Tensor& out) {
            if (!out->contiguous) return write(out, cut.values(out));
            const char* in = out->numel ? mutable_data(*out) : nullptr;
            cut.fill(out, in);
        },
        [](Node&) {});
}

/// Rows and columns of the elements that tril or triu keeps, in row-major order.
Tensor indices(bool lower, std::int64_t rows, std::int64_t columns, std::int64_t offset, DType dtype,
               Device device) {
    const char* name = lower ? "tril_indices" : "triu_indices";
    check(rows >= 0, name, ": row must be non-negative, got ", rows);
    check(columns >= 0, name, ": col must be non-negative, got ", columns);
    if (!is_integral(dtype) || dtype == DType::Bool) {
        fail(ErrorKind::NotImplemented, "\"", name, "\" not implemented for '", facts(dtype).legacy_name,
             "': indices are integers; leave dtype out for int64");
    }
    auto first = [&](std::int64_t r) { return lower ? 0 : std::clamp(r + offset, std::int64_t{0}, columns); };
    auto last = [&](std::int64_t r) {
        return lower ? std::clamp(r + offset + 1, std::int64_t{0}, columns) : columns;
    };
    std::int64_t count = 0;
    for (std::int64_t r = 0; r < rows; ++r) count += last(r) - first(r);
    const Tensor out = fresh({2, count}, dtype, device);
    if (!on_cpu(out) || count == 0) return out;
    visit(dtype, [&]<class T>(Type<T>) {
        T *row = mutable_data<T>(*out), *column = row + count;
        for (std::int64_t r = 0; r < rows; ++r) {
            for (std::int64_t c = first(r); c < last(r); ++c) {
                *row++ = convert<T>(r);
                *column++ = convert<T>(c);
            }
        }
    });
    return out;
}

const Offer offer(Offer::KnowsLevels{},
                  {
                      operation<&triangle<Tril>>(
                          "tril", "input, diagonal=0",
                          "Matrices with zeros above a diagonal: 0 the main one, positive ones above it. "
                          "Derivative: tril of g."),
                      operation<&triangle<Triu>>(
                          "triu", "input, diagonal=0",
                          "Matrices with zeros below a diagonal: 0 the main one, positive ones above it. "
                          "Derivative: triu of g."),
                      operation<&indices>("_triangle_indices", "lower, row, col, offset, dtype, device",
                                          "Coordinates of a triangle's elements. No derivative.",
                                          Offered::Function),
                  });
const Offer in_place({
    operation<&triangle_<Tril>>("tril_", "input, diagonal=0", "tril in place.", Offered::Method),
    operation<&triangle_<Triu>>("triu_", "input, diagonal=0", "triu in place.", Offered::Method),
});

}  // namespace
}  // namespace tapeless
