// Applying a row: out of place and in place, with the checks, the recording and the writes that belong to each.
#include <cstring>

#include "base/faults.h"
#include "graph/record.h"
#include "kernels/program.h"
#include "ops/into.h"
#include "ops/row_node.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

struct Types {
    DType common, compute, result;
};

[[noreturn]] void fail_dtype(const Row& row, DType dtype) {
    const std::string name = row.facts.name;
    if (dtype == DType::Bool && (name == "sub" || name == "rsub")) {
        fail(ErrorKind::Runtime,
             "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
             "`logical_xor()` operator instead.");
    }
    if (dtype == DType::Bool && name == "neg") {
        fail(ErrorKind::Runtime,
             "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
             "invert a mask, use the `~` or `logical_not()` operator instead.");
    }
    if (is_complex(dtype) && (row.facts.keeps_integers || name == "sign")) {
        fail(name == "sign" ? ErrorKind::Runtime : ErrorKind::NotImplemented, name,
             " is not supported for complex inputs", name == "sign" ? "; unlike NumPy, use sgn" : "");
    }
    fail(ErrorKind::NotImplemented, "\"", name, "_cpu\" not implemented for '", facts(dtype).legacy_name,
         "'; convert the operands with .to(...) first");
}

Types types_of(const Row& row, const Argument* arguments) {
    const int first = row.facts.bool_operands ? 1 : 0;
    if (first && arguments[0].tensor) {
        const DType condition = (*arguments[0].tensor)->dtype;
        if (condition != DType::Bool && condition != DType::UInt8) {
            fail(ErrorKind::Runtime, row.facts.name,
                 " expected condition to be a boolean tensor, but got a tensor with dtype ",
                 facts(condition).legacy_name);
        }
    }
    bool same = true;
    const Tensor* lead = nullptr;
    for (int k = first; k < row.tensor_count(); ++k) {
        const Tensor* x = arguments[k].tensor;
        if (x && !lead) lead = x;
        same &= x ? (*x)->dtype == (*lead)->dtype && (*x)->wrapped_number == (*lead)->wrapped_number
                  : lead && arguments[k].number.category() <= category((*lead)->dtype);
    }
    Types types;
    types.common = same && lead && !(*lead)->wrapped_number
                       ? (*lead)->dtype
                       : result_type(arguments + first, row.tensor_count() - first);
    if (row.facts.check) row.facts.check(row, arguments, types.common);
    for (int k = row.tensor_count(); k < row.arity; ++k) {
        check(is_complex(types.common) || arguments[k].number.category() != Category::Complex,
              "value cannot be converted to type ", facts(types.common).name,
              " without overflow: ", row.facts.name, "'s ", operand_name(row, k),
              " is complex, and its tensors are not");
    }
    if (row.facts.promotion == Promotion::Float && is_integral(types.common)) types.common = default_dtype();
    if (row.facts.promotion == Promotion::Count && types.common == DType::Bool) types.common = DType::Int64;
    types.compute = compute_type(types.common);
    types.result = row.facts.result == Result::Bool   ? DType::Bool
                   : row.facts.result == Result::Real ? real_of(types.common)
                                                      : types.common;
    if (!((row.accepts >> static_cast<int>(types.common)) & 1)) fail_dtype(row, types.common);
    return types;
}

/// Integer division and integer powers can fail on their data: they fail at the call.
void check_data(const Row& row, const Argument& divisor, DType common) {
    if (!is_integral(common)) return;
    if (row.facts.promotion == Promotion::Common && !std::strcmp(row.facts.name, "pow")) {
        check(divisor.tensor || divisor.number.to<std::int64_t>() >= 0,
              "Integers to negative integer powers are not allowed.");
        return;
    }
    bool zero = false;
    if (divisor.tensor) {
        const Tensor& y = *divisor.tensor;
        if (y->numel == 0 || y->device.type != DeviceType::CPU) return;
        zero = contains_zero(y);
    } else {
        zero = divisor.number.is_zero();
    }
    check(!zero, "ZeroDivisionError: ", row.facts.name, ": an element of the integer divisor is 0; ",
          "divide floats, or mask the zeros first");
}

void check_devices(const Row& row, const Argument* arguments) {
    const TensorBody* first = nullptr;
    for (int k = 0; k < row.arity; ++k) {
        if (!arguments[k].tensor || (*arguments[k].tensor)->dim() == 0) continue;
        const TensorBody* x = arguments[k].tensor->get();
        if (!first) first = x;
        if (x->device.type == first->device.type) continue;
        check(x->device.type == first->device.type,
              "Expected all tensors to be on the same device, but found at least "
              "two devices, ",
              name(first->device.type), " and ", name(x->device.type), "! (", row.facts.name, ")");
    }
}

const NodeClass& class_for(const Row& row, const Argument* arguments, bool in_place) {
    if (in_place && row.facts.in_place_node) return row.in_place_node;
    if (!arguments[0].tensor && row.tensor_count() == 2) return row.left_number_node;
    bool all = row.tensor_count() > 1;  // Are all but the first that may be numbers?
    for (int k = 1; k < row.tensor_count(); ++k)
        all &= !arguments[k].tensor || ((row.facts.tensor_operands >> k) & 1);
    return all ? row.number_node : row.node;
}

