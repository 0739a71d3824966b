// Random numbers: the Generator type, functions that draw new tensors, methods that overwrite with draws.
//
// Draws happen at the call, in PyTorch's order: the order of the target's memory, whatever its strides.
#include "kernels/random.h"

#include <algorithm>

#include "bindings/creation.h"
#include "ops/fresh.h"

namespace tapeless {

Generator* generator_from(PyObject* object) {
    Generator* generator = nullptr;
    return nb::try_cast<Generator*>(nb::handle(object), generator) ? generator : nullptr;
}

namespace {

// ---- filling ----

/// A draw into `n` elements without gaps; `dense`: the target itself is row-major.
template <class F>
concept Draw = std::is_invocable_v<F, DType, void*, std::int64_t, bool>;

/// The dimensions from the largest stride to the smallest: row by row like that, memory is walked in order.
Dims memory_order(const Tensor& x) {
    Dims order;
    for (int d = 0; d < x->dim(); ++d) order.push_back(d);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return x->strides[static_cast<int>(a)] > x->strides[static_cast<int>(b)];
    });
    return order;
}

/// x's elements with the dimensions in another order; not recorded.
Tensor reordered(const Tensor& x, const Dims& order) {
    Tensor out = alias(x);
    for (int d = 0; d < x->dim(); ++d) {
        out->sizes[d] = x->sizes[static_cast<int>(order[d])];
        out->strides[d] = x->strides[static_cast<int>(order[d])];
    }
    out->contiguous = is_contiguous(out->sizes, out->strides);
    return out;
}

void draw_into(const Tensor& x, Draw auto draw) {
    if (!on_cpu(x)) return;
    if (x->contiguous) return draw(x->dtype, mutable_data<void>(*x), x->numel, true);
    const Tensor target = reordered(x, memory_order(x));
    const Tensor drawn = empty(target->sizes, x->dtype);
    draw(x->dtype, fresh_bytes(drawn), x->numel, false);
    write(target, drawn);
}

Tensor drawn(Tensor fresh, Draw auto draw) {
    draw_into(fresh, draw);
    return fresh;
}

// ---- recording: a drawn value does not depend on what it was drawn over ----

struct Drawn {
    void backward(Node& node, Gradients in, Gradients out) const {
        if (in[0] && node.needs(0)) out[0] = full(in[0]->sizes, Scalar(0), in[0]->dtype, in[0]->device);
    }
};
struct Uniform : Drawn {
    static constexpr const char* node = "UniformBackward0";
};
struct Normal : Drawn {
    static constexpr const char* node = "NormalBackward0";
};
struct RandomFrom : Drawn {
    static constexpr const char* node = "RandomBackward0";
};
struct RandomTo : Drawn {
    static constexpr const char* node = "RandomBackward1";
};
struct RandomAll : Drawn {
    static constexpr const char* node = "RandomBackward2";
};
struct Bernoulli : Drawn {
    static constexpr const char* node = "BernoulliBackward0";
};
struct BernoulliEach : Drawn {
    static constexpr const char* node = "BernoulliBackward1";
};
struct BernoulliAll : Drawn {
    static constexpr const char* node = "BernoulliBackward2";
};
struct Exponential : Drawn {
    static constexpr const char* node = "ExponentialBackward0";
};
struct Geometric : Drawn {
    static constexpr const char* node = "GeometricBackward0";
};
struct LogNormal : Drawn {
    static constexpr const char* node = "LogNormalBackward0";
};
struct Cauchy : Drawn {
    static constexpr const char* node = "CauchyBackward0";
};

/// Numbers drawn around tensors of means, or with tensors of deviations.
struct DrawnAround {
    Dims sizes[2];
    void backward(Node& node, Gradients in, Gradients out) const {
        for (int i = 0; i < 2 && in[0]; ++i) {
            if (node.needs(i)) out[i] = full(sizes[i], Scalar(0), in[0]->dtype, in[0]->device);
        }
    }
};
struct NormalMean : DrawnAround {
    static constexpr const char* node = "NormalBackward1";
};
struct NormalStd : DrawnAround {
    static constexpr const char* node = "NormalBackward2";
};
struct NormalBoth : DrawnAround {
    static constexpr const char* node = "NormalBackward3";
};

