// Copies: clone, contiguous, conversion to another dtype, copy_ and filling.
#include <cstring>

#include "kernels/copy.h"
#include "ops/levels.h"
#include "ops/operation.h"
#include "ops/written.h"

namespace tapeless {
namespace {

struct Clone {
    static constexpr const char* node = "CloneBackward0";
    void backward(Node&, Gradients in, Gradients out) const { out[0] = in[0]; }
};

struct ToCopy {
    static constexpr const char* node = "ToCopyBackward0";
    DType dtype;
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = to_dtype(in[0], dtype);
    }
};

/// copy_: nothing goes to what was overwritten, all of it to the source, summed to the source's shape.
struct CopyBackwards {
    static constexpr const char* node = "torch::autograd::CopyBackwards";
    Dims sizes;
    DType dtype;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = full(in[0]->sizes, Scalar(0), in[0]->dtype, in[0]->device);
        if (node.needs(1)) out[1] = to_dtype(sum_to_size(in[0], sizes), dtype);
    }
};

struct Fill {
    static constexpr const char* node = "FillBackward2";
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = full(in[0]->sizes, Scalar(0), in[0]->dtype, in[0]->device);
    }
};
struct FillElement : Fill {
    static constexpr const char* node = "FillBackward3";
};
struct Zero : Fill {
    static constexpr const char* node = "ZeroBackward0";
};
struct FillCopy : Fill {
    static constexpr const char* node = "FillBackward0";
};

/// Filling with a tensor's only element: it gets the sum of the gradient.
struct FillWith {
    DType dtype;
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = full(in[0]->sizes, Scalar(0), in[0]->dtype, in[0]->device);
        if (node.needs(1)) out[1] = to_dtype(sum(in[0], {}, false), dtype);
    }
};
struct FillWithInPlace : FillWith {
    static constexpr const char* node = "FillBackward3";
};
struct FillWithCopy : FillWith {
    static constexpr const char* node = "FillBackward1";
};

/// `repeats`: x may name an element several times.
template <class P> void fill_as(const Tensor& x, const Scalar& value, P payload, bool repeats = true) {
    check_number(value, x->dtype);
    check_inplace(x, grad_enabled() && requires_grad(x), repeats);
    Ref<Node> node;
    if (grad_enabled() && requires_grad(x)) {  // Asked again: Variable's default flag may have given way.
        node = make_node(class_of<P>(), 1, 0, 1, payload);
        node->edges[0] = gradient_edge(x);
    }
    if (lifted(x)) {
        fill_at_level(x, value);
    } else if (x->numel > 0 && x->device.type == DeviceType::CPU) {
        write(x, scalar_tensor(value, x->dtype));
    }
    note_write(x);
    if (node) rebase_history(x, node);
}

}  // namespace

Tensor full(const Dims& sizes, const Scalar& value, DType dtype, Device device) {
    Tensor out = empty(sizes, dtype, device);
    if (device.type != DeviceType::CPU || out->numel == 0) return out;
    const Tensor element = scalar_tensor(value, dtype);
    const Argument argument(element);
    const bool later = may_defer(out->numel, &argument, 1, device);
    if (later) {
        compute_into({nullptr, dtype, dtype}, &argument, 1, out);
    } else {
        fill(out->storage->buffer->data, data(*element), size_of(dtype), out->numel);
    }
    return out;
}

Tensor clone(const Tensor& x, MemoryFormat format) {
    Tensor out;
    if (lifted(x)) {
        out = rewrapped(x, [format](const Tensor& held) { return clone(held, format); });
    } else if (format >= MemoryFormat::ChannelsLast) {
        const Dims strides = format_strides(x->sizes, format);
        out = empty(x->sizes, x->dtype, x->device, &strides);
        if (x->device.type == DeviceType::CPU) write(out, x);
    } else {
        out = dense_copy(x, format == MemoryFormat::Contiguous);
    }
    if (modes.word) out->inference = modes.has(kInference);
    if (needs_record({&x})) record(out, {&x}, Clone{});
    return out;
}

Tensor contiguous(const Tensor& x) { return x->contiguous ? x : clone(x, MemoryFormat::Contiguous); }

namespace {

/// Whether x already lies as `format` asks.
bool lies_as(const TensorBody& x, MemoryFormat format) {
    if (format == MemoryFormat::Preserve) return true;
    if (format == MemoryFormat::Contiguous) return !is_channels_last(x);
    return is_channels_last(x) && x.dim() == (format == MemoryFormat::ChannelsLast ? 4 : 5);
}

}  // namespace

Tensor to_dtype(const Tensor& x, DType dtype, bool copy, MemoryFormat format) {
    if (x->dtype == dtype && !copy && lies_as(*x, format)) return x;
    const Argument argument(x);
    Tensor out;
    if (lifted(x)) {
        out = rewrapped(x, [=](const Tensor& held) { return to_dtype(held, dtype, copy); });
    } else if (format != MemoryFormat::Preserve) {
        const Dims strides = format_strides(x->sizes, format);
        out = empty(x->sizes, dtype, x->device, &strides);
        if (x->device.type == DeviceType::CPU) write(out, x);
    } else {
        out = x->dtype == dtype ? dense_copy(x, false) : compute({nullptr, dtype, dtype}, &argument, 1);
        if (x->contiguous) out->strides = x->strides;  // Those of dimensions without a second element, too.
    }
    if (modes.word) out->inference = modes.has(kInference);
    if (is_differentiable(dtype) && needs_record({&x})) record(out, {&x}, ToCopy{x->dtype});
    return out;
}

