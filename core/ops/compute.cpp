// A formula over tensors: promotion, broadcasting, PyTorch's output strides, and the choice between now and later.
#include <algorithm>
#include <cstring>

#include "base/faults.h"
#include "graph/modes.h"
#include "kernels/copy.h"
#include "kernels/program.h"
#include "ops/launch.h"
#include "ops/row.h"

namespace tapeless {

DType result_type(const Argument* arguments, int count) {
    // Three ranks: tensors with dimensions, 0-dimensional tensors, numbers. A lower rank matters only if its category
    // is higher than all of the ranks above.
    bool any[3] = {};
    DType type[3] = {};
    for (int k = 0; k < count; ++k) {
        const Tensor* x = arguments[k].tensor;
        const int rank = !x || (*x)->wrapped_number ? 2 : (*x)->dim() == 0 ? 1 : 0;
        DType dtype = x ? (*x)->dtype : arguments[k].number.dtype();
        if (x && (*x)->wrapped_number && is_floating(dtype)) dtype = default_dtype();
        type[rank] = any[rank] ? promote(type[rank], dtype) : dtype;
        any[rank] = true;
    }
    auto combine = [](bool any_high, DType high, bool any_low, DType low) {
        if (!any_low) return high;
        if (!any_high) return low;
        if (category(high) >= category(low)) return high;
        if (is_complex(low) && is_floating(high))
            return high == DType::Float64 ? DType::Complex128 : DType::Complex64;
        return category(low) > category(high) ? low : high;
    };
    const DType tensors = combine(any[0], type[0], any[1], type[1]);
    return combine(any[0] || any[1], tensors, any[2], type[2]);
}

namespace {

/// Sorts dimensions as PyTorch's iterator does, so that results get its strides: fastest dimension first.
Dims iteration_order(const Dims& sizes, const Tensor* const* tensors, int count) {
    const int rank = sizes.size();
    Dims order(rank);
    Dims strides[kMaxOperands];
    int used = 0;
    for (int k = 0; k < count; ++k) {
        if (tensors[k]) strides[used++] = expanded_strides(**tensors[k], sizes);
    }
    for (int d = 0; d < rank; ++d) order[d] = rank - 1 - d;
    auto compare = [&](std::int64_t a, std::int64_t b) {
        for (int k = 0; k < used; ++k) {
            const std::int64_t x = strides[k][static_cast<int>(a)], y = strides[k][static_cast<int>(b)];
            if (x == 0 || y == 0) continue;
            if (x != y) return x < y ? -1 : 1;
            if (sizes[static_cast<int>(a)] > sizes[static_cast<int>(b)]) return 1;
        }
        return 0;
    };
    for (int i = 1; i < rank; ++i) {
        int at = i;
        for (int j = i - 1; j >= 0; --j) {
            const int order_of = compare(order[j], order[at]);
            if (order_of < 0) break;
            if (order_of > 0) {
                std::swap(order[j], order[at]);
                at = j;
            }
        }
    }
    return order;
}

/// Strides that make `sizes` dense with order[0] the fastest dimension.
Dims dense_strides(const Dims& sizes, const Dims& order) {
    Dims strides(sizes.size());
    std::int64_t step = 1;
    for (std::int64_t d : order) {
        strides[static_cast<int>(d)] = step;
        step *= sizes[static_cast<int>(
            d)];  // Nothing, once a size is 0: PyTorch's answer, unless it is row-major.
    }
    return strides;
}

bool same_geometry(const TensorBody& x, const Dims& sizes, const Dims& strides) {
    if (!(x.sizes == sizes)) return false;
    for (int d = 0; d < sizes.size(); ++d) {
        if (sizes[d] != 1 && x.strides[d] != strides[d]) return false;
    }
    return true;
}

}  // namespace

Layout layout_of(const Argument* arguments, int count, std::uint8_t skipped) {
    const Tensor* tensors[kMaxOperands] = {};
    Layout layout;
    bool any = false, all_same = true, all_contiguous = true;
    const TensorBody* first = nullptr;
    for (int k = 0; k < count; ++k) {
        if (!arguments[k].tensor || (skipped >> k) & 1) continue;
        tensors[k] = arguments[k].tensor;
        const TensorBody& x = **tensors[k];
        if (!any) {
            layout.sizes = x.sizes;
            first = &x;
        } else if (!(layout.sizes == x.sizes)) {
            layout.sizes = broadcast(layout.sizes, x.sizes);
            all_same = false;
        }
        all_same &= x.strides == first->strides;
        all_contiguous &= x.contiguous;
        any = true;
    }
    if (any && all_same && (first->contiguous ? all_contiguous : is_dense(first->sizes, first->strides))) {
        layout.strides = first->contiguous ? contiguous_strides(layout.sizes) : first->strides;
        if (!first->contiguous) {
            for (int d = 0; d < layout.sizes.size(); ++d) layout.order.push_back(d);
            std::stable_sort(layout.order.begin(), layout.order.end(), [&](std::int64_t a, std::int64_t b) {
                return layout.strides[static_cast<int>(a)] < layout.strides[static_cast<int>(b)];
            });
        }
        return layout;
    }
    bool plain =
        true;  // Every operand of full size contiguous: so is the result, whatever is broadcast into it.
    for (int k = 0; k < count; ++k)
        plain &= !tensors[k] || ((*tensors[k])->contiguous && (*tensors[k])->sizes == layout.sizes);
    if (plain) {
        layout.strides = contiguous_strides(layout.sizes);
        return layout;
    }
    layout.order = iteration_order(layout.sizes, tensors, count);
    bool row_major = true;
    for (int d = 0; d < layout.order.size(); ++d) row_major &= layout.order[d] == layout.order.size() - 1 - d;
    layout.strides = row_major ? contiguous_strides(layout.sizes) : dense_strides(layout.sizes, layout.order);
    if (row_major) layout.order.resize(0);
    return layout;
}

namespace {

/// Sizes or strides in iteration order, slowest first.
Dims in_order(const Dims& dims, const Dims& order) {
    if (order.empty()) return dims;
    Dims out(dims.size());
    for (int d = 0; d < dims.size(); ++d) out[dims.size() - 1 - d] = dims[static_cast<int>(order[d])];
    return out;
}

void put_number(char* to, const Scalar& value, DType dtype) {
    visit(dtype, [&]<class T>(Type<T>) {
        const T element = value.to<T>();
        std::memcpy(to, &element, sizeof(T));
    });
}

void set_number(Operand& operand, const Scalar& value, DType dtype) {
    operand.kind = Operand::Kind::Number;
    operand.dtype = dtype;
    put_number(operand.number, value, dtype);
}

}  // namespace

void set_operand(Operand& operand, const Tensor& x, const Layout& layout, bool later) {
    operand.dtype = x->dtype;
    Storage& storage = *x->storage;
    refuse_unreadable(storage);
    const bool dense = same_geometry(*x, layout.sizes, layout.strides);
    if (storage.pending && later && dense && (covers_storage(*x) || planted(Fault::ViewAsWhole)) &&
        !storage.pending->result && storage.pending->dtype == x->dtype) {
        operand.kind = Operand::Kind::Value;
        operand.value = storage.pending;
        return;
    }
    operand.data = data(*x);
    if (later) operand.buffer = storage.buffer;
    if (x->numel == 1) {
        operand.kind = Operand::Kind::Number;
    } else if (dense) {
        operand.kind = Operand::Kind::Dense;
    } else {
        operand.kind = Operand::Kind::Strided;
        operand.strides = in_order(expanded_strides(*x, layout.sizes), layout.order);
    }
}

Dims space_of(const Layout& layout, Operand* operands, int count, Dims* extra) {
    Dims space = in_order(layout.sizes, layout.order);
    Dims* strides[kMaxOperands + 1];
    int strided = 0;
    for (int k = 0; k < count; ++k) {
        if (operands[k].kind == Operand::Kind::Strided) strides[strided++] = &operands[k].strides;
    }
    if (extra) {
        *extra = in_order(*extra, layout.order);
        strides[strided++] = extra;
    }
    if (strided) collapse(space, strides, strided);
    return space;
}

bool may_defer(std::int64_t numel, const Argument* arguments, int count, const Device& device) {
    if (!deferral.enabled || numel < deferral.least || numel == 0 || device.type != DeviceType::CPU)
        return false;
    // What may not fit in memory is allocated at the call, so that the error names the line that asked for it.
    constexpr std::int64_t kSurelyFits = std::int64_t{1} << 32;
    if (modes.has(kAnomaly) || numel > kSurelyFits) return false;
    for (int k = 0; k < count; ++k) {
        if (!arguments[k].tensor || !(*arguments[k].tensor)->storage->exposed) continue;
        if (!planted(Fault::ExposedDeferred)) return false;
    }
    return true;
}

namespace {

/// What the whole program of an expression will be like; past the bounds its operands are computed first.
bool within_bounds(Expression& expression) {
    int steps = 1;
    std::int64_t retained = 0;
    for (int k = 0; k < expression.arity; ++k) {
        const Operand& operand = expression.operands[k];
        if (operand.kind == Operand::Kind::Value) {
            steps += operand.value->steps;
            retained += operand.value->retained;
        } else if (operand.buffer) {
            retained += static_cast<std::int64_t>(operand.buffer->bytes);
        }
    }
    expression.steps = static_cast<std::uint16_t>(std::min(steps, 65535));
    expression.retained = retained;
    return steps <= kMostSteps;
}

}  // namespace

Shared<Expression> make_expression(const Computation& computation, const Operand* operands, int count,
                                   const Layout& layout, Dims space) {
    Shared<Expression> expression = Shared<Expression>::adopt(new_expression());
    expression->kernel = computation.kernel;
    expression->compute = computation.compute;
    expression->dtype = computation.result;
    expression->arity = static_cast<std::uint8_t>(count);
    expression->numel = product(layout.sizes);
    for (int k = 0; k < count; ++k) expression->operands[k] = operands[k];
    expression->space = std::move(space);
    if (!within_bounds(*expression)) {
        for (int k = 0; k < count; ++k) {
            Operand& operand = expression->operands[k];
            if (operand.kind == Operand::Kind::Value && operand.value->steps > 4) evaluate(*operand.value);
        }
        expression->steps = 1;
    }
    return expression;
}

namespace {

/// x with the dtype that the loop reads; conversions of large tensors wait as well.
Tensor readable_as(const Tensor& x, DType compute) {
    if (x->dtype == compute || (is_half(x->dtype) && compute == DType::Float32)) return x;
    const Argument argument(x);
    return tapeless::compute({nullptr, compute, compute}, &argument, 1);
}

}  // namespace

namespace {

DType wanted_type(const Computation& computation, int k) {
    return (computation.kernel->bool_operands >> k) & 1 ? DType::Bool : computation.compute;
}

/// What most calls on few elements are: numbers and row-major tensors of one shape and of the loop's dtypes.
struct Alike {
    const TensorBody* first = nullptr;
    Flat operands[kMaxOperands];
    alignas(16) char numbers[kMaxOperands][16];

