// gather and its reverse: an index of the result's shape says where each element lies along one dimension.
#include "kernels/indexing.h"
#include "ops/indexing.h"
#include "ops/operation.h"
#include "ops/written.h"

namespace tapeless {
namespace {

struct Gather {
    static constexpr const char* node = "GatherBackward0";
    Dims sizes;
    std::int64_t dim;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor zeros = full(sizes, Scalar(0), in[0]->dtype, in[0]->device);
        out[0] = scatter_add(zeros, dim, unpack(node.saved[0], node), in[0]);
    }
};

struct ScatterAdd {
    static constexpr const char* node = "ScatterAddBackward0";
    std::int64_t dim;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = in[0];
        if (node.needs(1)) out[1] = gather(in[0], dim, unpack(node.saved[0], node));
    }
};

struct ScatterSource {
    static constexpr const char* node = "ScatterBackward0";
    std::int64_t dim;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor index = unpack(node.saved[0], node);
        if (node.needs(0)) out[0] = scatter(in[0], dim, index, Scalar(0));
        if (node.needs(1)) out[1] = gather(in[0], dim, index);
    }
};

struct ScatterValue {
    static constexpr const char* node = "ScatterBackward1";
    std::int64_t dim;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (in[0]) out[0] = scatter(in[0], dim, unpack(node.saved[0], node), Scalar(0));
    }
};

/// Sizes or strides of a tensor where a number counts as a vector of one.
Dims at_least_1d(const Dims& dims) { return dims.empty() ? Dims{1} : dims; }

/// The index as row-major int64, all of it within x's size along dim.
Tensor checked_index(const Tensor& x, int dim, const Tensor& index) {
    const Tensor plain = row_major(converted(index, DType::Int64));
    const std::int64_t size = at_least_1d(x->sizes)[dim];
    const std::int64_t* at = data<std::int64_t>(*plain);
    const std::int64_t bad = first_outside(at, plain->numel, 0, size);
    check(bad < 0, "index ", bad < 0 ? 0 : at[bad], " is out of bounds for dimension ", dim, " with size ",
          size);
    return plain;
}

Along along_of(const Tensor& x, int dim, const Tensor& plain, const Dims& others) {
    return {at_least_1d(plain->sizes), dim, data<std::int64_t>(*plain), at_least_1d(x->strides),
            at_least_1d(others)};
}

bool is_index(const Tensor& index) { return index->dtype == DType::Int64 || index->dtype == DType::Int32; }

/// Whether `inner` is no larger than `outer`, dimension `skipped` apart.
bool within(const Dims& inner, const Dims& outer, int skipped) {
    const Dims x = at_least_1d(inner), y = at_least_1d(outer);
    for (int d = 0; d < x.size(); ++d) {
        if (d != skipped && x[d] > y[d]) return false;
    }
    return true;
}

}  // namespace

/// `source` may be null.
int check_scatter(const Tensor& x, std::int64_t given, const Tensor& index, const Tensor& source) {
    const int dim = wrap_dim(given, x->dim());
    check(is_index(index) || index->numel == 0, "scatter(): Expected dtype int32/int64 for index");
    check(!source || x->dtype == source->dtype, "scatter(): Expected self.dtype to be equal to src.dtype");
    check_devices("scatter", {&x, &index, &source});
    if (index->numel == 0) return dim;
    const int rank = std::max(index->dim(), 1);
    check(rank == std::max(x->dim(), 1),
          "Index tensor must have the same number of dimensions as self tensor");
    check(!source || rank == std::max(source->dim(), 1),
          "Index tensor must have the same number of dimensions as src tensor");
    const bool fits =
        within(index->sizes, x->sizes, dim) && (!source || within(index->sizes, source->sizes, -1));
    check(fits, "Expected index ", index->sizes, " to be no larger than self ", x->sizes,
          " apart from dimension ", dim, source ? " and to be no larger size than src " : "",
          source ? to_string(source->sizes) : "");
    if (on_cpu(x) && !lifted(index)) checked_index(x, dim, index);
    return dim;
}

void put_source(const Tensor& x, int dim, const Tensor& index, const Tensor& given, Placement store) {
    if (index->numel == 0) return;
    const Tensor source = apart(given, x);
    const Tensor plain = checked_index(x, dim, apart(index, x));
    const char* from = data(*source);
    put_along(x->dtype, store, mutable_data(*x), from, along_of(x, dim, plain, source->strides));
}

namespace {

/// One number for every element of the index.
void put_number(const Tensor& x, int dim, const Tensor& index, const Scalar& value,
                Placement store = Placement::Write) {
    check_number(value, x->dtype);
    const Tensor number = scalar_tensor(value, x->dtype);
    put_source(x, dim, index, tensor_of(number->storage, index->sizes, Dims(index->dim()), 0, x->dtype),
               store);
}

}  // namespace

