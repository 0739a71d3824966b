// Small parts of public functions whose Python forms need the core: result types, out=, views of bytes.
#include <cstring>

#include "bindings/arguments.h"
#include "bindings/operators.h"
#include "bindings/python.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

/// x's bytes as elements of another dtype; the last dimension shrinks or grows with the element's size.
Tensor view_dtype(const Tensor& x, DType dtype) {
    if (dtype == x->dtype) return alias_view(x);
    const std::int64_t from = static_cast<std::int64_t>(size_of(x->dtype)),
                       to = static_cast<std::int64_t>(size_of(dtype));
    Dims sizes = x->sizes, strides = x->strides;
    std::int64_t offset = x->offset;
    if (from != to) {
        const int last = x->dim() - 1;
        check(last >= 0, "self.dim() cannot be 0 to view ", facts(x->dtype).legacy_name, " as ",
              facts(dtype).legacy_name, " (different element sizes)");
        check(strides[last] == 1, "self.stride(-1) must be 1 to view ", facts(x->dtype).legacy_name, " as ",
              facts(dtype).legacy_name, " (different element sizes), but got ", strides[last]);
        auto rescale = [&](std::int64_t& value) {
            check(value * from % to == 0,
                  "view(dtype): sizes, strides and the offset must be multiples of the new "
                  "element's size of ",
                  to, " bytes; ", value, " elements of ", from, " bytes are not");
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

/// Other sizes in a format from the tensor's offset; the storage grows if it must, and keeps its bytes.
void resize(const Tensor& x, const Dims& sizes, MemoryFormat format) {
    const Dims strides = format_strides(sizes, format);
    give_way(x);
    check(!requires_grad(x), "cannot resize variables that require grad");
    if (x->sizes == sizes && format == MemoryFormat::Contiguous) return;
    for (std::int64_t size : sizes) check(size >= 0, "resize_: sizes must not be negative, but got ", sizes);
    std::int64_t needed = 0;
    bool overflow = __builtin_add_overflow(x->offset, product(sizes), &needed);
    overflow |= __builtin_mul_overflow(needed, static_cast<std::int64_t>(size_of(x->dtype)), &needed);
    check(!overflow, "Storage size calculation overflowed with sizes=", sizes,
          "; a tensor holds at most 2^63 - 1 bytes");
    const std::size_t bytes = static_cast<std::size_t>(needed);
    Storage& storage = *x->storage;
    if (bytes > storage.bytes) {
        check(storage.resizable, "Trying to resize storage that is not resizable");
        const char* old = readable(storage);
        Shared<Buffer> grown = make_buffer(bytes);
        std::memcpy(grown->data, old, storage.bytes);
        storage.buffer = std::move(grown);
        storage.bytes = bytes;
    }
    x->sizes = sizes;
    x->strides = strides;
    x->numel = product(sizes);
    x->contiguous = is_contiguous(sizes, strides);
    note_write(x);
}

/// x becomes what `source` is, or an empty tensor.
void set(const Tensor& x, const Tensor& source) {
    const Tensor from = source ? source : empty({0}, x->dtype, x->device);
    check(from->dtype == x->dtype, "set_: the source must have the tensor's dtype ", facts(x->dtype).name,
          ", not ", facts(from->dtype).name);
    check_inplace(x, false);
    const std::uint32_t count = x->storage->version;
    x->storage = from->storage;
    x->storage->version = std::max(x->storage->version, count) + 1;
    x->sizes = from->sizes;
    x->strides = from->strides;
    x->offset = from->offset;
    x->numel = from->numel;
    x->contiguous = from->contiguous;
}

void check_leaf_for_grad_dtype(const Tensor& x) {
    check(is_leaf(x), "grad_dtype can only be accessed on leaf tensors.");
}

nb::object grad_dtype(const Tensor& x) {
    check_leaf_for_grad_dtype(x);
    const Autograd* facts = x->autograd.get();
    if (facts && facts->any_grad_dtype) return nb::none();
    return nb::steal(to_python(facts && facts->grad_dtype_set ? facts->grad_dtype : x->dtype));
}

void set_grad_dtype(const Tensor& x, nb::handle value) {
    check_leaf_for_grad_dtype(x);
    Autograd& facts = autograd_of(x);
    const bool any = value.is_none();
    const DType dtype = any ? x->dtype : dtype_from(value.ptr());
    check(!facts.grad || any || facts.grad->dtype == dtype, "Cannot change grad_dtype to '",
          tapeless::facts(dtype).legacy_name,
          "': the tensor has a gradient of another dtype; clear .grad first");
    facts.grad_dtype_set = true;
    facts.any_grad_dtype = any;
    facts.grad_dtype = dtype;
    if (facts.accumulator) {
        facts.accumulator->outputs[0].dtype = dtype;
        facts.accumulator->outputs[0].any_dtype = any;
    }
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
    m.def("_storage_nbytes", [](const Tensor& x) { return x->storage->bytes; });
    m.def("_view_dtype",
          [](const Tensor& x, nb::handle dtype) { return view_dtype(x, dtype_from(dtype.ptr())); });
    m.def(
        "_resize",
        [](const Tensor& x, nb::handle sizes, const std::string& format) {
            resize(x, dims_from(sizes.ptr(), "size"), memory_format_named(format));
            return x;
        },
        nb::arg("x"), nb::arg("sizes"), nb::arg("format") = "contiguous_format");
    m.def(
        "_set",
        [](const Tensor& x, const Tensor& source) {
            set(x, source);
            return x;
        },
        nb::arg("x"), nb::arg("source").none());
    m.def("_grad_dtype", &grad_dtype);
    m.def("_set_grad_dtype", &set_grad_dtype, nb::arg("x"), nb::arg("dtype").none());
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
