// convolution: what conv1d to conv_transpose3d are, with their checks; the maps and their derivatives are in convolved.cpp.
#include <string_view>

#include "ops/convolutions.h"
#include "ops/fresh.h"
#include "ops/multiply.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

struct ConvolutionNode {
    static constexpr const char* node = "ConvolutionBackward0";
    static constexpr const char* const saved_names[] = {"input", "weight"};
    ConvolutionForm form;
    bool transposed;

    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        using Map = ConvolutionMap;
        const DType dtype = in[0]->dtype;
        // Where the gradients will be differentiated, half types meet in float32, so that sums are rounded once.
        const DType meeting = grad_enabled() ? compute_type(dtype) : dtype;
        const Tensor g = to_dtype(in[0], meeting);
        if (of.needs(0)) {
            const Tensor w = conj(to_dtype(unpack(of.saved[1], of), meeting));
            out[0] = to_dtype(convolved(transposed ? Map::ToResults : Map::ToImages, g, w, form), dtype);
        }
        if (of.needs(1)) {
            const Tensor x = conj(to_dtype(unpack(of.saved[0], of), meeting));
            out[1] = to_dtype(convolved(Map::ToWeights, transposed ? g : x, transposed ? x : g, form), dtype);
        }
        if (!of.needs(2)) return;
        Dims within;  // Sums over an image first: each adds up its elements in a tree.
        for (int d = 2; d < g->dim(); ++d) within.push_back(d);
        const Tensor sums = sum(to_dtype(g, compute_type(dtype)), within, false);
        out[2] = to_dtype(sum(sums, {0}, false), dtype);
    }
    std::optional<Scalar> saved_number(std::string_view name) const {
        if (name == "groups") return Scalar(form.groups);
        if (name == "transposed") return Scalar(transposed);
        return std::nullopt;
    }
};

/// PyTorch composes complex convolutions of real ones; its last step is a sum.
struct ComplexConvolutionNode : ConvolutionNode {
    static constexpr const char* node = "AddBackward0";
};

/// A list of one number for each dimension, or of one for all.
Dims each(const char* name, const Dims& given, int rank) {
    if (given.size() == rank) return given;
    check(given.size() == 1, "expected ", name, " to be a single integer value or a list of ", rank,
          " values to match the convolution dimensions, but got ", name, "=", given);
    return Dims(rank, given[0]);
}

bool any_below(const Dims& dims, std::int64_t least) {
    for (std::int64_t value : dims) {
        if (value < least) return true;
    }
    return false;
}

void check_weight(const Tensor& x, const Tensor& w, std::int64_t groups, bool transposed) {
    check(w->dim() == x->dim(), "Expected ", w->dim(), "-dimensional input for ", w->dim(),
          "-dimensional weight ", w->sizes, ", but got ", x->dim(), "-dimensional input of size ", x->sizes,
          " instead");
    check(w->sizes[0] >= groups, "Given groups=", groups, ", expected weight to be at least ", groups,
          " at dimension 0, but got weight of size ", w->sizes, " instead");
    check(w->sizes[0] % groups == 0, "Given groups=", groups, ", expected weight to be divisible by ", groups,
          " at dimension 0, but got weight of size [", w->sizes, "] instead");
    if (transposed) {
        check(x->sizes[1] == w->sizes[0], "Given transposed=1, weight of size ", w->sizes, ", expected input",
              x->sizes, " to have ", w->sizes[0], " channels, but got ", x->sizes[1], " channels instead");
    } else {
        check(x->sizes[1] == w->sizes[1] * groups, "Given groups=", groups, ", weight of size ", w->sizes,
              ", expected input", x->sizes, " to have ", w->sizes[1] * groups, " channels, but got ",
              x->sizes[1], " channels instead");
    }
}

void check_bias(const Tensor& w, const Tensor& bias, std::int64_t channels, bool transposed) {
    check(!bias || (bias->dim() == 1 && bias->sizes[0] == channels), "Given ",
          transposed ? "transposed=1, " : "", "weight of size ", w->sizes,
          ", expected bias to be 1-dimensional with ", channels, " elements, but got bias of size ",
          bias ? bias->sizes : Dims(), " instead");
}

