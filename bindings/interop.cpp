// Memory shared with Python: tensors as buffers, NumPy's arrays both ways, bytes for pickling and copying.
#include "bindings/interop.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "bindings/creation.h"
#include "ops/fresh.h"

namespace tapeless {
namespace {

// ---- formats ----

/// How the buffer protocol writes each dtype; null where it has no letter.
constexpr const char* formats[kDTypes] = {"?", "B",     "b", "h", "i",  sizeof(long) == 8 ? "l" : "q",
                                          "e", nullptr, "f", "d", "Zf", "Zd"};
const char* format_of(DType dtype) { return formats[static_cast<int>(dtype)]; }

const char* const kSupported =
    "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint8, and bool";

nb::object attribute(PyObject* object, const char* name) {
    PyObject* value = PyObject_GetAttrString(object, name);
    if (!value) PyErr_Clear();
    return nb::steal(value);
}

std::string name_of_type(PyObject* array) {
    const nb::object dtype = attribute(array, "dtype");
    const nb::object type = dtype.is_valid() ? attribute(dtype.ptr(), "type") : nb::object();
    if (!type.is_valid() || !PyType_Check(type.ptr())) return Py_TYPE(array)->tp_name;
    return reinterpret_cast<PyTypeObject*>(type.ptr())->tp_name;
}

// ---- memory of others ----

/// A buffer of another object, held for as long as some storage uses it.
struct Held {
    Py_buffer view{};
    bool taken = false;
    ~Held() {
        if (taken && Py_IsInitialized()) PyBuffer_Release(&view);
    }
};

void release_held(void* owner) { delete static_cast<Held*>(owner); }

/// How many bytes from the first element on the elements occupy.
std::size_t extent_of(const Dims& sizes, const Dims& strides, std::size_t element) {
    std::int64_t last = 0;
    for (int d = 0; d < sizes.size(); ++d) {
        if (sizes[d] == 0) return 0;
        last += (sizes[d] - 1) * strides[d];
    }
    return static_cast<std::size_t>(last + 1) * element;
}

void warn_once(bool& warned, const char* message) {
    if (warned) return;
    if (PyErr_WarnEx(PyExc_UserWarning, message, 1) < 0) throw nb::python_error();
    warned = true;
}

void warn_readonly() {
    static bool warned = false;
    warn_once(
        warned,
        "The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This "
        "means writing to this tensor will result in undefined behavior. You may want to copy the array to "
        "protect "
        "its data or make it writable before converting it to a tensor. This type of warning will be "
        "suppressed for "
        "the rest of this program.");
}

Dims element_strides(const Py_buffer& view, DType dtype) {
    Dims strides;
    const std::int64_t size = static_cast<std::int64_t>(size_of(dtype));
    for (int d = 0; d < view.ndim; ++d) {
        if (view.strides[d] < 0) {
            fail(ErrorKind::Value,
                 "At least one stride in the given numpy array is negative, and tensors with negative "
                 "strides are not currently supported. (You can probably work around this by making a copy "
                 "of your array "
                 " with array.copy().) ");
        }
        if (view.strides[d] % size != 0) {
            fail(ErrorKind::Value,
                 "given numpy array strides not a multiple of the element byte size. Copy the numpy "
                 "array to reallocate the memory.");
        }
        strides.push_back(view.strides[d] / size);
    }
    return strides;
}

}  // namespace

PyTypeObject* ndarray_type() {
    static PyTypeObject* type = nullptr;
    if (type) return type;
    static PyObject* name = PyUnicode_InternFromString("numpy");
    nb::object module = nb::steal(PyImport_GetModule(name));
    if (!module.is_valid()) {
        PyErr_Clear();
        return nullptr;
    }
    nb::object found = attribute(module.ptr(), "ndarray");  // Missing while NumPy is being imported.
    if (found.is_valid()) type = reinterpret_cast<PyTypeObject*>(found.release().ptr());
    return type;
}

bool is_array_scalar(PyObject* object) {
    static PyTypeObject* generic = nullptr;
    if (!ndarray_type()) return false;
    if (!generic) {
        nb::object found = attribute(nb::module_::import_("numpy").ptr(), "generic");
        if (!found.is_valid()) return false;
        generic = reinterpret_cast<PyTypeObject*>(found.release().ptr());
    }
    if (PyObject_TypeCheck(object, generic)) return true;
    if (!is_array(object)) return false;
    const nb::object ndim = attribute(object, "ndim");
    return ndim.is_valid() && PyLong_AsLong(ndim.ptr()) == 0;
}

namespace {

/// A dtype object of NumPy and ours: the native ones are single objects, and their names are slow.
struct KnownDType {
    PyObject* object;
    DType dtype;
};
constexpr std::size_t kMostKnown = 32;
std::vector<KnownDType> known_dtypes;

DType named_dtype(PyObject* dtype, PyObject* array) {
    const nb::object name = attribute(dtype, "name");
    for (int i = 0; i < kDTypes && name.is_valid() && PyUnicode_Check(name.ptr()); ++i) {
        const DType candidate = static_cast<DType>(i);
        if (format_of(candidate) &&
            PyUnicode_CompareWithASCIIString(name.ptr(), facts(candidate).name) == 0) {
            return candidate;
        }
    }
    fail(ErrorKind::Type, "can't convert np.ndarray of type ", name_of_type(array),
         ". The only supported types are: ", kSupported, ".");
}

}  // namespace

DType array_dtype(PyObject* object) {
    static PyObject* const attribute_name = PyUnicode_InternFromString("dtype");
    const nb::object dtype = nb::steal(checked(PyObject_GetAttr(object, attribute_name)));
    for (const KnownDType& known : known_dtypes) {
        if (known.object == dtype.ptr()) return known.dtype;
    }
    const DType found = named_dtype(dtype.ptr(), object);
    const nb::object native = attribute(dtype.ptr(), "isnative");
    if (native.is_valid() && native.ptr() == Py_False) {
        fail(ErrorKind::Value,
             "given numpy array has byte order different from the native byte order. Conversion between "
             "byte orders is currently not supported.");
    }
    if (known_dtypes.size() < kMostKnown) known_dtypes.push_back({Py_NewRef(dtype.ptr()), found});
    return found;
}

Tensor tensor_over_array(PyObject* array, bool warns) {
    const DType dtype = array_dtype(array);
    auto held = std::make_unique<Held>();
    if (PyObject_GetBuffer(array, &held->view, PyBUF_FULL_RO) < 0) throw nb::python_error();
    held->taken = true;
    const Py_buffer& view = held->view;
    const Dims strides = element_strides(view, dtype);
    const Dims sizes = [&] {
        Dims out;
        for (int d = 0; d < view.ndim; ++d) out.push_back(view.shape[d]);
        return out;
    }();
    if (view.readonly && warns) warn_readonly();
    void* start = view.buf;
    Shared<Buffer> buffer =
        wrap_external(start, extent_of(sizes, strides, size_of(dtype)), release_held, held.get());
    held.release();
    return tensor_of(make_external(std::move(buffer)), sizes, strides, 0, dtype);
}

// ---- the buffer protocol of tensors ----

namespace {

void export_memory(const Tensor& x, Py_buffer* view, int flags) {
    if (requires_grad(x)) {
        fail(ErrorKind::Buffer, "Can't export tensors that require gradient, use tensor.detach()");
    }
    const char* format = format_of(x->dtype);
    if (!format)
        fail(ErrorKind::Buffer, "the buffer protocol has no ", facts(x->dtype).name,
             "; convert with .float()");
    if (x->device.type != DeviceType::CPU)
        fail(ErrorKind::Buffer, "a tensor on the meta device has no memory");
    const bool wants_strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES;
    const bool fortran = (flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS;
    const bool rows = !wants_strides || (flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS;
    bool fits = !rows || x->contiguous;
    if (fortran || (flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_ANY_CONTIGUOUS) {
        Dims sizes = x->sizes, strides = x->strides;
        std::reverse(sizes.begin(), sizes.end());
        std::reverse(strides.begin(), strides.end());
        fits = is_contiguous(sizes, strides) || (!fortran && x->contiguous);
    }
    if (!fits)
        fail(ErrorKind::Buffer,
             "the tensor is not contiguous as the reader demands; use tensor.contiguous()");
    static char nothing[16];
    const std::int64_t element = static_cast<std::int64_t>(size_of(x->dtype));
    char* base = expose(*x->storage);
    const std::size_t rank = static_cast<std::size_t>(x->dim());
    Py_ssize_t* numbers = static_cast<Py_ssize_t*>(PyMem_Malloc((2 * rank + 1) * sizeof(Py_ssize_t)));
    if (!numbers) throw std::bad_alloc();
    for (std::size_t d = 0; d < rank; ++d) {
        numbers[d] = x->sizes[static_cast<int>(d)];
        numbers[rank + d] = x->strides[static_cast<int>(d)] * element;
    }
    view->buf = base ? base + x->offset * element : nothing;
    view->len = x->numel * element;
    view->itemsize = element;
    view->readonly = 0;
    view->ndim = x->dim();
    view->format = flags & PyBUF_FORMAT ? const_cast<char*>(format) : nullptr;
    view->shape = flags & PyBUF_ND ? numbers : nullptr;
    view->strides = wants_strides ? numbers + rank : nullptr;
    view->suboffsets = nullptr;
    view->internal = numbers;
}

}  // namespace

int tensor_getbuffer(PyObject* self, Py_buffer* view, int flags) {
    view->obj = nullptr;
    return guarded_status([&] {
        export_memory(tensor_from(self), view, flags);
        view->obj = Py_NewRef(self);
    });
}

void tensor_releasebuffer(PyObject*, Py_buffer* view) { PyMem_Free(view->internal); }

// ---- NumPy ----

namespace {

PyObject* numpy_array(const Tensor& memory) {
    static PyObject* asarray = nullptr;
    if (!asarray) asarray = nb::object(nb::module_::import_("numpy").attr("asarray")).release().ptr();
    nb::object owner = nb::steal(to_python(memory));
    nb::object view = nb::steal(checked(PyMemoryView_FromObject(owner.ptr())));
    return checked(PyObject_CallOneArg(asarray, view.ptr()));
}

/// The flag that a default implied gives way; one that was asked for refuses.
void check_plain(const Tensor& x) {
    if (x->implied_grad && x->requires_grad && !x->grad_fn) x->requires_grad = x->implied_grad = false;
    check(!(grad_enabled() && requires_grad(x)),
          "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
}

PyObject* numpy_of(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        if (count > 0) {
            fail(ErrorKind::Type, "numpy() takes 0 positional arguments but ", count,
                 count == 1 ? " was" : " were", " given");
        }
        bool force = false;
        for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i) {
            if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), "force") != 0) {
                fail(ErrorKind::Type, "numpy() got an unexpected keyword argument '",
                     PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, i)), "'");
            }
            force = PyObject_IsTrue(args[i]) == 1;
        }
        const Tensor x = tensor_from(self);
        if (!force) check_plain(x);
        if (x->device.type != DeviceType::CPU) {
            fail(ErrorKind::Type,
                 "can't convert meta device type tensor to numpy. Use Tensor.cpu() to copy the tensor to "
                 "host memory first.");
        }
        if (!format_of(x->dtype))
            fail(ErrorKind::Type, "Got unsupported ScalarType ", facts(x->dtype).legacy_name);
        return numpy_array(alias(x));
    });
}

