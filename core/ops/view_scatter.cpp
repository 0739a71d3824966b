// Copies with one part replaced: diagonal_scatter, select_scatter, slice_scatter.
#include <algorithm>

#include "ops/diagonals.h"
#include "ops/linear.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

template <class P> Tensor scattered(const Tensor& x, const Tensor& source, const P& place);

/// P says where: `part(x)` is a view. What is replaced gets no gradient, the source that of its place.
template <class P> struct Scatter : P {
    DType source_dtype;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor part = P::part(in[0]);
        if (node.needs(0)) {
            const Tensor zeros = full(part->sizes, Scalar(0), in[0]->dtype, in[0]->device);
            out[0] = scattered<P>(in[0], zeros, *this);
        }
        if (node.needs(1)) out[1] = to_dtype(part, source_dtype);
    }
};

struct DiagonalPlace {
    std::int64_t offset;
    int dim1, dim2;
    Tensor part(const Tensor& x) const { return diagonal(x, offset, dim1, dim2); }
    DiagonalPlace for_examples() const { return {offset, dim1 + 1, dim2 + 1}; }
};
struct SelectPlace {
    int dim;
    std::int64_t index;
    Tensor part(const Tensor& x) const { return select(x, dim, index); }
    SelectPlace for_examples() const { return {dim + 1, index}; }
};
struct SlicePlace {
    int dim;
    std::int64_t start, end, step;
    Tensor part(const Tensor& x) const { return slice(x, dim, start, end, step); }
    SlicePlace for_examples() const { return {dim + 1, start, end, step}; }
};

template <class P> struct Named;
template <> struct Named<DiagonalPlace> : Scatter<DiagonalPlace> {
    static constexpr const char* node = "DiagonalScatterBackward0";
};
template <> struct Named<SelectPlace> : Scatter<SelectPlace> {
    static constexpr const char* node = "SelectScatterBackward0";
};
template <> struct Named<SlicePlace> : Scatter<SlicePlace> {
    static constexpr const char* node = "SliceScatterBackward0";
};

template <class P> Tensor values(const Tensor& x, const Tensor& source, const P& place) {
    const ModeGuard quiet(kNoGrad, true);
    // x's own strides, gaps included, as long as no two elements are one.
    const Tensor out = marked(has_internal_overlap(*x) ? dense_copy(x, false) : lazy_copy(x));
    if (on_cpu(x)) write(place.part(out), source);
    return out;
}

template <class P> Tensor scattered(const Tensor& x, const Tensor& source, const P& place) {
    check_devices("scatter", {&x, &source});
    const int wrapped = deepest({&x, &source});
    const Dims sizes = place.part(x)->sizes;
    check(sizes == source->sizes,
          "expected src to have a size equal to the slice of self. src size = ", source->sizes,
          ", slice size = ", sizes);
    const Tensor out =
        wrapped ? linear_at_level(
                      wrapped, {x, source},
                      [&](const std::vector<Tensor>& held) { return scattered(held[0], held[1], place); },
                      [&](const std::vector<Tensor>& all) {
                          return scattered(all[0], all[1], place.for_examples());
                      })
                : values(x, source, place);
    if (is_differentiable(x->dtype) && needs_record({&x, &source})) {
        record(out, {&x, &source}, Named<P>{{place, source->dtype}});
    }
    return out;
}

Tensor diagonal_scatter(const Tensor& x, const Tensor& src, std::int64_t offset, std::int64_t dim1,
                        std::int64_t dim2) {
    return scattered(x, src, DiagonalPlace{offset, wrap_dim(dim1, x->dim()), wrap_dim(dim2, x->dim())});
}

Tensor select_scatter(const Tensor& x, const Tensor& src, std::int64_t dim, std::int64_t index) {
    return scattered(x, src, SelectPlace{wrap_dim(dim, x->dim()), index});
}

Tensor slice_scatter(const Tensor& x, const Tensor& src, std::int64_t dim,
                     const std::optional<std::int64_t>& start, const std::optional<std::int64_t>& end,
                     std::int64_t step) {
    const SlicePlace place{wrap_dim(dim, x->dim()), start.value_or(0), end.value_or(INT64_MAX), step};
    return scattered(x, src, place);
}

const Offer offer(Offer::KnowsLevels{},
                  {
                      operation<&diagonal_scatter>(
                          "diagonal_scatter", "input, src, offset=0, dim1=0, dim2=1",
                          "A copy with a diagonal replaced by src. Derivatives: g with zeros there, and "
                          "that diagonal of g."),
                      operation<&select_scatter>(
                          "select_scatter", "input, src, dim, index",
                          "A copy with one index of a dimension replaced by src. Derivatives: g with zeros "
                          "there, and that slice of g."),
                      operation<&slice_scatter>(
                          "slice_scatter", "input, src, dim=0, start=None, end=None, step=1",
                          "A copy with a range of a dimension replaced by src. Derivatives: g with zeros "
                          "there, and that range of g."),
                  });

}  // namespace
}  // namespace tapeless
