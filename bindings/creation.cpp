// Making tensors from sizes: zeros, ones, full, arange and their kind, with PyTorch's signatures.
#include "bindings/creation.h"

#include <cmath>
#include <cstring>

#include "kernels/copy.h"
#include "ops/fresh.h"
#include "ops/launch.h"

namespace tapeless {

// ---- results ----

PyObject* finished_into(const Tensor& made, const Call& call) {
    const Tensor out = tensor_from(call.out);
    check(!(grad_enabled() && requires_grad(out)), call.signature.name,
          "(): functions with out=... arguments don't "
          "support automatic differentiation, but one of the arguments requires grad.");
    check_inplace(out, false);
    if (out->sizes == made->sizes) {
        if (on_cpu(out)) write(out, made);
    } else {
        out->storage = made->storage;
        out->sizes = made->sizes;
        out->strides = made->strides;
        out->numel = made->numel;
        out->offset = made->offset;
        out->contiguous = made->contiguous;
    }
    note_write(out);
    return to_python(out);
}

PyObject* finished(Tensor made, const Call& call) {
    if (call.requires_grad) {
        check(is_differentiable(made->dtype),
              "Only Tensors of floating point and complex dtype can require gradients");
    }
    if (call.out) return finished_into(made, call);
    made->requires_grad = call.requires_grad;
    return to_python(std::move(made));
}

DType floating_dtype(const Call& call) {
    return call.dtype ? *call.dtype : call.out ? body(call.out)->dtype : default_dtype();
}

Tensor empty_like(const Tensor& x, DType dtype, Device device, std::optional<MemoryFormat> format) {
    const bool given = format && *format != MemoryFormat::Preserve;
    const Dims strides = given ? format_strides(x->sizes, *format) : preserved_strides(x);
    return marked(empty(x->sizes, dtype, device, &strides));
}

char* fresh_bytes(const Tensor& x) { return x->storage->buffer ? x->storage->buffer->data : nullptr; }

void check_fits(const Scalar& value, DType dtype) {
    const bool complex_to_real = value.category() == Category::Complex && !is_complex(dtype) &&
                                 dtype != DType::Bool && value.to<Complex<double>>().im != 0;
    bool fits = !complex_to_real;
    if (fits && category(dtype) == Category::Integer) {
        visit(dtype, [&]<class T>(Type<T>) {
            if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
                constexpr double largest = static_cast<double>(std::numeric_limits<T>::max());
                // Negative numbers wrap into unsigned types, as PyTorch lets them.
                const double lowest = std::is_unsigned_v<T> ? -largest : -largest - 1;
                const double number = value.to<double>();
                fits = number >= lowest &&
                       (sizeof(T) == 8 ? number < 0x1p63 || value.category() <= Category::Integer
                                       : number < largest + 1);
            }
        });
    }
    check(fits, "value cannot be converted to type ", facts(dtype).name, " without overflow");
}

namespace {

/// How many elements a fill writes itself, before it is left to the runner of programs.
constexpr std::int64_t kSmallFill = 4096;

void fill_fresh(const Tensor& x, const Scalar& value) {
    char* bytes = fresh_bytes(x);
    if (!bytes || x->numel == 0) return;
    if (value.is_zero() && value.category() <= Category::Integer) {
        std::memset(bytes, 0, static_cast<std::size_t>(x->numel) * size_of(x->dtype));
        return;
    }
    visit(x->dtype, [&]<class T>(Type<T>) {
        const T element = value.to<T>();
        fill(bytes, reinterpret_cast<const char*>(&element), sizeof(T), x->numel);
    });
}

/// A row-major tensor of one value: small ones at once, large ones when they are needed.
Tensor filled(const Dims& sizes, const Scalar& value, DType dtype, Device device) {
    if (product(sizes) > kSmallFill) return marked(full(sizes, value, dtype, device));
    Tensor x = fresh(sizes, dtype, device);
    fill_fresh(x, value);
    return x;
}

struct Nothing {};
struct Zero {
    static Scalar value() { return Scalar(0); }
};
struct One {
    static Scalar value() { return Scalar(1); }
};

template <class V> Tensor made(const Dims& sizes, DType dtype, Device device) {
    if constexpr (std::is_same_v<V, Nothing>) {
        return fresh(sizes, dtype, device);
    } else {
        return filled(sizes, V::value(), dtype, device);
    }
}

// ---- functions of sizes ----

constexpr Form kEmpty = {"empty", kPlaced | kOut | kMemoryFormat, {"size"}, true};
constexpr Form kZeros = {"zeros", kPlaced | kOut, {"size"}, true};
constexpr Form kOnes = {"ones", kPlaced | kOut, {"size"}, true};

/// empty with a memory_format: the only function of sizes that takes one.
Tensor empty_in_format(const Call& call) {
    check(*call.format != MemoryFormat::Preserve, "unsupported memory format Preserve: ", call.signature.name,
          " has no tensor whose format it could keep");
    const Dims strides = format_strides(call.sizes, *call.format);
    return marked(empty(call.sizes, floating_dtype(call), call.place(), &strides));
}

template <class V, const Form& signature>
PyObject* of_sizes(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(signature, args, count, names);
        if (call.format && *call.format != MemoryFormat::Contiguous)
            return finished(empty_in_format(call), call);
        return finished(made<V>(call.sizes, floating_dtype(call), call.place()), call);
    });
}

