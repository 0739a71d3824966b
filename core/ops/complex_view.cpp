// Complex numbers seen as pairs of real ones and back: views that change the dtype, and with them .real and .imag.
#include "ops/complex_views.h"
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

const Offer offer({
    operation<&view_as_real>("view_as_real", "input",
                             "The view of complex numbers as pairs of real ones along a new last dimension.",
                             Offered::Function),
    operation<&view_as_complex>("view_as_complex", "input",
                                "The view of pairs along the last dimension as complex numbers.",
                                Offered::Function),
    operation<&real_view>("_real", "input", "The real part, as a view.", Offered::Function),
    operation<&imag_view>("_imag", "input", "The imaginary part, as a view.", Offered::Function),
});

}  // namespace
}  // namespace tapeless
