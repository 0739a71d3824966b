// Complex numbers seen as pairs of real ones and back: views that change the dtype, with them .real and .imag, and
// complex(), which puts two tensors together.
#include "ops/complex_views.h"
#include "ops/fresh.h"
#include "ops/launch.h"
#include "ops/operation.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

struct ViewAsReal {
    static constexpr const char* node = "ViewAsRealBackward0";
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = view_as_complex(contiguous(in[0]));
    }
};
struct ViewAsComplex {
    static constexpr const char* node = "ViewAsComplexBackward0";
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = view_as_real(in[0]);
    }
};

/// A view over the same bytes. Writes through it are recorded in real numbers, see CopySlices.
template <class P>
Tensor reinterpreted(const Tensor& x, Dims sizes, Dims strides, std::int64_t offset, DType dtype) {
    const Tensor out = tensor_of(x->storage, std::move(sizes), std::move(strides), offset, dtype);
    set_view(out, x);
    if (needs_record({&x})) record(out, {&x}, P{});
    return out;
}

}  // namespace

Tensor view_as_real(const Tensor& x) {
    check(is_complex(x->dtype), "view_as_real is only supported for complex tensors");
    Dims sizes = x->sizes, strides = x->strides;
    for (std::int64_t& stride : strides) stride *= 2;
    sizes.push_back(2);
    strides.push_back(1);
    return reinterpreted<ViewAsReal>(x, std::move(sizes), std::move(strides), x->offset * 2,
                                     real_of(x->dtype));
}

Tensor view_as_complex(const Tensor& x) {
    check(x->dtype == DType::Float32 || x->dtype == DType::Float64,
          "view_as_complex is only supported for float and double tensors, but got a tensor of scalar type: ",
          facts(x->dtype).legacy_name);
    check(x->dim() > 0, "Input tensor must have one or more dimensions");
    check(x->sizes.back() == 2, "Tensor must have a last dimension of size 2");
    check(x->strides.back() == 1, "Tensor must have a last dimension with stride 1");
    Dims sizes = x->sizes, strides = x->strides;
    sizes.erase(sizes.size() - 1);
    strides.erase(strides.size() - 1);
    for (std::int64_t& stride : strides) {
        check(stride % 2 == 0, "Tensor must have a stride divisible by 2 for all but last dimension");
        stride /= 2;
    }
    check(x->offset % 2 == 0, "Tensor must have a storage_offset divisible by 2");
    const DType dtype = x->dtype == DType::Float32 ? DType::Complex64 : DType::Complex128;
    return reinterpreted<ViewAsComplex>(x, std::move(sizes), std::move(strides), x->offset / 2, dtype);
}

namespace {

Tensor real_view(const Tensor& x) { return is_complex(x->dtype) ? select(view_as_real(x), -1, 0) : x; }

Tensor imag_view(const Tensor& x) {
    check(is_complex(x->dtype), "imag is not implemented for tensors with non-complex dtypes.");
    return select(view_as_real(x), -1, 1);
}

struct ComplexOf {
    static constexpr const char* node = "ComplexBackward0";
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        if (node.needs(0)) out[0] = real_view(in[0]);
        if (node.needs(1)) out[1] = imag_view(in[0]);
    }
};

Tensor complex(const Tensor& real, const Tensor& imag) {
    auto ordinary = [](const Tensor& x) { return x->dtype == DType::Float32 || x->dtype == DType::Float64; };
    check(ordinary(real) && ordinary(imag),
          "Expected both inputs to be Half, Float or Double tensors but got ", facts(real->dtype).legacy_name,
          " and ", facts(imag->dtype).legacy_name, "; convert both to float32 or to float64");
    check(real->dtype == imag->dtype, "Expected object of scalar type ", facts(real->dtype).legacy_name,
          " but got scalar type ", facts(imag->dtype).legacy_name, " for second argument");
    check_devices("complex", {&real, &imag});
    const Argument arguments[] = {Argument(real), Argument(imag)};
    const Layout layout = layout_of(arguments, 2);
    const Tensor out = marked(empty(layout.sizes, complex_of(real->dtype), real->device, &layout.strides));
    if (on_cpu(out)) {
        const ModeGuard quiet(kNoGrad, true);
        write(real_view(out), real);
        write(imag_view(out), imag);
    }
    if (needs_record({&real, &imag})) record(out, {&real, &imag}, ComplexOf{});
    return out;
}

const Offer offer({
    operation<&complex>(
        "complex", "real, imag",
        "The complex numbers with these parts, both float32 or both float64. Derivatives: the parts "
        "of g.",
        Offered::Function, kOutExact),
    operation<&view_as_real>("view_as_real", "input",
                             "The view of complex numbers as pairs of real ones along a new last dimension. "
                             "Derivative: the pairs of g as numbers.",
                             Offered::Function),
    autocast(Autocast::Float32,
             operation<&view_as_complex>(
                 "view_as_complex", "input",
                 "The view of pairs along the last dimension as complex numbers. Derivative: the parts of g.",
                 Offered::Function)),
    operation<&real_view>("_real", "input", "The real part, as a view.", Offered::Function),
    operation<&imag_view>("_imag", "input", "The imaginary part, as a view.", Offered::Function),
});

}  // namespace
}  // namespace tapeless
