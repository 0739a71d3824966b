// ctc_loss: what it saves and its node; the checks are the caller's, the recursions in kernels/ctc.cpp.
#include "kernels/ctc.h"
#include "ops/fresh.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

/// Behind a gradient that has no derivative.
struct Once {
    static constexpr const char* node = "NotImplemented";
    void backward(Node&, Gradients, Gradients) const {
        fail(ErrorKind::Runtime,
             "derivative for aten::_ctc_loss_backward is not implemented: ctc_loss can be "
             "differentiated once");
    }
};

struct CtcLoss {
    static constexpr const char* node = "CtcLossBackward0";
    static constexpr const char* const saved_names[] = {"log_probs", "targets", "result0", "result1"};
    std::int64_t blank;
    bool zero_infinity;
    Dims lengths, label_counts;

    CtcBatch batch_of(const Tensor& log_probs, const Tensor& targets) const {
        CtcBatch of{log_probs->dtype,
                    log_probs->sizes[0],
                    log_probs->sizes[1],
                    log_probs->sizes[2],
                    blank,
                    1,
                    data(*log_probs),
                    data<std::int64_t>(*targets),
                    {},
                    label_counts,
                    lengths};
        std::int64_t start = 0;
        for (std::int64_t b = 0; b < of.batch; ++b) {
            const std::int64_t count = label_counts[static_cast<int>(b)];
            of.starts.push_back(targets->dim() == 2 ? b * targets->sizes[1] : start);
            of.states = std::max(of.states, 2 * count + 1);
            start += count;
        }
        return of;
    }

    void backward(Node& of, Gradients in, Gradients out) const {
        if (!in[0]) return;
        const Tensor log_probs = row_major(unpack(of.saved[0], of)),
                     targets = row_major(unpack(of.saved[1], of)), losses = unpack(of.saved[2], of),
                     forward = unpack(of.saved[3], of), g = row_major(in[0]);
        out[0] = fresh(log_probs->sizes, log_probs->dtype, log_probs->device);
        ctc_backward(batch_of(log_probs, targets), data(*losses), data(*forward), data(*g), zero_infinity,
                     mutable_data(*out[0]));
        const Tensor given = unpack(of.saved[0], of);
        if (needs_record({&given, &in[0]})) record(out[0], {&given, &in[0]}, Once{});
    }
    std::optional<Scalar> saved_number(const char* name) const {
        const std::string_view what = name;
        if (what == "blank") return Scalar(blank);
        return what == "zero_infinity" ? std::optional(Scalar(zero_infinity)) : std::nullopt;
    }
};

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Dims& lengths, const Dims& label_counts,
                std::int64_t blank, bool zero_infinity) {
    const CtcLoss payload{blank, zero_infinity, lengths, label_counts};
    const Tensor dense = row_major(log_probs);
    const CtcBatch batch = payload.batch_of(dense, row_major(targets));
    Tensor losses = fresh({batch.batch}, dense->dtype, dense->device);
    const Tensor forward = fresh({batch.batch, batch.times, batch.states}, dense->dtype, dense->device);
    ctc_forward(batch, mutable_data(*losses), mutable_data(*forward));
    if (!needs_record({&log_probs})) return losses;
    const Ref<Node> node = record(losses, {&log_probs}, payload, 4);
    save(node->saved[0], log_probs);
    save(node->saved[1], targets);
    save(node->saved[2], losses, 0);
    save(node->saved[3], forward);
    return losses;
}

const Offer offer({
    autocast(Autocast::Float32,
             operation<&ctc_loss>(
                 "ctc_loss",
                 "log_probs, targets, input_lengths, target_lengths, blank=0, zero_infinity=False",
                 "The negative log-likelihood of each example's labels (Graves et al. 2006). Derivative: "
                 "exp(log_probs) less the share of the paths through each class, times g, once.",
                 Offered::Nn)),
});

}  // namespace
}  // namespace tapeless
