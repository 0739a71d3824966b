// Slices along one dimension that a vector names: read, added to, replaced, filled.
#include <algorithm>

#include "kernels/indexing.h"
#include "ops/indexing.h"
#include "ops/operation.h"
#include "ops/written.h"

namespace tapeless {
namespace {

Dims part(const Dims& dims, int first, int last) { return Dims(dims.data() + first, last - first); }

/// An integer index as row-major int64.
Tensor plain_index(const Tensor& index) { return row_major(converted(index, DType::Int64)); }

struct IndexSelect {
    static constexpr const char* node = "IndexSelectBackward0";
    Dims sizes;
    std::int64_t dim;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor zeros = full(sizes, Scalar(0), in[0]->dtype, in[0]->device);
        out[0] = index_add(zeros, dim, unpack(node.saved[0], node), in[0], Scalar(1));
    }
};

struct IndexAdd {
    static constexpr const char* node = "IndexAddBackward0";
    Dims source_sizes;
    std::int64_t dim;
    Scalar alpha;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = in[0];
        if (!node.needs(1)) return;
        const Tensor g = reshape(index_select(in[0], dim, unpack(node.saved[0], node)), source_sizes);
        out[1] = alpha.to<Complex<double>>() == Complex<double>{1, 0} ? g : apply(row("mul"), g, alpha);
    }
};

/// x's rows along dim at the indices; a number is a vector of one.
struct Slices {
    Rows rows;
    std::vector<std::int64_t> offsets;

    Slices(const TensorBody& x, int dim, const Tensor& index) {
        const std::int64_t stride = x.dim() ? x.strides[dim] : 1;
        const std::int64_t* at = data<std::int64_t>(*index);
        offsets.resize(static_cast<std::size_t>(index->numel));
        for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] = at[i] * stride;
        if (x.dim()) {
            rows = {part(x.sizes, 0, dim),
                    part(x.strides, 0, dim),
                    part(x.sizes, dim + 1, x.dim()),
                    part(x.strides, dim + 1, x.dim()),
                    nullptr,
                    0};
        }
        rows.offsets = offsets.data();
        rows.count = index->numel;
    }
};

void check_slices(const Tensor& x, int dim, const Tensor& index) {
    const std::int64_t size = x->dim() ? x->sizes[dim] : 1;
    if (first_outside(data<std::int64_t>(*index), index->numel, 0, size) >= 0) {
        fail(ErrorKind::Index, "index out of range in self");
    }
}

void check_vector(const char* name, const Tensor& index) {
    if (index->dim() <= 1) return;
    fail(ErrorKind::Index, name, "(): Index is supposed to be a vector, but got dim: ", index->dim(),
         " with type: ", facts(index->dtype).legacy_name, " and size: ", to_string(index->sizes));
}

}  // namespace

void put_slices(const Tensor& x, int dim, const Tensor& index, const Tensor& given, Placement store) {
    const Tensor source = row_major(apart(given, x));
    const Tensor plain = plain_index(apart(index, x));
    const Slices slices(*x, dim, plain);
    const char* from = data(*source);
    put_rows(x->dtype, store, mutable_data(*x), from, slices.rows);
}

int check_slices_write(const char* name, const Tensor& x, std::int64_t given, const Tensor& index,
                       const Tensor& source) {
    const int dim = wrap_dim(given, x->dim());
    check_vector(name, index);
    check(index->dtype == DType::Int32 || index->dtype == DType::Int64, name,
          "(): Expected dtype int32/int64 for index but got: ", facts(index->dtype).legacy_name);
    check(x->dtype == source->dtype, name, "(): self (", facts(x->dtype).legacy_name, ") and source (",
          facts(source->dtype).legacy_name, ") must have the same scalar type");
    check(source->dim() == 0 || dim < source->dim(), name, "(): Indexing dim ", dim,
          " is out of bounds of the source tensor with dim ", source->dim());
    if (source->dim() == 0 && index->numel != 1) {
        fail(ErrorKind::Index, "Dimension specified as 0 but tensor has no dimensions");
    }
    const std::int64_t slices = source->dim() ? source->sizes[dim] : 1;
    check(index->numel == slices, name, "(): Number of indices (", index->numel,
          ") should be equal to source.size(dim): (", slices, "), for dim: ", dim);
    bool same = x->dim() == source->dim();
    for (int d = 0; same && d < x->dim(); ++d) same = d == dim || x->sizes[d] == source->sizes[d];
    check(same,
          "source tensor shape must match self tensor shape, excluding the specified dimension. Got "
          "self.shape = ",
          x->sizes, " source.shape = ", source->sizes);
    check_devices(name, {&x, &index, &source});
    if (on_cpu(x) && !lifted(index)) check_slices(x, dim, plain_index(index));
    return dim;
}

