// einsum: subscripts read, operands brought to common dimensions, and contracted two by two.
#include <algorithm>
#include <array>
#include <bit>
#include <cctype>

#include "ops/contraction.h"
#include "ops/diagonals.h"
#include "ops/levels.h"
#include "ops/operation.h"

namespace tapeless {
namespace {

constexpr int kLabels = 52, kEllipsis = kLabels;

/// Upper case before lower case: the order of dimensions where the result's are not given.
int label_of(char c) { return c <= 'Z' ? c - 'A' : c - 'a' + 26; }
char letter_of(int label) { return static_cast<char>(label < 26 ? 'A' + label : 'a' + label - 26); }

/// The subscripts of each operand and of the result, as labels; kEllipsis stands for "...".
struct Equation {
    std::vector<std::vector<int>> operands;
    std::vector<int> result;
    bool has_result = false;

    explicit Equation(const std::string& text) {
        const std::size_t arrow = text.find("->");
        operands.emplace_back();
        for (std::size_t i = 0; i < std::min(arrow, text.size()); ++i) {
            if (text[i] == ',') {
                operands.emplace_back();
            } else {
                const std::string where = tapeless::text("operand ", operands.size() - 1);
                read(text, i, operands.back(), where, "");
            }
        }
        if (arrow == std::string::npos) return;
        has_result = true;
        for (std::size_t i = arrow + 2; i < text.size(); ++i) read(text, i, result, "output", " (...)");
    }

private:
    /// One subscript at place i, which stays at its last character.
    static void read(const std::string& text, std::size_t& i, std::vector<int>& labels,
                     const std::string& where, const char* dots) {
        const char c = text[i];
        if (c == ' ') return;
        if (c == '.') {
            const bool before = std::find(labels.begin(), labels.end(), kEllipsis) != labels.end();
            check(!before, "einsum(): found '.' for ", where,
                  *dots ? " but an ellipsis (...) was already found"
                        : " for which an ellipsis was already found");
            check(text.compare(i, 3, "...") == 0, "einsum(): found '.' for ", where,
                  " that is not part of any ellipsis", dots);
            labels.push_back(kEllipsis);
            i += 2;
            return;
        }
        check(std::isalpha(static_cast<unsigned char>(c)), "einsum(): invalid subscript given at index ", i,
              " in the equation string, subscripts must be in [a-zA-Z]");
        labels.push_back(label_of(c));
    }
};

/// Which dimension of the common space each label is: the result's first, then those that are summed.
struct Space {
    std::array<int, kLabels> place;
    std::array<int, kLabels> uses{};
    int ellipsis_rank = 0, ellipsis_place = -1, kept = 0, rank = 0;