PyObject* from_numpy(PyObject*, PyObject* array) {
    return guarded([&] {
        if (!is_array(array))
            fail(ErrorKind::Type, "expected np.ndarray (got ", Py_TYPE(array)->tp_name, ")");
        return to_python(tensor_over_array(array));
    });
}

// ---- frombuffer ----

Tensor tensor_from_buffer(nb::handle source, nb::handle dtype_object, std::int64_t count,
                          std::int64_t offset) {
    const DType dtype = dtype_from(dtype_object.ptr());
    const std::int64_t element = static_cast<std::int64_t>(size_of(dtype));
    auto held = std::make_unique<Held>();
    if (PyObject_GetBuffer(source.ptr(), &held->view, PyBUF_SIMPLE) < 0) throw nb::python_error();
    held->taken = true;
    const std::int64_t length = held->view.len;
    const auto demand = [](bool holds, const auto&... parts) {
        if (!holds) fail(ErrorKind::Value, parts...);
    };
    demand(length > 0 && count != 0, "both buffer length (", length, ") and count (", count,
           ") must not be 0");
    demand(offset >= 0 && offset < length, "offset (", offset,
           " bytes) must be non-negative and no greater than buffer "
           "length (",
           length, " bytes) minus 1");
    demand(count > 0 || (length - offset) % element == 0, "buffer length (", length, " bytes) after offset (",
           offset, " bytes) must be a multiple of element size (", element, ")");
    const std::int64_t wanted = count > 0 ? count : (length - offset) / element;
    demand(wanted <= (length - offset) / element, "requested buffer length (", wanted, " * ", element,
           " bytes) after offset (", offset, " bytes) must not be greater than actual buffer length (",
           length, " bytes)");
    static bool warned = false;
    if (held->view.readonly) {
        warn_once(
            warned,
            "The given buffer is not writable, and PyTorch does not support non-writable tensors. This means "
            "you can write to the underlying (supposedly non-writable) buffer using the tensor. You may want "
            "to copy "
            "the buffer to protect its data or make it writable before converting it to a tensor. This type "
            "of "
            "warning will be suppressed for the rest of this program.");
    }
    char* start = static_cast<char*>(held->view.buf) + offset;
    Shared<Buffer> buffer =
        wrap_external(start, static_cast<std::size_t>(wanted * element), release_held, held.get());
    held.release();
    return tensor_of(make_external(std::move(buffer)), {wanted}, {1}, 0, dtype);
}

