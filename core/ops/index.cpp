// x[...] with integer tensors and masks.
#include <algorithm>

#include "base/warn.h"
#include "kernels/indexing.h"
#include "ops/indexing.h"
#include "ops/operation.h"
#include "ops/written.h"

namespace tapeless {
namespace {

Dims part(const Dims& dims, int first, int last) { return Dims(dims.data() + first, last - first); }

/// x[indices] worked out: which dimensions are indexed, where their result goes, and later the offset of each point.
struct Plan {
    Dims sizes;    ///< of the result
    Dims strides;  ///< of the result, as PyTorch lays it out
    Dims shape;    ///< that the indices have in common
    std::vector<Tensor> indices;
    std::vector<std::int64_t> offsets;
    Rows rows;
};

bool is_mask(const Tensor& index) { return index->dtype == DType::Bool || index->dtype == DType::UInt8; }

void warn_of_bytes(const Tensor& index) {
    if (index->dtype != DType::UInt8) return;
    warn_user("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.");
}

/// Masks replaced by the coordinates of their elements, one integer tensor for each of a mask's dimensions.
std::vector<Tensor> without_masks(const Tensor& x, const std::vector<Tensor>& indices) {
    std::vector<Tensor> out;
    int wanted = 0;
    for (const Tensor& index : indices) {
        if (index && !is_mask(index) && index->dtype != DType::Int64 && index->dtype != DType::Int32) {
            fail(ErrorKind::Index, "tensors used as indices must be long, int, byte or bool tensors");
        }
        wanted += index && is_mask(index) ? index->dim() : 1;
    }
    if (wanted > x->dim()) fail(ErrorKind::Index, "too many indices for tensor of dimension ", x->dim());
    for (const Tensor& index : indices) {
        if (!index || !is_mask(index)) {
            out.push_back(index ? converted(index, DType::Int64) : index);
            continue;
        }
        warn_of_bytes(index);
        const int first = static_cast<int>(out.size());
        for (int d = 0; d < index->dim(); ++d) {
            if (index->sizes[d] == x->sizes[first + d]) continue;
            fail(ErrorKind::Index, "The shape of the mask ", to_string(index->sizes), " at index ", d,
                 " does not match the shape of the indexed tensor ", to_string(x->sizes), " at index ",
                 first + d);
        }
        const Tensor points = nonzero(index);
        for (int d = 0; d < index->dim(); ++d) {
            const std::int64_t count = points->sizes[0];
            out.push_back(tensor_of(points->storage, {count}, {1}, d * count, DType::Int64));
        }
    }
    return out;
}

Dims common_shape(const std::vector<Tensor>& indices) {
    Dims shape;
    std::string shapes;
    for (const Tensor& index : indices) {
        if (index) shapes += (shapes.empty() ? "" : ", ") + to_string(index->sizes);
    }
    try {
        for (const Tensor& index : indices) {
            if (index) shape = broadcast(shape, index->sizes);
        }
    } catch (const Error&) {
        fail(ErrorKind::Index,
             "shape mismatch: indexing tensors could not be broadcast together with shapes ", shapes);
    }
    return shape;
}

/// Adds an index's share to the offsets of the points of `shape`.
void add_offsets(std::vector<std::int64_t>& offsets, const Tensor& index, const Dims& shape, const Tensor& x,
                 int dim) {
    if (offsets.empty()) return;
    const std::int64_t size = x->sizes[dim], stride = x->strides[dim];
    const Tensor spread = row_major(
        tensor_of(index->storage, shape, expanded_strides(*index, shape), index->offset, index->dtype));
    const std::int64_t* at = data<std::int64_t>(*spread);
    const std::int64_t bad = first_outside(at, spread->numel, -size, size);
    if (bad >= 0) {
        fail(ErrorKind::Index, "index ", at[bad], " is out of bounds for dimension ", dim, " with size ",
             size);
    }
    for (std::size_t i = 0; i < offsets.size(); ++i)
        offsets[i] += (at[i] < 0 ? at[i] + size : at[i]) * stride;
}

/// The strides that PyTorch gives the result: x's order of dimensions and the indices' own, where they differ from
/// row-major.
Dims result_strides(const Tensor& x, const std::vector<Tensor>& indices, const Plan& plan, int at,
                    int count) {
    bool plain = x->contiguous;
    for (const Tensor& index : indices) plain &= !index || index->contiguous || index->dim() <= 1;
    if (plain) return contiguous_strides(plan.sizes);
    Dims strides = plan.rows.before_strides;
    for (int d = 0; d < count; ++d) strides.push_back(0);
    for (std::int64_t stride : plan.rows.after_strides) strides.push_back(stride);
    std::vector<Tensor> shaped = {tensor_of(x->storage, plan.sizes, strides, x->offset, x->dtype)};
    const Dims shape = part(plan.sizes, at, at + count);
    for (const Tensor& index : indices) {
        if (!index || shaped.size() == kMaxOperands) continue;
        Dims own(plan.sizes.size());
        const Dims inner = expanded_strides(*index, shape);
        std::copy(inner.begin(), inner.end(), own.begin() + at);
        // Where the result has size 1 beside the indices, PyTorch asks the index's reshaped strides, not a broadcast's.
        for (int d = 0; d < own.size(); ++d) {
            if (plan.sizes[d] == 1 && (d < at || d >= at + count)) own[d] = d < at ? product(shape) : 1;
        }
        shaped.push_back(tensor_of(index->storage, plan.sizes, own, index->offset, index->dtype));
    }
    std::vector<Argument> arguments(shaped.begin(), shaped.end());
    return layout_of(arguments.data(), static_cast<int>(arguments.size())).strides;
}

bool is_indexed(const std::vector<Tensor>& indices, int d) {
    return d < static_cast<int>(indices.size()) && indices[static_cast<std::size_t>(d)];
}

Plan plan_of(const Tensor& x, const std::vector<Tensor>& given) {
    std::vector<Tensor> indices = without_masks(x, given);
    const Dims shape = common_shape(indices);
    Plan plan;
    int first = -1, last = -1, indexed = 0;
    for (int d = 0; d < static_cast<int>(indices.size()); ++d) {
        if (!is_indexed(indices, d)) continue;
        if (first < 0) first = d;
        last = d;
        ++indexed;
    }
    const bool adjacent = indexed > 0 && last - first + 1 == indexed;
    for (int d = 0; d < x->dim(); ++d) {
        if (is_indexed(indices, d)) {
            if (x->sizes[d] > 0 || product(shape) == 0) continue;
            fail(ErrorKind::Index, "index is out of bounds for dimension with size 0");
        }
        const bool before = adjacent && d < first;
        (before ? plan.rows.before : plan.rows.after).push_back(x->sizes[d]);
        (before ? plan.rows.before_strides : plan.rows.after_strides).push_back(x->strides[d]);
    }
    plan.sizes = plan.rows.before;
    for (std::int64_t size : shape) plan.sizes.push_back(size);
    for (std::int64_t size : plan.rows.after) plan.sizes.push_back(size);
    plan.strides = result_strides(x, indices, plan, plan.rows.before.size(), shape.size());
    plan.shape = shape;
    plan.indices = std::move(indices);
    return plan;
}

/// The rows of x that the plan names, whose numbers are looked at now. Without elements, PyTorch takes any number.
Rows rows_of(Plan& plan, const Tensor& x) {
    plan.offsets.assign(static_cast<std::size_t>(product(plan.shape)), 0);
    const bool looks = product(plan.rows.before) > 0 && product(plan.rows.after) > 0;
    for (int d = 0; d < x->dim() && looks; ++d) {
        if (!is_indexed(plan.indices, d)) continue;
        add_offsets(plan.offsets, plan.indices[static_cast<std::size_t>(d)], plan.shape, x, d);
    }
    plan.rows.count = static_cast<std::int64_t>(plan.offsets.size());
    plan.rows.offsets = plan.offsets.data();
    return plan.rows;
}

void save_indices(Node& node, const std::vector<Tensor>& indices) {
    for (std::size_t i = 0; i < indices.size(); ++i) {
        if (indices[i]) save(node.saved[i], indices[i]);
    }
}

std::vector<Tensor> saved_indices(Node& node) {
    std::vector<Tensor> indices;
    for (int i = 0; i < node.saved_count; ++i) indices.push_back(unpack(node.saved[i], node));
    return indices;
}

struct IndexPut {
    static constexpr const char* node = "IndexPutBackward0";
    bool accumulate;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const std::vector<Tensor> indices = saved_indices(node);
        if (node.needs(0)) {
            const Tensor zero = accumulate ? Tensor() : full({}, Scalar(0), in[0]->dtype, in[0]->device);
            out[0] = accumulate ? in[0] : index_put(in[0], indices, zero, false);
        }
        if (node.needs(1)) out[1] = index(in[0], indices);
    }
};
struct IndexPutImpl : IndexPut {
    static constexpr const char* node = "IndexPutImplBackward0";
};

template <class P>
Tensor put_copy(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& value, bool accumulate);

struct Index {
    static constexpr const char* node = "IndexBackward0";
    Dims sizes;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor zeros = full(sizes, Scalar(0), in[0]->dtype, in[0]->device);
        out[0] = put_copy<IndexPutImpl>(zeros, saved_indices(node), in[0], true);
    }
};

