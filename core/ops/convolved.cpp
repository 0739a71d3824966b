// The three maps of a convolution: each is linear in two tensors, and its gradients are the other two.
#include "kernels/convolution.h"
#include "ops/convolutions.h"
#include "ops/fresh.h"
#include "ops/levels.h"
#include "ops/multiply.h"

namespace tapeless {
namespace {

struct ConvolvedAgain {
    static constexpr const char* node = "ConvolutionBackwardBackward0";
    ConvolutionMap map;
    ConvolutionForm form;

    /// With a, b and the result r among (x, w, y): each gradient is the map to that operand from g and the other one.
    void backward(Node& of, Gradients in, Gradients out) const {
        const Tensor& g = in[0];
        if (!g) return;
        const Tensor a = of.needs(1) ? conj(unpack(of.saved[0], of)) : Tensor();
        const Tensor b = of.needs(0) ? conj(unpack(of.saved[1], of)) : Tensor();
        using Map = ConvolutionMap;
        switch (map) {
            case Map::ToResults:
                if (b) out[0] = convolved(Map::ToImages, g, b, form);
                if (a) out[1] = convolved(Map::ToWeights, a, g, form);
                return;
            case Map::ToImages:
                if (b) out[0] = convolved(Map::ToResults, g, b, form);
                if (a) out[1] = convolved(Map::ToWeights, g, a, form);
                return;
            case Map::ToWeights:
                if (b) out[0] = convolved(Map::ToImages, b, g, form);
                if (a) out[1] = convolved(Map::ToResults, a, g, form);
        }
    }
};

Convolution shape_of(const ConvolutionForm& form) {
    Convolution shape;
    shape.images = form.x[0];
    shape.groups = form.groups;
    shape.in = form.w[1];
    shape.out = form.w[0] / form.groups;
    const int rank = form.stride.size();
    for (int d = 0; d < rank; ++d) {
        const int at = 3 - rank + d;
        shape.from[at] = form.x[2 + d];
        shape.kernel[at] = form.w[2 + d];
        shape.to[at] = form.y[2 + d];
        shape.stride[at] = form.stride[d];
        shape.padding[at] = form.padding[d];
        shape.dilation[at] = form.dilation[d];
    }
    return shape;
}

const Dims& sizes_of(ConvolutionMap map, const ConvolutionForm& form) {
    return map == ConvolutionMap::ToResults ? form.y : map == ConvolutionMap::ToImages ? form.x : form.w;
}

/// All examples of both operands as more groups of channels: [e, n, c, ...] is [n, e * c, ...], weights stack.
Tensor beside(const Tensor& all, bool weights) {
    const Tensor lined = weights ? all : transpose(all, 0, 1);
    Dims sizes = lined->sizes;
    const int at = weights ? 0 : 1;
    sizes[at] *= sizes[at + 1];
    sizes.erase(at + 1);
    return reshape(lined, sizes);
}
Tensor apart(const Tensor& folded, bool weights, std::int64_t examples) {
    Dims sizes = folded->sizes;
    const int at = weights ? 0 : 1;
    sizes[at] = sizes[at] / examples;
    sizes.insert(at, examples);
    const Tensor lined = reshape(folded, sizes);
    return weights ? lined : transpose(lined, 0, 1);
}

Tensor with_all(const Tensor& one, std::int64_t examples) {
    Dims sizes = one->sizes;
    sizes.insert(0, examples);
    return expand(one, sizes);
}

/// One example's map done for all, along dimension 0 of those operands that are `whole`.
Tensor convolved_whole(ConvolutionMap map, const Tensor& a, bool a_whole, const Tensor& b, bool b_whole,
                       ConvolutionForm form) {
    const std::int64_t examples = (a_whole ? a : b)->sizes[0];
    if (!b_whole && map != ConvolutionMap::ToWeights) {  // One set of weights: the examples are images.
        Dims sizes = a->sizes;
        sizes[1] *= sizes[0];
        sizes.erase(0);
        form.x[0] *= examples;
        form.y[0] *= examples;
        const Tensor out = convolved(map, reshape(a, sizes), b, form);
        Dims apart = out->sizes;
        apart[0] /= std::max<std::int64_t>(examples, 1);
        apart.insert(0, examples);
        return reshape(out, apart);
    }
    const bool to_weights = map == ConvolutionMap::ToWeights;
    form.groups *= examples;
    form.x[1] *= examples;
    form.w[0] *= examples;
    form.y[1] *= examples;
    const Tensor left = beside(a_whole ? a : with_all(a, examples), false);
    const Tensor right = beside(b_whole ? b : with_all(b, examples), !to_weights);
    return apart(convolved(map, left, right, form), to_weights, examples);
}

}  // namespace

Tensor convolution_values(ConvolutionMap map, const Tensor& given_a, const Tensor& given_b,
                          const Tensor& given_bias, const ConvolutionForm& form) {
    const DType dtype = compute_type(given_a->dtype);
    Tensor out = fresh(sizes_of(map, form), dtype, given_a->device);
    if (on_cpu(given_a) && out->numel > 0) {
        const Tensor a = row_major(converted(given_a, dtype)), b = row_major(converted(given_b, dtype));
        const Tensor bias = given_bias ? row_major(converted(given_bias, dtype)) : given_bias;
        const char* add = bias ? data(*bias) : nullptr;
        const Convolution shape = shape_of(form);
        char* to = mutable_data(*out);
        switch (map) {
            case ConvolutionMap::ToResults:
                convolve(dtype, shape, data(*a), data(*b), add, to);
                break;
            case ConvolutionMap::ToImages:
                convolve_back(dtype, shape, data(*a), data(*b), add, to);
                break;
            case ConvolutionMap::ToWeights:
                convolve_weight(dtype, shape, data(*a), data(*b), to);
        }
    }
    out = converted(out, given_a->dtype);
    const MemoryFormat format = map == ConvolutionMap::ToWeights ? form.weights : form.images;
    if (format == MemoryFormat::Contiguous) return out;
    const ModeGuard quiet(kNoGrad, true);
    return marked(clone(out, format));
}

Tensor convolved(ConvolutionMap map, const Tensor& a, const Tensor& b, const ConvolutionForm& form) {
    const int wrapped = deepest({&a, &b});
    const auto same = [&](const Tensor& p, const Tensor& q) { return convolved(map, p, q, form); };
    const auto whole = [&](const Tensor& p, bool p_whole, const Tensor& q, bool q_whole) {
        return convolved_whole(map, p, p_whole, q, q_whole, form);
    };
    const Tensor out =
        wrapped ? bilinear_at_level(wrapped, a, b, same, whole) : convolution_values(map, a, b, {}, form);
    if (is_differentiable(out->dtype) && needs_record({&a, &b}))
        save_factors(*record(out, {&a, &b}, ConvolvedAgain{map, form}, 2), 0, a, b);
    return out;
}

}  // namespace tapeless
