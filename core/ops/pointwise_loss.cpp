// Losses that compare two tensors element by element: a row of ops/loss_rows.h, a weight and a reduction as one node.
#include <atomic>

#include "ops/fresh.h"
#include "ops/into.h"
#include "ops/losses.h"
#include "ops/operation.h"
#include "ops/row_node.h"
#include "runtime/threads.h"

namespace tapeless {
namespace {

/// The base of every such loss. A derived one names its node, its row, what it saves, in the order of Parts, and the
/// number among them.
struct PointwiseLoss {
    static constexpr int edges = 2;
    static constexpr const char* number_name = "";
    std::int64_t reduction;
    Scalar number{1.0};  ///< the row's third operand where it is a number
};

/// What a loss is of; empty: not given.
struct Parts {
    Tensor input, target;
    Tensor weight;  ///< of each element
    Tensor third;   ///< the row's third operand where it is a tensor
};

/// Half types are computed in float32 and rounded once, behind the reduction.
template <class P> Tensor forward(const P& loss, const Parts& of) {
    auto wide = [](const Tensor& x) { return x ? to_dtype(x, compute_type(x->dtype)) : x; };
    const Tensor x = wide(of.input), y = wide(of.target), third = wide(of.third);
    const Argument operands[] = {x, y, third ? Argument(third) : Argument(loss.number)};
    Tensor values = apply(row(P::row_name), operands);
    if (of.weight) values = apply(row("mul"), values, wide(of.weight));
    const Argument given[] = {of.input, of.target};
    return to_dtype(reduced_loss(values, loss.reduction), result_type(given, 2));
}

/// One pass for each gradient: the row's derivative loop, over the spread gradient of the reduction.
template <class P>
void backward(const P& loss, const Parts& of, const Tensor& given, Node& node, Gradients out) {
    const Row& row = tapeless::row(P::row_name);
    const DType common = given->dtype;
    Tensor g = to_dtype(given, compute_type(common));
    if (loss.reduction == kMean) {
        g = apply(tapeless::row("div"), g, Scalar(static_cast<double>(of.input->numel)));
    }
    if (of.weight) g = apply(tapeless::row("mul"), g, of.weight);
    std::vector<Argument> symbols{g, of.input, of.target};
    if (row.arity == 3) symbols.push_back(of.third ? Argument(of.third) : Argument(loss.number));
    symbols.push_back(g);  // In place of the result, which no derivative reads.
    const std::uint8_t numbers = row.arity == 3 && !of.third ? 4 : 0;
    for (int k = 0; k < P::edges; ++k) {
        if (node.needs(k)) out[k] = row_gradient(row, k, symbols.data(), numbers, common);
    }
}

template <class P> struct Recorded : P {
    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        Parts parts;
        Tensor* const places[] = {&parts.input, &parts.target, &parts.weight, &parts.third};
        for (int i = 0; i < of.saved_count; ++i) *places[i] = unpack(of.saved[i], of);
        tapeless::backward(static_cast<const P&>(*this), parts, in[0], of, out);
    }
    std::optional<Scalar> saved_number(const char* name) const {
        const std::string_view what = name;
        if (what == "reduction") return Scalar(this->reduction);
        return what == P::number_name ? std::optional(this->number) : std::nullopt;
    }
};

template <class P> Tensor loss_of(P loss, const Parts& of) {
    // Inside the levels of func the parts speak for themselves.
    if (deepest({&of.input, &of.target, &of.weight, &of.third})) return forward(loss, of);
    Tensor out;
    {
        const ModeGuard quiet(kNoGrad, true);
        out = forward(loss, of);
    }
    if (modes.word) out->inference = modes.has(kInference);
    const int saved = static_cast<int>(std::size(P::saved_names));
    const Tensor* const values[] = {&of.input, &of.target, &of.weight, &of.third};
    Ref<Node> node;
    if constexpr (P::edges == 2) {
        if (!needs_record({&of.input, &of.target})) return out;
        node = record(out, {&of.input, &of.target}, Recorded<P>{loss}, saved);
    } else {
        if (!needs_record({&of.input})) return out;
        node = record(out, {&of.input}, Recorded<P>{loss}, saved);
    }
    for (int i = 0; i < saved; ++i) {
        if (*values[i]) save(node->saved[i], *values[i]);
    }
    return out;
}

struct MseLoss : PointwiseLoss {
    static constexpr const char *node = "MseLossBackward0", *row_name = "squared_error";
    static constexpr const char* const saved_names[] = {"self", "target"};
};
struct SmoothL1Loss : PointwiseLoss {
    static constexpr const char *node = "SmoothL1LossBackward0", *row_name = "smooth_l1_error";
    static constexpr const char* const saved_names[] = {"self", "target"};
    static constexpr const char* number_name = "beta";
};
struct HuberLoss : PointwiseLoss {
    static constexpr const char *node = "HuberLossBackward0", *row_name = "huber_error";
    static constexpr const char* const saved_names[] = {"self", "target"};
    static constexpr const char* number_name = "delta";
};
struct BinaryCrossEntropy : PointwiseLoss {
    static constexpr const char *node = "BinaryCrossEntropyBackward0", *row_name = "bernoulli_error";
    static constexpr const char* const saved_names[] = {"self", "target", "weight"};
};
struct BinaryCrossEntropyWithLogits : PointwiseLoss {
    static constexpr const char *node = "BinaryCrossEntropyWithLogitsBackward0", *row_name = "logit_error";
    static constexpr const char* const saved_names[] = {"self", "target", "weight", "pos_weight"};
};
struct SoftMarginLoss : PointwiseLoss {
    static constexpr const char *node = "SoftMarginLossBackward0", *row_name = "soft_margin_error";
    static constexpr const char* const saved_names[] = {"self", "target"};
    static constexpr int edges = 1;
};

Tensor mse_loss(const Tensor& x, const Tensor& y, std::int64_t reduction) {
    return loss_of(MseLoss{{reduction}}, {x, y, {}, {}});
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& y, std::int64_t reduction, double beta) {
    check(beta >= 0, "smooth_l1_loss does not support negative values for beta.");
    return loss_of(SmoothL1Loss{{reduction, Scalar(beta)}}, {x, y, {}, {}});
}

Tensor huber_loss(const Tensor& x, const Tensor& y, std::int64_t reduction, double delta) {
    check(delta > 0, "huber_loss does not support non-positive values for delta.");
    return loss_of(HuberLoss{{reduction, Scalar(delta)}}, {x, y, {}, {}});
}

/// Whether every element is from 0 to 1; NaN is not.
bool all_in_unit(const Tensor& x) {
    if (!on_cpu(x) || lifted(x)) return true;
    const Tensor dense = converted(row_major(x), compute_type(x->dtype));
    std::atomic<bool> all = true;
    visit(dense->dtype, [&]<class T>(Type<T>) {
        if constexpr (std::is_floating_point_v<T>) {
            const T* values = data<T>(*dense);
            parallel_blocks(dense->numel, std::int64_t{1} << 16, [&](std::int64_t begin, std::int64_t end) {
                int bad = 0;
                for (std::int64_t i = begin; i < end; ++i) bad |= !(values[i] >= T(0)) | !(values[i] <= T(1));
                if (bad) all = false;
            });
        }
    });
    return all;
}

Tensor binary_cross_entropy(const Tensor& x, const Tensor& y, std::optional<Tensor> weight,
                            std::int64_t reduction) {
    const Tensor weights = weight.value_or(Tensor());
    need_constant(weights, "binary_cross_entropy", "weight");
    for (const Tensor* other : {&y, &weights}) {
        check(!*other || (*other)->dtype == x->dtype, "Found dtype ",
              *other ? facts((*other)->dtype).legacy_name : "", " but expected ", facts(x->dtype).legacy_name,
              ": binary_cross_entropy needs one dtype for input, target and weight; convert with .to(...)");
    }
    check(all_in_unit(x),
          "all elements of input should be between 0 and 1: binary_cross_entropy takes "
          "probabilities; of logits take binary_cross_entropy_with_logits");
    return loss_of(BinaryCrossEntropy{{reduction}}, {x, y, weights, {}});
}

Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& y, std::optional<Tensor> weight,
                                        std::optional<Tensor> pos_weight, std::int64_t reduction) {
    const Parts parts{x, y, weight.value_or(Tensor()), pos_weight.value_or(Tensor())};
    if (!is_floating(x->dtype) && !is_complex(x->dtype)) {
        fail(ErrorKind::NotImplemented, "\"log_sigmoid_cpu\" not implemented for '",
             facts(x->dtype).legacy_name,
             "': binary_cross_entropy_with_logits needs floating logits; convert with .float()");
    }
    check(is_floating(y->dtype) || is_complex(y->dtype), "result type Float can't be cast to the desired ",
          "output type ", facts(y->dtype).legacy_name,
          ": binary_cross_entropy_with_logits needs a floating target; convert with .float()");
    need_constant(parts.weight, "binary_cross_entropy_with_logits", "weight");
    need_constant(parts.third, "binary_cross_entropy_with_logits", "pos_weight");
    return loss_of(BinaryCrossEntropyWithLogits{{reduction}}, parts);
}