constexpr Form kEmptyLike = {"empty_like", kPlaced | kMemoryFormat, {"input"}};
constexpr Form kZerosLike = {"zeros_like", kPlaced | kMemoryFormat, {"input"}};
constexpr Form kOnesLike = {"ones_like", kPlaced | kMemoryFormat, {"input"}};
constexpr Form kFullLike = {"full_like", kPlaced | kMemoryFormat, {"input", "fill_value"}};

Tensor input_of(const Call& call) {
    if (!is_tensor(call.required(0))) call.refuse(0, "Tensor");
    return tensor_from(call.values[0]);
}

Device place_like(const Call& call, const Tensor& x) { return call.device ? call.place() : x->device; }

Tensor filled_like(const Call& call, const Tensor& x, const Scalar& value) {
    const DType dtype = call.dtype.value_or(x->dtype);
    const MemoryFormat format = call.format.value_or(MemoryFormat::Preserve);
    const bool by_rows = format == MemoryFormat::Preserve && x->strides == contiguous_strides(x->sizes);
    if (by_rows || format == MemoryFormat::Contiguous) {
        return filled(x->sizes, value, dtype, place_like(call, x));
    }
    const Tensor out = empty_like(x, dtype, place_like(call, x), format);
    fill_fresh(out, value);
    return out;
}

template <class V, const Form& signature>
PyObject* like(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(signature, args, count, names);
        const Tensor x = input_of(call);
        if constexpr (std::is_same_v<V, Nothing>) {
            return finished(empty_like(x, call.dtype.value_or(x->dtype), place_like(call, x), call.format),
                            call);
        } else {
            return finished(filled_like(call, x, V::value()), call);
        }
    });
}

PyObject* full_like(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kFullLike, args, count, names);
        const Tensor x = input_of(call);
        const Scalar value = call.number(1);
        check_fits(value, call.dtype.value_or(x->dtype));
        return finished(filled_like(call, x, value), call);
    });
}

constexpr Form kNewEmpty = {"new_empty", kPlaced, {"size"}, true};
constexpr Form kNewZeros = {"new_zeros", kPlaced, {"size"}, true};
constexpr Form kNewOnes = {"new_ones", kPlaced, {"size"}, true};
constexpr Form kNewFull = {"new_full", kPlaced, {"size", "fill_value"}};
constexpr Form kNewTensor = {"new_tensor", kDType | kDevice | kRequiresGrad | kPinMemory | kLayout, {"data"}};

template <class V, const Form& signature>
PyObject* of_sizes_like(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(signature, args, count, names);
        const Tensor x = tensor_from(self);
        return finished(made<V>(call.sizes, call.dtype.value_or(x->dtype), place_like(call, x)), call);
    });
}

PyObject* new_full(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kNewFull, args, count, names);
        const Tensor x = tensor_from(self);
        const DType dtype = call.dtype.value_or(x->dtype);
        const Scalar value = call.number(1);
        check_fits(value, dtype);
        return finished(filled(call.size(0), value, dtype, place_like(call, x)), call);
    });
}