    /// False if the operands need to be laid out, converted or put off.
    bool take(const Computation& computation, const Argument* arguments, int count);
    /// The loop runs over the bytes.
    Tensor run(const Computation& computation, int count) const;
};

bool Alike::take(const Computation& computation, const Argument* arguments, int count) {
    constexpr std::int64_t kFew = 8192;  // Up to here a launch takes one thread anyway.
    if (!computation.kernel || is_half(computation.result)) return false;
    for (int k = 0; k < count; ++k) {
        const DType dtype = wanted_type(computation, k);
        Flat& operand = operands[k];
        operand = {nullptr, static_cast<std::uint8_t>(size_of(dtype)), false};
        if ((computation.skipped >> k) & 1) continue;
        if (!arguments[k].tensor) {
            put_number(numbers[k], arguments[k].number, dtype);
            operand.data = numbers[k];
            operand.number = true;
            continue;
        }
        const TensorBody* x = arguments[k].tensor->get();
        if (!x->contiguous || x->dtype != dtype) return false;
        if (!first) {
            if (x->device.type != DeviceType::CPU || x->numel > kFew) return false;
            first = x;
        } else if (!(x->sizes == first->sizes)) {
            return false;
        }
        if (x->storage->pending) return false;
        operand.data = x->storage->buffer->data + x->offset * static_cast<std::int64_t>(operand.size);
    }
    return first && (computation.eager || !may_defer(first->numel, arguments, count, first->device));
}

Tensor Alike::run(const Computation& computation, int count) const {
    Tensor out = empty_beside(*first, computation.result);
    launch_flat(computation.kernel->loops[static_cast<int>(computation.compute)], operands, count,
                out->storage->buffer->data, size_of(computation.result), first->numel);
    return out;
}

[[gnu::noinline]] Tensor compute_laid_out(const Computation& computation, const Argument* arguments,
                                          int count) {
    Tensor converted[kMaxOperands];
    const Layout layout = layout_of(arguments, count, computation.skipped);
    const std::int64_t numel = product(layout.sizes);
    Device device;
    for (int k = 0; k < count; ++k) {
        if (arguments[k].tensor) device = (*arguments[k].tensor)->device;
    }
    if (device.type != DeviceType::CPU)
        return empty(layout.sizes, computation.result, device, &layout.strides);
    const bool later = !computation.eager && may_defer(numel, arguments, count, device);
    Operand operands[kMaxOperands];
    for (int k = 0; k < count; ++k) {
        if ((computation.skipped >> k) & 1) continue;
        const DType wanted = computation.kernel ? wanted_type(computation, k) : computation.compute;
        if (!arguments[k].tensor) {
            set_number(operands[k], arguments[k].number, wanted);
            continue;
        }
        converted[k] = *arguments[k].tensor;
        if (computation.kernel) converted[k] = readable_as(converted[k], wanted);
        set_operand(operands[k], converted[k], layout, later);
    }
    Dims space = space_of(layout, operands, count, nullptr);
    if (later) {
        Shared<Expression> expression =
            make_expression(computation, operands, count, layout, std::move(space));
        const std::size_t bytes = static_cast<std::size_t>(numel) * size_of(computation.result);
        return tensor_of(make_pending(std::move(expression), bytes), layout.sizes, layout.strides, 0,
                         computation.result);
    }
    Tensor out = empty(layout.sizes, computation.result, device, &layout.strides);
    launch({computation.kernel, computation.compute, computation.result, count, numel, operands, &space,
            out->storage->buffer->data});
    return out;
}

}  // namespace

Tensor compute(const Computation& computation, const Argument* arguments, int count) {
    Alike alike;
    if (alike.take(computation, arguments, count)) return alike.run(computation, count);
    return compute_laid_out(computation, arguments, count);
}

}  // namespace tapeless