/// Ties a result of `normal` to the tensors that it was drawn around; either may be null.
Tensor recorded_normal(const Tensor& out, const Tensor& mean, const Tensor& std) {
    if (!needs_record({&mean, &std})) return out;
    const DrawnAround around{{mean ? mean->sizes : Dims(), std ? std->sizes : Dims()}};
    if (!std)
        record(out, {&mean, &std}, NormalMean{around});
    else if (!mean)
        record(out, {&mean, &std}, NormalStd{around});
    else
        record(out, {&mean, &std}, NormalBoth{around});
    return out;
}

template <class P> PyObject* overwrite(PyObject* self, Draw auto draw) {
    const Tensor x = tensor_from(self);
    const bool records = grad_enabled() && requires_grad(x);
    check_inplace(x, records);
    Ref<Node> node;
    if (records && requires_grad(x)) {
        node = make_node(class_of<P>(), 1, 0, 1, P{});
        node->edges[0] = gradient_edge(x);
    }
    draw_into(x, draw);
    note_write(x);
    if (node) rebase_history(x, node);
    return Py_NewRef(self);
}

// ---- checks ----

void check_drawable(DType dtype, const char* kernel) {
    if (is_integral(dtype)) {
        fail(ErrorKind::NotImplemented, "\"", kernel, "\" not implemented for '", facts(dtype).legacy_name,
             "'");
    }
}
const char* const kUniformKernel = "check_uniform_bounds";
const char* const kNormalKernel = "normal_kernel_cpu";

void check_continuous(DType dtype, const char* distribution) {
    check(is_floating(dtype), distribution,
          " distribution is a continuous probability distribution. dtype must be a "
          "floating point but you specified ",
          facts(dtype).legacy_name);
}
void check_std(double std) { check(std >= 0, "normal expects std >= 0.0, but found std ", std); }
void check_range(std::int64_t from, std::int64_t to) {
    check(from < to, "random_ expects 'from' to be less than 'to', but got from=", from, " >= to=", to);
}

auto uniform_draw(Generator& g, double from = 0, double to = 1) {
    return [&g, from, to](DType dtype, void* out, std::int64_t n, bool) {
        check_drawable(dtype, kUniformKernel);
        fill_uniform(g, dtype, out, n, from, to);
    };
}
auto normal_draw(Generator& g, double mean = 0, double std = 1) {
    return [&g, mean, std](DType dtype, void* out, std::int64_t n, bool dense) {
        check_drawable(dtype, kNormalKernel);
        (dense ? fill_normal : fill_normal_pairs)(g, dtype, out, n, mean, std);
    };
}
auto integer_draw(Generator& g, std::int64_t from, std::int64_t to) {
    return [&g, from, to](DType dtype, void* out, std::int64_t n, bool) {
        fill_integers(g, dtype, out, n, from, to);
    };
}

// ---- new tensors ----

constexpr unsigned kDrawn = kPlaced | kOut | kGenerator;
constexpr Form kRand = {"rand", kDrawn, {"size"}, true};
constexpr Form kRandn = {"randn", kDrawn, {"size"}, true};

/// Draws into the call's `out` if it has the right sizes (its memory decides their order), else afresh.
template <class F> PyObject* new_draws(const Call& call, const Dims& sizes, DType dtype, F draw) {
    if (call.out && body(call.out)->sizes == sizes) {
        check_inplace(tensor_from(call.out), false);
        draw_into(tensor_from(call.out), draw);
        note_write(tensor_from(call.out));
        return Py_NewRef(call.out);
    }
    return finished(drawn(fresh(sizes, dtype, call.place()), draw), call);
}

PyObject* rand(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kRand, args, count, names);
        const DType dtype = floating_dtype(call);
        check_drawable(dtype, kUniformKernel);
        return new_draws(call, call.sizes, dtype, uniform_draw(call.source()));
    });
}
PyObject* randn(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kRandn, args, count, names);
        const DType dtype = floating_dtype(call);
        check_drawable(dtype, kNormalKernel);
        return new_draws(call, call.sizes, dtype, normal_draw(call.source()));
    });
}