Tensor soft_margin_loss(const Tensor& x, const Tensor& y, std::int64_t reduction) {
    need_constant(y, "soft_margin_loss", "target");
    return loss_of(SoftMarginLoss{{reduction}}, {x, y, {}, {}});
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        autocast(Autocast::Float32,
                 operation<&mse_loss>("mse_loss", "input, target, reduction=1",
                                      "(input - target) ** 2, reduced: 0 none, 1 mean, 2 sum. Derivative: "
                                      "2 * (input - target) * g.",
                                      Offered::Nn)),
        autocast(
            Autocast::Float32,
            operation<&smooth_l1_loss>("smooth_l1_loss", "input, target, reduction=1, beta=1.0",
                                       "The distance, squared / (2 beta) below beta. Derivative: the sign of "
                                       "input - target, or (input - target) / beta.",
                                       Offered::Nn)),
        autocast(Autocast::Float32,
                 operation<&huber_loss>("huber_loss", "input, target, reduction=1, delta=1.0",
                                        "Half the square of the distance, straight beyond delta. Derivative: "
                                        "input - target, limited to delta.",
                                        Offered::Nn)),
        autocast(
            Autocast::Float32,
            operation<&binary_cross_entropy>(
                "binary_cross_entropy", "input, target, weight=None, reduction=1",
                "The cross entropy of probabilities. Derivative: (input - target) / (input * (1 - input)).",
                Offered::Nn)),
        autocast(Autocast::Float32,
                 operation<&binary_cross_entropy_with_logits>(
                     "binary_cross_entropy_with_logits",
                     "input, target, weight=None, pos_weight=None, reduction=1",
                     "The cross entropy of logits. Derivative: sigmoid(input) - target.", Offered::Nn)),
        autocast(Autocast::Float32,
                 operation<&soft_margin_loss>(
                     "soft_margin_loss", "input, target, reduction=1",
                     "log(1 + exp(-target * input)). Derivative: -target * sigmoid(-target * input).",
                     Offered::Nn)),
    });

}  // namespace
}  // namespace tapeless