void check_dtypes(const Tensor& x, const Tensor& w, const Tensor& bias) {
    if (x->dtype == DType::Bool)
        fail(ErrorKind::NotImplemented,
             "\"slow_conv2d_cpu\" not implemented for 'Bool': convert the input first, for ",
             "example with input.float()");
    check(x->dtype == w->dtype, "expected scalar type ", facts(x->dtype).legacy_name, " but found ",
          facts(w->dtype).legacy_name, ": Input type (", c_name(x->dtype), ") and weight type (",
          c_name(w->dtype), ") should be the same");
    check(!bias || bias->dtype == x->dtype, "Input type (", c_name(x->dtype), ") and bias type (",
          bias ? c_name(bias->dtype) : "", ") should be the same");
    check_devices("convolution", {&x, &w, &bias});
}

/// "8 x 8", as messages about kernels write sizes.
std::string by(const Dims& dims) {
    std::string text;
    for (std::int64_t size : dims) text += (text.empty() ? "" : " x ") + std::to_string(size);
    return text;
}

/// The sizes of the result's last dimensions.
Dims places_of(const Tensor& x, const Tensor& w, const ConvolutionForm& form) {
    Dims padded, kernel, out;
    bool fits = true;
    for (int d = 0; d < form.stride.size(); ++d) {
        padded.push_back(x->sizes[2 + d] + 2 * form.padding[d]);
        kernel.push_back(form.dilation[d] * (w->sizes[2 + d] - 1) + 1);
        fits &= padded[d] >= kernel[d];
        out.push_back((padded[d] - kernel[d]) / form.stride[d] + 1);
    }
    check(fits, "Calculated padded input size per channel: (", by(padded), "). Kernel size: (", by(kernel),
          "). Kernel size can't be greater than actual input size");
    return out;
}

Dims points_of(const Tensor& x, const Tensor& w, const ConvolutionForm& form, const Dims& output_padding) {
    Dims out;
    bool fits = true;
    for (int d = 0; d < form.stride.size(); ++d) {
        check(output_padding[d] < std::max(form.stride[d], form.dilation[d]) || x->numel == 0,
              "output padding must be smaller than either stride or dilation, but got output_padding: ",
              output_padding, " stride: ", form.stride, " dilation: ", form.dilation);
        out.push_back((x->sizes[2 + d] - 1) * form.stride[d] - 2 * form.padding[d] +
                      form.dilation[d] * (w->sizes[2 + d] - 1) + output_padding[d] + 1);
        fits &= out[d] >= 0;
    }
    check(fits, "Given input size per channel: (", by(Dims(x->sizes.data() + 2, x->dim() - 2)),
          "). Calculated output size per channel: (", by(out), "). Output size is too small");
    return out;
}

MemoryFormat image_format(const Tensor& x, const Tensor& w) {
    if (!is_channels_last(*x) && !is_channels_last(*w)) return MemoryFormat::Contiguous;
    if (x->dim() == 4) return MemoryFormat::ChannelsLast;
    // PyTorch's loops for these are row-major.
    const bool plain = real_of(x->dtype) == DType::Float64 || is_integral(x->dtype);
    return plain ? MemoryFormat::Contiguous : MemoryFormat::ChannelsLast3d;
}

ConvolutionForm form_of(const Tensor& x, const Tensor& w, const Dims& stride, const Dims& padding,
                        const Dims& dilation, bool transposed, const Dims& output_padding,
                        std::int64_t groups) {
    const int rank = x->dim() - 2;
    check(rank >= 1 && rank <= 3,
          "convolution: expected an input of 3 to 5 dimensions, a batch of images with ",
          "channels, but got input of size: ", x->sizes);
    check(w->dim() > 2, "weight should have at least three dimensions");
    const int dims = w->dim() - 2;
    ConvolutionForm form;
    form.stride = each("stride", stride, dims);
    form.padding = each("padding", padding, dims);
    form.dilation = each("dilation", dilation, dims);
    const Dims extra = each("output_padding", output_padding, dims);
    form.groups = groups;
    for (const Dims* numbers : {&form.stride, &form.padding, &form.dilation}) {
        for (std::int64_t number : *numbers)
            check(number < std::int64_t{1} << 40,
                  "convolution: stride, padding and dilation must be below 2**40, but one is ", number);
    }
    check(!any_below(form.padding, 0), "negative padding is not supported");
    check(!any_below(extra, 0), "negative output_padding is not supported");
    check(!any_below(form.stride, 1), "non-positive stride is not supported");
    check(!any_below(form.dilation, 1), "non-positive dilation is not supported");
    check(groups > 0, "non-positive groups is not supported");
    check_weight(x, w, groups, transposed);
    check(x->numel > 0 || x->sizes[0] == 0 || x->sizes[1] == 0,
          "Only zero batch or zero channel inputs are supported, but got input shape: ", x->sizes);
    check(!any_below(Dims(w->sizes.data() + 2, dims), 1),
          "kernel size should be greater than zero, but got weight of size ", w->sizes);
    form.w = w->sizes;
    Dims places = transposed ? points_of(x, w, form, extra) : places_of(x, w, form);
    places.insert(0, transposed ? w->sizes[1] * groups : w->sizes[0]);
    places.insert(0, x->sizes[0]);
    form.x = transposed ? places : x->sizes;
    form.y = transposed ? x->sizes : places;
    form.images = image_format(x, w);
    if (is_channels_last(*w))
        form.weights = w->dim() == 4 ? MemoryFormat::ChannelsLast : MemoryFormat::ChannelsLast3d;
    return form;
}