// ---- pickling and copying ----

/// The elements' bytes in memory's order if they lie without gaps, else row-major; and the strides of that.
std::pair<nb::object, nb::object> storage_bytes(const Tensor& x) {
    check(x->device.type == DeviceType::CPU, "Cannot copy out of meta tensor; no data!");
    const Tensor dense = is_dense(x->sizes, x->strides) ? x : dense_copy(x, true);
    const Py_ssize_t bytes =
        static_cast<Py_ssize_t>(dense->numel) * static_cast<Py_ssize_t>(size_of(x->dtype));
    nb::object out = nb::steal(checked(PyBytes_FromStringAndSize(nullptr, bytes)));
    if (bytes) std::memcpy(PyBytes_AS_STRING(out.ptr()), data(*dense), static_cast<std::size_t>(bytes));
    return {out, nb::steal(dims_to_python(dense->strides))};
}

Tensor tensor_from_bytes(nb::handle bytes, nb::handle dtype_object, nb::handle size, nb::handle stride) {
    const DType dtype = dtype_from(dtype_object.ptr());
    const Dims sizes = dims_from(size.ptr(), "size"), strides = dims_from(stride.ptr(), "stride");
    check(sizes.size() == strides.size(), "_tensor_from_bytes: ", sizes.size(), " sizes, but ",
          strides.size(), " strides");
    Held held;
    if (PyObject_GetBuffer(bytes.ptr(), &held.view, PyBUF_SIMPLE) < 0) throw nb::python_error();
    held.taken = true;
    const std::size_t needed = extent_of(sizes, strides, size_of(dtype));
    check(static_cast<std::size_t>(held.view.len) == needed, "_tensor_from_bytes: ", held.view.len,
          " bytes; sizes ", sizes, " of ", facts(dtype).name, " need ", needed);
    Shared<Storage> storage = make_storage(needed);
    if (needed) std::memcpy(storage->buffer->data, held.view.buf, needed);
    return tensor_of(std::move(storage), sizes, strides, 0, dtype);
}