    Space(const Equation& equation, const std::vector<Tensor>& operands) {
        place.fill(-1);
        for (std::size_t k = 0; k < operands.size(); ++k) count(equation.operands[k], operands[k], k);
        equation.has_result ? follow(equation.result) : follow(implied());
        kept = rank;
        // Dimensions of an ellipsis that the result does not name are summed.
        if (ellipsis_place < 0) add_ellipsis();
        for (int label = 0; label < kLabels; ++label) {
            if (uses[static_cast<std::size_t>(label)] && place[static_cast<std::size_t>(label)] < 0)
                place[static_cast<std::size_t>(label)] = rank++;
        }
        check(rank <= 64, "einsum(): ", rank,
              " different dimensions were given, but at most 64 are supported");
    }

private:
    void count(const std::vector<int>& labels, const Tensor& x, std::size_t k) {
        const bool dots = std::find(labels.begin(), labels.end(), kEllipsis) != labels.end();
        const int named = static_cast<int>(labels.size()) - dots;
        check(dots || named == x->dim(), "einsum(): the number of subscripts in the equation (", named,
              ") does not match the number of dimensions (", x->dim(), ") for operand ", k,
              " and no ellipsis was given");
        check(!dots || named <= x->dim(), "einsum(): the number of subscripts in the equation (", named,
              ") is more than the number of dimensions (", x->dim(), ") for operand ", k);
        if (dots) ellipsis_rank = std::max(ellipsis_rank, x->dim() - named);
        for (int label : labels) {
            if (label != kEllipsis) ++uses[static_cast<std::size_t>(label)];
        }
    }
    std::vector<int> implied() const {
        std::vector<int> labels{kEllipsis};
        for (int label = 0; label < kLabels; ++label) {
            if (uses[static_cast<std::size_t>(label)] == 1) labels.push_back(label);
        }
        return labels;
    }
    void add_ellipsis() {
        ellipsis_place = rank;
        rank += ellipsis_rank;
    }
    void follow(const std::vector<int>& labels) {
        for (int label : labels) {
            if (label == kEllipsis) {
                add_ellipsis();
                continue;
            }
            int& at = place[static_cast<std::size_t>(label)];
            check(at < 0, "einsum(): output subscript ", letter_of(label),
                  " appears more than once in the output");
            check(uses[static_cast<std::size_t>(label)] > 0, "einsum(): output subscript ", letter_of(label),
                  " does not appear in the equation for any input operand");
            at = rank++;
        }
    }
};

/// An operand with the dimensions of the space, those it lacks of size 1; a repeated label takes the diagonal.
Tensor placed(const Tensor& given, const std::vector<int>& labels, const Space& space, std::size_t k) {
    Tensor x = given;
    std::vector<int> at(static_cast<std::size_t>(space.rank),
                        -1);  // The dimension of x for each of the space.
    int dim = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (labels[i] == kEllipsis) {
            const int covered = given->dim() - static_cast<int>(labels.size()) + 1;
            // An ellipsis of fewer dimensions lies at the end of the longest one.
            for (int d = 0; d < covered; ++d) {
                at[static_cast<std::size_t>(space.ellipsis_place + space.ellipsis_rank - covered + d)] =
                    dim++;
            }
            continue;
        }
        int& place = at[static_cast<std::size_t>(space.place[static_cast<std::size_t>(labels[i])])];
        if (place < 0) {
            place = dim++;
            continue;
        }
        check(x->sizes[place] == x->sizes[dim], "einsum(): subscript ", letter_of(labels[i]),
              " is repeated for operand ", k, " but the sizes don't match, ", x->sizes[dim],
              " != ", x->sizes[place]);
        // The diagonal is the last dimension; it goes back to where the label was first.
        x = diagonal(x, 0, place, dim);
        Dims order;
        for (int d = 0; d < x->dim(); ++d) order.push_back(d < place ? d : d == place ? x->dim() - 1 : d - 1);
        x = permute(x, order);
    }
    Dims order;
    for (int& d : at) {
        if (d < 0) {
            x = unsqueeze(x, x->dim());
            d = x->dim() - 1;
        }
        order.push_back(d);
    }
    return permute(x, order);
}

/// The sizes of the space's dimensions, to which all operands broadcast.
Dims common_sizes(const std::vector<Tensor>& operands, const Space& space) {
    Dims sizes(space.rank, 1);
    for (std::size_t k = 0; k < operands.size(); ++k) {
        for (int d = 0; d < space.rank; ++d) {
            const std::int64_t size = operands[k]->sizes[d];
            if (size == 1) continue;
            const auto named = std::find(space.place.begin(), space.place.end(), d);
            const std::string what =
                named != space.place.end()
                    ? text("subscript ", letter_of(static_cast<int>(named - space.place.begin())))
                    : std::string("a dimension covered by ellipsis");
            check(sizes[d] == 1 || sizes[d] == size, "einsum(): ", what, " has size ", size, " for operand ",
                  k, " which does not broadcast with previously seen size ", sizes[d]);
            sizes[d] = size;
        }
    }
    return sizes;
}

DimSet dims_of(const Tensor& x) {
    DimSet set = 0;
    for (int d = 0; d < x->dim(); ++d) {
        if (x->sizes[d] != 1) set |= DimSet{1} << d;
    }
    return set;
}

Dims listed(DimSet set) {
    Dims dims;
    for (; set; set &= set - 1) dims.push_back(std::countr_zero(set));
    return dims;
}

/// a and b without what no other operand and not the result has: summed before the product where one has it alone.
Tensor next(Tensor a, Tensor b, DimSet needed) {
    const DimSet of_a = dims_of(a) & ~needed, of_b = dims_of(b) & ~needed, both = of_a & of_b;
    if (of_a & ~both) a = sum(a, listed(of_a & ~both), true);
    if (of_b & ~both) b = sum(b, listed(of_b & ~both), true);
    return contracted(a, b, both);
}

Tensor contract_all(std::vector<Tensor> operands, DimSet kept, const Dims& sizes) {
    std::vector<DimSet> sets;
    for (const Tensor& x : operands) sets.push_back(dims_of(x));
    const Order order = operands.size() == 2 ? Order{{0, 1}} : contraction_order(sets, kept, sizes);
    for (const auto& [i, j] : order) {
        const std::size_t a = static_cast<std::size_t>(i), b = static_cast<std::size_t>(j);
        DimSet needed = kept;
        for (std::size_t k = 0; k < operands.size(); ++k) {
            if (k != a && k != b && operands[k]) needed |= dims_of(operands[k]);
        }
        Tensor result = next(std::move(operands[a]), std::move(operands[b]), needed);
        operands.push_back(std::move(result));
    }
    return operands.back();
}

Tensor einsum(const std::string& text, const std::vector<Tensor>& given) {
    if (given.empty()) {
        fail(ErrorKind::Value,
             "einsum(): must specify the equation string and at least one operand, or at least one "
             "operand and its subscripts list");
    }
    const Equation equation(text);
    const std::size_t named = equation.operands.size();
    check(named >= given.size(), "einsum(): more operands were provided than specified in the equation");
    check(named <= given.size(), "einsum(): fewer operands were provided than specified in the equation");
    const Space space(equation, given);
    std::vector<Tensor> operands;
    for (std::size_t k = 0; k < named; ++k)
        operands.push_back(placed(given[k], equation.operands[k], space, k));
    const Dims sizes = common_sizes(operands, space);
    const bool summed = space.rank > space.kept;
    if (operands.size() == 1) {
        Dims dims;
        for (int d = space.kept; d < space.rank; ++d) dims.push_back(d);
        return summed ? sum(operands[0], dims, false) : operands[0];
    }
    const DimSet kept = space.kept == 64 ? ~DimSet{0} : (DimSet{1} << space.kept) - 1;
    const Tensor out = contract_all(std::move(operands), kept, sizes);
    return summed ? view(out, Dims(out->sizes.data(), space.kept)) : out;
}

/// The dimensions of an operand of tensordot: those summed, by pair, and the others.
struct Side {
    Dims summed, free;
    Side(const Tensor& x, const Dims& given) {
        DimSet seen = 0;
        for (std::int64_t dim : given) {
            const int d = wrap_dim(dim, x->dim());
            check(!((seen >> d) & 1), "dim ", d, " appears multiple times in the list of dims");
            seen |= DimSet{1} << d;
            summed.push_back(d);
        }
        for (int d = 0; d < x->dim(); ++d) {
            if (!((seen >> d) & 1)) free.push_back(d);
        }
    }
    /// x with `before` dimensions of one element, the `first` and `second` ones, and `behind` of one element.
    static Tensor spread(const Tensor& x, int before, const Dims& first, const Dims& second, int behind) {
        Dims order, sizes(before, 1);
        for (const Dims* dims : {&first, &second}) {
            for (std::int64_t d : *dims) {
                order.push_back(d);
                sizes.push_back(x->sizes[static_cast<int>(d)]);
            }
        }
        for (int i = 0; i < behind; ++i) sizes.push_back(1);
        return reshape(permute(x, order), sizes);
    }
};

/// Dimensions of a and b in pairs, each with as many elements in both, or one in one of them: that is summed first.
Tensor tensordot(const Tensor& given_a, const Tensor& given_b, const Dims& dims_a, const Dims& dims_b) {
    check(dims_a.size() == dims_b.size(), "both dimension lists should have same length, but they have ",
          dims_a.size(), " and ", dims_b.size());
    check(given_a->dtype == given_b->dtype, "both inputs should have same dtype, but they have ",
          facts(given_a->dtype).name, " and ", facts(given_b->dtype).name);
    Tensor a = given_a->dim() ? given_a : unsqueeze(given_a, 0),
           b = given_b->dim() ? given_b : unsqueeze(given_b, 0);
    const Side of_a(a, dims_a), of_b(b, dims_b);
    DimSet summed = 0;
    const int lead = of_a.free.size();
    for (int i = 0; i < dims_a.size(); ++i) {
        const std::int64_t p = of_a.summed[i], q = of_b.summed[i];
        const std::int64_t m = a->sizes[static_cast<int>(p)], n = b->sizes[static_cast<int>(q)];
        check(m == n || m == 1 || n == 1, "contracted dimensions need to match, but first has size ", m,
              " in dim ", dims_a[i], " and second has size ", n, " in dim ", dims_b[i]);
        if (m == 1 && n != 1) b = sum(b, {q}, true);
        if (n == 1 && m != 1) a = sum(a, {p}, true);
        if (m != 1 && n != 1) summed |= DimSet{1} << (lead + i);
    }
    Dims sizes;
    for (std::int64_t d : of_a.free) {
        if (given_a->dim()) sizes.push_back(a->sizes[static_cast<int>(d)]);
    }
    for (std::int64_t d : of_b.free) {
        if (given_b->dim()) sizes.push_back(b->sizes[static_cast<int>(d)]);
    }
    const Tensor left = Side::spread(a, 0, of_a.free, of_a.summed, of_b.free.size());
    const Tensor right = Side::spread(b, lead, of_b.summed, of_b.free, 0);
    return reshape(contracted(left, right, summed), sizes);
}

const Offer offer(
    Offer::KnowsLevels{},
    {
        operation<&einsum>("_einsum", "equation, operands",
                           "Products of all operands, summed over the subscripts that the result lacks.",
                           Offered::Function),
        operation<&tensordot>("_tensordot", "input, other, dims_self, dims_other",
                              "The sum of products over pairs of dimensions.", Offered::Function),
    });

}  // namespace
}  // namespace tapeless
