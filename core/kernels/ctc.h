// Connectionist temporal classification (Graves et al. 2006): log-likelihoods of label sequences, and their gradients.
#pragma once

#include <cstdint>

#include "base/dims.h"
#include "base/dtype.h"

namespace tapeless {

/// A batch of log-probabilities [times, batch, classes], dense, float32 or float64, and the labels of each example.
struct CtcBatch {
    DType dtype;
    std::int64_t times, batch, classes, blank;
    std::int64_t states;  ///< of the longest example: a blank before, between and after its labels
    const void* log_probs;
    const std::int64_t* labels;
    Dims starts, label_counts,
        lengths;  ///< by example: where its labels begin, how many, and its steps of time
};

/// The negative log-likelihoods [batch], and the forward variables [batch, times, states].
void ctc_forward(const CtcBatch& of, void* losses, void* forward);

/// The gradient [times, batch, classes] by g [batch]: that of PyTorch, which takes log_probs to come from log_softmax.
/// `zero_infinite`: nothing for an example without a possible path.
void ctc_backward(const CtcBatch& of, const void* losses, const void* forward, const void* g,
                  bool zero_infinite, void* out);

}  // namespace tapeless
