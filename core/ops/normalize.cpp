// layer_norm, group_norm and batch_norm: elements in groups are brought to mean 0 and deviation 1, weighted and shifted.
//
// One payload serves all three; they differ in which elements make a group and which share a weight. The first
// derivative is a kernel; where it is recorded, or inside the levels of func, the same formula speaks through tensors.
#include "ops/normalized.h"

#include "ops/operation.h"

namespace tapeless {
namespace {

using namespace normalized;

/// The groups in the memory of images whose channels lie together.
Groups channels_last_groups(const Groups& groups) {
    return {groups.count, 1, groups.pieces * groups.length, groups.count, 1, groups.period, 1, 0, 0};
}

/// Whether x holds images, or volumes, whose channels lie together without gaps.
bool lies_channels_last(const TensorBody& x) {
    return is_channels_last(x) &&
           lies_in(x, x.dim() == 4 ? MemoryFormat::ChannelsLast : MemoryFormat::ChannelsLast3d);
}

struct LayerNorm : Normalized {
    static constexpr const char* node = "NativeLayerNormBackward0";
    static constexpr const char* const saved_names[] = {"input", "weight", "bias", "result1", "result2"};
    Dims shape;

    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = unpack(of.saved[0], of), weight = unpack(of.saved[1], of),
                     bias = unpack(of.saved[2], of);
        if (speaks_through_tensors(in, x, weight, 1)) {
            formula(of, in, seen(x, frame, eps), x, weight, out);
        } else {
            const Results saved{{}, unpack(of.saved[3], of), unpack(of.saved[4], of), {}};
            Normalized::backward(of, in[0], x, weight, saved, out);
        }
        finish(out, weight ? weight : bias, shape, x->dtype);
    }
};

struct GroupNorm : Normalized {
    static constexpr const char* node = "NativeGroupNormBackward0";
    static constexpr const char* const saved_names[] = {"input", "weight", "result1", "result2"};
    std::int64_t N, C, HxW, group;
    DType parameters;

    void backward(Node& of, Gradients in, Gradients out) const {
        const Tensor x = unpack(of.saved[0], of), weight = unpack(of.saved[1], of);
        if (speaks_through_tensors(in, x, weight, 3)) {
            formula(of, in, seen(x, frame, eps), x, weight, out);
        } else if (in[0]) {
            const Results saved{{}, unpack(of.saved[2], of), unpack(of.saved[3], of), {}};
            Normalized::backward(of, in[0], x, weight, saved, out);
        }
        finish(out, weight, {C}, parameters);
    }
    std::optional<Scalar> saved_number(const char* name) const {
        const std::string_view what = name;
        if (what == "N") return Scalar(N);
        if (what == "C") return Scalar(C);
        if (what == "HxW") return Scalar(HxW);
        if (what == "group") return Scalar(group);
        if (what == "eps") return Scalar(eps);
        return std::nullopt;
    }
};

struct BatchNorm : Normalized {
    static constexpr const char* node = "NativeBatchNormBackward0";
    static constexpr const char* const saved_names[] = {"input",       "weight",  "running_mean",
                                                        "running_var", "result1", "result2"};
    DType parameters;

    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = unpack(of.saved[0], of), weight = unpack(of.saved[1], of);
        if (speaks_through_tensors(in, x, weight, 1)) {
            formula(of, in, statistics(of, x), x, weight, out);
        } else {
            Results saved{{}, unpack(of.saved[4], of), unpack(of.saved[5], of), {}};
            if (constant) saved = running(unpack(of.saved[2], of), unpack(of.saved[3], of), x->dtype);
            const Groups groups = channels_last_groups(frame.groups);
            Normalized::backward(of, in[0], x, weight, saved, out,
                                 lies_channels_last(*x) ? &groups : nullptr);
        }
        finish(out, weight, {frame.count}, parameters);
    }
    Seen statistics(Node& of, const Tensor& x) const {
        if (!constant) return seen(x, frame, eps);
        return seen(x, frame, eps, unpack(of.saved[2], of), unpack(of.saved[3], of));
    }
    /// Running statistics as the kernels take them. Their own memory, because rstd is new and mean may be any tensor.
    Results running(const Tensor& mean, const Tensor& variance, DType dtype) const {
        const ModeGuard quiet(kNoGrad, true);
        const DType to = compute_type(dtype);
        const Tensor rstd = apply(row("rsqrt"), apply(row("add"), converted(variance, to), Scalar(eps)));
        return {{}, row_major(converted(mean, to)), row_major(rstd), {}};
    }
    std::optional<Scalar> saved_number(const char* name) const {
        const std::string_view what = name;
        if (what == "training") return Scalar(!constant);
        if (what == "eps") return Scalar(eps);
        return std::nullopt;
    }
};