Tensor with_bias(const Tensor& out, const Tensor& bias) {
    if (!bias) return out;
    Dims sizes(out->dim() - 1, 1);
    sizes[0] = bias->sizes[0];
    return apply(row("add"), out, reshape(bias, sizes));
}

Tensor convolution(const Tensor& x, const Tensor& w, const std::optional<Tensor>& given, const Dims& stride,
                   const Dims& padding, const Dims& dilation, bool transposed, const Dims& output_padding,
                   std::int64_t groups) {
    const Tensor bias = given.value_or(Tensor());
    const ConvolutionForm form = form_of(x, w, stride, padding, dilation, transposed, output_padding, groups);
    check_bias(w, bias, (transposed ? form.x : form.y)[1], transposed);
    check_dtypes(x, w, bias);
    const ConvolutionMap map = transposed ? ConvolutionMap::ToImages : ConvolutionMap::ToResults;
    if (deepest({&x, &w, &bias})) return with_bias(convolved(map, x, w, form), bias);
    const Tensor out = convolution_values(map, x, w, bias, form);
    if (is_differentiable(x->dtype) && needs_record({&x, &w, &bias})) {
        const ConvolutionNode payload{form, transposed};
        const Ref<Node> node = is_complex(x->dtype)
                                   ? record(out, {&x, &w, &bias}, ComplexConvolutionNode{payload}, 2)
                                   : record(out, {&x, &w, &bias}, payload, 2);
        save(node->saved[0], x);
        save(node->saved[1], w);
    }
    return out;
}

/// The gradient of a weight of these sizes.
Tensor convolution_weight(const Tensor& x, const Tensor& g, const Dims& sizes, const Dims& stride,
                          const Dims& padding, const Dims& dilation, std::int64_t groups) {
    check(sizes.size() > 2, "weight should have at least three dimensions");
    const Tensor weight = empty(sizes, x->dtype, Device{DeviceType::Meta});
    const ConvolutionForm form = form_of(x, weight, stride, padding, dilation, false, {0}, groups);
    for (int d = 0; d < form.y.size(); ++d) {
        check(g->dim() == form.y.size() && g->sizes[d] == form.y[d], "Expected a tensor of dimension ",
              form.y.size(), " and tensor.size[", d, "] == ", form.y[d], " but got: dimension ", g->dim(),
              " and tensor.size[", d, "] = ", d < g->dim() ? g->sizes[d] : 0);
    }
    check_dtypes(x, g, {});
    return convolved(ConvolutionMap::ToWeights, x, g, form);
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        autocast(Autocast::Lower,
                 operation<&convolution>(
                     "convolution",
                     "input, weight, bias, stride, padding, dilation, transposed, output_padding, groups",
                     "Sums of weight times the windows of images [n, channels, ...] of one to three "
                     "dimensions, or "
                     "the transposed "
                     "map. Derivatives: convolutions of g with the weight and with the input; a channel's "
                     "bias gets "
                     "its sum of g.",
                     Offered::Function)),
        operation<&convolution_weight>(
            "convolution_weight", "input, grad_output, size, stride, padding, dilation, groups",
            "The gradient of a convolution's weight of that size. Derivatives: convolutions.", Offered::Nn),
    });

}  // namespace
}  // namespace tapeless