void copy_(const Tensor& x, const Tensor& source) {
    if (!(broadcast(x->sizes, source->sizes) == x->sizes)) {
        fail(ErrorKind::Runtime, "output with shape ", to_string(x->sizes),
             " doesn't match the broadcast shape ", to_string(broadcast(x->sizes, source->sizes)));
    }
    const int wrapped = deepest({&x, &source});
    bool records = is_differentiable(x->dtype) && needs_record({&x, &source});
    const bool itself = x.get() == source.get();  // Nothing changes, so elements may be named twice.
    check_inplace(x, records, itself);
    records = records && needs_record({&x, &source});
    Ref<Node> node;
    if (records) {
        node = make_node(class_of<CopyBackwards>(), 2, 0, 1, CopyBackwards{source->sizes, source->dtype});
        node->edges[0] = edge_above(x, wrapped);
        if (is_differentiable(source->dtype)) node->edges[1] = edge_above(source, wrapped);
    }
    if (!itself) wrapped ? copy_at_level(x, source, wrapped) : write(x, source);
    note_write(x);
    if (node) rebase_history(x, node);
}

void fill_(const Tensor& x, const Scalar& value) { fill_as(x, value, Fill{}); }
void set_number(const Tensor& x, const Scalar& value) { fill_as(x, value, FillElement{}, false); }
void zero_(const Tensor& x) { fill_as(x, Scalar(0), Zero{}); }

static void check_element(const Tensor& value) {
    check(value->dim() == 0, "fill_ only supports 0-dimension value tensor but got tensor with ",
          value->dim(), " dimensions.");
}

void fill_(const Tensor& x, const Tensor& element) {
    check_element(element);
    const Tensor held = apart(element, x);
    const int wrapped = deepest({&x, &element});
    write_inplace(
        x, {&x, &element}, FillWithInPlace{{element->dtype}}, 0,
        [&](const Tensor& out) { wrapped ? copy_at_level(out, held, wrapped) : write(out, held); },
        [](Node&) {});
}

namespace {

void fill_of_(const Tensor& x, const TensorOrNumber& value) {
    const Tensor* element = std::get_if<Tensor>(&value);
    element ? fill_(x, *element) : fill_(x, std::get<Scalar>(value));
}

Tensor fill_with(const Tensor& x, const TensorOrNumber& value) {
    const Tensor* element = std::get_if<Tensor>(&value);
    if (element) check_element(*element);
    const Tensor held = element ? *element : scalar_tensor(std::get<Scalar>(value), x->dtype);
    const Dims strides = preserved_strides(x);
    const Tensor out = marked(empty(x->sizes, x->dtype, x->device, &strides));
    if (on_cpu(x)) write(out, held);
    if (!is_differentiable(x->dtype)) return out;
    if (element && needs_record({&x, element})) {
        record(out, {&x, element}, FillWithCopy{{(*element)->dtype}});
    } else if (!element && needs_record({&x})) {
        record(out, {&x}, FillCopy{});
    }
    return out;
}

MemoryFormat format_of(const std::optional<std::string>& name) {
    return name ? memory_format_named(*name) : MemoryFormat::Preserve;
}

Tensor clone_of(const Tensor& x, std::optional<std::string> memory_format) {
    return clone(x, format_of(memory_format));
}

Tensor contiguous_of(const Tensor& x, std::optional<std::string> memory_format) {
    const MemoryFormat format = format_of(memory_format);
    check(!memory_format || format != MemoryFormat::Preserve,
          "preserve memory format is unsupported by the contiguous operator");
    if (format < MemoryFormat::ChannelsLast) return contiguous(x);
    return lies_in(*x, format) ? x : clone(x, format);
}

Tensor converted_to(const Tensor& x, DType dtype, bool copy, std::optional<std::string> memory_format) {
    return to_dtype(x, dtype, copy, format_of(memory_format));
}

void copy_from(const Tensor& x, const Tensor& source, bool) { copy_(x, source); }

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&clone_of>(
            "clone", "input, *, memory_format=None",
            "A copy with its own memory; the gradient passes through unchanged. The bytes are copied when "
            "one of the two is written."),
        operation<&contiguous_of>(
            "contiguous", "input, *, memory_format=None",
            "The tensor itself if its elements lie in row-major order (or channels last) "
            "without gaps, else such a "
            "copy.",
            Offered::Method),
        operation<&copy_from>(
            "copy_", "input, src, non_blocking=False",
            "Overwrites the tensor with src, broadcast and converted; the gradient goes to src.",
            Offered::Method),
        operation<&fill_of_>(
            "fill_", "input, value",
            "Overwrites every element with a number or with a tensor's only element, which gets the "
            "gradient."),
        operation<&fill_with>("fill", "input, value",
                              "A tensor like the input with one value everywhere. Derivative: 0, and the sum "
                              "of g for a value that is a tensor.",
                              Offered::Function),
        operation<&zero_>("zero_", "input", "Overwrites every element with 0; no gradient passes."),
        operation<&converted_to>("_to_dtype", "input, dtype, copy=False, memory_format=None",
                                 "Converted to dtype; the gradient is converted back.", Offered::Function),
        operation<&full>("_full", "size, fill_value, dtype, device", "A tensor of one value.",
                         Offered::Function),
    });

}  // namespace
}  // namespace tapeless