// ---- what all refuse ----

void check_floating(const char* kernel, const Tensor& x) {
    if (is_floating(x->dtype)) return;
    fail(ErrorKind::NotImplemented, "\"", kernel, "\" not implemented for '", facts(x->dtype).legacy_name,
         "': the input needs a real floating dtype; convert first, for example with input.float()");
}

/// Parameters have x's dtype, or are float32 beside a half type.
void check_dtype(const char* name, const Tensor& x, const Tensor& parameter) {
    if (!parameter || parameter->dtype == x->dtype) return;
    if (is_half(x->dtype) && parameter->dtype == DType::Float32) return;
    fail(ErrorKind::Runtime, "mixed dtype (CPU): expect parameter to have scalar type of ",
         facts(is_half(x->dtype) ? DType::Float32 : x->dtype).legacy_name, ", but ", name, " got ",
         facts(parameter->dtype).legacy_name,
         ": weight and bias need the input's dtype, or float32 beside a half type");
}

DType statistics_dtype(const Tensor& x, std::initializer_list<const Tensor*> parameters) {
    for (const Tensor* parameter : parameters) {
        if (*parameter) return (*parameter)->dtype;
    }
    return x->dtype;
}

Tensor held(const std::optional<Tensor>& x) { return x.value_or(Tensor()); }

// ---- layer_norm ----

Frame layer_frame(const Tensor& x, const Dims& shape) {
    Frame frame;
    frame.sizes = x->sizes;
    frame.weights = shape;
    frame.statistics = x->sizes;
    std::int64_t length = 1, count = 1;
    const int first = x->dim() - shape.size();
    for (int d = 0; d < x->dim(); ++d) {
        (d < first ? count : length) *= x->sizes[d];
        if (d < first) continue;
        frame.reduced.push_back(d);
        frame.statistics[d] = 1;
    }
    frame.groups = {count, length, 1, length, length, 1, 0, 0, 1};
    frame.count = length;
    return frame;
}

void check_layer(const Tensor& x, const Dims& shape, const Tensor& weight, const Tensor& bias) {
    check(
        !shape.empty(),
        "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but "
        "got normalized_shape = []");
    for (const auto& [name, parameter] : {std::pair("weight", &weight), std::pair("bias", &bias)}) {
        if (!*parameter || (*parameter)->sizes == shape) continue;
        fail(ErrorKind::Runtime, "Expected ", name, " to be of same shape as normalized_shape, but got ",
             name, " of shape ", to_string((*parameter)->sizes),
             " and normalized_shape = ", to_string(shape));
    }
    const int first = x->dim() - shape.size();
    bool fits = first >= 0;
    for (int d = 0; fits && d < shape.size(); ++d) fits = x->sizes[first + d] == shape[d];
    if (fits) return;
    std::string wanted = "[*";
    for (std::int64_t size : shape) wanted += ", " + std::to_string(size);
    fail(ErrorKind::Runtime, "Given normalized_shape=", to_string(shape), ", expected input with shape ",
         wanted, "], but got input of size", to_string(x->sizes));
}

std::vector<Tensor> native_layer_norm(const Tensor& given, Dims shape, std::optional<Tensor> weight,
                                      std::optional<Tensor> bias, double eps) {
    const Tensor w = held(weight), b = held(bias);
    check_layer(given, shape, w, b);
    check_floating("LayerNormKernelImpl", given);
    check_dtype("layer_norm", given, w);
    check_dtype("layer_norm", given, b);
    const LayerNorm payload{{layer_frame(given, shape), eps}, shape};
    const DType stats = statistics_dtype(given, {&w, &b});
    if (deepest({&given, &w, &b})) {
        const Seen at = seen(given, payload.frame, eps);
        return {affine(at, payload.frame, given, w, b), to_dtype(at.mean, stats), to_dtype(at.rstd, stats)};
    }
    const Tensor x = row_major(given);
    const Results made = payload.forward(x, w, b, payload.frame.groups, {});
    const Tensor mean = converted(made.mean, stats), rstd = converted(made.rstd, stats);
    if (needs_record({&given, &w, &b})) {
        const Ref<Node> node = record(made.out, {&given, &w, &b}, payload, 5);
        save(node->saved[0], given);
        if (w) save(node->saved[1], w);
        if (b) save(node->saved[2], b);
        save(node->saved[3], mean);
        save(node->saved[4], rstd);
    }
    return {made.out, mean, rstd};
}

