// Contractions of two tensors as one matrix product, and the order in which many are contracted.
#include "ops/contraction.h"
#include "ops/autocast.h"

#include <bit>
#include <limits>

#include "ops/levels.h"
#include "ops/products.h"

namespace tapeless {
namespace {

bool has(DimSet set, int dim) { return (set >> dim) & 1; }

/// The dimensions of one kind, and how many elements they have together.
struct Group {
    Dims dims, sizes;
    std::int64_t count = 1;
    void add(int dim, std::int64_t size) {
        dims.push_back(dim);
        sizes.push_back(size);
        count *= size;
    }
};

Dims concatenated(std::initializer_list<const Dims*> parts) {
    Dims out;
    for (const Dims* part : parts) {
        for (std::int64_t value : *part) out.push_back(value);
    }
    return out;
}

/// x as a matrix, or a batch of them, with rows and columns of those groups; all other dimensions have one element.
Tensor as_matrices(const Tensor& x, const Group& batch, const Group& rows, const Group& columns,
                   const Dims& rest) {
    const Dims first = batch.dims.empty() ? Dims() : Dims{batch.count};
    const Dims shape{rows.count, columns.count}, turned_shape{columns.count, rows.count};
    const Dims sizes = concatenated({&first, &shape});
    const Tensor ordered = permute(x, concatenated({&batch.dims, &rows.dims, &columns.dims, &rest}));
    Dims strides;
    if (lifted(x) || view_strides(ordered->sizes, ordered->strides, sizes, strides))
        return reshape(ordered, sizes);
    // The other way round it may be no copy.
    const Tensor turned = permute(x, concatenated({&batch.dims, &columns.dims, &rows.dims, &rest}));
    return transpose(reshape(turned, concatenated({&first, &turned_shape})), -2, -1);
}

/// What is left out of the groups, in order.
Dims left_out(int rank, std::initializer_list<const Group*> groups) {
    DimSet taken = 0;
    for (const Group* group : groups) {
        for (std::int64_t dim : group->dims) taken |= DimSet{1} << dim;
    }
    Dims rest;
    for (int d = 0; d < rank; ++d) {
        if (!has(taken, d)) rest.push_back(d);
    }
    return rest;
}

}  // namespace

Tensor contracted(const Tensor& a, const Tensor& b, DimSet summed) {
    if (!summed) return apply(row("mul"), a, b);
    const int rank = a->dim();
    Group batch, left, right, inner;
    for (int d = 0; d < rank; ++d) {
        const std::int64_t m = a->sizes[d], n = b->sizes[d];
        if (has(summed, d)) {
            inner.add(d, m);
        } else if (m != 1 && n != 1) {
            batch.add(d, m);
        } else if (m != 1) {
            left.add(d, m);
        } else if (n != 1) {
            right.add(d, n);
        }
    }
    // The operand whose own dimensions come first gives the rows, so that the result tends to be row-major.
    if (!left.dims.empty() && !right.dims.empty() && right.dims[0] < left.dims[0])
        return contracted(b, a, summed);
    const Tensor x = as_matrices(a, batch, left, inner, left_out(rank, {&batch, &left, &inner}));
    const Tensor y = as_matrices(b, batch, inner, right, left_out(rank, {&batch, &right, &inner}));
    // PyTorch sums all of two tensors without a product of matrices, and so without its precision.
    const bool products = !(batch.dims.empty() && left.dims.empty() && right.dims.empty());
    const Tensor p = products ? lowered(x) : x, q = products ? lowered(y) : y;
    const Tensor product = batch.dims.empty() ? mm(p, q) : bmm(p, q);
    const Dims rest = left_out(rank, {&batch, &left, &right});
    const Dims ones(rest.size(), 1);
    const Dims order = concatenated({&batch.dims, &left.dims, &right.dims, &rest});
    Dims back(rank);
    for (int i = 0; i < rank; ++i) back[static_cast<int>(order[i])] = i;
    return permute(view(product, concatenated({&batch.sizes, &left.sizes, &right.sizes, &ones})), back);
}

namespace {

/// Costs of contractions: multiplications, and elements of results.
struct Costs {
    const Dims& sizes;
    double elements(DimSet set) const {
        double count = 1;
        for (; set; set &= set - 1) count *= static_cast<double>(sizes[std::countr_zero(set)]);
        return count;
    }
};

/// The cheapest way to contract each subset of the operands, from its two parts' cheapest ways.
class Cheapest {
public:
    Cheapest(const std::vector<DimSet>& operands, DimSet kept, const Dims& sizes)
        : operands_(operands), kept_(kept), costs_{sizes}, best_(std::size_t{1} << operands.size()) {
        for (unsigned set = 1; set < best_.size(); ++set) find(set);
    }
    /// Appends the steps for a subset; returns the number that its result has in the list of operands.
    int steps(unsigned set, Order& pairs) const {
        if (std::has_single_bit(set)) return std::countr_zero(set);
        const int a = steps(best_[set].part, pairs), b = steps(set & ~best_[set].part, pairs);
        pairs.emplace_back(a, b);
        return static_cast<int>(operands_.size() + pairs.size()) - 1;
    }

private:
    struct Best {
        double cost = std::numeric_limits<double>::infinity();
        DimSet dims = 0;  ///< of the result
        unsigned part = 0;
    };
    void find(unsigned set) {
        Best& best = best_[set];
        DimSet outside = kept_;
        for (std::size_t k = 0; k < operands_.size(); ++k) {
            (set >> k) & 1 ? best.dims |= operands_[k] : outside |= operands_[k];
        }
        best.dims &= outside;
        if (std::has_single_bit(set)) {
            best.cost = 0;
            best.dims = operands_[static_cast<std::size_t>(std::countr_zero(set))];
            return;
        }
        for (unsigned part = (set - 1) & set; part; part = (part - 1) & set) {
            const unsigned other = set & ~part;
            if (part < other)
                continue;  // Each pair once; of equal ones the last operand joins last, as written.
            const double own = costs_.elements(best_[part].dims | best_[other].dims);
            const double cost = best_[part].cost + best_[other].cost + own;
            const bool better = cost < best.cost || (cost == best.cost && std::has_single_bit(part));
            if (better) best.cost = cost, best.part = other;
        }
    }

