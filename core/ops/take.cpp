// Elements by their number in row-major order (take, put), and by a mask (masked_select, masked_scatter).
#include "kernels/masking.h"
#include "ops/fresh.h"
#include "ops/indexing.h"
#include "ops/operation.h"
#include "ops/written.h"

namespace tapeless {
namespace {

Tensor zeros(const Dims& sizes, const Tensor& like) {
    return full(sizes, Scalar(0), like->dtype, like->device);
}

/// Where in memory the elements of x lie that the index numbers; negative numbers count from the end.
std::vector<std::int64_t> places_of(const Tensor& x, const Tensor& index) {
    const Tensor plain = row_major(index);
    const std::int64_t* at = data<std::int64_t>(*plain);
    const std::int64_t bad = first_outside(at, plain->numel, -x->numel, x->numel);
    if (bad >= 0) {
        fail(ErrorKind::Index, "out of range: tried to access index ", at[bad], " on a tensor of ", x->numel,
             " elements.");
    }
    std::vector<std::int64_t> places(static_cast<std::size_t>(plain->numel));
    for (std::size_t i = 0; i < places.size(); ++i) {
        std::int64_t rest = at[i] < 0 ? at[i] + x->numel : at[i];
        for (int d = x->dim() - 1; !x->contiguous && d >= 0; --d) {
            places[i] += rest % x->sizes[d] * x->strides[d];
            rest /= x->sizes[d];
        }
        if (x->contiguous) places[i] = rest;
    }
    return places;
}

Rows elements_at(const std::vector<std::int64_t>& places) {
    return {{}, {}, {}, {}, places.data(), static_cast<std::int64_t>(places.size())};
}

Tensor take(const Tensor& x, const Tensor& index);
Tensor put(const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate);
Tensor masked_select(const Tensor& x, const Tensor& mask);
Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source);

struct Take {
    static constexpr const char* node = "TakeBackward0";
    static constexpr const char* const saved_names[] = {"index"};
    Dims sizes;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (in[0]) out[0] = put(zeros(sizes, in[0]), unpack(node.saved[0], node), in[0], true);
    }
};

struct Put {
    static constexpr const char* node = "PutBackward0";
    static constexpr const char* const saved_names[] = {"index"};
    Dims source_sizes;
    bool accumulate;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor index = unpack(node.saved[0], node);
        if (node.needs(0)) out[0] = accumulate ? in[0] : put(in[0], index, zeros(source_sizes, in[0]), false);
        if (node.needs(1)) out[1] = reshape(take(in[0], index), source_sizes);
    }
};

Tensor take(const Tensor& x, const Tensor& index) {
    check(index->dtype == DType::Int64, "take(): Expected a long tensor for index, but got ",
          facts(index->dtype).legacy_name);
    check_devices("take", {&x, &index});
    if (x->numel == 0 && index->numel > 0)
        fail(ErrorKind::Index, "take(): tried to take from an empty tensor");
    const Tensor out = fresh(index->sizes, x->dtype, x->device);
    if (on_cpu(x)) {
        const auto places = places_of(x, index);
        take_rows(mutable_data(*out), data(*x), size_of(x->dtype), elements_at(places));
    }
    if (needs_record({&x})) save(record(out, {&x}, Take{x->sizes}, 1)->saved[0], index);
    return out;
}

void check_put(const Tensor& x, const Tensor& index, const Tensor& source) {
    check(index->dtype == DType::Int64, "put_(): Expected a long tensor for index, but got ",
          facts(index->dtype).legacy_name);
    check(x->dtype == source->dtype,
          "put_(): self and source expected to have the same dtype, but got self.dtype = ",
          facts(x->dtype).legacy_name, " and source.dtype = ", facts(source->dtype).legacy_name);
    check_devices("put_", {&x, &index, &source});
    if (source->numel != index->numel) {
        fail(ErrorKind::Index,
             "put_(): Expected source and index to have the same number of elements, but got source.numel() "
             "= ",
             source->numel, ", index.numel() = ", index->numel);
    }
    if (x->numel == 0 && index->numel > 0) {
        fail(ErrorKind::Index, "put_(): Tried to put elements into an empty tensor");
    }
}

void put_elements(const Tensor& x, const Tensor& index, const Tensor& given, bool accumulate) {
    const auto places = places_of(x, index);
    const Tensor source = row_major(apart(given, x));
    const char* from = data(*source);
    put_rows(x->dtype, accumulate ? Placement::Add : Placement::Write, mutable_data(*x), from,
             elements_at(places));
}

Tensor put(const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate) {
    check_put(x, index, source);
    return write_copy(
        x, {&x, &source}, Put{source->sizes, accumulate}, 1,
        [&](const Tensor& out) { put_elements(out, index, source, accumulate); },
        [&](Node& node) { save(node.saved[0], index); }, Order::Preserved);
}

void put_(const Tensor& x, const Tensor& index, const Tensor& source, bool accumulate) {
    check_put(x, index, source);
    write_inplace(
        x, {&x, &source}, Put{source->sizes, accumulate}, 1,
        [&](const Tensor& out) { put_elements(out, index, source, accumulate); },
        [&](Node& node) { save(node.saved[0], index); });
}

/// x as if it had `sizes`, row-major. Not recorded.
Tensor spread(const Tensor& x, const Dims& sizes) {
    if (x->sizes == sizes) return row_major(x);
    return dense_copy(tensor_of(x->storage, sizes, expanded_strides(*x, sizes), x->offset, x->dtype), true);
}

