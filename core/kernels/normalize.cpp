// Normalisation of groups of elements. Sums run in sixteen lanes over pieces of 4096 elements, and over those in double.
#include "kernels/normalize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/threads.h"

namespace tapeless {
namespace {

template <class T>
inline constexpr bool is_half_type = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;
template <class T> using Wide = std::conditional_t<is_half_type<T>, float, T>;
constexpr int kLanes = 16;
constexpr std::int64_t kPiece = 4096;
constexpr std::int64_t kWorth = 1 << 15;  // Elements below which a second thread costs more than it brings.
constexpr std::int64_t kStrip = 64;       // Columns that are worked on together.

struct Pair {
    double first = 0, second = 0;
};

template <class A> struct Two {
    A first, second;
};

/// The sums of pairs, over one piece after another: lanes are folded when they have taken kPiece elements, not before.
template <class A> class LaneSums {
public:
    /// Adds f(i), i < count.
    template <class F> void add(std::int64_t count, F f) {
        for (std::int64_t at = 0; at < count;) {
            const std::int64_t end = std::min(count, at + kPiece - held_);
            held_ += end - at;
            add_part(at, end, f);
            if (held_ == kPiece) fold();
            at = end;
        }
    }
    Pair total() {
        if (held_) fold();
        return total_;
    }

private:
    /// In arrays of its own, which the compiler keeps in registers. A lone number is one for the first sum.
    template <class F> void add_part(std::int64_t i, std::int64_t end, F f) {
        constexpr bool both = std::is_same_v<decltype(f(i)), Two<A>>;
        A first[kLanes], second[kLanes];
        std::copy_n(first_, kLanes, first);
        if constexpr (both) std::copy_n(second_, kLanes, second);
        const auto take = [&](int lane, auto value) {
            if constexpr (both) {
                first[lane] += value.first;
                second[lane] += value.second;
            } else {
                first[lane] += value;
            }
        };
        for (; i + kLanes <= end; i += kLanes) {
            for (int l = 0; l < kLanes; ++l) take(l, f(i + l));
        }
        for (int l = 0; i + l < end; ++l) take(l, f(i + l));
        std::copy_n(first, kLanes, first_);
        if constexpr (both) std::copy_n(second, kLanes, second_);
    }
    void fold() {
        for (int half = kLanes / 2; half > 0; half /= 2) {
            for (int l = 0; l < half; ++l) {
                first_[l] += first_[l + half];
                second_[l] += second_[l + half];
            }
        }
        total_.first += static_cast<double>(first_[0]);
        total_.second += static_cast<double>(second_[0]);
        std::fill_n(first_, kLanes, A(0));
        std::fill_n(second_, kLanes, A(0));
        held_ = 0;
    }

    A first_[kLanes] = {}, second_[kLanes] = {};
    std::int64_t held_ = 0;
    Pair total_;
};

/// The sums of both results of f(i), i < count.
template <class A, class F> Pair sums(std::int64_t count, F f) {
    LaneSums<A> lanes;
    lanes.add(count, f);
    return lanes.total();
}

/// Two sums for each of `width` columns: add(p, first, second) adds row p. Runs of rows are added up in A, then in double.
template <class A, class F>
void column_sums(std::int64_t rows, std::int64_t width, double* first, double* second, F add) {
    constexpr std::int64_t kRun = 32;
    for (std::int64_t at = 0; at < rows; at += kRun) {
        A one[kStrip] = {}, two[kStrip] = {};
        for (std::int64_t p = at; p < std::min(rows, at + kRun); ++p) add(p, one, two);
        for (std::int64_t c = 0; c < width; ++c) {
            first[c] += static_cast<double>(one[c]);
            second[c] += static_cast<double>(two[c]);
        }
    }
}

/// One dtype's normalisation.
template <class T> struct Work {
    using A = Wide<T>;
    const Groups& groups;
    const T* x;
    A *mean, *rstd, *variance;
    const A *weight, *bias;
    double eps;

    Work(const Normalization& of, const Groups& given, double epsilon)
        : groups(given),
          x(reinterpret_cast<const T*>(of.x)),
          mean(reinterpret_cast<A*>(of.mean)),
          rstd(reinterpret_cast<A*>(of.rstd)),
          variance(reinterpret_cast<A*>(of.variance)),
          weight(reinterpret_cast<const A*>(of.weight)),
          bias(reinterpret_cast<const A*>(of.bias)),
          eps(epsilon) {}

    std::int64_t at(std::int64_t r, std::int64_t p) const { return r * groups.step + p * groups.piece_step; }
    std::int64_t weight_at(std::int64_t r, std::int64_t p) const {
        return r % groups.period * groups.weight_step + p * groups.per_piece;
    }
    /// Groups that lie beside each other, one element of each in a row: worked on in strips.
    bool columns() const { return groups.length == 1 && groups.step == 1 && groups.period == groups.count; }

    void statistics(std::int64_t r) const {
        const double count = static_cast<double>(groups.size());
        LaneSums<A> total, rest;
        for (std::int64_t p = 0; p < groups.pieces; ++p) {
            const T* from = x + at(r, p);
            total.add(groups.length, [&](std::int64_t i) { return convert<A>(from[i]); });
        }
        const A middle = static_cast<A>(total.total().first / count);
        for (std::int64_t p = 0; p < groups.pieces; ++p) {
            const T* from = x + at(r, p);
            rest.add(groups.length, [&](std::int64_t i) {
                const A d = convert<A>(from[i]) - middle;
                return Two<A>{d, d * d};
            });
        }
        const Pair found = rest.total();
        settle(r, static_cast<double>(middle), found.first / count, found.second / count);
    }
    /// The mean of the differences from `middle` corrects for its rounding.
    void settle(std::int64_t r, double middle, double rest, double squares) const {
        mean[r] = static_cast<A>(middle + rest);
        const double spread = squares - rest * rest;  // Not clamped: a NaN stays one.
        rstd[r] = static_cast<A>(1 / std::sqrt((spread < 0 ? 0 : spread) + eps));
        if (variance) variance[r] = static_cast<A>(spread < 0 ? 0 : spread);
    }

    void write(std::int64_t r, T* out) const {
        const A middle = mean[r], scale = rstd[r];
        for (std::int64_t p = 0; p < groups.pieces; ++p) {
            const std::int64_t begin = at(r, p), number = weight_at(r, p);
            const T* from = x + begin;
            T* to = out + begin;
            if (groups.per_element) {
                write_each(from, to, middle, scale, number);
                continue;
            }
            const A factor = weight ? scale * weight[number] : scale, shift = bias ? bias[number] : A(0);
            for (std::int64_t i = 0; i < groups.length; ++i)
                to[i] = convert<T>((convert<A>(from[i]) - middle) * factor + shift);
        }
    }
    void write_each(const T* from, T* to, A middle, A scale, std::int64_t number) const {
        const std::int64_t count = groups.length;
        const A *w = weight ? weight + number : nullptr, *b = bias ? bias + number : nullptr;
        if (w && b) {
            for (std::int64_t i = 0; i < count; ++i)
                to[i] = convert<T>((convert<A>(from[i]) - middle) * scale * w[i] + b[i]);
        } else if (w) {
            for (std::int64_t i = 0; i < count; ++i)
                to[i] = convert<T>((convert<A>(from[i]) - middle) * scale * w[i]);
        } else if (b) {
            for (std::int64_t i = 0; i < count; ++i)
                to[i] = convert<T>((convert<A>(from[i]) - middle) * scale + b[i]);
        } else {
            for (std::int64_t i = 0; i < count; ++i)
                to[i] = convert<T>((convert<A>(from[i]) - middle) * scale);
        }
    }

    void column_statistics(std::int64_t begin, std::int64_t end) const {
        const double count = static_cast<double>(groups.pieces);
        const std::int64_t width = end - begin;
        double total[kStrip] = {}, rest[kStrip] = {}, squares[kStrip] = {};
        A middle[kStrip];
        column_sums<A>(groups.pieces, width, total, rest, [&](std::int64_t p, A* first, A*) {
            const T* from = x + at(begin, p);
            for (std::int64_t c = 0; c < width; ++c) first[c] += convert<A>(from[c]);
        });
        for (std::int64_t c = 0; c < width; ++c) middle[c] = static_cast<A>(total[c] / count);
        column_sums<A>(groups.pieces, width, rest, squares, [&](std::int64_t p, A* first, A* second) {
            const T* from = x + at(begin, p);
            for (std::int64_t c = 0; c < width; ++c) {
                const A d = convert<A>(from[c]) - middle[c];
                first[c] += d;
                second[c] += d * d;
            }
        });
        for (std::int64_t c = 0; c < width; ++c)
            settle(begin + c, static_cast<double>(middle[c]), rest[c] / count, squares[c] / count);
    }
    void write_columns(std::int64_t begin, std::int64_t end, T* out) const {
        A factor[kStrip], shift[kStrip];
        for (std::int64_t r = begin; r < end; ++r) {
            const std::int64_t number = weight_at(r, 0);
            factor[r - begin] = weight ? rstd[r] * weight[number] : rstd[r];
            shift[r - begin] = bias ? bias[number] : A(0);
        }
        for (std::int64_t p = 0; p < groups.pieces; ++p) {
            const T* from = x + at(begin, p);
            T* to = out + at(begin, p);
            for (std::int64_t c = 0; c < end - begin; ++c)
                to[c] = convert<T>((convert<A>(from[c]) - mean[begin + c]) * factor[c] + shift[c]);
        }
    }

    /// Every group; `finds` and `out`: what is done with it.
    void run(bool finds, T* out) const {
        const bool strips = columns();
        auto body = [&](std::int64_t begin, std::int64_t end) {
            if (strips) {
                if (finds) column_statistics(begin, end);
                if (out) write_columns(begin, end, out);
                return;
            }
            for (std::int64_t r = begin; r < end; ++r) {
                if (finds) statistics(r);
                if (out) write(r, out);
            }
        };
        each_block(groups,
                   strips ? kStrip
                          : std::max<std::int64_t>(1, kWorth / 4 / std::max<std::int64_t>(groups.size(), 1)),
                   body);
    }

    template <class F> static void each_block(const Groups& groups, std::int64_t block, F&& body) {
        if (groups.count * groups.size() >= kWorth) return parallel_blocks(groups.count, block, body);
        for (std::int64_t at = 0; at < groups.count; at += block)
            body(at, std::min(groups.count, at + block));
    }
};

/// The gradients of one dtype's normalisation.
template <class T> struct Back : Work<T> {
    using Base = Work<T>;
    using A = typename Base::A;
    using Base::at, Base::groups, Base::mean, Base::rstd, Base::weight, Base::weight_at, Base::x;
    const T* g;
    T* to;
    A *to_weight, *to_bias;
    bool constant;
    std::int64_t weights;

    Back(const Normalization& of, const Groups& given, std::int64_t count, const NormalizationGradients& way)
        : Base(of, given, 0),
          g(reinterpret_cast<const T*>(way.g)),
          to(reinterpret_cast<T*>(way.x)),
          to_weight(reinterpret_cast<A*>(way.weight)),
          to_bias(reinterpret_cast<A*>(way.bias)),
          constant(way.constant),
          weights(count) {}

    /// dx = rstd * (w g - mean(w g) - xhat * mean(w g xhat)): `first` and `second` are those sums.
    void write(std::int64_t r, Pair sum) const {
        const A middle = mean[r], scale = rstd[r];
        const double count = static_cast<double>(groups.size());
        const A first = constant ? A(0) : static_cast<A>(sum.first / count);
        const A second = constant ? A(0) : static_cast<A>(sum.second / count) * scale;
        for (std::int64_t p = 0; p < groups.pieces; ++p) {
            const std::int64_t begin = at(r, p), number = weight_at(r, p);
            const T *from = x + begin, *of = g + begin;
            T* out = to + begin;
            if (groups.per_element && weight) {
                const A* w = weight + number;
                for (std::int64_t i = 0; i < groups.length; ++i)
                    out[i] = convert<T>(
                        (convert<A>(of[i]) * w[i] - first - (convert<A>(from[i]) - middle) * second) * scale);
                continue;
            }
            const A w = weight ? weight[number] : A(1);
            for (std::int64_t i = 0; i < groups.length; ++i)
                out[i] = convert<T>(
                    (convert<A>(of[i]) * w - first - (convert<A>(from[i]) - middle) * second) * scale);
        }
    }

    /// The sums of g and g * xhat over pieces from `first` to `last`.
    Pair piece_sums(std::int64_t r, std::int64_t first, std::int64_t last) const {
        const A middle = mean[r], scale = rstd[r];
        LaneSums<A> found;
        for (std::int64_t p = first; p < last; ++p) {
            const T *from = x + at(r, p), *of = g + at(r, p);
            found.add(groups.length, [&](std::int64_t i) {
                const A one = convert<A>(of[i]);
                return Two<A>{one, one * ((convert<A>(from[i]) - middle) * scale)};
            });
        }
        return found.total();
    }
    /// The same of w * g, where each element has its own weight.
    Pair weighted_sums(std::int64_t r) const {
        if (!weight) return piece_sums(r, 0, 1);
        const A middle = mean[r], scale = rstd[r];
        const T *from = x + at(r, 0), *of = g + at(r, 0);
        const A* w = weight + weight_at(r, 0);
        return sums<A>(groups.length, [&](std::int64_t i) {
            const A one = convert<A>(of[i]) * w[i];
            return Two<A>{one, one * ((convert<A>(from[i]) - middle) * scale)};
        });
    }

    /// Weights belong to pieces, or to whole groups, whose pieces are one sum: their gradients are sums of these.
    void by_pieces() const {
        const std::int64_t parts = groups.per_piece ? groups.pieces : 1, each = groups.pieces / parts;
        std::vector<Pair> all(static_cast<std::size_t>(groups.count * parts));
        auto body = [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t r = begin; r < end; ++r) {
                Pair sum;
                for (std::int64_t p = 0; p < parts; ++p) {
                    const Pair found = all[static_cast<std::size_t>(r * parts + p)] =
                        piece_sums(r, p * each, (p + 1) * each);
                    const double w = weight ? static_cast<double>(weight[weight_at(r, p)]) : 1.0;
                    sum.first += w * found.first;
                    sum.second += w * found.second;
                }
                if (to) write(r, sum);
            }
        };
        Base::each_block(
            groups, std::max<std::int64_t>(1, kWorth / 4 / std::max<std::int64_t>(groups.size(), 1)), body);
        std::vector<Pair> totals(static_cast<std::size_t>(weights));
        for (std::int64_t r = 0; r < groups.count; ++r) {
            for (std::int64_t p = 0; p < parts; ++p) {
                Pair& total = totals[static_cast<std::size_t>(weight_at(r, p))];
                total.first += all[static_cast<std::size_t>(r * parts + p)].first;
                total.second += all[static_cast<std::size_t>(r * parts + p)].second;
            }
        }
        store(totals);
    }
    void store(const std::vector<Pair>& totals) const {
        for (std::size_t i = 0; i < totals.size(); ++i) {
            if (to_bias) to_bias[i] = static_cast<A>(totals[i].first);
            if (to_weight) to_weight[i] = static_cast<A>(totals[i].second);
        }
    }

