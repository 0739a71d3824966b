// Plans of transforms: factoring a length, computing its roots of unity, and keeping what was made.
#include "kernels/fft_plan.h"

#include <cmath>
#include <map>
#include <mutex>
#include <numbers>

#include "kernels/fft.h"

namespace tapeless {

Root root_of_unity(std::int64_t k, std::int64_t n) {
    k %= n;
    const bool below = 2 * k > n;  // The lower half mirrors the upper.
    if (below) k = n - k;
    const bool left = 4 * k > n;                // So does the left quarter the right one,
    std::int64_t a = left ? n - 2 * k : 2 * k;  // in units of pi / n,
    const bool steep = 4 * a > n;               // and an eighth its neighbour.
    if (steep) a = n - 2 * a;
    const double angle = std::numbers::pi * static_cast<double>(a) / static_cast<double>(steep ? 2 * n : n);
    const double c = steep ? std::sin(angle) : std::cos(angle), s = steep ? std::cos(angle) : std::sin(angle);
    return {left ? -c : c, below ? s : -s};
}

namespace {

/// 4 as often as possible, then the primes; empty if one is too large.
std::vector<std::int64_t> factors_of(std::int64_t n) {
    std::vector<std::int64_t> found;
    for (; n % 4 == 0; n /= 4) found.push_back(4);
    for (std::int64_t p = 2; p * p <= n || n > 1;) {
        if (p > kLargestRadix) return {};
        if (n % p == 0) {
            found.push_back(p);
            n /= p;
        } else {
            ++p;
        }
    }
    return found;
}

template <class T> FftPass<T> pass_of(std::int64_t length, std::int64_t radix) {
    FftPass<T> pass{radix, length / radix, {}, {}, {}, {}};
    for (std::int64_t k = 1; k < radix; ++k) {
        for (std::int64_t p = 0; p < pass.groups; ++p) {
            const Root w = root_of_unity(k * p, length);
            pass.re.push_back(static_cast<T>(w.re));
            pass.im.push_back(static_cast<T>(w.im));
        }
    }
    for (std::int64_t k = 0; radix > 5 && k <= radix / 2; ++k) {
        for (std::int64_t j = 1; j <= radix / 2; ++j) {
            const Root w = root_of_unity(k * j, radix);
            pass.cosines.push_back(static_cast<T>(w.re));
            pass.sines.push_back(static_cast<T>(-w.im));
        }
    }
    return pass;
}

/// The least product of 2, 3 and 5 that is not below n.
std::int64_t smooth_at_least(std::int64_t n) {
    std::int64_t best = 1;
    while (best < n) best *= 2;
    for (std::int64_t five = 1; five < best; five *= 5) {
        for (std::int64_t three = five; three < best; three *= 3) {
            std::int64_t all = three;
            while (all < n) all *= 2;
            best = std::min(best, all);
        }
    }
    return best;
}

/// jk = (j^2 + k^2 - (k - j)^2) / 2 turns the transform into a convolution with exp(i pi k^2 / n).
template <class T> void add_chirp(FftPlan<T>& plan) {
    const std::int64_t n = plan.length, m = smooth_at_least(2 * n - 1);
    plan.inner = fft_plan<T>(m);
    std::vector<T> re(static_cast<std::size_t>(m)), im(re), other_re(re), other_im(re);
    for (std::int64_t k = 0; k < n; ++k) {
        // k^2 mod 2n without overflow.
        const auto square =
            static_cast<std::int64_t>(static_cast<unsigned __int128>(k) * static_cast<unsigned __int128>(k) %
                                      static_cast<unsigned __int128>(2 * n));
        const Root w = root_of_unity(square, 2 * n);
        plan.chirp_re.push_back(static_cast<T>(w.re));
        plan.chirp_im.push_back(static_cast<T>(w.im));
        for (std::int64_t at : {k, (m - k) % m}) {
            re[static_cast<std::size_t>(at)] = static_cast<T>(w.re / static_cast<double>(m));
            im[static_cast<std::size_t>(at)] = static_cast<T>(-w.im / static_cast<double>(m));
        }
    }
    const Planes<T> filter =
        run_passes<T>(*plan.inner, {re.data(), im.data()}, {other_re.data(), other_im.data()}, 1);
    plan.filter_re.assign(filter.re, filter.re + m);
    plan.filter_im.assign(filter.im, filter.im + m);
}

template <class T> std::shared_ptr<const FftPlan<T>> made(std::int64_t length) {
    auto plan = std::make_shared<FftPlan<T>>();
    plan->length = length;
    const std::vector<std::int64_t> factors = factors_of(length);
    if (factors.empty() && length > 1) {
        add_chirp(*plan);
        return plan;
    }
    std::int64_t left = length;
    for (std::int64_t radix : factors) {
        plan->passes.push_back(pass_of<T>(left, radix));
        left /= radix;
    }
    return plan;
}

template <class T> std::shared_ptr<const FftPlan<T>> made_for_real(std::int64_t length) {
    auto plan = std::make_shared<FftPlan<T>>();
    plan->length = length;
    plan->inner = fft_plan<T>(length / 2);
    for (std::int64_t k = 0; k <= length / 2; ++k) {
        const Root w = root_of_unity(k, length);
        plan->half_re.push_back(static_cast<T>(w.re));
        plan->half_im.push_back(static_cast<T>(w.im));
    }
    return plan;
}

/// The plans that were made, by length.
template <class T> class Plans {
public:
    template <class Make> std::shared_ptr<const FftPlan<T>> get(std::int64_t length, Make&& make) {
        {
            const std::lock_guard lock(mutex_);
            if (const auto found = plans_.find(length); found != plans_.end()) return found->second;
        }
        const auto plan = make(length);  // Not under the lock: it may need a plan itself.
        const std::lock_guard lock(mutex_);
        if (plans_.size() >= kMost) plans_.clear();
        return plans_[length] = plan;
    }

private:
    static constexpr std::size_t kMost = 64;
    std::mutex mutex_;
    std::map<std::int64_t, std::shared_ptr<const FftPlan<T>>> plans_;
};

template <class T> Plans<T>& complex_plans() {
    static auto* const plans = new Plans<T>();
    return *plans;
}
template <class T> Plans<T>& real_plans() {
    static auto* const plans = new Plans<T>();
    return *plans;
}

}  // namespace

template <class T> std::shared_ptr<const FftPlan<T>> fft_plan(std::int64_t length) {
    return complex_plans<T>().get(length, made<T>);
}
template <class T> std::shared_ptr<const FftPlan<T>> real_fft_plan(std::int64_t length) {
    return real_plans<T>().get(length, made_for_real<T>);
}
template std::shared_ptr<const FftPlan<float>> fft_plan<float>(std::int64_t);
template std::shared_ptr<const FftPlan<double>> fft_plan<double>(std::int64_t);
template std::shared_ptr<const FftPlan<float>> real_fft_plan<float>(std::int64_t);
template std::shared_ptr<const FftPlan<double>> real_fft_plan<double>(std::int64_t);

}  // namespace tapeless