constexpr Form kFull = {"full", kPlaced | kOut, {"size", "fill_value"}};
PyObject* full_of(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kFull, args, count, names);
        const Dims sizes = call.size(0);
        const Scalar value = call.number(1);
        DType dtype = value.dtype();
        if (call.out) dtype = body(call.out)->dtype;
        if (is_tensor(call.values[1])) dtype = body(call.values[1])->dtype;
        dtype = call.dtype.value_or(dtype);
        check_fits(value, dtype);
        return finished(filled(sizes, value, dtype, call.place()), call);
    });
}

constexpr Form kEmptyStrided = {"empty_strided", kPlaced, {"size", "stride"}};
PyObject* empty_strided(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kEmptyStrided, args, count, names);
        const Dims sizes = call.size(0), strides = call.size(1);
        check(sizes.size() == strides.size(), "dimensionality of sizes (", sizes.size(),
              ") must match dimensionality of strides (", strides.size(), ")");
        std::int64_t extent = product(sizes) == 0 ? 0 : 1;
        for (int d = 0; d < sizes.size() && extent; ++d) {
            check(strides[d] >= 0,
                  "empty_strided: Negative strides are not supported; strides: ", to_string(strides));
            extent += (sizes[d] - 1) * strides[d];
        }
        const DType dtype = floating_dtype(call);
        const Tensor whole = empty({extent}, dtype, call.place());
        return finished(marked(tensor_of(whole->storage, sizes, strides, 0, dtype)), call);
    });
}

constexpr Form kScalarTensor = {"scalar_tensor", kPlaced, {"s"}};
PyObject* scalar_tensor_of(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kScalarTensor, args, count, names);
        const Scalar value = call.number(0);
        const DType dtype = call.dtype.value_or(default_dtype());
        return finished(filled({}, value, dtype, call.place()), call);
    });
}

// ---- sequences ----

constexpr Form kArange = {"arange", kPlaced | kOut, {"start", "end", "step"}};

std::int64_t arange_length(const Scalar& start, const Scalar& end, const Scalar& step, bool integral) {
    check(!step.is_zero(), "step must be nonzero");
    if (integral && step.to<std::int64_t>() == 0) fail(ErrorKind::Value, "step must be nonzero");
    const double from = start.to<double>(), to = end.to<double>(), by = step.to<double>();
    check(std::isfinite(from) && std::isfinite(to), "unsupported range: ", from, " -> ", to);
    check((by > 0 && to >= from) || (by < 0 && to <= from),
          "upper bound and lower bound inconsistent with step sign");
    if (integral) {
        const std::int64_t low = start.to<std::int64_t>(), high = end.to<std::int64_t>(),
                           stride = step.to<std::int64_t>();
        const std::uint64_t distance =
            stride > 0 ? static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low)
                       : static_cast<std::uint64_t>(low) - static_cast<std::uint64_t>(high);
        const std::uint64_t pace =
            stride > 0 ? static_cast<std::uint64_t>(stride) : -static_cast<std::uint64_t>(stride);
        return static_cast<std::int64_t>(distance / pace + (distance % pace != 0));
    }
    const double length = std::ceil((to - from) / by);
    check(length >= 0 && length <= 0x1p62, "invalid size, possible overflow? ", from, " -> ", to, " by ", by);
    return static_cast<std::int64_t>(length);
}

PyObject* arange(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        Call call(kArange, args, count, names);
        if (call.given == 1 && !call.values[1]) std::swap(call.values[0], call.values[1]);
        const Scalar end = call.number(1), start = call.number(0, Scalar(0)),
                     step = call.number(2, Scalar(1));
        bool integral = true;
        for (const Scalar* bound : {&start, &end, &step})
            integral = integral && bound->category() <= Category::Integer;
        DType dtype = integral ? DType::Int64 : default_dtype();
        if (call.out) dtype = body(call.out)->dtype;
        dtype = call.dtype.value_or(dtype);
        const Tensor out =
            fresh({arange_length(start, end, step, integral || dtype == DType::Int64)}, dtype, call.place());
        char* bytes = fresh_bytes(out);
        visit(dtype, [&]<class T>(Type<T>) {
            T* values = reinterpret_cast<T*>(bytes);
            const std::int64_t n = bytes ? out->numel : 0;
            if (is_integral(dtype) || integral) {
                const std::int64_t from = start.to<std::int64_t>(), by = step.to<std::int64_t>();
                for (std::int64_t i = 0; i < n; ++i) values[i] = convert<T>(from + i * by);
            } else {
                const double from = start.to<double>(), by = step.to<double>();
                for (std::int64_t i = 0; i < n; ++i)
                    values[i] = convert<T>(from + static_cast<double>(i) * by);
            }
        });
        return finished(out, call);
    });
}