Tensor layer_norm(const Tensor& x, Dims shape, std::optional<Tensor> weight, std::optional<Tensor> bias,
                  double eps, bool) {
    return native_layer_norm(x, std::move(shape), std::move(weight), std::move(bias), eps)[0];
}

// ---- group_norm ----

Frame group_frame(std::int64_t N, std::int64_t C, std::int64_t S, std::int64_t G) {
    const std::int64_t D = C / G;
    Frame frame;
    frame.sizes = {N, G, D, S};
    frame.reduced = {2, 3};
    frame.weights = {1, G, D, 1};
    frame.statistics = {N, G};
    frame.groups = {N * G, D * S, D, S, S, G, D, 1, 0};
    frame.count = C;
    return frame;
}

/// Where every channel has one element, a group is one run, and each of its elements has its own weight.
Groups forward_groups(const Frame& frame) {
    Groups groups = frame.groups;
    if (groups.length == 1 && groups.pieces > 1) {
        groups = {groups.count,       groups.step, 1, groups.step, groups.pieces, groups.period,
                  groups.weight_step, 0,           1};
    }
    return groups;
}

void check_channels(const char* name, const Tensor& parameter, std::int64_t channels, const Dims& sizes) {
    check(!parameter || (parameter->dim() == 1 && parameter->numel == channels), "Expected ", name,
          " to be a vector of size equal to the number of channels in input, but got ", name, " of shape ",
          parameter ? to_string(parameter->sizes) : "", " and input of shape ", to_string(sizes));
}

std::vector<Tensor> native_group_norm(const Tensor& given, std::optional<Tensor> weight,
                                      std::optional<Tensor> bias, std::int64_t N, std::int64_t C,
                                      std::int64_t HxW, std::int64_t group, double eps) {
    const Tensor w = held(weight), b = held(bias);
    check(group > 0, "Expected num groups to be greater than 0, got ", group);
    check(C % group == 0,
          "Expected number of channels in input to be divisible by num_groups, but got input of shape ",
          to_string(given->sizes), " and num_groups=", group);
    check(given->numel == N * C * HxW, "native_group_norm: the input of size ", to_string(given->sizes),
          " has not N*C*HxW = ", N * C * HxW, " elements");
    check_channels("weight", w, C, given->sizes);
    check_channels("bias", b, C, given->sizes);
    check_floating("GroupNormKernelImpl", given);
    check_dtype("group_norm", given, w);
    check_dtype("group_norm", given, b);
    const DType stats = statistics_dtype(given, {&w, &b});
    const GroupNorm payload{{group_frame(N, C, HxW, group), eps}, N, C, HxW, group, stats};
    if (deepest({&given, &w, &b})) {
        const Seen at = seen(given, payload.frame, eps);
        return {affine(at, payload.frame, given, w, b), to_dtype(reshape(at.mean, {N, group}), stats),
                to_dtype(reshape(at.rstd, {N, group}), stats)};
    }
    const Tensor x = row_major(given);
    Results made = payload.forward(x, w, b, forward_groups(payload.frame), {});
    made.out = like_images(given, made.out);
    const std::vector<Tensor> results{made.out, converted(made.mean, stats), converted(made.rstd, stats)};
    if (!needs_record({&given, &w, &b})) return results;
    const Ref<Node> node = make_node(class_of<GroupNorm>(), 3, 4, 3, payload);
    int edge = 0;
    for (const Tensor* x : {&given, &w, &b}) {
        if (*x) node->edges[edge] = gradient_edge(*x);
        ++edge;
    }
    for (int k = 0; k < 3; ++k) set_history(results[static_cast<std::size_t>(k)], node, k);
    save(node->saved[0], given);
    if (w) save(node->saved[1], w);
    save(node->saved[2], results[1], 1);
    save(node->saved[3], results[2], 2);
    return results;
}

