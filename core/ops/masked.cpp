// masked_fill: one value where a mask holds.
#include "ops/operation.h"
#include "ops/written.h"

namespace tapeless {
namespace {

Tensor masked_fill(const Tensor& x, const Tensor& mask, const TensorOrNumber& value);

/// The gradient without what was filled; a tensor's only element gets the sum of that.
struct MaskedFill {
    static constexpr const char* node = "MaskedFillBackward0";
    DType value_dtype;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor mask = unpack(node.saved[0], node);
        if (node.needs(0)) out[0] = masked_fill(in[0], mask, Scalar(0));
        if (node.edge_count < 2 || !node.needs(1)) return;
        const Tensor filled = apply(row("where"), mask, in[0], Scalar(0));
        out[1] = to_dtype(sum(filled, {}, false), value_dtype);
    }
};
struct MaskedFillWith : MaskedFill {
    static constexpr const char* node = "MaskedFillBackward1";
};

void check_operands(const Tensor& x, const Tensor& mask, const TensorOrNumber& value) {
    check(mask->dtype == DType::Bool, "masked_fill_ only supports boolean masks, but got mask with dtype ",
          facts(mask->dtype).legacy_name, "; write mask.bool()");
    check_devices("masked_fill", {&x, &mask});
    if (const Tensor* element = std::get_if<Tensor>(&value)) {
        check((*element)->dim() == 0,
              "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with ",
              (*element)->dim(), " dimension(s).");
        check(can_cast((*element)->dtype, x->dtype), "value cannot be converted to type ",
              facts(x->dtype).name, " without overflow");
        return;
    }
    check_number(std::get<Scalar>(value), x->dtype);
}

Argument argument_of(const TensorOrNumber& value) {
    if (const Tensor* element = std::get_if<Tensor>(&value)) return Argument(*element);
    return Argument(std::get<Scalar>(value));
}

/// Where a level acts, a choice: rows have rules.
Tensor chosen(const Tensor& x, const Tensor& mask, const TensorOrNumber& value) {
    const Argument arguments[] = {Argument(mask), argument_of(value), Argument(x)};
    return to_dtype(apply(row("where"), arguments), x->dtype);
}

bool at_level(const Tensor& x, const Tensor& mask, const TensorOrNumber& value) {
    const Tensor* element = std::get_if<Tensor>(&value);
    return modes.has(kLevels) && deepest({&x, &mask, element ? element : &x}) > 0;
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const TensorOrNumber& value) {
    check_operands(x, mask, value);
    if (at_level(x, mask, value)) return chosen(x, mask, value);
    const Argument arguments[] = {Argument(mask), argument_of(value), Argument(x)};
    const Tensor out =
        marked(compute({&row("where").forward, compute_type(x->dtype), x->dtype}, arguments, 3));
    if (!is_differentiable(x->dtype)) return out;
    const Tensor* element = std::get_if<Tensor>(&value);
    if (element && needs_record({&x, element})) {
        save(record(out, {&x, element}, MaskedFillWith{{(*element)->dtype}}, 1)->saved[0], mask);
    } else if (needs_record({&x})) {
        save(record(out, {&x}, MaskedFill{x->dtype}, 1)->saved[0], mask);
    }
    return out;
}

void masked_fill_(const Tensor& x, const Tensor& mask, const TensorOrNumber& value) {
    check_operands(x, mask, value);
    check(broadcast(x->sizes, mask->sizes) == x->sizes, "output with shape ", to_string(x->sizes),
          " doesn't match the broadcast shape ", to_string(broadcast(x->sizes, mask->sizes)));
    if (at_level(x, mask, value)) return copy_(x, chosen(x, mask, value));
    auto keep = [&](Node& node) { save(node.saved[0], mask); };
    auto write_in = [&](const Tensor& out) {
        const Argument arguments[] = {Argument(mask), argument_of(value), Argument(out)};
        compute_into({&row("where").forward, compute_type(x->dtype), x->dtype}, arguments, 3, out);
    };
    if (const Tensor* element = std::get_if<Tensor>(&value)) {
        return write_inplace(x, {&x, element}, MaskedFillWith{{(*element)->dtype}}, 1, write_in, keep);
    }
    write_inplace(x, {&x}, MaskedFill{x->dtype}, 1, write_in, keep);
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&masked_fill>(
            "masked_fill", "input, mask, value",
            "The input with a number, or a tensor's only element, where the bool mask holds; the two "
            "broadcast. Derivatives: g with zeros there, and the sum of g there."),
        operation<&masked_fill_>("masked_fill_", "input, mask, value", "masked_fill in place.",
                                 Offered::Method),
    });

}  // namespace
}  // namespace tapeless
