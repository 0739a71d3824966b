// Draws whose parameters are tensors: poisson, binomial, gamma and Dirichlet numbers, and places by weight.
#include "kernels/distributions.h"

#include "bindings/creation.h"
#include "ops/fresh.h"
#include "ops/underived.h"

namespace tapeless {
namespace {

struct Poisson {
    static constexpr const char* node = "PoissonBackward0";
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = full(in[0]->sizes, Scalar(0), in[0]->dtype, in[0]->device);
    }
};

/// A gamma number moves with its shape so that its place in the distribution stays: Figurnov, Mohamed and Mnih,
/// Implicit reparameterization gradients, 2018.
struct StandardGamma {
    static constexpr const char* node = "StandardGammaBackward0";
    static constexpr const char* const saved_names[] = {"self", "result"};
    void backward(Node& node, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor shapes = row_major(detach(unpack(node.saved[0], node)));
        const Tensor drawn = row_major(detach(unpack(node.saved[1], node)));
        const Tensor slopes = fresh(shapes->sizes, shapes->dtype, shapes->device);
        if (on_cpu(shapes)) {
            gamma_slopes(shapes->dtype, data<void>(*shapes), data<void>(*drawn), mutable_data<void>(*slopes),
                         shapes->numel);
        }
        out[0] = apply(row("mul"), in[0], slopes);
    }
};

Tensor tensor_argument(const Call& call, int index) {
    if (!is_tensor(call.required(index))) call.refuse(index, "Tensor");
    return tensor_from(call.values[index]);
}

constexpr Form kPoisson = {"poisson", kGenerator, {"input"}};
PyObject* poisson(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kPoisson, args, count, names);
        const Tensor x = tensor_argument(call, 0), rates = row_major(x);
        const Tensor out = fresh(x->sizes, x->dtype, x->device);
        if (on_cpu(x)) {
            draw_poisson(call.source(), x->dtype, data<void>(*rates), mutable_data<void>(*out), x->numel);
        }
        if (needs_record({&x})) record(out, {&x}, Poisson{});
        return to_python(out);
    });
}

constexpr Form kGamma = {"_standard_gamma", kGenerator, {"input"}};
PyObject* standard_gamma(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kGamma, args, count, names);
        const Tensor x = tensor_argument(call, 0), shapes = row_major(x);
        const Tensor out = fresh(x->sizes, x->dtype, x->device);
        if (on_cpu(x)) {
            draw_gamma(call.source(), x->dtype, data<void>(*shapes), mutable_data<void>(*out), x->numel);
        }
        if (needs_record({&x})) {
            const Ref<Node> node = record(out, {&x}, StandardGamma{}, 2);
            save(node->saved[0], x);
            save(node->saved[1], out, 0);
        }
        return to_python(out);
    });
}

constexpr Form kDirichlet = {"_sample_dirichlet", kGenerator, {"input"}};
PyObject* sample_dirichlet(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kDirichlet, args, count, names);
        const Tensor x = tensor_argument(call, 0), shapes = row_major(x);
        const Tensor out = fresh(x->sizes, x->dtype, x->device);
        const std::int64_t length = x->dim() ? x->sizes.back() : 1;
        draw_dirichlet(call.source(), x->dtype, data<void>(*shapes), mutable_data<void>(*out),
                       length ? x->numel / length : 0, length);
        refuse_gradients("_sample_dirichlet", {&x}, {out});
        return to_python(out);
    });
}

constexpr Form kBinomial = {"binomial", kGenerator, {"count", "prob"}};
PyObject* binomial(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kBinomial, args, count, names);
        const Tensor counts = tensor_argument(call, 0), p = tensor_argument(call, 1);
        for (const auto& [name, x] : {std::pair("count", counts), std::pair("prob", p)}) {
            if (is_floating(x->dtype)) continue;
            fail(ErrorKind::Value, "binomial only supports floating-point dtypes for ", name,
                 ", got: ", facts(x->dtype).legacy_name);
        }
        check(counts->dtype == p->dtype, "Found dtype ", facts(p->dtype).legacy_name, " but expected ",
              facts(counts->dtype).legacy_name, ": binomial needs a count and a prob of one dtype");
        const Dims sizes = broadcast(counts->sizes, p->sizes);
        const Tensor out = fresh(sizes, counts->dtype, counts->device);
        {
            const ModeGuard quiet(kNoGrad, true);
            const Tensor all = row_major(expand(counts, sizes)), each = row_major(expand(p, sizes));
            draw_binomial(call.source(), out->dtype, data<void>(*all), data<void>(*each),
                          mutable_data<void>(*out), out->numel);
        }
        refuse_gradients("binomial", {&counts, &p}, {out});
        return to_python(out);
    });
}

constexpr Form kPlaces = {"_multinomial_places", kGenerator, {"input", "num_samples"}};
PyObject* places(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    return guarded([&] {
        const Call call(kPlaces, args, count, names);
        const Tensor x = tensor_argument(call, 0), weights = row_major(x);
        Dims sizes = x->sizes;
        const std::int64_t length = sizes.back(), samples = call.integer(1);
        sizes[sizes.size() - 1] = samples;
        const Tensor out = fresh(sizes, DType::Int64, x->device);
        draw_places(call.source(), x->dtype, data<void>(*weights), length ? x->numel / length : 0, length,
                    samples, mutable_data<std::int64_t>(*out));
        return to_python(out);
    });
}

PyMethodDef functions[] = {fast("poisson", poisson,
                                "poisson(input, *, generator=None)\n\nCounts of events at the rates that "
                                "input gives (Knuth; from a rate of "
                                "10 on Hoermann's PTRS, 1993). Derivative: 0."),
                           fast("binomial", binomial,
                                "binomial(count, prob, *, generator=None)\n\nHow many of count trials "
                                "succeed, each with its probability, "
                                "element by element (Hoermann's BTRS, 1993). No derivative."),
                           fast("_standard_gamma", standard_gamma,
                                "_standard_gamma(input, *, generator=None)\n\nGamma numbers with these "
                                "shapes and scale 1 (Marsaglia and "
                                "Tsang, 2000). Derivative: along a constant place in the distribution."),
                           fast("_sample_dirichlet", sample_dirichlet,
                                "_sample_dirichlet(input, *, generator=None)\n\nNumbers that add up to 1 "
                                "along the last dimension, with these "
                                "concentrations. No derivative."),
                           fast("_multinomial_places", places,
                                "_multinomial_places(input, num_samples, *, generator=None)\n\nPlaces drawn "
                                "with replacement, by weight. No "
                                "derivative."),
                           {}};

}  // namespace

void define_draws(nb::module_& m) { add_functions(m, functions); }

}  // namespace tapeless