constexpr Form kRandLike = {"rand_like", kPlaced | kMemoryFormat | kGenerator, {"input"}};
constexpr Form kRandnLike = {"randn_like", kPlaced | kMemoryFormat | kGenerator, {"input"}};
constexpr Form kRandintLike = {
    "randint_like", kPlaced | kMemoryFormat | kGenerator, {"input", "low", "high"}};

Tensor target_like(const Call& call) {
    if (!is_tensor(call.required(0))) call.refuse(0, "Tensor");
    const Tensor x = tensor_from(call.values[0]);
    return empty_like(x, call.dtype.value_or(x->dtype), call.device ? call.place() : x->device, call.format);
}
PyObject* rand_like(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kRandLike, args, count, names);
        return finished(drawn(target_like(call), uniform_draw(call.source())), call);
    });
}
PyObject* randn_like(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kRandnLike, args, count, names);
        return finished(drawn(target_like(call), normal_draw(call.source())), call);
    });
}
PyObject* randint_like(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        Call call(kRandintLike, args, count, names);
        if (!call.values[2]) std::swap(call.values[1], call.values[2]);
        const std::int64_t high = call.integer(2), low = call.values[1] ? call.integer(1) : 0;
        check_range(low, high);
        return finished(drawn(target_like(call), integer_draw(call.source(), low, high)), call);
    });
}

constexpr Form kRandint = {"randint", kDrawn, {"low", "high", "size"}};
PyObject* randint(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        Call call(kRandint, args, count, names);
        if (call.given == 2 && !call.values[2]) {  // randint(high, size)
            call.values[2] = call.values[1];
            call.values[1] = call.values[0];
            call.values[0] = nullptr;
            call.shifted = 1;
        } else if (call.given == 1 && !call.values[1]) {
            std::swap(call.values[0], call.values[1]);
            call.shifted = 1;
        }
        const Dims sizes = call.size(2);
        const std::int64_t high = call.integer(1), low = call.values[0] ? call.integer(0) : 0;
        check_range(low, high);
        const DType dtype = call.dtype.value_or(call.out ? body(call.out)->dtype : DType::Int64);
        check(!call.requires_grad || is_differentiable(dtype),
              "Only Tensors of floating point and complex dtype can require gradients");
        return new_draws(call, sizes, dtype, integer_draw(call.source(), low, high));
    });
}

constexpr Form kRandperm = {"randperm", kDrawn, {"n"}};
PyObject* randperm(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kRandperm, args, count, names);
        const std::int64_t n = call.integer(0);
        const DType dtype = call.dtype.value_or(call.out ? body(call.out)->dtype : DType::Int64);
        check(!call.requires_grad || is_differentiable(dtype),
              "Only Tensors of floating point and complex dtype can require gradients");
        return finished(drawn(fresh({n}, dtype, call.place()),
                              [&](DType type, void* out, std::int64_t size, bool) {
                                  fill_permutation(call.source(), type, out, size);
                              }),
                        call);
    });
}

constexpr Form kBernoulli = {"bernoulli", kOut | kGenerator, {"input", "p"}};
PyObject* bernoulli(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kBernoulli, args, count, names);
        if (!is_tensor(call.required(0))) call.refuse(0, "Tensor");
        const Tensor x = tensor_from(call.values[0]);
        const bool one = call.values[1] && call.values[1] != Py_None;
        const double p = one ? call.real(1, 0.5) : 0;
        const Tensor values = row_major(x);
        const Tensor out =
            drawn(fresh(x->sizes, x->dtype, x->device), [&](DType dtype, void* bytes, std::int64_t n, bool) {
                if (one) return fill_bernoulli(call.source(), dtype, bytes, n, p);
                check_drawable(dtype, "bernoulli_tensor_cpu_p_");
                fill_bernoulli(call.source(), dtype, bytes, n, dtype, data(*values));
            });
        if (call.out) return finished_into(out, call);
        if (is_differentiable(x->dtype) && needs_record({&x})) record(out, {&x}, Bernoulli{});
        return to_python(out);
    });
}

