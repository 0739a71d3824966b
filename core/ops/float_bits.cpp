// nextafter and frexp, on the bits of numbers: the neighbour in a number's own dtype, and its mantissa and exponent.
#include <cmath>
#include <utility>

#include "ops/operation.h"
#include "ops/written.h"
#include "runtime/threads.h"

namespace tapeless {
namespace {

/// The gradient passes where the number moved.
struct Nextafter {
    static constexpr const char* node = "NextafterBackward0";
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = unpack(node.saved[0], node), y = unpack(node.saved[1], node);
        if (node.needs(0)) out[0] = apply(row("where"), apply(row("ne"), x, y), in[0], Scalar(0));
        if (node.needs(1)) out[1] = full(in[0]->sizes, Scalar(0), in[0]->dtype, in[0]->device);
    }
};

/// On the bits: of one sign, larger words are larger sizes.
template <class Word> Word neighbour(Word x, Word y, Word infinity) {
    constexpr Word sign = static_cast<Word>(Word(1) << (8 * sizeof(Word) - 1));
    const Word size = static_cast<Word>(x & ~sign), other = static_cast<Word>(y & ~sign);
    if (size > infinity) return x;
    if (other > infinity) return y;
    if (x == y || (size == 0 && other == 0)) return y;
    if (size == 0) return static_cast<Word>((y & sign) | 1);
    const bool away = ((x ^ y) & sign) == 0 && other > size;
    return static_cast<Word>(away ? x + 1 : x - 1);
}

template <class Word> void neighbours(const Tensor& out, const Tensor& x, const Tensor& y, Word infinity) {
    Word* const to = reinterpret_cast<Word*>(out->storage->buffer->data);
    const Word* const from = reinterpret_cast<const Word*>(data(*x));
    const Word* const towards = reinterpret_cast<const Word*>(data(*y));
    parallel_blocks(out->numel, 16384, [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) to[i] = neighbour(from[i], towards[i], infinity);
    });
}

/// x broadcast and converted, without gaps in the layout's order.
Tensor laid_out(const Tensor& x, const Layout& layout, DType dtype) {
    if (x->dtype == dtype && x->sizes == layout.sizes && x->strides == layout.strides) return x;
    const Tensor out = empty(layout.sizes, dtype, x->device, &layout.strides);
    write(out, x);
    return out;
}

Tensor values(const Tensor& x, const Tensor& y) {
    const Argument arguments[] = {Argument(x), Argument(y)};
    const DType dtype = result_type(arguments, 2);
    if (!is_floating(dtype)) {
        fail(ErrorKind::NotImplemented, "\"nextafter_cpu\" not implemented for '", facts(dtype).legacy_name,
             "'; convert the operands to a floating dtype first");
    }
    check_devices("nextafter", {&x, &y});
    const Layout layout = layout_of(arguments, 2);
    const Tensor out = marked(empty(layout.sizes, dtype, x->device, &layout.strides));
    if (!on_cpu(out)) return out;
    const Tensor from = laid_out(x, layout, dtype), towards = laid_out(y, layout, dtype);
    if (dtype == DType::Float64) {
        neighbours<std::uint64_t>(out, from, towards, 0x7ff0000000000000u);
    } else if (dtype == DType::Float32) {
        neighbours<std::uint32_t>(out, from, towards, 0x7f800000u);
    } else {
        neighbours<std::uint16_t>(out, from, towards, dtype == DType::Float16 ? 0x7c00 : 0x7f80);
    }
    return out;
}

auto keep_both(const Tensor& x, const Tensor& y) {
    return [&x, &y](Node& node) {
        save(node.saved[0], x);
        save(node.saved[1], y);
    };
}

Tensor nextafter(const Tensor& x, const Tensor& y) {
    const Tensor out = values(x, y);
    if (needs_record({&x, &y})) keep_both(x, y)(*record(out, {&x, &y}, Nextafter{}, 2));
    return out;
}

void nextafter_(const Tensor& x, const Tensor& y) {
    const Tensor result = values(x, y);
    check(can_cast(result->dtype, x->dtype), "result type ", facts(result->dtype).legacy_name,
          " can't be cast to the desired output type ", facts(x->dtype).legacy_name);
    check(result->sizes == x->sizes, "output with shape ", to_string(x->sizes),
          " doesn't match the broadcast shape ", to_string(result->sizes));
    const Tensor before = lazy_copy(x);
    write_inplace(
        x, {&x, &y}, Nextafter{}, 2, [&](const Tensor& out) { write(out, result); }, keep_both(before, y));
}

/// exponent of the one input's mantissa, which the gradient is divided by 2 to the power of.
struct Frexp {
    static constexpr const char* node = "FrexpBackward0";
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor exponent = to_dtype(unpack(node.saved[0], node), in[0]->dtype);
        out[0] = apply(row("div"), in[0], apply(row("exp2"), exponent));
    }
};

template <class T> void take_apart(const Tensor& x, const Tensor& mantissa, const Tensor& exponent) {
    T* const size = reinterpret_cast<T*>(mantissa->storage->buffer->data);
    std::int32_t* const power = reinterpret_cast<std::int32_t*>(exponent->storage->buffer->data);
    const T* const from = reinterpret_cast<const T*>(data(*x));
    parallel_blocks(x->numel, 16384, [=](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
            int found = 0;
            size[i] = std::frexp(from[i], &found);
            power[i] = std::isfinite(from[i]) ? found : 0;
        }
    });
}

std::pair<Tensor, Tensor> frexp(const Tensor& x) {
    check(is_floating(x->dtype),
          "torch.frexp() only supports floating-point dtypes; convert the input to float first");
    const Dims strides = preserved_strides(x);
    const DType wide = compute_type(x->dtype);
    const Tensor mantissa = marked(empty(x->sizes, wide, x->device, &strides));
    const Tensor exponent = marked(empty(x->sizes, DType::Int32, x->device, &strides));
    if (on_cpu(x)) {
        const Argument argument(x);
        const Tensor from = laid_out(x, layout_of(&argument, 1), wide);
        wide == DType::Float64 ? take_apart<double>(from, mantissa, exponent)
                               : take_apart<float>(from, mantissa, exponent);
    }
    const Tensor out = converted(mantissa, x->dtype);
    if (needs_record({&x})) save(record(out, {&x}, Frexp{}, 1)->saved[0], exponent);
    return {out, exponent};
}

const Offer offer({
    named(
        operation<&frexp>("frexp", "input",
                          "Mantissas from 1/2 to 1 in size, and the int32 exponents of 2 that go with them. "
                          "Derivative: of a mantissa g / 2 ** exponent.")),
    operation<&nextafter>(
        "nextafter", "input, other",
        "The next number of the dtype from input towards other. Derivative: g where the two differ.",
        Offered::Both),
    operation<&nextafter_>("nextafter_", "input, other", "nextafter in place.", Offered::Method),
});

}  // namespace
}  // namespace tapeless