struct MaskedSelect {
    static constexpr const char* node = "MaskedSelectBackward0";
    static constexpr const char* const saved_names[] = {"mask"};
    Dims sizes;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor mask = unpack(node.saved[0], node);
        const Tensor whole = zeros(broadcast(sizes, mask->sizes), in[0]);
        out[0] = sum_to_size(masked_scatter(whole, mask, in[0]), sizes);
    }
};

struct MaskedScatter {
    static constexpr const char* node = "MaskedScatterBackward0";
    static constexpr const char* const saved_names[] = {"mask"};
    Dims sizes, source_sizes;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor mask = unpack(node.saved[0], node);
        if (node.needs(0)) {
            out[0] = sum_to_size(apply(row("where"), mask, zeros({}, in[0]), in[0]), sizes);
        }
        if (!node.needs(1)) return;
        // What the mask did not ask for gets nothing.
        const Tensor used = masked_select(in[0], mask);
        const Tensor all = zeros({product(source_sizes)}, in[0]);
        const Tensor first = full({used->numel}, Scalar(0), DType::Int64);
        std::int64_t* at = mutable_data<std::int64_t>(*first);
        for (std::int64_t i = 0; i < used->numel; ++i) at[i] = i;
        out[1] = reshape(put(all, first, used, false), source_sizes);
    }
};

Tensor masked_select(const Tensor& x, const Tensor& mask) {
    check(mask->dtype == DType::Bool, "masked_select: expected BoolTensor for mask");
    check_devices("masked_select", {&x, &mask});
    check(on_cpu(x), "masked_select: its result's size depends on values, which a meta tensor has not");
    const Dims sizes = broadcast(x->sizes, mask->sizes);
    const Tensor marks = spread(mask, sizes), elements = spread(x, sizes);
    const bool* marked_at = data<bool>(*marks);
    const char* from = data(*elements);
    const Tensor out = fresh({count_marked(marked_at, marks->numel)}, x->dtype, x->device);
    take_marked(mutable_data(*out), from, size_of(x->dtype), marked_at, marks->numel);
    if (needs_record({&x})) save(record(out, {&x}, MaskedSelect{x->sizes}, 1)->saved[0], mask);
    return out;
}

void check_masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
    check(mask->dtype == DType::Bool, "masked_scatter_ only supports boolean masks, but got mask with dtype ",
          facts(mask->dtype).legacy_name);
    check(x->dtype == source->dtype, "masked_scatter: expected self and source to have same dtypes but got ",
          facts(x->dtype).legacy_name, " and ", facts(source->dtype).legacy_name);
    check_devices("masked_scatter", {&x, &mask, &source});
}

void put_masked(const Tensor& x, const Tensor& mask, const Tensor& given) {
    const Tensor marks = spread(apart(mask, x), x->sizes), source = row_major(apart(given, x));
    const bool* marked_at = data<bool>(*marks);
    check(count_marked(marked_at, marks->numel) <= source->numel,
          "Number of elements of source < number of ones in mask");
    const Tensor row_wise = row_major(x);
    const char* from = data(*source);
    put_marked(mutable_data(*row_wise), from, size_of(x->dtype), marked_at, marks->numel);
    if (row_wise.get() != x.get()) write(x, row_wise);
}

Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
    check_masked_scatter(x, mask, source);
    const Dims sizes = broadcast(x->sizes, mask->sizes);
    const Tensor out = marked(spread(x, sizes));
    const Tensor own = out.get() == x.get() ? own_copy(x) : out;
    if (on_cpu(x)) put_masked(own, mask, source);
    if (is_differentiable(x->dtype) && needs_record({&x, &source})) {
        const Ref<Node> node = record(own, {&x, &source}, MaskedScatter{x->sizes, source->sizes}, 1);
        save(node->saved[0], mask);
    }
    return own;
}

void masked_scatter_(const Tensor& x, const Tensor& mask, const Tensor& source) {
    check_masked_scatter(x, mask, source);
    const bool fits = mask->dim() <= x->dim() && broadcast(x->sizes, mask->sizes) == x->sizes;
    check(fits, "expand(CPUBoolType{", to_string(mask->sizes), "}, size=", to_string(x->sizes),
          "): the mask must broadcast to the tensor that is written");
    write_inplace(
        x, {&x, &source}, MaskedScatter{x->sizes, source->sizes}, 1,
        [&](const Tensor& out) { put_masked(out, mask, source); },
        [&](Node& node) { save(node.saved[0], mask); });
}

const Offer offer({
    operation<&take>(
        "take", "input, index",
        "Of the int64 index's shape: the elements with these numbers in row-major order, negative ones from "
        "the end; IndexError when out of range. Derivative: g added to where its elements came from.",
        Offered::Both, kOutExact | kOutApart),
    operation<&put>(
        "put", "input, index, source, accumulate=False",
        "The input with the elements of source, of one dtype with it, at these numbers in row-major order, "
        "or added to what is there. Derivatives: g, with zeros where it was replaced, and g taken there."),
    operation<&put_>("put_", "input, index, source, accumulate=False", "put in place.", Offered::Method),
    operation<&masked_select>("masked_select", "input, mask",
                              "A vector of the elements where the bool mask holds; the two broadcast. "
                              "Derivative: g put back there.",
                              Offered::Both, kOutExact | kOutApart),
    operation<&masked_scatter>("masked_scatter", "input, mask, source",
                               "The input with elements of source, one after another, where the bool mask "
                               "holds. Derivatives: g with "
                               "zeros there, and g selected there."),
    operation<&masked_scatter_>("masked_scatter_", "input, mask, source", "masked_scatter in place.",
                                Offered::Method),
});

}  // namespace
}  // namespace tapeless