namespace {

Tensor gathered(const Tensor& x, int dim, const Tensor& index) {
    const Tensor out = fresh(index->sizes, x->dtype, x->device);
    if (!on_cpu(x) || index->numel == 0) return out;
    const Tensor plain = checked_index(x, dim, index);
    take_along(mutable_data(*out), data(*x), size_of(x->dtype), along_of(x, dim, plain, out->strides));
    return out;
}

Tensor gather_at_level(int wrapped, const Tensor& x, int dim, const Tensor& index) {
    const int rank = std::max({x->dim(), index->dim(), 1});
    return linear_together(
        wrapped, {x, index}, 1,
        [&](const std::vector<Tensor>& held) { return gather(held[0], dim, held[1]); },
        [&](const Held& held) {
            const Tensor all = gather(held.whole(0, rank), dim + 1, held.whole(1, rank));
            return index->dim() == rank ? all : reshape(all, with_examples(all, index->sizes));
        });
}

}  // namespace

Tensor gather(const Tensor& x, std::int64_t given, const Tensor& index) {
    const int dim = wrap_dim(given, x->dim());
    check(is_index(index) || index->numel == 0, "gather(): Expected dtype int32/int64 for index");
    check_devices("gather", {&x, &index});
    if (index->numel > 0) {
        check(std::max(index->dim(), 1) == std::max(x->dim(), 1),
              "Index tensor must have the same number of dimensions as input tensor");
        const Dims have = at_least_1d(x->sizes), want = at_least_1d(index->sizes);
        for (int d = 0; d < have.size(); ++d) {
            check(d == dim || want[d] <= have[d], "Size does not match at dimension ", d, " expected index ",
                  index->sizes, " to be no larger than self ", x->sizes, " apart from dimension ", dim);
        }
    }
    const int wrapped = deepest({&x, &index});
    const Tensor out = wrapped ? gather_at_level(wrapped, x, dim, index) : gathered(x, dim, index);
    if (needs_record({&x, &index})) save(record(out, {&x}, Gather{x->sizes, dim}, 1)->saved[0], index);
    return out;
}

namespace {

using Placing = void (*)(const Tensor&, std::int64_t, const Tensor&, const Tensor&);
const Placing put_ = &scatter_;

/// Writes of one kind where a level acts; `write` is the operation in place.
LevelWrite scatter_rule(const Tensor& x, int dim, const Tensor& index, const Tensor& source, Placing write) {
    const int rank = std::max({x->dim(), index->dim(), 1});
    return {{x, source, index},
            2,
            [=](const std::vector<Tensor>& held) { write(held[0], dim, held[2], held[1]); },
            [=](const Held& held) {
                write(held.whole(0, rank), dim + 1, held.whole(2, rank), held.whole(1, rank));
            }};
}

template <class P>
Tensor scattered(const Tensor& x, std::int64_t given, const Tensor& index, const Tensor& source,
                 Placement store) {
    const int dim = check_scatter(x, given, index, source);
    return write_copy(
        x, {&x, &source}, P{dim}, 1, [&](const Tensor& out) { put_source(out, dim, index, source, store); },
        [&](Node& node) {
            if (node.needs(1) || store == Placement::Write) save(node.saved[0], index);
        },
        Order::RowMajor,
        [&] {
            return scatter_rule(x, dim, index, source,
                                store == Placement::Add ? Placing(&scatter_add_) : put_);
        });
}

template <class P>
void scatter_into(const Tensor& x, std::int64_t given, const Tensor& index, const Tensor& source,
                  Placement store) {
    const int dim = check_scatter(x, given, index, source);
    write_inplace(
        x, {&x, &source}, P{dim}, 1, [&](const Tensor& out) { put_source(out, dim, index, source, store); },
        [&](Node& node) {
            if (node.needs(1) || store == Placement::Write) save(node.saved[0], index);
        },
        [&] {
            return scatter_rule(x, dim, index, source,
                                store == Placement::Add ? Placing(&scatter_add_) : put_);
        });
}

}  // namespace

Tensor scatter_add(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
    return scattered<ScatterAdd>(x, dim, index, source, Placement::Add);
}

void scatter_add_(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
    scatter_into<ScatterAdd>(x, dim, index, source, Placement::Add);
}

Tensor scatter(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
    return scattered<ScatterSource>(x, dim, index, source, Placement::Write);
}

void scatter_(const Tensor& x, std::int64_t dim, const Tensor& index, const Tensor& source) {
    scatter_into<ScatterSource>(x, dim, index, source, Placement::Write);
}