namespace {

Tensor selected(const Tensor& x, int dim, const Tensor& index) {
    Dims sizes = x->sizes;
    if (x->dim()) sizes[dim] = index->numel;
    const Tensor out = fresh(sizes, x->dtype, x->device);
    if (!on_cpu(x)) return out;
    const Tensor plain = plain_index(index);
    check_slices(x, dim, plain);
    take_rows(mutable_data(*out), data(*x), size_of(x->dtype), Slices(*x, dim, plain).rows);
    return out;
}

/// 0, 1, ... as a column.
Tensor column_of_numbers(std::int64_t count) {
    const Tensor out = full({count, 1}, Scalar(0), DType::Int64);
    std::int64_t* at = mutable_data<std::int64_t>(*out);
    for (std::int64_t i = 0; i < count; ++i) at[i] = i;
    return out;
}

/// All examples with the indexed dimension behind the first, and the pair of indices that names each example's slices.
struct EachItsSlices {
    Tensor x;
    std::vector<Tensor> indices;
    EachItsSlices(const Held& held, int dim, std::size_t index)
        : x(moved(held.whole(0, 1), dim + 1, 1)),
          indices({column_of_numbers(held.examples), held.whole(index, 1)}) {}

    static Tensor moved(const Tensor& x, int from, int to) {
        Dims order;
        for (int d = 0; d < x->dim(); ++d) order.push_back(d);
        order.erase(from);
        order.insert(to, from);
        return permute(x, order);
    }
};

Tensor select_at_level(int wrapped, const Tensor& x, int dim, const Tensor& index) {
    return linear_together(
        wrapped, {x, index}, 1,
        [&](const std::vector<Tensor>& held) { return index_select(held[0], dim, held[1]); },
        [&](const Held& held) {
            Tensor all;
            if (!held.own[1]) {
                all = index_select(held.whole(0, 1), dim + 1, held.values[1]);
            } else {
                const EachItsSlices each(held, dim, 1);
                all = EachItsSlices::moved(tapeless::index(each.x, each.indices), 1, dim + 1);
            }
            return x->dim() ? all : reshape(all, {held.examples});
        });
}

/// A write of slices where a level acts; `same` is the operation in place, which adds if `accumulate`.
LevelWrite slices_rule(const Tensor& x, int dim, const Tensor& index, const Tensor& source, bool accumulate,
                       std::function<void(const Tensor&, std::int64_t, const Tensor&, const Tensor&)> same) {
    return {{x, source, index},
            2,
            [=](const std::vector<Tensor>& held) { same(held[0], dim, held[2], held[1]); },
            [=](const Held& held) {
                if (!held.own[2]) return same(held.whole(0, 1), dim + 1, held.values[2], held.whole(1, 1));
                const EachItsSlices each(held, dim, 2);
                index_put_(each.x, each.indices, EachItsSlices::moved(held.whole(1, 1), dim + 1, 1),
                           accumulate);
            }};
}

}  // namespace

Tensor index_select(const Tensor& x, std::int64_t given, const Tensor& index) {
    const int dim = wrap_dim(given, x->dim());
    if (index->dim() > 1) fail(ErrorKind::Index, "index_select(): Index is supposed to be a vector");
    check(index->dtype == DType::Int32 || index->dtype == DType::Int64,
          "index_select(): Expected dtype int32 or int64 for index");
    check(x->dim() > 0 || index->numel == 1, "index_select(): Index to scalar can have only 1 value, got ",
          index->numel, " value(s)");
    check_devices("index_select", {&x, &index});
    const int wrapped = deepest({&x, &index});
    const Tensor out = wrapped ? select_at_level(wrapped, x, dim, index) : selected(x, dim, index);
    if (needs_record({&x, &index})) save(record(out, {&x}, IndexSelect{x->sizes, dim}, 1)->saved[0], index);
    return out;
}