constexpr Form kLinspace = {"linspace", kPlaced | kOut, {"start", "end", "steps"}};
constexpr Form kLogspace = {"logspace", kPlaced | kOut, {"start", "end", "steps", "base"}};

/// From both ends towards the middle, so that the last value is `end` itself; in the dtype's own arithmetic.
template <class T, class F> void fill_linspace(T* out, std::int64_t n, double start, double end, F function) {
    using C = std::conditional_t<std::is_same_v<T, float> || sizeof(T) == 2, float, double>;
    const C first = static_cast<C>(start), last = static_cast<C>(end);
    const C step = n > 1 ? (last - first) / static_cast<C>(n - 1) : C(0);
    for (std::int64_t i = 0; i < n; ++i) {
        // One rounding, as PyTorch's compiler makes it on every machine with a fused instruction.
        const C value = n == 1 || i < n / 2 ? std::fma(step, static_cast<C>(i), first)
                                            : std::fma(-step, static_cast<C>(n - 1 - i), last);
        out[i] = convert<T>(function(value));
    }
}

template <const Form& signature>
PyObject* linspace(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(signature, args, count, names);
        const double start = call.number(0).to<double>(), end = call.number(1).to<double>();
        const std::int64_t steps = call.integer(2);
        check(steps >= 0, "number of steps must be non-negative");
        const DType dtype = floating_dtype(call);
        const Tensor out = fresh({steps}, dtype, call.place());
        char* bytes = fresh_bytes(out);
        const bool powers = &signature == &kLogspace;
        const double base = powers ? call.real(3, 10.0) : 0.0;
        visit(dtype, [&]<class T>(Type<T>) {
            fill_linspace(reinterpret_cast<T*>(bytes), bytes ? steps : 0, start, end, [&](auto value) {
                return powers
                           ? static_cast<decltype(value)>(std::pow(static_cast<decltype(value)>(base), value))
                           : value;
            });
        });
        return finished(out, call);
    });
}

constexpr Form kEye = {"eye", kPlaced | kOut, {"n", "m"}};
PyObject* eye(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kEye, args, count, names);
        const std::int64_t n = call.integer(0);
        const std::int64_t m = call.values[1] && call.values[1] != Py_None ? call.integer(1) : n;
        check(n >= 0, "n must be greater or equal to 0, got ", n);
        check(m >= 0, "m must be greater or equal to 0, got ", m);
        const DType dtype = floating_dtype(call);
        const Tensor out = fresh({n, m}, dtype, call.place());
        fill_fresh(out, Scalar(0));
        visit(dtype, [&]<class T>(Type<T>) {
            T* values = reinterpret_cast<T*>(fresh_bytes(out));
            for (std::int64_t i = 0; values && i < std::min(n, m); ++i)
                values[i * (m + 1)] = Scalar(1).to<T>();
        });
        return finished(out, call);
    });
}

// ---- from data ----

constexpr Form kTensor = {"tensor", kDType | kDevice | kRequiresGrad | kPinMemory, {"data"}};

void warn_copy(PyObject* data, const char* instead) {
    if (!is_tensor(data)) return;
    const int status = PyErr_WarnFormat(
        PyExc_UserWarning, 1,
        "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() "
        "or sourceTensor.detach().clone().requires_grad_(True), rather than %s(sourceTensor).",
        instead);
    if (status < 0) throw nb::python_error();
}

PyObject* tensor(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kTensor, args, count, names);
        warn_copy(call.required(0), "torch.tensor");
        return finished(tensor_of_data(call.values[0], call.dtype, call.place()), call);
    });
}

PyObject* new_tensor(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kNewTensor, args, count, names);
        const Tensor x = tensor_from(self);
        warn_copy(call.required(0), "tensor.new_tensor");
        std::optional<DType> dtype = call.dtype;
        if (!dtype && !is_tensor(call.values[0])) dtype = x->dtype;
        return finished(tensor_of_data(call.values[0], dtype, place_like(call, x)), call);
    });
}

