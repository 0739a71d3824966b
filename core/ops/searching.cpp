// searchsorted, bucketize and isin: where values stand in sorted rows, or whether they do.
#include "kernels/search.h"

#include "ops/fresh.h"
#include "ops/operation.h"
#include "ops/ordering.h"

namespace tapeless {
namespace {

const Tensor* tensor_in(const TensorOrNumber& value) { return std::get_if<Tensor>(&value); }
Argument argument_of(const TensorOrNumber& value) {
    const Tensor* x = tensor_in(value);
    return x ? Argument(*x) : Argument(std::get<Scalar>(value));
}

/// Row-major, in the dtype in which two operands are compared.
Tensor comparable(const TensorOrNumber& value, DType common) {
    const DType wide = compute_type(common);
    if (const Tensor* x = tensor_in(value)) return row_major(converted(*x, wide));
    return scalar_tensor(std::get<Scalar>(value), wide);
}

/// The side, from its two spellings.
bool is_right(bool right, const std::optional<std::string>& side) {
    if (!side) return right;
    check(*side == "left" || *side == "right",
          "torch.searchsorted(): side can only be 'left' or 'right' but got ", *side);
    check(!right || *side == "right",
          "torch.searchsorted(): side and right can't be set to opposites, got side of ", *side,
          " while right was True");
    return *side == "right";
}

void check_sorter(const Tensor& bounds, const Tensor& sorter) {
    check(sorter->sizes == bounds->sizes,
          "torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor ",
          bounds->sizes, "and got sorter tensor ", sorter->sizes);
    check(sorter->dtype == DType::Int64,
          "torch.searchsorted(): sorter must be a tensor of long dtype but got dtype ",
          facts(sorter->dtype).legacy_name);
    const std::int64_t *first = data<std::int64_t>(*sorter), *last = first + sorter->numel;
    const std::int64_t length = bounds->dim() ? bounds->sizes.back() : 1;
    const bool inside = std::all_of(first, last, [&](std::int64_t i) { return i >= 0 && i < length; });
    check(inside, "torch.searchsorted(): sorter index out of range: all must be in [0, ", length, ")");
}

void check_shapes(const Tensor& bounds, const Dims& sizes, std::int64_t numel) {
    check(bounds->dim() != 0,
          "torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension");
    check(!sizes.empty() || bounds->dim() == 1,
          "torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but "
          "we got "
          "boundaries tensor dim(",
          bounds->dim(), ") and input value's dim(0) numel(", numel, ")");
    bool fits = bounds->dim() == 1 || bounds->dim() == sizes.size();
    for (int d = 0; fits && bounds->dim() > 1 && d + 1 < bounds->dim(); ++d)
        fits = bounds->sizes[d] == sizes[d];
    check(fits,
          "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
          "boundaries "
          "tensor and input value tensor must match, but we got boundaries tensor ",
          bounds->sizes, " and input value tensor ", sizes);
}

Tensor searched(const Tensor& bounds, const TensorOrNumber& input, bool out_int32, bool right,
                const Tensor& sorter) {
    const Tensor* x = tensor_in(input);
    check_shapes(bounds, x ? (*x)->sizes : Dims(), x ? (*x)->numel : 1);
    const Argument pair[] = {Argument(bounds), argument_of(input)};
    const DType common = result_type(pair, 2), places = out_int32 ? DType::Int32 : DType::Int64;
    const Tensor values = comparable(input, common), rows = comparable(bounds, common);
    const Tensor out = fresh(values->sizes, places, bounds->device);
    if (out->numel == 0 || !on_cpu(out)) return out;
    check_ordered("searchsorted_out_cpu", rows, false);
    const std::int64_t length = bounds->sizes.back();
    Dims before = bounds->sizes;
    before.erase(before.size() - 1);
    search_rows(rows->dtype,
                {data<void>(*rows), sorter ? data<std::int64_t>(*sorter) : nullptr, product(before), length,
                 data<void>(*values), values->numel, right},
                places, mutable_data<void>(*out));
    return out;
}

Tensor searchsorted(const Tensor& bounds, const TensorOrNumber& input, bool out_int32, bool right,
                    std::optional<std::string> side, std::optional<Tensor> sorter) {
    const bool behind = is_right(right, side);
    const Tensor order = sorter ? row_major(*sorter) : Tensor();
    if (order) check_sorter(bounds, order);
    return searched(bounds, input, out_int32, behind, order);
}

Tensor bucketize(const TensorOrNumber& input, const Tensor& bounds, bool out_int32, bool right) {
    check(bounds->dim() == 1, "boundaries tensor must be 1 dimension, but got dim(", bounds->dim(), ")");
    return searched(bounds, input, out_int32, right, {});
}

void check_member_dtype(const TensorOrNumber& value) {
    const Tensor* x = tensor_in(value);
    if (!x) return;
    check((*x)->dtype != DType::Bool && !is_complex((*x)->dtype),
          "Unsupported input type encountered for isin(): ", facts((*x)->dtype).legacy_name,
          ": compare with == and any() instead");
}

Tensor isin(const TensorOrNumber& elements, const TensorOrNumber& tests, bool, bool invert) {
    if (!tensor_in(elements) && !tensor_in(tests)) {
        fail(ErrorKind::Type,
             "isin() received an invalid combination of arguments: two numbers; make one of them a tensor");
    }
    check_member_dtype(elements);
    check_member_dtype(tests);
    const Argument pair[] = {argument_of(elements), argument_of(tests)};
    const DType common = result_type(pair, 2);
    const Tensor values = comparable(elements, common), given = comparable(tests, common);
    const Tensor out = fresh(values->sizes, DType::Bool, values->device);
    if (out->numel == 0 || !on_cpu(out)) return out;
    const Tensor row =
        sorted_along(tensor_of(given->storage, {given->numel}, {1}, given->offset, given->dtype), 0, false)
            .values;
    occurs_in_row(row->dtype,
                  {data<void>(*row), nullptr, 1, row->numel, data<void>(*values), values->numel, false},
                  invert, mutable_data<bool>(*out));
    return out;
}

const Offer offer({
    operation<&searchsorted>(
        "searchsorted", "sorted_sequence, input, *, out_int32=False, right=False, side=None, sorter=None",
        "Where each value would be put into the sorted last dimension of sorted_sequence, in front of equal "
        "elements "
        "or, with right or side='right', behind them: int64, or int32. A one-dimensional sequence serves all "
        "values; "
        "`sorter` are the indices that sort it. No derivative.",
        Offered::Function, kOutExact),
    operation<&bucketize>(
        "bucketize", "input, boundaries, *, out_int32=False, right=False",
        "The bucket of each value between rising boundaries: how many of them are less than it, or "
        "with right=True at most equal to it. No derivative.",
        Offered::Function, kOutExact),
    operation<&isin>(
        "isin", "elements, test_elements, *, assume_unique=False, invert=False",
        "Whether each element equals one of test_elements, or with invert=True none; NaN equals nothing. "
        "One of the two may be a number. No derivative.",
        Offered::Function),
});

}  // namespace
}  // namespace tapeless