/// A tensor with x's geometry over a copy of x's storage, or over that of `copied`, which is such a copy.
Tensor over_copy(const Tensor& x, const Tensor& copied) {
    Tensor out = alias(x);
    out->inference = out->data_alias = false;
    out->storage = copied ? copied->storage : copy_on_write(*x->storage);
    return out;
}

bool has_hooks(const Tensor& x) {
    return x->autograd && (x->autograd->hooks || x->autograd->post_accumulate);
}

PyMethodDef functions[] = {{"from_numpy", from_numpy, METH_O,
                            "from_numpy(ndarray)\n--\n\nA tensor over the array's memory; both see writes."},
                           {}};
PyMethodDef methods[] = {
    fast("numpy", numpy_of,
         "numpy(*, force=False)\n--\n\nAn array over the tensor's memory; both see writes."),
    {}};

}  // namespace

void define_interop(nb::module_& m) {
    add_functions(m, functions);
    add_methods(methods);
    m.def("_frombuffer", tensor_from_buffer);
    m.def("_storage_bytes", storage_bytes);
    m.def("_tensor_from_bytes", tensor_from_bytes);
    m.def("_over_copy", over_copy, nb::arg("x"), nb::arg("copied").none());
    m.def("_storage_key", [](const Tensor& x) { return reinterpret_cast<std::uintptr_t>(x->storage.get()); });
    m.def("_has_hooks", has_hooks);
    m.def("_is_array", [](nb::handle object) { return is_array(object.ptr()); });
    define_dlpack(m);
}

}  // namespace tapeless
