// The transpose of select and slice: a gradient placed into zeros.
#pragma once

#include "ops/levels.h"

namespace tapeless {

/// g placed into zeros of `sizes` where `place` puts a view: the transpose of select and slice.
struct Embed {
    static constexpr const char* node = "EmbedBackward0";
    Dims sizes;
    std::int64_t dim, start, end, step;
    bool selects;

    Tensor place(const Tensor& x) const {
        return selects ? select(x, dim, start) : slice(x, dim, start, end, step);
    }
    Tensor operator()(const Tensor& g) const {
        const Tensor out = lifted(g) ? at_level(g) : placed(g);
        if (needs_record({&g})) record(out, {&g}, *this);
        return out;
    }
    Tensor placed(const Tensor& g) const {
        const ModeGuard quiet(kNoGrad, true);
        const Tensor out = full(sizes, Scalar(0), g->dtype, g->device);
        write(place(out), g);
        return out;
    }
    Tensor at_level(const Tensor& g) const {
        return linear_at_level(g, *this, [&](const Tensor& all) {
            Embed whole = *this;
            whole.sizes = with_examples(all, sizes);
            ++whole.dim;
            return whole(all);
        });
    }
    void backward(Node&, Gradients in, Gradients out) const {
        if (in[0]) out[0] = place(in[0]);
    }
};

}  // namespace tapeless