namespace {

void add_slices(const Tensor& x, int dim, const Tensor& index, const Tensor& given, const Scalar& alpha) {
    Tensor source = given;
    if (!(alpha.to<Complex<double>>() == Complex<double>{1, 0})) {
        const Scalar factor = is_integral(x->dtype) ? Scalar(alpha.to<std::int64_t>()) : alpha;
        const Argument arguments[] = {Argument(source), Argument(factor)};
        source = compute({&row("mul").forward, compute_type(x->dtype), x->dtype}, arguments, 2);
    }
    put_slices(x, dim, index, source, Placement::Add);
}

}  // namespace

namespace {

LevelWrite add_rule(const Tensor& x, int dim, const Tensor& index, const Tensor& source,
                    const Scalar& alpha) {
    const bool plain = alpha.to<Complex<double>>() == Complex<double>{1, 0};
    const Tensor scaled = plain ? source : to_dtype(apply(row("mul"), source, alpha), x->dtype);
    return slices_rule(x, dim, index, scaled, true,
                       [](const Tensor& out, std::int64_t d, const Tensor& at, const Tensor& from) {
                           index_add_(out, d, at, from, Scalar(1));
                       });
}

}  // namespace

Tensor index_add(const Tensor& x, std::int64_t given, const Tensor& index, const Tensor& source,
                 const Scalar& alpha) {
    const int dim = check_slices_write("index_add_", x, given, index, source);
    return write_copy(
        x, {&x, &source}, IndexAdd{source->sizes, dim, alpha}, 1,
        [&](const Tensor& out) { add_slices(out, dim, index, source, alpha); },
        [&](Node& node) {
            if (node.needs(1)) save(node.saved[0], index);
        },
        Order::RowMajor, [&] { return add_rule(x, dim, index, source, alpha); });
}

void index_add_(const Tensor& x, std::int64_t given, const Tensor& index, const Tensor& source,
                const Scalar& alpha) {
    const int dim = check_slices_write("index_add_", x, given, index, source);
    write_inplace(
        x, {&x, &source}, IndexAdd{source->sizes, dim, alpha}, 1,
        [&](const Tensor& out) { add_slices(out, dim, index, source, alpha); },
        [&](Node& node) {
            if (node.needs(1)) save(node.saved[0], index);
        },
        [&] { return add_rule(x, dim, index, source, alpha); });
}

namespace {

std::string slice_shape(const Dims& sizes, int dim) {
    Dims shape = sizes;
    if (!shape.empty()) shape.erase(dim);
    std::string text;
    for (std::int64_t size : shape) text += (text.empty() ? "" : " ") + std::to_string(size);
    return text;
}

/// Refuses what index_copy refuses, in its words; returns the dimension.
int check_index_copy(const Tensor& x, std::int64_t given, const Tensor& index, const Tensor& source) {
    const int dim = wrap_dim(given, x->dim());
    auto refuse = [](auto&&... words) { fail(ErrorKind::Index, "index_copy_(): ", words...); };
    if (index->dim() > 1) refuse("Index should have dimension 1 or 0 (got ", index->dim(), ")");
    if (source->dim() == 0 && index->numel != 1) {
        refuse("When source is scalar, index should have one element (got ", index->numel, ")");
    }
    if (source->dim() != x->dim() && source->dim() != 0 && x->dim() != 0) {
        refuse(
            "When source and destination are not scalars, their dimensionality must match. Source "
            "dimensionality (",
            source->dim(), "), destination dimensionality (", x->dim(), ")");
    }
    check(index->dtype == DType::Int64, "index_copy_(): Expected a long tensor for index, but got ",
          facts(index->dtype).legacy_name);
    check(x->dtype == source->dtype,
          "index_copy_(): self and source expected to have the same dtype, but got (self) ",
          facts(x->dtype).legacy_name, " and (source) ", facts(source->dtype).legacy_name);
    check_devices("index_copy_", {&x, &index, &source});
    const std::string own = slice_shape(x->sizes, dim), others = slice_shape(source->sizes, dim);
    check(own == others,
          "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: ",
          own, " at dimension ", dim, " and source slice shape: ", others, " at dimension ", dim, ".");
    if (source->dim() && index->numel != source->sizes[dim]) {
        refuse("Number of indices (", index->numel, ") should be equal to source.size(dim) (",
               source->sizes[dim], ")");
    }
    if (!on_cpu(x) || lifted(index)) return dim;
    const Tensor plain = plain_index(index);
    const std::int64_t size = x->dim() ? x->sizes[dim] : 1, *at = data<std::int64_t>(*plain);
    const std::int64_t bad = first_outside(at, plain->numel, 0, size);
    if (bad >= 0) refuse("index ", at[bad], " is out of bounds for dimension ", dim, " with size ", size);
    return dim;
}

struct IndexCopy {
    static constexpr const char* node = "IndexCopyBackward0";
    static constexpr const char* const saved_names[] = {"index"};
    Dims source_sizes;
    std::int64_t dim;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor index = unpack(node.saved[0], node);
        if (node.needs(0)) out[0] = index_fill(in[0], dim, index, Scalar(0));
        if (node.needs(1)) out[1] = reshape(index_select(in[0], dim, index), source_sizes);
    }
};

