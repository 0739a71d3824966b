// scatter_reduce and index_reduce: what several elements, or slices, become that go to one place.
#include <cmath>

#include "ops/extremes.h"
#include "ops/fresh.h"
#include "ops/indexing.h"
#include "ops/operation.h"
#include "ops/written.h"

namespace tapeless {
namespace {

enum class Reduction : std::uint8_t { Sum, Prod, Mean, Amax, Amin };

Tensor mul(const Tensor& x, const Tensor& y) { return apply(row("mul"), x, y); }
Tensor div(const Tensor& x, const Tensor& y) { return apply(row("div"), x, y); }
/// 1 where x is the value y, else 0.
Tensor ones_where(const Tensor& x, const Tensor& y) { return to_dtype(apply(row("eq"), x, y), x->dtype); }
Tensor constant(const Tensor& like, double value) {
    return full(like->sizes, Scalar(value), like->dtype, like->device);
}

/// Places for single elements, as scatter has them.
struct Elements {
    static constexpr const char* node = "ScatterReduceBackward0";
    static constexpr const char* const saved_names[] = {"self", "src", "index"};
    static constexpr const char* kernel = "scatter_gather_tensor_cpu_reduce_";
    std::int64_t dim;
    Tensor read(const Tensor& x, const Tensor& index) const { return gather(x, dim, index); }
    Tensor add(const Tensor& x, const Tensor& index, const Tensor& source) const {
        return scatter_add(x, dim, index, source);
    }
    Tensor clear(const Tensor& x, const Tensor& index) const { return scatter(x, dim, index, Scalar(0)); }
    void put(const Tensor& x, const Tensor& index, const Tensor& source, Placement store) const {
        put_source(x, static_cast<int>(dim), index, source, store);
    }
};

/// Places for whole slices, as index_add has them.
struct WholeSlices {
    static constexpr const char* node = "IndexReduceBackward0";
    static constexpr const char* const saved_names[] = {"self", "source", "index"};
    static constexpr const char* kernel = "index_reduce_";
    std::int64_t dim;
    Tensor read(const Tensor& x, const Tensor& index) const { return index_select(x, dim, index); }
    Tensor add(const Tensor& x, const Tensor& index, const Tensor& source) const {
        return index_add(x, dim, index, source, Scalar(1));
    }
    Tensor clear(const Tensor& x, const Tensor& index) const { return index_fill(x, dim, index, Scalar(0)); }
    void put(const Tensor& x, const Tensor& index, const Tensor& source, Placement store) const {
        put_slices(x, static_cast<int>(dim), index, source, store);
    }
};

Placement placement_of(Reduction reduction) {
    switch (reduction) {
        case Reduction::Prod:
            return Placement::Multiply;
        case Reduction::Amax:
            return Placement::Largest;
        case Reduction::Amin:
            return Placement::Least;
        default:
            return Placement::Add;
    }
}

/// Half types are computed in float32 and rounded once.
Tensor wide(const Tensor& x) { return to_dtype(x, compute_type(x->dtype)); }

/// What a reduction without the input begins with.
Scalar start_of(Reduction reduction, DType dtype) {
    if (reduction == Reduction::Prod) return Scalar(1);
    const bool largest = reduction == Reduction::Amax;
    if (!largest && reduction != Reduction::Amin) return Scalar(0);
    return visit(dtype, [&]<class T>(Type<T>) -> Scalar {
        if constexpr (std::is_same_v<T, bool>) return Scalar(!largest);
        if constexpr (std::is_integral_v<T>) {
            return Scalar(static_cast<std::int64_t>(largest ? std::numeric_limits<T>::min()
                                                            : std::numeric_limits<T>::max()));
        } else {
            return Scalar(largest ? -INFINITY : INFINITY);
        }
    });
}

/// A number seen as a tensor of x's sizes.
Tensor repeated(const Scalar& value, const Tensor& x, DType dtype) {
    return tensor_of(scalar_tensor(value, dtype)->storage, x->sizes, Dims(x->dim()), 0, dtype);
}

/// x becomes x / counts, rounded down among integers.
void divide(const Tensor& x, const Tensor& counts) {
    const Tensor at_least_one = apply(row("clamp_min"), counts, Scalar(1));
    const Argument arguments[] = {Argument(x), Argument(at_least_one)};
    const ModeGuard quiet(kNoGrad, true);
    write(x, is_integral(x->dtype) ? div_rounded(arguments, true) : apply(row("div"), arguments));
}

template <class W>
void reduce_into(const Tensor& x, const W& where, const Tensor& index, const Tensor& source,
                 Reduction reduction, bool include_self) {
    if (index->numel == 0) return;
    if (is_half(x->dtype)) {
        const Tensor wide = converted(x, DType::Float32);
        reduce_into(wide, where, index, converted(source, DType::Float32), reduction, include_self);
        return write(x, wide);
    }
    if (!include_self) {
        where.put(x, index, repeated(start_of(reduction, x->dtype), source, x->dtype), Placement::Write);
    }
    where.put(x, index, source, placement_of(reduction));
    if (reduction != Reduction::Mean) return;
    const Tensor counts = full(x->sizes, Scalar(include_self ? 1 : 0), DType::Int64);
    where.put(counts, index, repeated(Scalar(1), source, DType::Int64), Placement::Add);
    divide(x, counts);
}

/// The gradient of a gradient that a product with several zeros has no formula for.
struct NoSecond {
    static constexpr const char* node = "torch::autograd::DelayedError";
    void backward(Node&, Gradients, Gradients) const {
        check(
            false,
            "scatter_reduce(): Double backward is unsupported for src when >1 zeros in src are scattered to "
            "the same position in self");
    }
};

template <class W>
Tensor reduced(const Tensor& x, const W& where, const Tensor& index, const Tensor& source,
               Reduction reduction, bool include_self);

/// The node saves x and the source where a gradient depends on values; results are computed again.
template <class W> struct Reduced {
    static constexpr const char* node = W::node;
    static constexpr auto& saved_names = W::saved_names;
    W where;
    Reduction reduction;
    bool include_self;

    bool by_value() const { return reduction != Reduction::Sum && reduction != Reduction::Mean; }
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor index = unpack(node.saved[2], node);
        std::pair<Tensor, Tensor> found;
        const DType dtype = in[0]->dtype;
        const Tensor g = wide(in[0]);
        if (by_value()) {
            const Tensor x = wide(unpack(node.saved[0], node)), source = wide(unpack(node.saved[1], node));
            found = reduction == Reduction::Prod ? of_product(g, x, index, source)
                                                 : of_extreme(g, x, index, source);
        } else {
            found = of_sum(g, index);
        }
        if (node.needs(0)) {
            out[0] = to_dtype(include_self ? found.first : where.clear(found.first, index), dtype);
        }
        if (node.needs(1)) out[1] = to_dtype(found.second, dtype);
    }
    std::pair<Tensor, Tensor> of_sum(const Tensor& g, const Tensor& index) const {
        const Tensor share = reduction == Reduction::Sum ? g : div(g, counts_of(g, index));
        return {share, where.read(share, index)};
    }
    Tensor counts_of(const Tensor& g, const Tensor& index) const {
        const ModeGuard quiet(kNoGrad, true);
        const Tensor start = constant(g, include_self ? 1 : 0);
        const Tensor counts = where.add(start, index, constant(where.read(start, index), 1));
        return apply(row("clamp_min"), counts, Scalar(1));
    }
    /// Those that are the extreme share its gradient, x's own element among them.
    std::pair<Tensor, Tensor> of_extreme(const Tensor& g, const Tensor& x, const Tensor& index,
                                         const Tensor& source) const {
        const Tensor result = reduced(x, where, index, source, reduction, include_self);
        const Tensor own = ones_where(x, result), others = ones_where(source, where.read(result, index));
        const Tensor share = div(g, where.add(own, index, others));
        return {mul(own, share), mul(others, where.read(share, index))};
    }
    /// The product of the others, which is the result over the element where that is not zero. A zero that is alone in
    /// its product has it from the product without itself.
    std::pair<Tensor, Tensor> of_product(const Tensor& g, const Tensor& x, const Tensor& index,
                                         const Tensor& source) const {
        const Scalar zero(0), one(1);
        auto product = [&](const Tensor& y, const Tensor& factors) {
            return reduced(y, where, index, factors, reduction, include_self);
        };
        const Tensor x_or_one = apply(row("where"), apply(row("eq"), x, zero), one, x);
        const Tensor own = div(mul(g, product(x_or_one, source)), x_or_one);
        const Tensor is_zero = apply(row("eq"), source, zero);
        const Tensor zeros = where.read(where.add(constant(x, 0), index, to_dtype(is_zero, x->dtype)), index);
        const Tensor single = apply(row("logical_and"), is_zero, apply(row("eq"), zeros, one));
        const Tensor without = product(x, apply(row("where"), single, one, source));
        const Tensor divided =
            div(where.read(mul(g, product(x, source)), index), apply(row("where"), is_zero, one, source));
        const Tensor others = apply(row("where"), single, where.read(mul(g, without), index), divided);
        return {own, first_order_only(others, zeros)};
    }
    Tensor first_order_only(const Tensor& g, const Tensor& zeros) const {
        if (!needs_record({&g}) ||
            !item(*any(apply(row("gt"), zeros, Scalar(1)), {}, false)).template to<bool>())
            return g;
        const Tensor out = untracked(g);
        record(out, {&g}, NoSecond{});
        return out;
    }
    void keep(Node& node, const Tensor& x, const Tensor& index, const Tensor& source) const {
        if (by_value()) {
            save(node.saved[0], x);
            save(node.saved[1], source);
        }
        save(node.saved[2], index);
    }
};

template <class W> void check_dtype(const Tensor& x, Reduction reduction, const char* word) {
    const bool ordered = reduction == Reduction::Amax || reduction == Reduction::Amin;
    if (!(ordered && is_complex(x->dtype)) && !(reduction == Reduction::Mean && x->dtype == DType::Bool))
        return;
    fail(ErrorKind::NotImplemented, "\"", W::kernel, word, "\" not implemented for '",
         facts(x->dtype).legacy_name, "'");
}

template <class W>
Tensor reduced(const Tensor& x, const W& where, const Tensor& index, const Tensor& source,
               Reduction reduction, bool include_self) {
    const Reduced<W> payload{where, reduction, include_self};
    return write_copy(
        x, {&x, &source}, payload, 3,
        [&](const Tensor& out) { reduce_into(out, where, index, source, reduction, include_self); },
        [&](Node& node) { payload.keep(node, x, index, source); });
}

template <class W>
void reduced_(const Tensor& x, const W& where, const Tensor& index, const Tensor& source, Reduction reduction,
              bool include_self) {
    const Reduced<W> payload{where, reduction, include_self};
    const bool kept = payload.by_value() && needs_record({&x, &source});
    const Tensor before = kept ? clone(x) : x;  // The node looks at what x was.
    write_inplace(
        x, {&x, &source}, payload, 3,
        [&](const Tensor& out) { reduce_into(out, where, index, source, reduction, include_self); },
        [&](Node& node) { payload.keep(node, before, index, source); });
}

const std::pair<const char*, Reduction> words[] = {{"sum", Reduction::Sum},
                                                   {"prod", Reduction::Prod},
                                                   {"mean", Reduction::Mean},
                                                   {"amax", Reduction::Amax},
                                                   {"amin", Reduction::Amin}};

std::optional<Reduction> reduction_of(const std::string& word) {
    for (const auto& [name, reduction] : words) {
        if (word == name) return reduction;
    }
    return std::nullopt;
}

Reduction check_scatter_reduce(const Tensor& x, std::int64_t& dim, const Tensor& index, const Tensor& source,
                               const std::string& word) {
    const std::optional<Reduction> reduction = reduction_of(word);
    check(reduction.has_value(), "reduce argument must be either sum, prod, mean, amax or amin, got ", word);
    dim = check_scatter(x, dim, index, source);
    check_dtype<Elements>(x, *reduction, word.c_str());
    return *reduction;
}

Reduction check_index_reduce(const Tensor& x, std::int64_t& dim, const Tensor& index, const Tensor& source,
                             const std::string& word) {
    const std::optional<Reduction> reduction = reduction_of(word);
    check(reduction && *reduction != Reduction::Sum,
          "index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got ", word, ".");
    dim = check_slices_write("index_reduce_", x, dim, index, source);
    check_dtype<WholeSlices>(x, *reduction, word.c_str());
    return *reduction;
}

Tensor scatter_reduce(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                      std::string reduce, bool include_self) {
    const Reduction reduction = check_scatter_reduce(x, dim, index, source, reduce);
    return reduced(x, Elements{dim}, index, source, reduction, include_self);
}
void scatter_reduce_(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                     std::string reduce, bool include_self) {
    const Reduction reduction = check_scatter_reduce(x, dim, index, source, reduce);
    reduced_(x, Elements{dim}, index, source, reduction, include_self);
}
Tensor index_reduce(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                    std::string reduce, bool include_self) {
    const Reduction reduction = check_index_reduce(x, dim, index, source, reduce);
    return reduced(x, WholeSlices{dim}, index, source, reduction, include_self);
}
void index_reduce_(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source,
                   std::string reduce, bool include_self) {
    const Reduction reduction = check_index_reduce(x, dim, index, source, reduce);
    reduced_(x, WholeSlices{dim}, index, source, reduction, include_self);
}

const Offer offer({
    operation<&scatter_reduce>(
        "scatter_reduce", "input, dim, index, src, reduce, *, include_self=True",
        "Each element of src goes to where the index says along dim; those of one place become their 'sum', "
        "'prod', 'mean', 'amax' or 'amin', together with the input's own unless include_self=False. "
        "Derivatives: g gathered, times the others in a product, over the count in a mean, and in an extreme "
        "shared by those that are equal to it."),
    operation<&scatter_reduce_>("scatter_reduce_", "input, dim, index, src, reduce, *, include_self=True",
                                "scatter_reduce in place.", Offered::Method),
    operation<&index_reduce>(
        "index_reduce", "input, dim, index, source, reduce, *, include_self=True",
        "Slice i of source goes to slice index[i] of the input; those of one place become their 'prod', "
        "'mean', 'amax' or 'amin', together with the input's own unless include_self=False. Derivatives: as "
        "those of scatter_reduce, by slices."),
    operation<&index_reduce_>("index_reduce_", "input, dim, index, source, reduce, *, include_self=True",
                              "index_reduce in place.", Offered::Method),
});

}  // namespace
}  // namespace tapeless