Tensor group_norm(const Tensor& x, std::int64_t groups, std::optional<Tensor> weight,
                  std::optional<Tensor> bias, double eps, bool) {
    check(x->dim() >= 2, "Expected at least 2 dimensions for input tensor but received ", x->dim());
    std::int64_t points = 1;
    for (int d = 2; d < x->dim(); ++d) points *= x->sizes[d];
    return native_group_norm(x, std::move(weight), std::move(bias), x->sizes[0], x->sizes[1], points, groups,
                             eps)[0];
}

// ---- batch_norm ----

Frame batch_frame(const Tensor& x) {
    std::int64_t points = 1;
    for (int d = 2; d < x->dim(); ++d) points *= x->sizes[d];
    const std::int64_t N = x->sizes[0], C = x->sizes[1];
    Frame frame;
    frame.sizes = {N, C, points};
    frame.reduced = {0, 2};
    frame.weights = {1, C, 1};
    frame.statistics = {C};
    frame.groups = {C, points, N, C * points, points, C, 1, 0, 0};
    frame.count = C;
    return frame;
}

/// Moves running statistics towards the batch's; the variance is the unbiased one. As in PyTorch that is not counted as a
/// write: two passes in training may come before the backward pass of the first.
void follow(const Tensor& running, const Tensor& value, double momentum, const char* name) {
    if (!running) return;
    check(!(grad_enabled() && requires_grad(running)), "batch_norm: ", name,
          " requires grad, but is updated in place; give running statistics without requires_grad");
    const ModeGuard quiet(kNoGrad, true);
    const DType dtype = compute_type(running->dtype);
    const Tensor before = apply(row("mul"), to_dtype(running, dtype), Scalar(1 - momentum));
    write(running, add(before, apply(row("mul"), to_dtype(value, dtype), Scalar(momentum))));
}

struct BatchArguments {
    Tensor weight, bias, running_mean, running_var;
};

void check_batch(const Tensor& x, const BatchArguments& given, bool training) {
    check(x->dim() >= 2, "batch_norm: the input has ", x->dim(),
          " dimensions, but needs a batch and channels at least; add them with unsqueeze");
    const std::int64_t channels = x->sizes[1];
    if (!training) {
        check(static_cast<bool>(given.running_mean) && static_cast<bool>(given.running_var),
              "running_mean and running_var must be defined in evaluation mode");
    }
    const std::pair<const char*, const Tensor*> parts[] = {{"running_mean", &given.running_mean},
                                                           {"running_var", &given.running_var},
                                                           {"weight", &given.weight},
                                                           {"bias", &given.bias}};
    for (const auto& [name, part] : parts) {
        check(!*part || (*part)->numel == channels, name, " should contain ", channels, " elements not ",
              *part ? (*part)->numel : 0);
    }
    check_floating("batch_norm", x);
    for (const auto& [name, part] : parts) check_dtype("batch_norm", x, *part);
}

std::vector<Tensor> native_batch_norm(const Tensor& given, std::optional<Tensor> weight,
                                      std::optional<Tensor> bias, std::optional<Tensor> running_mean,
                                      std::optional<Tensor> running_var, bool training, double momentum,
                                      double eps) {
    const BatchArguments with{held(weight), held(bias), held(running_mean), held(running_var)};
    check_batch(given, with, training);
    const Tensor &w = with.weight, &b = with.bias;
    const DType stats = statistics_dtype(given, {&w, &b, &with.running_mean});
    const BatchNorm payload{{batch_frame(given), eps, !training}, stats};
    const Frame& frame = payload.frame;
    const bool levels = deepest({&given, &w, &b, &with.running_mean, &with.running_var}) > 0;
    Results made;
    if (levels) {
        const Seen at =
            training ? seen(given, frame, eps) : seen(given, frame, eps, with.running_mean, with.running_var);
        made = {affine(at, frame, given, w, b),
                reshape(at.mean, {frame.count}),
                reshape(at.rstd, {frame.count}),
                {}};
        if (training) made.variance = reshape(at.variance, {frame.count});
    } else {
        const bool last = lies_channels_last(*given);
        const Results running =
            training ? Results() : payload.running(with.running_mean, with.running_var, given->dtype);
        made = payload.forward(last ? given : row_major(given), w, b,
                               last ? channels_last_groups(frame.groups) : frame.groups, running,
                               training && with.running_var);
        if (!last) made.out = like_images(given, made.out);
    }
    if (training) {
        const ModeGuard quiet(kNoGrad, true);
        const double count = static_cast<double>(frame.groups.size());
        follow(with.running_mean, made.mean, momentum, "running_mean");
        if (with.running_var) {
            follow(with.running_var, apply(row("mul"), made.variance, Scalar(count / (count - 1))), momentum,
                   "running_var");
        }
    }
    const Dims none{0};
    const Tensor mean = training ? to_dtype(made.mean, stats) : fresh(none, stats, given->device);
    const Tensor rstd = training ? to_dtype(made.rstd, stats) : fresh(none, stats, given->device);
    if (!levels && needs_record({&given, &w, &b})) {
        const Ref<Node> node = record(made.out, {&given, &w, &b}, payload, 6);
        const Tensor* kept[] = {&given, &w, &with.running_mean, &with.running_var, &mean, &rstd};
        for (int k = 0; k < 6; ++k) {
            if (*kept[k]) save(node->saved[k], *kept[k]);
        }
    }
    return {made.out, mean, rstd};
}