namespace {

/// A number is a source whose tangent is 0.
LevelWrite number_rule(const Tensor& x, int dim, const Tensor& index, const Scalar& value) {
    check_number(value, x->dtype);
    return scatter_rule(x, dim, index, expand(scalar_tensor(value, x->dtype), index->sizes), put_);
}

}  // namespace

Tensor scatter(const Tensor& x, std::int64_t given, const Tensor& index, const Scalar& value) {
    const int dim = check_scatter(x, given, index, {});
    return write_copy(
        x, {&x}, ScatterValue{dim}, 1, [&](const Tensor& out) { put_number(out, dim, index, value); },
        [&](Node& node) { save(node.saved[0], index); }, Order::RowMajor,
        [&] { return number_rule(x, dim, index, value); });
}

void scatter_(const Tensor& x, std::int64_t given, const Tensor& index, const Scalar& value) {
    const int dim = check_scatter(x, given, index, {});
    write_inplace(
        x, {&x}, ScatterValue{dim}, 1, [&](const Tensor& out) { put_number(out, dim, index, value); },
        [&](Node& node) { save(node.saved[0], index); }, [&] { return number_rule(x, dim, index, value); });
}

namespace {

Tensor gather_of(const Tensor& x, std::int64_t dim, const Tensor& index, bool sparse_grad) {
    if (sparse_grad) {
        fail(ErrorKind::NotImplemented,
             "gather: sparse_grad=True asks for a sparse gradient, which there is not; leave it "
             "False for a dense one");
    }
    return gather(x, dim, index);
}
/// What `reduce` asks to be done with the elements written to.
Placement placement_of(const std::string& reduce) {
    if (reduce == "add") return Placement::Add;
    check(reduce == "multiply", "reduce argument must be either add or multiply.");
    return Placement::Multiply;
}

/// scatter with `reduce` has no derivative; scatter_add has.
void scatter_reduced_(const Tensor& x, std::int64_t given, const Tensor& index, const TensorOrNumber& source,
                      const std::string& reduce) {
    const Placement store = placement_of(reduce);
    check(!lifted(x) && !lifted(index), "scatter_: there is no batching rule with reduce; use scatter_add");
    const Tensor* tensor = std::get_if<Tensor>(&source);
    const int dim = check_scatter(x, given, index, tensor ? *tensor : Tensor());
    check(!needs_record({&x, tensor ? tensor : &x}),
          "the derivative for 'scatter' with reduce is not implemented; scatter_add has one");
    check_inplace(x, false);
    tensor ? put_source(x, dim, index, *tensor, store)
           : put_number(x, dim, index, std::get<Scalar>(source), store);
    note_write(x);
}

Tensor scatter_of(const Tensor& x, std::int64_t dim, const Tensor& index, const TensorOrNumber& source,
                  std::optional<std::string> reduce) {
    if (reduce) {
        const Tensor out = own_copy(x);
        check(!needs_record({&x}),
              "the derivative for 'scatter' with reduce is not implemented; scatter_add has one");
        scatter_reduced_(out, dim, index, source, *reduce);
        return out;
    }
    const Tensor* tensor = std::get_if<Tensor>(&source);
    return tensor ? scatter(x, dim, index, *tensor) : scatter(x, dim, index, std::get<Scalar>(source));
}

void scatter_of_(const Tensor& x, std::int64_t dim, const Tensor& index, const TensorOrNumber& source,
                 std::optional<std::string> reduce) {
    if (reduce) return scatter_reduced_(x, dim, index, source, *reduce);
    const Tensor* tensor = std::get_if<Tensor>(&source);
    tensor ? scatter_(x, dim, index, *tensor) : scatter_(x, dim, index, std::get<Scalar>(source));
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&gather_of>(
            "gather", "input, dim, index, *, sparse_grad=False",
            "Of the index's shape: each element is the input's at the same place, its coordinate along dim "
            "replaced by the index's; RuntimeError when out of range. Derivative: scatter_add into zeros.",
            Offered::Both, kOutExact | kOutApart),
        operation<&scatter_add>(
            "scatter_add", "input, dim, index, src",
            "The input with each element of src added to where the index, of int32 or int64, says along "
            "dim; both have one dtype. Derivatives: g, and g gathered."),
        operation<&scatter_add_>("scatter_add_", "input, dim, index, src", "scatter_add in place.",
                                 Offered::Method),
        operation<&scatter_of>(
            "_scatter", "input, dim, index, src, *, reduce=None",
            "The input with each element of src, or one number, written to where the index "
            "says along dim; the last "
            "of several stays. Derivatives: g with zeros there, and g gathered.",
            Offered::Function),
        operation<&scatter_of_>("_scatter_", "input, dim, index, src, *, reduce=None", "scatter in place.",
                                Offered::Function),
    });

}  // namespace
}  // namespace tapeless