// ---- methods that overwrite ----

constexpr Form kUniform_ = {"uniform_", kGenerator, {"from", "to"}};
PyObject* uniform_(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kUniform_, args, count, names);
        const double from = call.real(0, 0.0), to = call.real(1, 1.0);
        check_drawable(body(self)->dtype, kUniformKernel);
        check(from <= to, "uniform_ expects to return a [from, to) range, but found from=", from,
              " > to=", to);
        return overwrite<Uniform>(self, uniform_draw(call.source(), from, to));
    });
}

constexpr Form kNormal_ = {"normal_", kGenerator, {"mean", "std"}};
PyObject* normal_(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kNormal_, args, count, names);
        const double mean = call.real(0, 0.0), std = call.real(1, 1.0);
        check_std(std);
        check_drawable(body(self)->dtype, kNormalKernel);
        return overwrite<Normal>(self, normal_draw(call.source(), mean, std));
    });
}

constexpr Form kRandom_ = {"random_", kGenerator, {"from", "to"}};
PyObject* random_(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        Call call(kRandom_, args, count, names);
        Generator& g = call.source();
        if (!call.values[0] && !call.values[1]) {
            return overwrite<RandomAll>(self, [&](DType dtype, void* out, std::int64_t n, bool) {
                fill_integers_all(g, dtype, out, n);
            });
        }
        if (!call.values[1]) {
            const std::int64_t to = call.integer(0);
            check_range(0, to);
            return overwrite<RandomTo>(self, integer_draw(g, 0, to));
        }
        const std::int64_t from = call.values[0] ? call.integer(0) : 0;
        if (call.values[1] == Py_None) {
            return overwrite<RandomFrom>(self, [&](DType dtype, void* out, std::int64_t n, bool) {
                fill_integers_from(g, dtype, out, n, from);
            });
        }
        const std::int64_t to = call.integer(1);
        check_range(from, to);
        return overwrite<RandomFrom>(self, integer_draw(g, from, to));
    });
}

constexpr Form kBernoulli_ = {"bernoulli_", kGenerator, {"p"}};
PyObject* bernoulli_(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kBernoulli_, args, count, names);
        Generator& g = call.source();
        if (call.values[0] && is_tensor(call.values[0])) {
            const Tensor x = tensor_from(self), p = tensor_from(call.values[0]);
            check_drawable(p->dtype, "bernoulli_tensor_cpu_p_");
            Tensor spread = alias(p);
            spread->strides = expanded_strides(*p, x->sizes);
            spread->sizes = x->sizes;
            spread->numel = x->numel;
            const Tensor values = row_major(reordered(spread, memory_order(x)));
            return overwrite<BernoulliEach>(self, [&](DType dtype, void* out, std::int64_t n, bool) {
                fill_bernoulli(g, dtype, out, n, p->dtype, data(*values));
            });
        }
        const double p = call.real(0, 0.5);
        check(p >= 0 && p <= 1, "bernoulli_ expects p to be in [0, 1], but got p=", p);
        return overwrite<BernoulliAll>(
            self, [&](DType dtype, void* out, std::int64_t n, bool) { fill_bernoulli(g, dtype, out, n, p); });
    });
}

constexpr Form kExponential_ = {"exponential_", kGenerator, {"lambd"}};
PyObject* exponential_(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kExponential_, args, count, names);
        const double rate = call.real(0, 1.0);
        check_continuous(body(self)->dtype, "Exponential");
        check(rate > 0, "exponential_ expects lambda > 0.0, but found lambda=", rate);
        return overwrite<Exponential>(self, [&](DType dtype, void* out, std::int64_t n, bool) {
            fill_exponential(call.source(), dtype, out, n, rate);
        });
    });
}