PyMethodDef functions[] = {
    fast("tensor", tensor,
         "tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False)\n--\n\n"
         "A new leaf with a copy of the data: nested sequences of numbers, an array, a number or a tensor."),
    fast("empty", of_sizes<Nothing, kEmpty>,
         "empty(*size, out=None, dtype=None, layout=torch.strided, device=None, "
         "requires_grad=False, pin_memory=False, memory_format=torch.contiguous_format)\n\nAn uninitialised "
         "tensor."),
    fast("zeros", of_sizes<Zero, kZeros>,
         "zeros(*size, out=None, dtype=None, layout=torch.strided, device=None, "
         "requires_grad=False)\n\nA tensor of zeros."),
    fast("ones", of_sizes<One, kOnes>,
         "ones(*size, out=None, dtype=None, layout=torch.strided, device=None, "
         "requires_grad=False)\n\nA tensor of ones."),
    fast("full", full_of,
         "full(size, fill_value, *, out=None, dtype=None, layout=torch.strided, device=None, "
         "requires_grad=False)\n\nA tensor of one value; its dtype is that of the value unless given."),
    fast("empty_like", like<Nothing, kEmptyLike>,
         "empty_like(input, *, dtype=None, layout=None, device=None, "
         "requires_grad=False, memory_format=torch.preserve_format)\n\nAn uninitialised tensor of input's "
         "sizes."),
    fast("zeros_like", like<Zero, kZerosLike>,
         "zeros_like(input, *, dtype=None, layout=None, device=None, "
         "requires_grad=False, memory_format=torch.preserve_format)\n\nZeros of input's sizes."),
    fast("ones_like", like<One, kOnesLike>,
         "ones_like(input, *, dtype=None, layout=None, device=None, "
         "requires_grad=False, memory_format=torch.preserve_format)\n\nOnes of input's sizes."),
    fast("full_like", full_like,
         "full_like(input, fill_value, *, dtype=None, layout=None, device=None, "
         "requires_grad=False, memory_format=torch.preserve_format)\n\nOne value in input's sizes."),
    fast("empty_strided", empty_strided,
         "empty_strided(size, stride, *, dtype=None, layout=None, device=None, "
         "requires_grad=False, pin_memory=False)\n\nAn uninitialised tensor with these strides."),
    fast("scalar_tensor", scalar_tensor_of,
         "scalar_tensor(s, *, dtype=None, layout=None, device=None, "
         "pin_memory=None)\n\nA 0-dimensional tensor of a number, in the default dtype unless given."),
    fast("arange", arange,
         "arange(start=0, end, step=1, *, out=None, dtype=None, layout=torch.strided, device=None, "
         "requires_grad=False)\n\nstart, start + step, ... while before end."),
    fast("linspace", linspace<kLinspace>,
         "linspace(start, end, steps, *, out=None, dtype=None, layout=torch.strided, "
         "device=None, requires_grad=False)\n\n`steps` values from start to end, both included."),
    fast("logspace", linspace<kLogspace>,
         "logspace(start, end, steps, base=10.0, *, out=None, dtype=None, "
         "layout=torch.strided, device=None, requires_grad=False)\n\nbase to the powers of linspace."),
    fast("eye", eye,
         "eye(n, m=None, *, out=None, dtype=None, layout=torch.strided, device=None, "
         "requires_grad=False)\n\nOnes on the diagonal, zeros elsewhere."),
    {}};

PyMethodDef methods[] = {
    fast("new_tensor", new_tensor, "A copy of the data with this tensor's dtype and device unless given."),
    fast("new_empty", of_sizes_like<Nothing, kNewEmpty>,
         "An uninitialised tensor with this dtype and device."),
    fast("new_zeros", of_sizes_like<Zero, kNewZeros>,
         "Zeros with this tensor's dtype and device unless given."),
    fast("new_ones", of_sizes_like<One, kNewOnes>, "Ones with this tensor's dtype and device unless given."),
    fast("new_full", new_full, "One value, with this tensor's dtype and device unless given."),
    {}};

}  // namespace

void define_creation(nb::module_& m) {
    define_calls(m);
    add_functions(m, functions);
    add_methods(methods);
    define_data(m);
}

}  // namespace tapeless
