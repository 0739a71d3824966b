// The recursions of connectionist temporal classification, an example at a time, examples in parallel.
#include "kernels/ctc.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "runtime/threads.h"

namespace tapeless {
namespace {

template <class T> constexpr T kNever = -std::numeric_limits<T>::infinity();

template <class T> T log_sum(T a, T b, T c = kNever<T>) {
    const T most = std::max({a, b, c});
    if (most == kNever<T>) return most;
    return std::log(std::exp(a - most) + std::exp(b - most) + std::exp(c - most)) + most;
}

/// One example: its labels with blanks around them are the states of a chain that stays, steps, or skips a blank.
template <class T> class Example {
public:
    Example(const CtcBatch& of, std::int64_t which)
        : of_(of),
          which_(which),
          labels_(of.labels + of.starts[static_cast<int>(which)]),
          states(2 * of.label_counts[static_cast<int>(which)] + 1),
          length(of.lengths[static_cast<int>(which)]) {}

    std::int64_t label(std::int64_t s) const { return s % 2 ? labels_[s / 2] : of_.blank; }
    bool skips_to(std::int64_t s) const { return s >= 2 && label(s) != label(s - 2); }
    const T* log_probs(std::int64_t t) const {
        return static_cast<const T*>(of_.log_probs) + (t * of_.batch + which_) * of_.classes;
    }
    /// Of the forward variables of all examples, those of step t.
    std::int64_t row(std::int64_t t) const { return (which_ * of_.times + t) * of_.states; }

private:
    const CtcBatch& of_;
    std::int64_t which_;
    const std::int64_t* labels_;

public:
    const std::int64_t states, length;
};

template <class T> T likelihood(const Example<T>& example, T* forward) {
    if (example.length == 0) return example.states == 1 ? T(0) : -kNever<T>;
    for (std::int64_t t = 0; t < example.length; ++t) {
        const T* log_probs = example.log_probs(t);
        T* now = forward + example.row(t);
        if (t == 0) {
            for (std::int64_t s = 0; s < std::min<std::int64_t>(2, example.states); ++s)
                now[s] = log_probs[example.label(s)];
            continue;
        }
        const T* before = forward + example.row(t - 1);
        for (std::int64_t s = 0; s < example.states; ++s) {
            const T stepped = s ? before[s - 1] : kNever<T>;
            const T skipped = example.skips_to(s) ? before[s - 2] : kNever<T>;
            now[s] = log_sum(before[s], stepped, skipped) + log_probs[example.label(s)];
        }
    }
    const T* last = forward + example.row(example.length - 1);
    const T short_of = example.states > 1 ? last[example.states - 2] : kNever<T>;
    return -log_sum(last[example.states - 1], short_of);
}

/// The backward variables of step t from those of the step behind, in place.
template <class T> void step_back(const Example<T>& example, std::int64_t t, std::vector<T>& backward) {
    const T* log_probs = example.log_probs(t);
    const std::int64_t states = example.states;
    if (t == example.length - 1) {
        std::fill(backward.begin(), backward.end(), kNever<T>);
        for (std::int64_t s = std::max<std::int64_t>(0, states - 2); s < states; ++s)
            backward[static_cast<std::size_t>(s)] = log_probs[example.label(s)];
        return;
    }
    for (std::int64_t s = 0; s < states; ++s) {
        auto behind = [&](std::int64_t at) {
            return at < states ? backward[static_cast<std::size_t>(at)] : kNever<T>;
        };
        const T skipped = s + 2 < states && example.skips_to(s + 2) ? behind(s + 2) : kNever<T>;
        backward[static_cast<std::size_t>(s)] =
            log_sum(behind(s), behind(s + 1), skipped) + log_probs[example.label(s)];
    }
}

template <class T>
void gradient(const Example<T>& example, std::int64_t classes, T loss, const T* forward, T g, T* out,
              std::int64_t out_step) {
    std::vector<T> backward(static_cast<std::size_t>(example.states));
    for (std::int64_t t = example.length - 1; t >= 0; --t) {
        step_back(example, t, backward);
        const T* log_probs = example.log_probs(t);
        T* to = out + t * out_step;
        std::fill(to, to + classes, kNever<T>);
        for (std::int64_t s = 0; s < example.states; ++s) {
            T& paths = to[example.label(s)];
            paths = log_sum(paths, forward[example.row(t) + s] + backward[static_cast<std::size_t>(s)]);
        }
        for (std::int64_t c = 0; c < classes; ++c) {
            to[c] = (std::exp(log_probs[c]) - std::exp(to[c] + loss - log_probs[c])) * g;
        }
    }
}

template <class F> void with_type(DType dtype, F&& f) {
    dtype == DType::Float64 ? f(Type<double>()) : f(Type<float>());
}

}  // namespace

void ctc_forward(const CtcBatch& of, void* losses, void* forward) {
    with_type(of.dtype, [&]<class T>(Type<T>) {
        T *to = static_cast<T*>(losses), *variables = static_cast<T*>(forward);
        parallel_blocks(of.batch, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t b = begin; b < end; ++b) {
                T* own = variables + b * of.times * of.states;
                std::fill(own, own + of.times * of.states, kNever<T>);
                to[b] = likelihood(Example<T>(of, b), variables);
            }
        });
    });
}

void ctc_backward(const CtcBatch& of, const void* losses, const void* forward, const void* g,
                  bool zero_infinite, void* out) {
    with_type(of.dtype, [&]<class T>(Type<T>) {
        const T *loss = static_cast<const T*>(losses), *factor = static_cast<const T*>(g);
        T* to = static_cast<T*>(out);
        const std::int64_t step = of.batch * of.classes;
        std::fill(to, to + of.times * step, T(0));
        parallel_blocks(of.batch, 1, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t b = begin; b < end; ++b) {
                if (zero_infinite && std::isinf(loss[b])) continue;
                gradient(Example<T>(of, b), of.classes, loss[b], static_cast<const T*>(forward), factor[b],
                         to + b * of.classes, step);
            }
        });
    });
}

}  // namespace tapeless
