// nll_loss: the negative of the value at each target, weighted, ignored and reduced as asked; what cross_entropy ends in.
#include "kernels/indexing.h"
#include "ops/extremes.h"
#include "ops/fresh.h"
#include "ops/indexing.h"
#include "ops/losses.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

/// Class numbers as an index of gather, and which of them count.
struct Targets {
    Tensor index;    ///< of the target's shape; 0 where it is ignored
    Tensor counted;  ///< null when all count
};

std::int64_t first_wrong(const Tensor& index, std::int64_t classes) {
    return on_cpu(index) ? first_outside(data<std::int64_t>(*index), index->numel, 0, classes) : -1;
}

Targets targets_of(const Tensor& target, std::int64_t classes, std::int64_t ignored) {
    Targets targets{row_major(converted(target, DType::Int64)), {}};
    if ((ignored < 0 || ignored >= classes) && first_wrong(targets.index, classes) < 0) return targets;
    targets.counted = apply(row("ne"), targets.index, Scalar(ignored));
    targets.index = apply(row("where"), targets.counted, targets.index, Scalar(0));
    const std::int64_t wrong = first_wrong(targets.index, classes);
    if (wrong >= 0) {
        fail(ErrorKind::Index, "Target ", data<std::int64_t>(*targets.index)[wrong],
             " is out of bounds. cross_entropy has ", classes, " classes here: targets run from 0 to ",
             classes - 1, "; ignore_index names one more.");
    }
    return targets;
}

/// x where it counts, else 0.
Tensor counted(const Targets& targets, const Tensor& x) {
    return targets.counted ? apply(row("where"), targets.counted, x, Scalar(0)) : x;
}

/// The weight of each target; null when each weighs 1.
Tensor weights_of(const Targets& targets, const Tensor& weight) {
    if (!weight) return {};
    const Tensor flat = index_select(weight, 0, reshape(targets.index, {-1}));
    return counted(targets, reshape(flat, targets.index->sizes));
}

struct Loss {
    Tensor value, total_weight;
};

struct NllLoss {
    static constexpr const char* node = "NllLossBackward0";
    static constexpr const char* const saved_names[] = {"self", "target", "weight", "total_weight"};
    std::int64_t reduction, ignored;

    static int dim(const Tensor& x) { return x->dim() == 1 ? 0 : 1; }
    /// The index with x's rank.
    static Tensor aligned(const Tensor& x, const Tensor& index) {
        return index->dim() == x->dim() ? index : unsqueeze(index, dim(x));
    }

    Loss forward(const Tensor& x, const Tensor& target, const Tensor& weight) const {
        const Targets targets = targets_of(target, x->sizes[dim(x)], ignored);
        const Tensor found = gather(x, dim(x), aligned(x, targets.index));
        const Tensor weights = weights_of(targets, weight);
        Tensor picked = counted(targets, reshape(found, targets.index->sizes));
        if (weights) picked = apply(row("mul"), picked, weights);
        if (reduction == kNone)
            return {apply(row("neg"), picked), scalar_tensor(Scalar(0), x->dtype, x->device)};
        const Tensor total = weights           ? sum(weights, {}, false)
                             : targets.counted ? sum(to_dtype(targets.counted, x->dtype), {}, false)
                                               : scalar_tensor(Scalar(picked->numel), x->dtype, x->device);
        const Tensor all = sum(picked, {}, false);
        return {apply(row("neg"), reduction == kMean ? apply(row("div"), all, total) : all), total};
    }

    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor x = unpack(of.saved[0], of), target = unpack(of.saved[1], of),
                     weight = unpack(of.saved[2], of), total = unpack(of.saved[3], of);
        const DType dtype = compute_type(x->dtype);
        const Targets targets = targets_of(target, x->sizes[dim(x)], ignored);
        const Tensor weights = weights_of(targets, weight ? to_dtype(weight, dtype) : weight);
        Tensor g = apply(row("neg"), to_dtype(in[0], dtype));
        if (reduction == kMean) g = apply(row("div"), g, to_dtype(total, dtype));
        if (weights) g = apply(row("mul"), g, weights);
        g = counted(targets, expand(g, targets.index->sizes));
        const Tensor index = aligned(x, targets.index);
        const Tensor zeros = full(x->sizes, Scalar(0), dtype, x->device);
        out[0] = to_dtype(scatter(zeros, dim(x), index, reshape(g, index->sizes)), x->dtype);
    }

    std::optional<std::int64_t> saved_number(const char* name) const {
        const std::string_view what = name;
        if (what == "reduction") return reduction;
        if (what == "ignore_index") return ignored;
        return std::nullopt;
    }
};

struct NllLoss2d : NllLoss {
    static constexpr const char* node = "NllLoss2DBackward0";
};

template <class P>
Tensor recorded_loss(const P& payload, const Tensor& x, const Tensor& target, const Tensor& weight) {
    const DType dtype = compute_type(x->dtype);
    auto forward = [&] {
        const Loss loss =
            payload.forward(to_dtype(x, dtype), target, weight ? to_dtype(weight, dtype) : weight);
        return Loss{to_dtype(loss.value, x->dtype), to_dtype(loss.total_weight, x->dtype)};
    };
    if (deepest({&x, &target, &weight}))
        return forward().value;  // Inside the levels of func the parts speak for themselves.
    Loss loss;
    {
        const ModeGuard quiet(kNoGrad, true);
        loss = forward();
    }
    if (!needs_record({&x})) return loss.value;
    const Ref<Node> node = record(loss.value, {&x}, payload, 4);
    save(node->saved[0], x);
    save(node->saved[1], target);
    if (weight) save(node->saved[2], weight);
    save(node->saved[3], loss.total_weight);
    return loss.value;
}

/// The shapes are the caller's business: x is [C], [N, C] or [N, C, H, W], the target has one dimension less.
Tensor nll_loss(const Tensor& x, const Tensor& target, std::optional<Tensor> weight, std::int64_t reduction,
                std::int64_t ignored) {
    const Tensor weights = weight.value_or(Tensor());
    if (x->dim() <= 2) return recorded_loss(NllLoss{reduction, ignored}, x, target, weights);
    return recorded_loss(NllLoss2d{{reduction, ignored}}, x, target, weights);
}

const Offer offer({
    autocast(Autocast::Float32,
             operation<&nll_loss>(
                 "nll_loss", "input, target, weight=None, reduction=1, ignore_index=-100",
                 "The negative of input at each target along the classes; reduction 0, 1 or 2: none, "
                 "mean, sum. Derivative: "
                 "-g times the target's share, at the target.",
                 Offered::Nn)),
});

}  // namespace
}  // namespace tapeless