struct IndexFill {
    static constexpr const char* node = "IndexFillBackward0";
    static constexpr const char* const saved_names[] = {"index"};
    std::int64_t dim;
    DType value_dtype;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor index = unpack(node.saved[0], node);
        if (node.needs(0)) out[0] = index_fill(in[0], dim, index, Scalar(0));
        if (node.edge_count < 2 || !node.needs(1)) return;
        // Each filled slice once, however often the index names it.
        const Dims sizes = {in[0]->dim() ? in[0]->sizes[static_cast<int>(dim)] : 1};
        const Tensor filled =
            index_fill(full(sizes, Scalar(false), DType::Bool, in[0]->device), 0, index, Scalar(true));
        const Tensor slices = index_select(in[0], dim, reshape(nonzero(filled), {-1}));
        out[1] = to_dtype(sum(slices, {}, false), value_dtype);
    }
};
struct IndexFillWith : IndexFill {
    static constexpr const char* node = "IndexFillBackward1";
};

int check_index_fill(const Tensor& x, std::int64_t given, const Tensor& index, const TensorOrNumber& value) {
    const int dim = wrap_dim(given, x->dim());
    if (index->dtype != DType::Int64) {
        fail(ErrorKind::Index, "index_fill_(): Expected dtype int64 for index.");
    }
    check(index->dim() <= 1, "Index has to be a vector/scalar");
    const Tensor* element = std::get_if<Tensor>(&value);
    check(!element || (*element)->dim() == 0,
          "index_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
          element ? (*element)->dim() : 0, " dimension(s).");
    const bool complex_value =
        element ? is_complex((*element)->dtype) : std::get<Scalar>(value).category() == Category::Complex;
    check(!complex_value || is_complex(x->dtype),
          "index_fill_(): Converting complex Scalar to non-complex type is not supported");
    check_devices("index_fill_", {&x, &index});
    return dim;
}

/// The index counted from the start, all of it within x's size along dim.
Tensor wrapped_index(const Tensor& x, int dim, const Tensor& index) {
    const Tensor plain = dense_copy(index, true);
    const std::int64_t size = x->dim() ? x->sizes[dim] : 1;
    std::int64_t* at = mutable_data<std::int64_t>(*plain);
    const std::int64_t bad = first_outside(at, plain->numel, -size, size);
    if (bad >= 0) {
        fail(ErrorKind::Index, "index ", at[bad], " is out of bounds for dimension ", dim, " with size ",
             size);
    }
    for (std::int64_t i = 0; i < plain->numel; ++i) at[i] += at[i] < 0 ? size : 0;
    return plain;
}

void fill_slices(const Tensor& x, int dim, const Tensor& index, const TensorOrNumber& value) {
    const Tensor plain = wrapped_index(x, dim, index);
    const Tensor* tensor = std::get_if<Tensor>(&value);
    const Tensor element =
        tensor ? converted(*tensor, x->dtype) : scalar_tensor(std::get<Scalar>(value), x->dtype);
    Dims sizes = x->sizes;
    if (!sizes.empty()) sizes[dim] = plain->numel;
    put_slices(x, dim, plain,
               tensor_of(element->storage, sizes, Dims(sizes.size()), element->offset, x->dtype),
               Placement::Write);
}

/// Filling is copying one element to every slice.
LevelWrite fill_rule(const Tensor& x, int dim, const Tensor& index, const TensorOrNumber& value) {
    const Tensor* tensor = std::get_if<Tensor>(&value);
    const Tensor element =
        tensor ? to_dtype(*tensor, x->dtype) : scalar_tensor(std::get<Scalar>(value), x->dtype);
    Dims sizes = x->sizes;
    if (!sizes.empty()) sizes[dim] = index->numel;
    const Tensor from_start =
        apply(row("remainder"), reshape(index, {-1}), Scalar(x->dim() ? x->sizes[dim] : 1));
    return slices_rule(x, dim, from_start, expand(element, sizes), false, &index_copy_);
}

