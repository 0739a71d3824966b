// Computation into existing tensors: fused when the whole storage is replaced, otherwise at once. Note [Deferral barriers].
#include "ops/into.h"

#include <algorithm>
#include <cstring>

#include "base/faults.h"
#include "kernels/copy.h"

namespace tapeless {
namespace {

Dims order_of(const Dims& sizes, const Dims& strides) {
    Dims order;
    for (int d = sizes.size() - 1; d >= 0; --d) order.push_back(d);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return strides[static_cast<int>(a)] < strides[static_cast<int>(b)];
    });
    return order;
}

bool overlaps(const TensorBody& x, const TensorBody& y) {
    if (x.storage.get() != y.storage.get() || x.numel == 0 || y.numel == 0) return false;
    const auto [a, b] = byte_range(x);
    const auto [c, d] = byte_range(y);
    return a < d && c < b;
}

bool same_view(const TensorBody& x, const TensorBody& y) {
    return x.offset == y.offset && x.sizes == y.sizes && x.strides == y.strides && x.dtype == y.dtype;
}

/// An operand that overlaps x without being x is read from a copy; two dense ones are refused as in PyTorch.
Tensor apart(const Tensor& operand, const Tensor& x) {
    if (!overlaps(*operand, *x) || same_view(*operand, *x)) return operand;
    if (planted(Fault::OverlapUnnoticed)) return operand;
    check_no_overlap(x, operand);
    return dense_copy(operand, false);
}

}  // namespace

void check_no_overlap(const Tensor& x, const Tensor& operand) {
    const bool plain = is_dense(x->sizes, x->strides) && is_dense(operand->sizes, operand->strides);
    check(!plain || !overlaps(*operand, *x) || same_view(*operand, *x),
          "unsupported operation: some elements of the input tensor and the written-to tensor refer to a "
          "single memory "
          "location. Please clone() the tensor before performing the operation.");
}

void compute_into(const Computation& computation, const Argument* arguments, int count, const Tensor& x) {
    if (x->device.type != DeviceType::CPU || x->numel == 0) return;
    if (computation.result != x->dtype) {
        write(x, compute(computation, arguments, count));
        return;
    }
    const bool whole = covers_storage(*x) && !x->storage->exposed;
    const bool dense = covers_storage(*x) || x->contiguous;
    // Without gaps: in x's own order. Otherwise row by row, and the result is scattered by x's strides.
    Layout layout{x->sizes, dense ? x->strides : contiguous_strides(x->sizes), {}};
    if (dense && !x->contiguous) layout.order = order_of(x->sizes, x->strides);
    const bool later = whole && !computation.eager && may_defer(x->numel, arguments, count, x->device);
    Tensor held[kMaxOperands];
    Operand operands[kMaxOperands];
    if (!whole && !planted(Fault::PartialDropsRest)) writable(*x->storage);
    if (!whole && planted(Fault::PartialDropsRest)) overwritable(*x->storage);
    for (int k = 0; k < count; ++k) {
        const bool condition = computation.kernel && (computation.kernel->bool_operands >> k) & 1;
        const DType wanted = condition ? DType::Bool : computation.compute;
        held[k] =
            arguments[k].tensor ? apart(*arguments[k].tensor, x) : scalar_tensor(arguments[k].number, wanted);
        const bool widened = is_half(held[k]->dtype) && wanted == DType::Float32;
        if (computation.kernel && held[k]->dtype != wanted && !widened) {
            const Argument operand(held[k]);
            held[k] = compute({nullptr, wanted, wanted}, &operand, 1);
        }
        set_operand(operands[k], held[k], layout, later);
        if (later && !arguments[k].tensor) {
            std::memcpy(operands[k].number, operands[k].data, size_of(operands[k].dtype));
            operands[k].data = nullptr;
            operands[k].buffer.reset();
        }
    }
    Dims strides = x->strides;
    Dims space = space_of(layout, operands, count, dense ? nullptr : &strides);
    if (later) {
        replace(*x->storage, make_expression(computation, operands, count, layout, std::move(space)));
        return;
    }
    const Shared<Buffer> old = x->storage->buffer;  // Operands may point into it. Null: x was pending.
    char* base = old && (!whole || old->refs == 2) ? old->data : overwritable(*x->storage);
    char* out = base + x->offset * static_cast<std::int64_t>(size_of(x->dtype));
    launch({computation.kernel, computation.compute, computation.result, count, x->numel, operands, &space,
            out, dense ? nullptr : &strides});
}

void write(const Tensor& x, const Tensor& source) {
    const Argument argument(source);
    compute_into({nullptr, x->dtype, x->dtype}, &argument, 1, x);
}

Tensor lazy_copy(const Tensor& x) {
    Tensor copy = alias(x);
    copy->inference = copy->data_alias = false;
    copy->storage = copy_on_write(*x->storage);
    return copy;
}

Tensor dense_copy(const Tensor& x, bool row_major) {
    const bool keeps = row_major ? x->contiguous : is_dense(x->sizes, x->strides);
    if (keeps && covers_storage(*x)) {
        Tensor copy = lazy_copy(x);
        if (row_major) copy->strides = contiguous_strides(copy->sizes);
        return copy;
    }
    Dims target = keeps && !row_major ? x->strides : contiguous_strides(x->sizes);
    if (!row_major && !keeps) {
        const Argument argument(x);
        target = layout_of(&argument, 1).strides;
    }
    Tensor copy = empty(x->sizes, x->dtype, x->device, &target);
    write(copy, x);
    return copy;
}

bool contains_zero(const Tensor& x) {
    const Tensor dense = x->contiguous ? x : dense_copy(x, true);
    return visit(dense->dtype, [&]<class T>(Type<T>) {
        const T* values = data<T>(*dense);
        if constexpr (std::is_integral_v<T>) {
            return std::find(values, values + dense->numel, T(0)) != values + dense->numel;
        } else {
            return false;
        }
    });
}

}  // namespace tapeless
