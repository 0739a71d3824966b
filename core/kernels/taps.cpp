// Maps along dimensions: copies row by row in runs, sums dimension after dimension within a plane that stays in cache.
#include "kernels/taps.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "runtime/threads.h"

namespace tapeless {

bool Taps::copies() const {
    if (!weight.empty()) return false;
    for (std::int64_t i = 0; i < count(); ++i) {
        if (starts[static_cast<std::size_t>(i) + 1] - starts[static_cast<std::size_t>(i)] > 1) return false;
    }
    return true;
}

bool Taps::is_identity() const {
    if (count() != from || index.size() != static_cast<std::size_t>(from) || !copies()) return false;
    for (std::int64_t i = 0; i < from; ++i) {
        if (index[static_cast<std::size_t>(i)] != i) return false;
    }
    return true;
}

Taps Taps::transposed() const {
    Taps out;
    out.from = count();
    out.starts.assign(static_cast<std::size_t>(from) + 1, 0);
    for (std::int64_t i : index) ++out.starts[static_cast<std::size_t>(i) + 1];
    std::partial_sum(out.starts.begin(), out.starts.end(), out.starts.begin());
    out.index.resize(index.size());
    out.weight.resize(weight.size());
    std::vector<std::int64_t> next(out.starts.begin(), out.starts.end() - 1);
    for (std::int64_t i = 0; i < count(); ++i) {
        for (std::int64_t k = starts[static_cast<std::size_t>(i)];
             k < starts[static_cast<std::size_t>(i) + 1]; ++k) {
            const auto at = static_cast<std::size_t>(k);
            const auto to = static_cast<std::size_t>(next[static_cast<std::size_t>(index[at])]++);
            out.index[to] = i;
            if (!weight.empty()) out.weight[to] = weight[at];
        }
    }
    return out;
}

namespace {

constexpr std::int64_t kWorth = 1 << 15;  // Elements below which a second thread costs more than it brings.

template <class F> void each(std::int64_t count, std::int64_t size, F&& body) {
    if (count * size < kWorth) return body(0, count);
    parallel_blocks(count, std::max<std::int64_t>(1, kWorth / 4 / std::max<std::int64_t>(size, 1)), body);
}

/// Elements that lie beside each other on both sides; from < 0: there are none.
struct Run {
    std::int64_t to, from, length;
};

std::vector<Run> runs_of(const Taps& taps) {
    std::vector<Run> runs;
    for (std::int64_t i = 0; i < taps.count(); ++i) {
        const std::int64_t at = taps.starts[static_cast<std::size_t>(i)];
        const bool some = taps.starts[static_cast<std::size_t>(i) + 1] > at;
        const std::int64_t from = some ? taps.index[static_cast<std::size_t>(at)] : -1;
        if (!runs.empty()) {
            Run& last = runs.back();
            if (some ? last.from >= 0 && last.from + last.length == from : last.from < 0) {
                ++last.length;
                continue;
            }
        }
        runs.push_back({i, from, 1});
    }
    return runs;
}

template <std::size_t element> struct Bytes {
    char bytes[element];
};

/// The copy of elements of one size.
template <std::size_t element> class Copier {
public:
    using E = Bytes<element>;
    Copier(const std::vector<Taps>& dims, const char* fill) : dims_(dims), runs_(runs_of(dims.back())) {
        std::memcpy(&fill_, fill, element);
        inner_in_.assign(dims.size(), 1);
        inner_out_.assign(dims.size(), 1);
        for (std::size_t d = dims.size() - 1; d-- > 0;) {
            inner_in_[d] = inner_in_[d + 1] * dims[d + 1].from;
            inner_out_[d] = inner_out_[d + 1] * dims[d + 1].count();
        }
    }
    void run(const char* in, char* out, std::int64_t planes) const {
        const std::int64_t first = dims_[0].count();
        each(planes * first, inner_out_[0], [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
                const E* from = reinterpret_cast<const E*>(in) + i / first * dims_[0].from * inner_in_[0];
                E* to = reinterpret_cast<E*>(out) + i / first * first * inner_out_[0];
                if (dims_.size() == 1) {
                    // One dimension: the rows are the planes, so that each is copied at its first element.
                    if (i % first == 0 || i == begin)
                        row_part(from, to, i % first, std::min(end - i / first * first, first));
                    i = std::min(end, (i / first + 1) * first) - 1;
                    continue;
                }
                one(0, i % first, from, to);
            }
        });
    }

private:
    void one(std::size_t d, std::int64_t i, const E* in, E* out) const {
        const Taps& taps = dims_[d];
        const std::int64_t at = taps.starts[static_cast<std::size_t>(i)];
        E* to = out + i * inner_out_[d];
        if (taps.starts[static_cast<std::size_t>(i) + 1] == at) {
            std::fill_n(to, inner_out_[d], fill_);
            return;
        }
        const E* from = in + taps.index[static_cast<std::size_t>(at)] * inner_in_[d];
        if (d + 2 == dims_.size()) return row_part(from, to, 0, dims_[d + 1].count());
        for (std::int64_t j = 0; j < dims_[d + 1].count(); ++j) one(d + 1, j, from, to);
    }
    /// The elements [begin, end) of a row of the last dimension.
    void row_part(const E* in, E* out, std::int64_t begin, std::int64_t end) const {
        for (const Run& run : runs_) {
            const std::int64_t first = std::max(run.to, begin), last = std::min(run.to + run.length, end);
            if (first >= last) continue;
            if (run.from < 0) {
                std::fill(out + first, out + last, fill_);
            } else if (run.length == 1) {
                out[first] = in[run.from];
            } else {
                std::memcpy(out + first, in + run.from + (first - run.to),
                            static_cast<std::size_t>(last - first) * element);
            }
        }
    }