/// Calls f with the differentiable inputs of index_fill and the payload of its node.
template <class F>
auto with_fill_node(const Tensor& x, std::int64_t dim, const TensorOrNumber& value, F&& f) {
    if (const Tensor* element = std::get_if<Tensor>(&value)) {
        return f(std::initializer_list<const Tensor*>{&x, element}, IndexFillWith{{dim, (*element)->dtype}});
    }
    return f(std::initializer_list<const Tensor*>{&x}, IndexFill{dim, x->dtype});
}

Tensor index_fill_of(const Tensor& x, std::int64_t given, const Tensor& index, const TensorOrNumber& value) {
    const int dim = check_index_fill(x, given, index, value);
    return with_fill_node(x, dim, value, [&](auto inputs, auto payload) {
        return write_copy(
            x, inputs, payload, 1, [&](const Tensor& out) { fill_slices(out, dim, index, value); },
            [&](Node& node) { save(node.saved[0], index); }, Order::Preserved,
            [&] { return fill_rule(x, dim, index, value); });
    });
}

void index_fill_(const Tensor& x, std::int64_t given, const Tensor& index, const TensorOrNumber& value) {
    const int dim = check_index_fill(x, given, index, value);
    with_fill_node(x, dim, value, [&](auto inputs, auto payload) {
        write_inplace(
            x, inputs, payload, 1, [&](const Tensor& out) { fill_slices(out, dim, index, value); },
            [&](Node& node) { save(node.saved[0], index); }, [&] { return fill_rule(x, dim, index, value); });
    });
}

}  // namespace

Tensor index_fill(const Tensor& x, std::int64_t dim, const Tensor& index, const Scalar& value) {
    return index_fill_of(x, dim, index, value);
}

Tensor index_copy(const Tensor& x, std::int64_t given, const Tensor& index, const Tensor& source) {
    const int dim = check_index_copy(x, given, index, source);
    return write_copy(
        x, {&x, &source}, IndexCopy{source->sizes, dim}, 1,
        [&](const Tensor& out) { put_slices(out, dim, index, source, Placement::Write); },
        [&](Node& node) { save(node.saved[0], index); }, Order::RowMajor,
        [&] { return slices_rule(x, dim, index, source, false, &index_copy_); });
}

void index_copy_(const Tensor& x, std::int64_t given, const Tensor& index, const Tensor& source) {
    const int dim = check_index_copy(x, given, index, source);
    write_inplace(
        x, {&x, &source}, IndexCopy{source->sizes, dim}, 1,
        [&](const Tensor& out) { put_slices(out, dim, index, source, Placement::Write); },
        [&](Node& node) { save(node.saved[0], index); },
        [&] { return slices_rule(x, dim, index, source, false, &index_copy_); });
}

namespace {

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&index_select>(
            "index_select", "input, dim, index",
            "The slices along dim that a vector of int32 or int64 names, repeats allowed; IndexError when "
            "one is out of range. Derivative: each slice's gradient is added to where it came from.",
            Offered::Both, kOutExact | kOutApart),
        operation<&index_add>(
            "index_add", "input, dim, index, source, *, alpha=1",
            "The input with alpha times slice i of source added to its slice index[i]; both have one dtype. "
            "Derivatives: g, and alpha times the indexed slices of g."),
        operation<&index_add_>("index_add_", "input, dim, index, source, *, alpha=1", "index_add in place.",
                               Offered::Method),
        autocast(Autocast::Widest,
                 operation<&index_copy>(
                     "index_copy", "input, dim, index, source",
                     "The input with its slices index[i] along dim replaced by slice i of source, "
                     "of one dtype with it. "
                     "Derivatives: g with zeros there, and the indexed slices of g.")),
        operation<&index_copy_>("index_copy_", "input, dim, index, source", "index_copy in place.",
                                Offered::Method),
        operation<&index_fill_of>("index_fill", "input, dim, index, value",
                                  "The input with a number, or a tensor's only element, in the slices along "
                                  "dim that an int64 vector "
                                  "names; negative ones count from the end. Derivatives: g with zeros there, "
                                  "and the sum of g there."),
        operation<&index_fill_>("index_fill_", "input, dim, index, value", "index_fill in place.",
                                Offered::Method),
    });

}  // namespace
}  // namespace tapeless