Tensor batch_norm(const Tensor& x, std::optional<Tensor> weight, std::optional<Tensor> bias,
                  std::optional<Tensor> running_mean, std::optional<Tensor> running_var, bool training,
                  double momentum, double eps, bool) {
    if (x->numel == 0) {
        Tensor out = clone(x);
        if (weight) out = mul(out, select(*weight, 0, 0));
        return bias ? add(out, select(*bias, 0, 0)) : out;
    }
    return native_batch_norm(x, std::move(weight), std::move(bias), std::move(running_mean),
                             std::move(running_var), training, momentum, eps)[0];
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&layer_norm>(
            "layer_norm", "input, normalized_shape, weight=None, bias=None, eps=1e-05, cudnn_enable=True",
            "Brings the last dimensions, which are normalized_shape, to mean 0 and variance 1, then weights "
            "and shifts "
            "each position (Ba et al. 2016). Derivative: with h the normalised input, w the weight and means "
            "over "
            "these dimensions, (w g - mean(w g) - h mean(w g h)) / deviation; weight: the sum of g h; bias: "
            "of g.",
            Offered::Function),
        operation<&native_layer_norm>("native_layer_norm", "input, normalized_shape, weight, bias, eps",
                                      "layer_norm with the means and the reciprocal deviations. Derivative: "
                                      "that of layer_norm for the result; "
                                      "the statistics have none.",
                                      Offered::Function),
        operation<&group_norm>(
            "group_norm", "input, num_groups, weight=None, bias=None, eps=1e-05, cudnn_enabled=True",
            "Brings groups of channels of each example, [N, C, ...], to mean 0 and variance 1, then weights "
            "and shifts "
            "each channel (Wu, He 2018). Derivative: with h the normalised input, w the weight and means "
            "over a "
            "group, (w g - mean(w g) - h mean(w g h)) / deviation; weight: the sum of g h; bias: of g.",
            Offered::Function),
        operation<&native_group_norm>("native_group_norm", "input, weight, bias, N, C, HxW, group, eps",
                                      "group_norm with the means and the reciprocal deviations, [N, group]. "
                                      "Derivative: that of group_norm, and "
                                      "those of the statistics.",
                                      Offered::Function),
        operation<&batch_norm>(
            "batch_norm",
            "input, weight, bias, running_mean, running_var, training, momentum, eps, cudnn_enabled",
            "Brings each channel of [N, C, ...] to mean 0 and variance 1 over the batch, or by running "
            "statistics if "
            "not training, then weights and shifts it (Ioffe, Szegedy 2015). Training moves the running "
            "statistics by "
            "momentum towards the batch's. Derivative: training, as that of layer_norm over each channel; "
            "otherwise "
            "w g / deviation.",
            Offered::Function),
        operation<&native_batch_norm>(
            "native_batch_norm", "input, weight, bias, running_mean, running_var, training, momentum, eps",
            "batch_norm with the batch's means and reciprocal deviations, empty if not training. Derivative: "
            "that of "
            "batch_norm for the result; the statistics have none.",
            Offered::Function),
    });

}  // namespace
}  // namespace tapeless