/// Whether one element goes to where one mask holds, as masked_fill would write it: then it may have another dtype.
bool fills(const std::vector<Tensor>& indices, const Tensor& value) {
    int masks = 0, others = 0;
    for (const Tensor& index : indices) {
        if (index) ++(is_mask(index) ? masks : others);
    }
    return value->numel == 1 && masks == 1 && others == 0;
}

/// Indices where a level acts: masks, which must be the same for all examples, become integers.
std::vector<Tensor> unmasked_examples(const Tensor& x, const std::vector<Tensor>& indices) {
    std::vector<Tensor> out;
    for (const Tensor& index : indices) {
        check(!index || !is_mask(index) || !lifted(index),
              "vmap: x[mask] with a mask of its own for each example would give results of different sizes; "
              "write torch.where or masked_fill");
        if (!index || !is_mask(index)) {
            out.push_back(index);
            continue;
        }
        std::vector<Tensor> one(out.size());
        one.push_back(index);
        const std::vector<Tensor> plain = without_masks(x, one);
        out.insert(out.end(), plain.begin() + static_cast<std::ptrdiff_t>(out.size()), plain.end());
    }
    return out;
}

/// All examples of x and of its indices as one index expression, whose result `order` permutes so that examples come
/// first; and the rank of one example's result.
struct AllExamples {
    Tensor x;
    std::vector<Tensor> indices;
    Dims order;
    int rank;