    const std::vector<DimSet>& operands_;
    DimSet kept_;
    Costs costs_;
    std::vector<Best> best_;
};

/// Always the pair whose result is smallest beside its operands.
class Greedy {
public:
    Greedy(std::vector<DimSet> operands, DimSet kept, const Dims& sizes)
        : operands_(std::move(operands)), kept_(kept), costs_{sizes} {
        for (std::size_t k = 0; k < operands_.size(); ++k) living_.push_back(static_cast<int>(k));
    }
    Order order() {
        Order pairs;
        while (living_.size() > 1) {
            const auto [a, b] = best();
            operands_.push_back(result(a, b));
            std::erase_if(living_, [&, a = a, b = b](int k) { return k == a || k == b; });
            living_.push_back(static_cast<int>(operands_.size()) - 1);
            pairs.emplace_back(a, b);
        }
        return pairs;
    }

private:
    DimSet of(int k) const { return operands_[static_cast<std::size_t>(k)]; }
    DimSet result(int a, int b) const {
        DimSet outside = kept_;
        for (int k : living_) {
            if (k != a && k != b) outside |= of(k);
        }
        return (of(a) | of(b)) & outside;
    }
    std::pair<int, int> best() const {
        double least = std::numeric_limits<double>::infinity();
        std::pair<int, int> chosen{living_[0], living_[1]};
        for (std::size_t i = 0; i < living_.size(); ++i) {
            for (std::size_t j = i + 1; j < living_.size(); ++j) {
                const int a = living_[i], b = living_[j];
                const double grown =
                    costs_.elements(result(a, b)) - costs_.elements(of(a)) - costs_.elements(of(b));
                if (grown < least) least = grown, chosen = {a, b};
            }
        }
        return chosen;
    }

    std::vector<DimSet> operands_;
    std::vector<int> living_;
    DimSet kept_;
    Costs costs_;
};

}  // namespace

Order contraction_order(std::vector<DimSet> operands, DimSet kept, const Dims& sizes) {
    constexpr std::size_t kFew = 8;  // 3^8 pairs of subsets are looked at in about 20 microseconds.
    if (operands.size() > kFew) return Greedy(std::move(operands), kept, sizes).order();
    Order order;
    const Cheapest cheapest(operands, kept, sizes);
    cheapest.steps((1u << operands.size()) - 1, order);
    return order;
}

}  // namespace tapeless