    const std::vector<Taps>& dims_;
    std::vector<Run> runs_;
    std::vector<std::int64_t> inner_in_, inner_out_;
    E fill_;
};

template <class T>
inline constexpr bool is_half_type = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;
template <class T>
using Sum =
    std::conditional_t<is_half_type<T>, float, std::conditional_t<std::is_integral_v<T>, std::int64_t, T>>;

/// A dimension's taps with their weights in the type that sums have.
template <class A> struct Sums {
    const Taps& taps;
    std::vector<A> weights;

    explicit Sums(const Taps& of) : taps(of) {
        for (double weight : of.weight) weights.push_back(convert<A>(weight));
    }
    const std::int64_t* starts() const { return taps.starts.data(); }
    const std::int64_t* index() const { return taps.index.data(); }
};

/// One output of a dimension: the weighted sum of rows of `inner` elements.
template <class A>
void combine(const A* from, A* to, std::int64_t inner, const Sums<A>& sums, std::int64_t first,
             std::int64_t last) {
    if (first == last) std::fill_n(to, inner, A{});
    const A* weights = sums.weights.empty() ? nullptr : sums.weights.data();
    for (std::int64_t k = first; k < last; ++k) {
        const A* row = from + sums.index()[k] * inner;
        const A w = weights ? weights[k] : A{};
        if (k == first) {  // Sums begin at 0, so that none of them is -0.
            for (std::int64_t j = 0; j < inner; ++j) to[j] = A{} + (weights ? w * row[j] : row[j]);
        } else {
            for (std::int64_t j = 0; j < inner; ++j) to[j] = to[j] + (weights ? w * row[j] : row[j]);
        }
    }
}

/// The same for all outputs of a dimension whose elements lie side by side.
template <bool weighted, class A> void combine_line(const A* from, A* to, const Sums<A>& sums) {
    const std::int64_t *starts = sums.starts(), *index = sums.index(), count = sums.taps.count();
    const A* weights = sums.weights.data();
    for (std::int64_t i = 0; i < count; ++i) {
        A sum{};
        for (std::int64_t k = starts[i]; k < starts[i + 1]; ++k)
            sum = sum + (weighted ? weights[k] * from[index[k]] : from[index[k]]);
        to[i] = sum;
    }
}

/// One dimension of a plane: in [outer][from][inner], out [outer][count][inner].
template <class A>
void pass(const A* in, A* out, std::int64_t outer, std::int64_t inner, const Sums<A>& sums) {
    const std::int64_t count = sums.taps.count();
    for (std::int64_t o = 0; o < outer; ++o, in += sums.taps.from * inner, out += count * inner) {
        if (inner == 1) {
            sums.weights.empty() ? combine_line<false>(in, out, sums) : combine_line<true>(in, out, sums);
            continue;
        }
        for (std::int64_t i = 0; i < count; ++i)
            combine(in, out + i * inner, inner, sums, sums.starts()[i], sums.starts()[i + 1]);
    }
}

/// What is done with a plane, whatever it holds: which dimensions are mapped, in which order, and room for it.
struct Course {
    std::vector<std::size_t> order;
    std::int64_t inner, in, out, largest = 1;