    /// `first`: the operand at which the indices begin.
    AllExamples(const Held& held, std::size_t first) {
        int shape = 0, at = -1, last = -1, count = 0;
        bool own = false;
        for (std::size_t i = first; i < held.values.size(); ++i) {
            if (!held.values[i]) continue;
            own |= held.own[i];
            shape = std::max(shape, held.values[i]->dim() - (held.own[i] ? 1 : 0));
            last = static_cast<int>(i - first);
            if (at < 0) at = last;
            ++count;
        }
        const bool adjacent = last - at + 1 == count, pairs = own && held.own[0];
        x = held.values[0];
        if (held.own[0]) indices.push_back(pairs ? numbers(held.examples, shape) : Tensor());
        for (std::size_t i = first; i < held.values.size(); ++i) {
            indices.push_back(held.own[i] ? with_rank(held.values[i], shape) : held.values[i]);
        }
        rank = x->dim() - (held.own[0] ? 1 : 0) - count + shape;
        order_examples(adjacent ? at : 0, adjacent, shape, own, pairs);
    }

    /// Where the result has its examples, and the indices' dimensions, and those before them.
    void order_examples(int before, bool adjacent, int shape, bool own, bool pairs) {
        const bool shifted = pairs && adjacent && before > 0;  // The pair's first index parts them.
        const int examples = pairs ? 0 : own ? before : adjacent ? 0 : shape;
        order = {examples};
        for (int d = 0; d <= rank; ++d) {
            if (d != examples) order.push_back(d);
        }
        if (shifted)
            std::rotate(order.begin() + 1, order.begin() + 1 + shape, order.begin() + 1 + shape + before);
    }
    static Tensor numbers(std::int64_t count, int rank) {
        const Tensor out = full({count}, Scalar(0), DType::Int64);
        std::int64_t* at = mutable_data<std::int64_t>(*out);
        for (std::int64_t i = 0; i < count; ++i) at[i] = i;
        Dims sizes = {count};
        for (int d = 0; d < rank; ++d) sizes.push_back(1);
        return reshape(out, sizes);
    }
    /// A value for all examples, in the order of the expression's own result.
    Tensor placed(const Tensor& value) const {
        Dims back(order.size());
        for (int d = 0; d < order.size(); ++d) back[static_cast<int>(order[d])] = d;
        return permute(value, back);
    }
};