    /// Each element of a group has its own weight: rows are added up in blocks, whose number depends on the count alone.
    void by_elements() const {
        constexpr std::int64_t kBlocks = 32, kRun = 32;
        const std::int64_t block = std::max(kRun, (groups.count + kBlocks - 1) / kBlocks);
        const std::int64_t blocks = (groups.count + block - 1) / block;
        const bool parameters = to_weight || to_bias;
        const std::size_t width = static_cast<std::size_t>(groups.length);
        std::vector<std::vector<Pair>> totals(static_cast<std::size_t>(blocks));
        auto body = [&](std::int64_t begin, std::int64_t end) {
            std::vector<Pair>& total = totals[static_cast<std::size_t>(begin / block)];
            std::vector<A> first(parameters ? width : 0), second(first.size());
            if (parameters) total.assign(width, Pair());
            for (std::int64_t r = begin; r < end; ++r) {
                if (to) write(r, constant ? Pair() : weighted_sums(r));
                if (!parameters) continue;
                add_row(r, first.data(), second.data());
                if ((r - begin) % kRun == kRun - 1 || r == end - 1) flush(first, second, total);
            }
        };
        Base::each_block(groups, block, body);
        if (!parameters) return;
        std::vector<Pair> all(width);
        for (const std::vector<Pair>& total : totals) {
            for (std::size_t i = 0; i < width; ++i) {
                all[i].first += total[i].first;
                all[i].second += total[i].second;
            }
        }
        store(all);
    }
    void add_row(std::int64_t r, A* first, A* second) const {
        const A middle = mean[r], scale = rstd[r];
        const T *from = x + at(r, 0), *of = g + at(r, 0);
        for (std::int64_t i = 0; i < groups.length; ++i) {
            const A one = convert<A>(of[i]);
            first[i] += one;
            second[i] += one * ((convert<A>(from[i]) - middle) * scale);
        }
    }
    static void flush(std::vector<A>& first, std::vector<A>& second, std::vector<Pair>& total) {
        for (std::size_t i = 0; i < total.size(); ++i) {
            total[i].first += static_cast<double>(first[i]);
            total[i].second += static_cast<double>(second[i]);
        }
        std::fill(first.begin(), first.end(), A(0));
        std::fill(second.begin(), second.end(), A(0));
    }