constexpr Form kGeometric_ = {"geometric_", kGenerator, {"p"}};
PyObject* geometric_(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kGeometric_, args, count, names);
        const double p = call.number(0).to<double>();
        check(p > 0 && p < 1, "geometric_ expects p to be in (0, 1), but got p=", p);
        return overwrite<Geometric>(self, [&](DType dtype, void* out, std::int64_t n, bool) {
            fill_geometric(call.source(), dtype, out, n, p);
        });
    });
}

constexpr Form kLogNormal_ = {"log_normal_", kGenerator, {"mean", "std"}};
PyObject* log_normal_(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kLogNormal_, args, count, names);
        const double mean = call.real(0, 1.0), std = call.real(1, 2.0);
        check(std > 0, "log_normal_ expects std > 0.0, but found std=", std);
        return overwrite<LogNormal>(self, [&](DType dtype, void* out, std::int64_t n, bool) {
            fill_log_normal(call.source(), dtype, out, n, mean, std);
        });
    });
}

constexpr Form kCauchy_ = {"cauchy_", kGenerator, {"median", "sigma"}};
PyObject* cauchy_(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kCauchy_, args, count, names);
        const double median = call.real(0, 0.0), sigma = call.real(1, 1.0);
        check_continuous(body(self)->dtype, "Cauchy");
        check(sigma > 0, "cauchy_ expects sigma > 0.0, but found sigma=", sigma);
        return overwrite<Cauchy>(self, [&](DType dtype, void* out, std::int64_t n, bool) {
            fill_cauchy(call.source(), dtype, out, n, median, sigma);
        });
    });
}

PyMethodDef functions[] = {
    fast("rand", rand,
         "rand(*size, generator=None, out=None, dtype=None, layout=torch.strided, device=None, "
         "requires_grad=False, pin_memory=False)\n\nNumbers drawn uniformly from [0, 1)."),
    fast("randn", randn,
         "randn(*size, generator=None, out=None, dtype=None, layout=torch.strided, device=None, "
         "requires_grad=False, pin_memory=False)\n\nNumbers drawn from the standard normal distribution."),
    fast("rand_like", rand_like,
         "rand_like(input, *, dtype=None, layout=None, device=None, requires_grad=False, "
         "memory_format=torch.preserve_format)\n\nUniform numbers in input's sizes."),
    fast("randn_like", randn_like,
         "randn_like(input, *, dtype=None, layout=None, device=None, requires_grad=False, "
         "memory_format=torch.preserve_format)\n\nNormal numbers in input's sizes."),
    fast("randint_like", randint_like,
         "randint_like(input, low=0, high, *, dtype=None, layout=torch.strided, "
         "device=None, requires_grad=False, memory_format=torch.preserve_format)\n\nIntegers of [low, high) "
         "in input's "
         "sizes."),
    fast("randint", randint,
         "randint(low=0, high, size, *, generator=None, out=None, dtype=torch.int64, "
         "layout=torch.strided, device=None, requires_grad=False)\n\nIntegers drawn uniformly from [low, "
         "high)."),
    fast("randperm", randperm,
         "randperm(n, *, generator=None, out=None, dtype=torch.int64, layout=torch.strided, "
         "device=None, requires_grad=False, pin_memory=False)\n\nA random permutation of 0 .. n-1."),
    fast("bernoulli", bernoulli,
         "bernoulli(input, *, generator=None, out=None)\n\n1 with the probability that input "
         "gives, else 0; its gradient is 0."),
    {}};

PyMethodDef methods[] = {
    fast("uniform_", uniform_,
         "uniform_(from=0, to=1, *, generator=None)\n\nOverwrites with draws from [from, to)."),
    fast("normal_", normal_, "normal_(mean=0, std=1, *, generator=None)\n\nOverwrites with normal numbers."),
    fast("random_", random_,
         "random_(from=0, to=None, *, generator=None)\n\nOverwrites with integers of [from, to), or "
         "of all that the dtype holds."),
    fast("bernoulli_", bernoulli_,
         "bernoulli_(p=0.5, *, generator=None)\n\nOverwrites with 1 (probability p) and 0."),
    fast("exponential_", exponential_,
         "exponential_(lambd=1, *, generator=None)\n\nOverwrites with exponential numbers."),
    fast("geometric_", geometric_,
         "geometric_(p, *, generator=None)\n\nOverwrites with trials up to the first success."),
    fast("log_normal_", log_normal_,
         "log_normal_(mean=1, std=2, *, generator=None)\n\nOverwrites with exp of normals."),
    fast("cauchy_", cauchy_,
         "cauchy_(median=0, sigma=1, *, generator=None)\n\nOverwrites with Cauchy numbers."),
    {}};