LevelWrite put_rule(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& value,
                    bool accumulate) {
    std::vector<Tensor> operands = {x, to_dtype(value, x->dtype)};
    for (const Tensor& index : unmasked_examples(x, indices)) operands.push_back(index);
    return {std::move(operands), 2,
            [=](const std::vector<Tensor>& held) {
                index_put_(held[0], {held.begin() + 2, held.end()}, held[1], accumulate);
            },
            [=](const Held& held) {
                const AllExamples all(held, 2);
                index_put_(all.x, all.indices, all.placed(held.whole(1, all.rank)), accumulate);
            }};
}

void check_value_dtype(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& value) {
    if (fills(indices, value)) return check_number(item(*value), x->dtype);
    check(x->dtype == value->dtype, "Index put requires the source and destination dtypes match, got ",
          facts(x->dtype).legacy_name, " for the destination and ", facts(value->dtype).legacy_name,
          " for the source.");
}

void put_value(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& given, bool accumulate) {
    std::vector<Tensor> own = indices;
    for (Tensor& index : own) {
        if (index) index = apart(index, x);
    }
    Plan plan = plan_of(x, own);
    bool fits = given->dim() <= plan.sizes.size();
    for (int back = 1; fits && back <= given->dim(); ++back) {
        const std::int64_t size = given->sizes[given->dim() - back];
        fits = size == 1 || size == plan.sizes[plan.sizes.size() - back];
    }
    check(fits, "shape mismatch: value tensor of shape ", given->sizes,
          " cannot be broadcast to indexing result of shape ", plan.sizes);
    check_value_dtype(x, accumulate ? std::vector<Tensor>() : indices, given);
    const Tensor value = converted(apart(given, x), x->dtype);
    const Tensor spread = row_major(tensor_of(
        value->storage, plan.sizes, expanded_strides(*value, plan.sizes), value->offset, value->dtype));
    const Rows rows = rows_of(plan, x);
    const char* from = data(*spread);
    char* to = mutable_data(*x);
    put_rows(x->dtype, accumulate ? Placement::Add : Placement::Write, to, from, rows);
}

template <class P>
Tensor put_copy(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& value, bool accumulate) {
    check_devices("index_put_", {&x, &value});
    P payload;
    payload.accumulate = accumulate;
    return write_copy(
        x, {&x, &value}, payload, static_cast<int>(indices.size()),
        [&](const Tensor& out) { put_value(out, indices, value, accumulate); },
        [&](Node& node) { save_indices(node, indices); }, Order::Preserved,
        [&] { return put_rule(x, indices, value, accumulate); });
}

}  // namespace