    Course(const std::vector<Taps>& dims, std::int64_t behind) : inner(behind), in(behind), out(behind) {
        for (std::size_t d = 0; d < dims.size(); ++d) {
            in *= dims[d].from;
            out *= dims[d].count();
            if (!dims[d].is_identity()) order.push_back(d);
        }
        // What shrinks comes first, so that there is less left to do.
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return dims[a].count() * dims[b].from < dims[b].count() * dims[a].from;
        });
        std::int64_t size = in;
        for (std::size_t d : order) {
            size = dims[d].from ? size / dims[d].from * dims[d].count() : out;
            largest = std::max(largest, size);
        }
        largest = std::max(largest, in);
    }
};

/// One plane, dimension after dimension, between two rooms; numbers of the type of sums are read and written in place.
template <class T>
void sum_plane(const T* in, T* out, const std::vector<Sums<Sum<T>>>& dims, const Course& course, Sum<T>* one,
               Sum<T>* two) {
    using A = Sum<T>;
    constexpr bool in_place = std::is_same_v<T, A>;
    std::vector<std::int64_t> sizes;
    for (const Sums<A>& sums : dims) sizes.push_back(sums.taps.from);
    const A* from = one;
    if constexpr (in_place) {
        from = in;
    } else {
        for (std::int64_t i = 0; i < course.in; ++i) one[i] = convert<A>(in[i]);
    }
    for (std::size_t at = 0; at < course.order.size(); ++at) {
        const std::size_t d = course.order[at];
        std::int64_t outer = 1, inner = course.inner;
        for (std::size_t e = 0; e < sizes.size(); ++e)
            (e < d ? outer : e > d ? inner : sizes[d]) *= e == d ? 1 : sizes[e];
        A* to = from == two ? one : two;
        if constexpr (in_place) {
            if (at + 1 == course.order.size()) to = out;
        }
        pass(from, to, outer, inner, dims[d]);
        sizes[d] = dims[d].taps.count();
        from = to;
    }
    if (in_place && !course.order.empty()) return;
    for (std::int64_t i = 0; i < course.out; ++i) out[i] = convert<T>(from[i]);
}

}  // namespace

void copy_taps(std::size_t element, const char* in, char* out, std::int64_t planes,
               const std::vector<Taps>& dims, const char* fill) {
    if (element == 1) return Copier<1>(dims, fill).run(in, out, planes);
    if (element == 2) return Copier<2>(dims, fill).run(in, out, planes);
    if (element == 4) return Copier<4>(dims, fill).run(in, out, planes);
    if (element == 8) return Copier<8>(dims, fill).run(in, out, planes);
    Copier<16>(dims, fill).run(in, out, planes);
}

void sum_taps(DType dtype, const char* in, char* out, std::int64_t planes, const std::vector<Taps>& dims,
              std::int64_t inner) {
    const Course course(dims, inner);
    visit(dtype, [&]<class T>(Type<T>) {
        using A = Sum<T>;
        const std::vector<Sums<A>> sums(dims.begin(), dims.end());
        each(planes, course.largest, [&](std::int64_t begin, std::int64_t end) {
            std::vector<A> one(static_cast<std::size_t>(course.largest)), two(one.size());
            for (std::int64_t p = begin; p < end; ++p) {
                sum_plane(reinterpret_cast<const T*>(in) + p * course.in,
                          reinterpret_cast<T*>(out) + p * course.out, sums, course, one.data(), two.data());
            }
        });
    });
}

}  // namespace tapeless