Ref<Node> new_node(const Row& row, const Argument* arguments, DType common, int wrapped, bool in_place) {
    bool numbers = false;
    for (int k = 0; k < row.arity; ++k) numbers |= !arguments[k].tensor;
    const std::size_t room = numbers ? sizeof(Scalar) * static_cast<std::size_t>(row.arity) : 0;
    Ref<Node> made = make_node(class_for(row, arguments, in_place), row.arity, row.saved_slots, 1,
                               sizeof(RowPayload) + room);
    new (made->payload) RowPayload{common};
    for (int k = 0; k < row.arity; ++k) {
        if (arguments[k].tensor && asks_gradient(row, k)) {
            made->edges[k] = edge_above(*arguments[k].tensor, wrapped);
        }
    }
    if (row.facts.refused && made->edges[0].node) refuse_gradient(*made, row, *arguments[0].tensor);
    return made;
}

bool wants_record(const Row& row, const Argument* arguments, DType result, int wrapped) {
    if (!grad_enabled() || !row.differentiable || !is_differentiable(result)) return false;
    for (int k = 0; k < row.arity; ++k) {
        if (arguments[k].tensor && asks_gradient(row, k) && is_tracked_above(*arguments[k].tensor, wrapped)) {
            return true;
        }
    }
    return false;
}

}  // namespace

const Row& simplest(const Row& row, const Argument* arguments, DType common) {
    const Argument& last = arguments[row.arity - 1];
    if (!row.facts.simpler || last.tensor || !arguments[0].tensor) return row;
    const char* name = row.facts.simpler(last.number, common);
    return name ? tapeless::row(name) : row;
}

Tensor apply(const Row& row, const Argument* arguments) {
    const Types types = types_of(row, arguments);
    if (row.facts.identity_on_reals && !is_complex(types.common)) return *arguments[0].tensor;
    const int wrapped = deepest(arguments, row.arity);
    if (row.facts.data_errors && !wrapped) check_data(row, arguments[1], types.common);
    if (row.arity > 1) check_devices(row, arguments);
    Tensor out;
    if (wrapped) {
        out = apply_at_level(row, arguments, wrapped);
    } else if (row.facts.keeps_integers && is_integral(types.common)) {
        out = compute({nullptr, types.common, types.common}, arguments, 1);
    } else {
        const bool eager = row.facts.data_errors && is_integral(types.common);
        const Row& served = simplest(row, arguments, types.common);
        out = compute({&served.forward, types.compute, types.result, 0, eager}, arguments, served.arity);
    }
    if (modes.word) out->inference = modes.has(kInference);
    if (!wants_record(row, arguments, types.result, wrapped)) return out;
    const Ref<Node> made = new_node(row, arguments, types.common, wrapped, false);
    const std::uint8_t wanted = wanted_values(row, *made);
    save_operands(*made, row, arguments, wanted);
    set_history(out, made);
    if ((wanted >> row.arity) & 1) save(made->saved[row.arity], out, 0);
    return out;
}

namespace {

/// x as it is, of the graph that it is of now, for an operation that overwrites it; copied when x is written.
Tensor before_image(const Tensor& x) {
    const bool lost = planted(Fault::BeforeImageLost);
    const Tensor image = lost        ? alias(x)
                         : lifted(x) ? rewrapped(x, [](const Tensor& held) { return clone(held); })
                                     : lazy_copy(x);
    if (Node* node = grad_fn(x)) {
        object_hooks.track(image.get());
        image->grad_fn = Ref<Object>(node);
        image->output = x->output;
    }
    return image;
}

}  // namespace

void apply_inplace(const Row& row, const Argument* arguments) {
    const Tensor x = *arguments[0].tensor;
    const Types types = types_of(row, arguments);
    const int wrapped = deepest(arguments, row.arity);
    if (row.facts.data_errors && !wrapped) check_data(row, arguments[1], types.common);
    check(row.facts.result != Result::Real || !is_complex(x->dtype), "In-place ", row.facts.name,
          " is not supported for complex tensors.");
    check(can_cast(types.result, x->dtype), "result type ", facts(types.result).legacy_name,
          " can't be cast to the desired output type ", facts(x->dtype).legacy_name);
    const Layout layout = layout_of(arguments, row.arity);
    check(layout.sizes == x->sizes, "output with shape ", x->sizes, " doesn't match the broadcast shape ",
          layout.sizes);
    bool records = wants_record(row, arguments, x->dtype, wrapped);
    check_inplace(x, records);
    records = records &&
              wants_record(row, arguments, x->dtype, wrapped);  // Variable's default flag may have given way.
    Ref<Node> made;
    std::uint8_t wanted = 0;
    if (records) {
        made = new_node(row, arguments, types.common, wrapped, true);
        wanted = wanted_values(row, *made);
        const Tensor original = wanted & 1 ? before_image(x) : Tensor();
        save_operands(*made, row, arguments, wanted, &original);
    }
    if (wrapped) {
        apply_inplace_at_level(row, arguments, wrapped);
    } else if (!(row.facts.keeps_integers && is_integral(types.common))) {
        const bool eager = row.facts.data_errors && is_integral(types.common);
        const Row& served = simplest(row, arguments, types.common);
        compute_into({&served.forward, types.compute, types.result, 0, eager}, arguments, served.arity, x);
    }
    note_write(x);
    if (!records) return;
    if ((wanted >> row.arity) & 1) save(made->saved[row.arity], x, 0);
    rebase_history(x, made);
}

}  // namespace tapeless