// ---- the Generator type ----

/// A seed of 64 bits, negative ones counted from the top; ValueError beyond.
std::uint64_t seed_from(nb::handle object) {
    check(PyIndex_Check(object.ptr()), "manual_seed expected a long, but got ",
          Py_TYPE(object.ptr())->tp_name);
    nb::object number = nb::steal(checked(PyNumber_Index(object.ptr())));
    int overflow = 0;
    const std::int64_t value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    if (overflow == 0) return static_cast<std::uint64_t>(value);
    const std::uint64_t large = overflow > 0 ? PyLong_AsUnsignedLongLong(number.ptr()) : 0;
    if (overflow < 0 || PyErr_Occurred()) {
        PyErr_Clear();
        fail(ErrorKind::Value, "Overflow when unpacking long long");
    }
    return large;
}

Tensor state_of(const Generator& generator) {
    const std::vector<std::uint8_t> state = generator.state();
    const Tensor out = empty({static_cast<std::int64_t>(state.size())}, DType::UInt8);
    std::copy(state.begin(), state.end(), mutable_data<std::uint8_t>(*out));
    return out;
}

void set_state(Generator& generator, const Tensor& state) {
    if (!state || state->dtype != DType::UInt8 || !on_cpu(state)) {
        fail(ErrorKind::Type, "RNG state must be a torch.ByteTensor");
    }
    const Tensor bytes = row_major(state);
    check(bytes->numel == static_cast<std::int64_t>(Generator::state_size),
          "Expected a CPUGeneratorImplState of size ", Generator::state_size,
          " but found the input RNG state size to be ", bytes->numel);
    generator.set_state(data<std::uint8_t>(*bytes), static_cast<std::size_t>(bytes->numel));
}

}  // namespace

void define_random(nb::module_& m) {
    add_functions(m, functions);
    add_methods(methods);
    nb::class_<Generator>(m, "Generator", "A stream of random numbers of its own.")
        .def(
            "__init__",
            [](Generator* self, nb::handle device) {
                const Device place = device_from(device.ptr());
                check(place.type == DeviceType::CPU, "Generator: device ", name(place.type),
                      "; only the CPU has one");
                new (self) Generator();
            },
            nb::arg("device") = "cpu")
        .def(
            "manual_seed",
            [](nb::handle self, nb::handle seed) {
                nb::cast<Generator&>(self).manual_seed(seed_from(seed));
                return nb::borrow(self);
            },
            nb::arg("seed"), "Restarts the stream; the same seed gives the same numbers.")
        .def("seed", &Generator::seed,
             "Restarts the stream from the operating system's entropy; returns the seed.")
        .def("initial_seed", &Generator::initial_seed, "The seed that the stream was started from.")
        .def("get_state", &state_of, "The state as a tensor of bytes.")
        .def("set_state", &set_state, nb::arg("new_state"), "Continues from a state that get_state returned.")
        .def(
            "clone_state", [](const Generator& self) { return Generator(self); },
            "Another generator in the same state.")
        .def("__getstate__", &state_of)
        .def("__setstate__",
             [](Generator& self, const Tensor& state) {
                 new (&self) Generator();
                 set_state(self, state);
             })
        .def_prop_ro("device", [](const Generator&) { return nb::steal(to_python(Device{})); });
    m.def("_recorded_normal", recorded_normal, nb::arg("out"), nb::arg("mean").none(), nb::arg("std").none());
    m.attr("default_generator") = nb::cast(&default_generator(), nb::rv_policy::reference);
}

}  // namespace tapeless
