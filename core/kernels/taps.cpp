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

/// One output of a dimension: the weighted sum of rows of `inner` elements.
template <class A>
void combine(const A* from, A* to, std::int64_t inner, const Taps& taps, std::int64_t first,
             std::int64_t last) {
    const bool weighted = !taps.weight.empty();
    std::fill_n(to, inner, A{});
    for (std::int64_t k = first; k < last; ++k) {
        const A* row = from + taps.index[static_cast<std::size_t>(k)] * inner;
        if (!weighted) {
            for (std::int64_t j = 0; j < inner; ++j) to[j] = to[j] + row[j];
            continue;
        }
        const A w = convert<A>(taps.weight[static_cast<std::size_t>(k)]);
        for (std::int64_t j = 0; j < inner; ++j) to[j] = to[j] + w * row[j];
    }
}

/// One dimension of a plane: in [outer][from][inner], out [outer][count][inner].
template <class A> void pass(const A* in, A* out, std::int64_t outer, std::int64_t inner, const Taps& taps) {
    for (std::int64_t o = 0; o < outer; ++o, in += taps.from * inner) {
        for (std::int64_t i = 0; i < taps.count(); ++i, out += inner) {
            const auto at = static_cast<std::size_t>(i);
            combine(in, out, inner, taps, taps.starts[at], taps.starts[at + 1]);
        }
    }
}

/// What is done with a plane, whatever it holds: which dimensions are mapped, in which order, and room for it.
struct Course {
    std::vector<std::size_t> order;
    std::int64_t in = 1, out = 1, largest = 1;

    explicit Course(const std::vector<Taps>& dims) {
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

template <class T>
void sum_plane(const T* in, T* out, const std::vector<Taps>& dims, const Course& course, Sum<T>* one,
               Sum<T>* two) {
    using A = Sum<T>;
    std::vector<std::int64_t> sizes;
    for (const Taps& taps : dims) sizes.push_back(taps.from);
    for (std::int64_t i = 0; i < course.in; ++i) one[i] = convert<A>(in[i]);
    for (std::size_t d : course.order) {
        std::int64_t outer = 1, inner = 1;
        for (std::size_t e = 0; e < sizes.size(); ++e)
            (e < d ? outer : e > d ? inner : sizes[d]) *= e == d ? 1 : sizes[e];
        pass(one, two, outer, inner, dims[d]);
        sizes[d] = dims[d].count();
        std::swap(one, two);
    }
    for (std::int64_t i = 0; i < course.out; ++i) out[i] = convert<T>(one[i]);
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

void sum_taps(DType dtype, const char* in, char* out, std::int64_t planes, const std::vector<Taps>& dims) {
    const Course course(dims);
    visit(dtype, [&]<class T>(Type<T>) {
        using A = Sum<T>;
        each(planes, course.largest, [&](std::int64_t begin, std::int64_t end) {
            std::vector<A> one(static_cast<std::size_t>(course.largest)), two(one.size());
            for (std::int64_t p = begin; p < end; ++p) {
                sum_plane(reinterpret_cast<const T*>(in) + p * course.in,
                          reinterpret_cast<T*>(out) + p * course.out, dims, course, one.data(), two.data());
            }
        });
    });
}

}  // namespace tapeless
