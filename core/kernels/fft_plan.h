// What a transform of one length needs besides its numbers: factors, roots of unity, and Bluestein's chirp.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace tapeless {

/// exp(-2 pi i k / n), rounded once or nearly so: the angle is brought into an eighth of the circle.
struct Root {
    double re, im;
};
Root root_of_unity(std::int64_t k, std::int64_t n);

/// One pass of Stockham's algorithm: `radix` sequences are combined, `groups` of them, with a root for each.
template <class T> struct FftPass {
    std::int64_t radix, groups;
    std::vector<T> re, im;          ///< roots of unity, by (1 .. radix - 1, group)
    std::vector<T> cosines, sines;  ///< of an odd radix above 5: by (output, input), both from 1
};

template <class T> struct FftPlan {
    std::int64_t length;
    std::vector<FftPass<T>> passes;
    std::vector<T> half_re, half_im;  ///< exp(-2 pi i k / length) for k up to length / 2: for real numbers
    std::shared_ptr<const FftPlan<T>> inner;  ///< of the convolution, or of half the length
    std::vector<T> chirp_re, chirp_im, filter_re, filter_im;

    bool convolves() const { return !chirp_re.empty(); }
};

/// The plan for complex numbers of that length, made once.
template <class T> std::shared_ptr<const FftPlan<T>> fft_plan(std::int64_t length);
/// The roots that tie real numbers of an even length to half as many complex ones.
template <class T> std::shared_ptr<const FftPlan<T>> real_fft_plan(std::int64_t length);

/// `lanes` transforms side by side: element k of transform b at k * lanes + b. Both pairs of arrays have room for
/// length * lanes numbers; the result is in the pair that is returned.
template <class T> struct Planes {
    T *re, *im;
};
template <class T>
Planes<T> run_passes(const FftPlan<T>& plan, Planes<T> x, Planes<T> other, std::int64_t lanes);

}  // namespace tapeless