Tensor nonzero(const Tensor& x) {
    check(on_cpu(x), "nonzero: its result's size depends on values, which a meta tensor has not");
    const Tensor dense = row_major(converted(x, DType::Bool));
    const bool* values = data<bool>(*dense);
    const std::int64_t count = std::count(values, values + dense->numel, true);
    const Dims strides = {1, count};  // As PyTorch has it: each column lies together.
    const Tensor out = marked(empty({count, x->dim()}, DType::Int64, x->device, &strides));
    std::int64_t* to = mutable_data<std::int64_t>(*out);
    for (std::int64_t i = 0; i < dense->numel; ++i) {
        if (!values[i]) continue;
        std::int64_t rest = i;
        for (int d = x->dim() - 1; d >= 0; --d) {
            to[d * count] = rest % x->sizes[d];
            rest /= x->sizes[d];
        }
        ++to;
    }
    return out;
}

namespace {

Tensor indexed(const Tensor& x, const std::vector<Tensor>& indices) {
    Plan plan = plan_of(x, indices);
    const Tensor out = fresh(plan.sizes, x->dtype, x->device);
    if (on_cpu(x)) take_rows(mutable_data(*out), data(*x), size_of(x->dtype), rows_of(plan, x));
    if (plan.strides == out->strides) return out;
    const Tensor ordered = marked(empty(plan.sizes, x->dtype, x->device, &plan.strides));
    if (on_cpu(x)) write(ordered, out);
    return ordered;
}

/// The deepest wrapper among x, the indices and a value.
int deepest_of(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& value = {}) {
    if (!modes.has(kLevels)) return 0;
    int found = deepest({&x, &value});
    for (const Tensor& index : indices) found = std::max(found, deepest({&index}));
    return found;
}

Tensor index_at_level(int wrapped, const Tensor& x, const std::vector<Tensor>& indices) {
    std::vector<Tensor> operands = {x};
    for (const Tensor& index : unmasked_examples(x, indices)) operands.push_back(index);
    return linear_together(
        wrapped, std::move(operands), 1,
        [](const std::vector<Tensor>& held) { return index(held[0], {held.begin() + 1, held.end()}); },
        [](const Held& held) {
            const AllExamples all(held, 1);
            return permute(index(all.x, all.indices), all.order);
        });
}

}  // namespace

Tensor index(const Tensor& x, const std::vector<Tensor>& indices) {
    const int wrapped = deepest_of(x, indices);
    const Tensor out = wrapped ? index_at_level(wrapped, x, indices) : indexed(x, indices);
    if (needs_record({&x}) && (!wrapped || is_tracked_above(x, wrapped)))
        save_indices(*record(out, {&x}, Index{x->sizes}, static_cast<int>(indices.size())), indices);
    return out;
}

Tensor index_put(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& value, bool accumulate) {
    return put_copy<IndexPut>(x, indices, value, accumulate);
}

void index_put_(const Tensor& x, const std::vector<Tensor>& indices, const Tensor& value, bool accumulate) {
    check_devices("index_put_", {&x, &value});
    write_inplace(
        x, {&x, &value}, IndexPut{accumulate}, static_cast<int>(indices.size()),
        [&](const Tensor& out) { put_value(out, indices, value, accumulate); },
        [&](Node& node) { save_indices(node, indices); },
        [&] { return put_rule(x, indices, value, accumulate); });
}

namespace {

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&index>("_index", "input, indices",
                          "input[indices] with an integer tensor, a mask or nothing for each dimension; "
                          "IndexError when one is "
                          "out of range. Derivative: g is added to where its elements came from.",
                          Offered::Function),
        operation<&index_put>(
            "index_put", "input, indices, values, accumulate=False",
            "The input with input[indices] replaced by values, or increased if accumulate; values broadcast "
            "and have the input's dtype. Derivatives: g, with zeros where it was replaced, and g[indices]."),
        operation<&index_put_>("index_put_", "input, indices, values, accumulate=False",
                               "index_put in place.", Offered::Method),
    });
const Offer without_rule({
    operation<&nonzero>(
        "_nonzero", "input",
        "The (count, rank) int64 coordinates of the elements that are not zero, in row-major order; not "
        "differentiable.",
        Offered::Function),
});

}  // namespace
}  // namespace tapeless
