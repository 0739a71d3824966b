// Small parts of public functions whose Python forms need the core: result types, out=, views of bytes.
#include "bindings/arguments.h"
#include "bindings/operators.h"
#include "bindings/python.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

/// x's bytes as elements of another dtype; the last dimension shrinks or grows with the element's size.
Tensor view_dtype(const Tensor& x, DType dtype) {
    if (dtype == x->dtype) return alias_view(x);
    const std::int64_t from = static_cast<std::int64_t>(size_of(x->dtype)), to = static_cast<std::int64_t>(size_of(dtype));
    Dims sizes = x->sizes, strides = x->strides;
    std::int64_t offset = x->offset;
    if (from != to) {
        const int last = x->dim() - 1;
        check(last >= 0, "self.dim() cannot be 0 to view ", facts(x->dtype).legacy_name, " as ", facts(dtype).legacy_name,
              " (different element sizes)");
        check(strides[last] == 1, "self.stride(-1) must be 1 to view ", facts(x->dtype).legacy_name, " as ",
              facts(dtype).legacy_name, " (different element sizes), but got ", strides[last]);
        auto rescale = [&](std::int64_t& value) {
            check(value * from % to == 0, "view(dtype): sizes, strides and the offset must be multiples of the new "
                  "element's size of ", to, " bytes; ", value, " elements of ", from, " bytes are not");
            value = value * from / to;
        };
        rescale(sizes[last]);
        rescale(offset);
        for (int d = 0; d < last; ++d) rescale(strides[d]);
    }
    Tensor out = tensor_of(x->storage, sizes, strides, offset, dtype);
    readable(*x->storage);  // A pending storage is pending in its own dtype.
    set_view(out, x, grad_enabled() ? Creation::MultiView : Creation::NoGrad);
    if (!requires_grad(x)) out->autograd->view.reset();
    return out;
}

}  // namespace

void define_forms(nb::module_& m) {
    m.def("_write_out", [](const Tensor& out, const Tensor& value) { write_out(out, value); });
    m.def("_scalar_like", [](const Tensor& x, nb::handle value) {
        Scalar number;
        if (!scalar_from(value.ptr(), number)) throw nb::type_error("expected a number");
        const Tensor out = scalar_tensor(number, x->dtype, x->device);
        return out;
    });
    m.def("_view_dtype", [](const Tensor& x, nb::handle dtype) { return view_dtype(x, dtype_from(dtype.ptr())); });
    m.def("_result_type", [](nb::handle x, nb::handle y) {
        Tensor held[2];
        Argument arguments[2] = {Scalar(), Scalar()};
        if (!operand_from(x.ptr(), held[0], arguments[0]) || !operand_from(y.ptr(), held[1], arguments[1])) {
            throw nb::type_error("result_type(): arguments must be tensors or numbers");
        }
        return nb::steal(to_python(result_type(arguments, 2)));
    });
}

}  // namespace tapeless