    /// One element of each group in a row.
    void by_columns() const {
        std::vector<Pair> all(static_cast<std::size_t>(groups.count));
        auto body = [&](std::int64_t begin, std::int64_t end) {
            double first[kStrip] = {}, second[kStrip] = {};
            const std::int64_t width = end - begin;
            column_sums<A>(groups.pieces, width, first, second, [&](std::int64_t p, A* one, A* two) {
                const T *from = x + at(begin, p), *of = g + at(begin, p);
                for (std::int64_t c = 0; c < width; ++c) {
                    one[c] += convert<A>(of[c]);
                    two[c] += convert<A>(of[c]) * ((convert<A>(from[c]) - mean[begin + c]) * rstd[begin + c]);
                }
            });
            for (std::int64_t c = 0; c < width; ++c)
                all[static_cast<std::size_t>(begin + c)] = {first[c], second[c]};
            if (to) write_columns(begin, width, first, second);
        };
        Base::each_block(groups, kStrip, body);
        store(all);
    }
    void write_columns(std::int64_t begin, std::int64_t width, const double* sums1,
                       const double* sums2) const {
        A first[kStrip], second[kStrip], w[kStrip], scale[kStrip];
        const double count = static_cast<double>(groups.size());
        for (std::int64_t c = 0; c < width; ++c) {
            w[c] = weight ? weight[weight_at(begin + c, 0)] : A(1);
            scale[c] = rstd[begin + c] * w[c];
            first[c] = constant ? A(0) : static_cast<A>(sums1[c] / count);
            second[c] = constant ? A(0) : static_cast<A>(sums2[c] / count) * rstd[begin + c];
        }
        for (std::int64_t p = 0; p < groups.pieces; ++p) {
            const T *from = x + at(begin, p), *of = g + at(begin, p);
            T* out = to + at(begin, p);
            for (std::int64_t c = 0; c < width; ++c)
                out[c] = convert<T>(
                    (convert<A>(of[c]) - first[c] - (convert<A>(from[c]) - mean[begin + c]) * second[c]) *
                    scale[c]);
        }
    }
};

/// Calls `f` with the C++ type of a real floating dtype.
template <class F> void visit_floating(DType dtype, F&& f) {
    visit(dtype, [&]<class T>(Type<T> type) {
        if constexpr (std::is_floating_point_v<T> || is_half_type<T>) f(type);
    });
}

}  // namespace

void find_statistics(const Normalization& of, const Groups& groups, double eps) {
    visit_floating(of.dtype, [&]<class T>(Type<T>) { Work<T>(of, groups, eps).run(true, nullptr); });
}

void normalize(const Normalization& of, const Groups& groups, double eps, bool given, char* out) {
    visit_floating(
        of.dtype, [&]<class T>(Type<T>) { Work<T>(of, groups, eps).run(!given, reinterpret_cast<T*>(out)); });
}

void normalize_backward(const Normalization& of, const Groups& groups, std::int64_t weights,
                        const NormalizationGradients& gradients) {
    visit_floating(of.dtype, [&]<class T>(Type<T>) {
        const Back<T> back(of, groups, weights, gradients);
        if (groups.per_element) return back.by_elements();
        back.columns() ? back.by_columns() : back.by_pieces();
    });
}

}  // namespace tapeless
