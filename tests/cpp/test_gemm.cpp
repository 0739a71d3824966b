// Promises of the matrix products: against naive sums, bits, fork, threads, interrupts, OpenBLAS on our
// threads. OpenBLAS is found through TAPELESS_OPENBLAS or the loader's path; without it our own loops are
// tested in its place.
#include <algorithm>
#include <atomic>
#include <complex>
#include <cstdio>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "expect.h"
#include "kernels/gemm.h"
#include "runtime/interrupt.h"
#include "runtime/openblas.h"
#include "runtime/threads.h"

namespace {

using namespace tapeless;
using namespace tapeless::testing;
using std::int64_t;

// Products. Values are small integers, so that every order of summation gives the same exact result.

template <class T> struct Draw {
    static T value(std::minstd_rand& random) { return static_cast<T>(static_cast<int>(random() % 9) - 4); }
};
template <class R> struct Draw<std::complex<R>> {
    static std::complex<R> value(std::minstd_rand& random) {
        return {Draw<R>::value(random), Draw<R>::value(random)};
    }
};

template <class T> struct Case {
    bool trans_a, trans_b;
    int64_t m, n, k, pad, batch;
    std::vector<T> a, b, c;
    int64_t lda, ldb, ldc;

    Case(bool ta, bool tb, int64_t m_, int64_t n_, int64_t k_, int64_t pad_, int64_t batch_, unsigned seed)
        : trans_a(ta), trans_b(tb), m(m_), n(n_), k(k_), pad(pad_), batch(batch_) {
        std::minstd_rand random(seed);
        lda = (ta ? m : k) + pad, ldb = (tb ? k : n) + pad, ldc = n + pad;
        a.resize(static_cast<std::size_t>(batch * size_a()));
        b.resize(static_cast<std::size_t>(batch * size_b()));
        c.assign(static_cast<std::size_t>(batch * size_c()), T(77));
        for (T& x : a) x = Draw<T>::value(random);
        for (T& x : b) x = Draw<T>::value(random);
    }
    int64_t size_a() const { return (trans_a ? k : m) * lda; }
    int64_t size_b() const { return (trans_b ? n : k) * ldb; }
    int64_t size_c() const { return m * ldc; }

    /// Whether c holds the products, and the padding behind its rows is untouched.
    bool right() const {
        for (int64_t index = 0; index < batch; ++index) {
            const T* x = a.data() + index * size_a();
            const T* y = b.data() + index * size_b();
            const T* z = c.data() + index * size_c();
            for (int64_t i = 0; i < m; ++i) {
                if (!row_right(x, y, z + i * ldc, i)) return false;
            }
        }
        return true;
    }

private:
    bool row_right(const T* x, const T* y, const T* z, int64_t i) const {
        std::vector<T> sum(static_cast<std::size_t>(n), T(0));
        for (int64_t p = 0; p < k; ++p) {
            const T factor = trans_a ? x[p * lda + i] : x[i * lda + p];
            for (int64_t j = 0; j < n; ++j) {
                const T term = factor * (trans_b ? y[j * ldb + p] : y[p * ldb + j]);
                sum[static_cast<std::size_t>(j)] = static_cast<T>(sum[static_cast<std::size_t>(j)] + term);
            }
        }
        for (int64_t j = 0; j < ldc; ++j) {
            if (z[j] != (j < n ? sum[static_cast<std::size_t>(j)] : T(77))) return false;
        }
        return true;
    }
};

template <class T> void run_case(Case<T>& x) {
    constexpr bool floating = !std::is_integral_v<T>;
    if constexpr (floating) {
        constexpr GemmType type = std::is_same_v<T, float>                 ? GemmType::F32
                                  : std::is_same_v<T, double>              ? GemmType::F64
                                  : std::is_same_v<T, std::complex<float>> ? GemmType::C64
                                                                           : GemmType::C128;
        gemm_batched(type, x.trans_a, x.trans_b, x.m, x.n, x.k, x.a.data(), x.lda, x.size_a(), x.b.data(),
                     x.ldb, x.size_b(), x.c.data(), x.ldc, x.size_c(), x.batch);
    } else {
        gemm_integer(sizeof(T), x.trans_a, x.trans_b, x.m, x.n, x.k, x.a.data(), x.lda, x.size_a(),
                     x.b.data(), x.ldb, x.size_b(), x.c.data(), x.ldc, x.size_c(), x.batch);
    }
}

template <class T> void products_are_right(const char* name) {
    const int64_t shapes[][3] = {{1, 1, 1},    {4, 16, 16},  {3, 5, 7},    {2, 3, 0},    {0, 3, 2},
                                 {1, 40, 33},  {40, 1, 33},  {33, 1, 1},   {1, 300, 70}, {17, 31, 129},
                                 {5, 67, 300}, {64, 64, 64}, {70, 90, 40}, {300, 1, 40}};
    unsigned seed = 1;
    for (const auto& [m, n, k] : shapes) {
        for (int form = 0; form < 4; ++form) {
            for (int64_t pad : {0, 3}) {
                for (int64_t batch : {1, 3}) {
                    Case<T> x((form & 1) != 0, (form & 2) != 0, m, n, k, pad, batch, seed++);
                    run_case(x);
                    expect(x.right(), text(name, " ", m, "x", n, "x", k, " form ", form, " pad ", pad,
                                           " batch ", batch));
                }
            }
        }
    }
}

template <class T> void large_products_are_right(const char* name) {
    const int64_t shapes[][3] = {{200, 700, 150}, {1030, 257, 64}, {1, 3000, 500}, {3000, 1, 500}};
    unsigned seed = 100;
    for (int threads : {1, 3}) {
        set_thread_count(threads);
        for (const auto& [m, n, k] : shapes) {
            for (int form = 0; form < 4; ++form) {
                Case<T> x((form & 1) != 0, (form & 2) != 0, m, n, k, 2, 1, seed++);
                run_case(x);
                expect(x.right(), text(name, " ", m, "x", n, "x", k, " form ", form, " threads ", threads));
            }
        }
    }
    Case<T> many(false, false, 16, 16, 16, 0, 500, seed);
    run_case(many);
    expect(many.right(), text(name, " 500 small products"));
}

void bits_do_not_depend_on_threads() {
    for (const int64_t m : {1, 30, 600}) {
        const int64_t n = 900, k = 700;
        std::minstd_rand random(9);
        std::normal_distribution<float> normal;
        std::vector<float> a(static_cast<std::size_t>(m * k)), b(static_cast<std::size_t>(k * n));
        for (float& x : a) x = normal(random);
        for (float& x : b) x = normal(random);
        std::vector<float> first(static_cast<std::size_t>(m * n)), second(first);
        for (bool trans : {false, true}) {
            set_thread_count(1);
            gemm(GemmType::F32, false, trans, m, n, k, a.data(), k, b.data(), trans ? k : n, first.data(), n);
            set_thread_count(4);
            gemm(GemmType::F32, false, trans, m, n, k, a.data(), k, b.data(), trans ? k : n, second.data(),
                 n);
            expect(std::memcmp(first.data(), second.data(), first.size() * sizeof(float)) == 0,
                   text("bits of a product of ", m, " rows do not depend on threads"));
        }
    }
}

/// A number made of the bits of products in our own loops, edges of all widths included.
unsigned long long own_bits() {
    std::minstd_rand random(11);
    std::normal_distribution<double> normal;
    std::vector<double> a(200 * 40), b(a), c(a);
    std::vector<float> a_f(a.size()), b_f(a.size()), c_f(a.size());
    for (double& x : a) x = normal(random);
    for (double& x : b) x = normal(random);
    std::copy(a.begin(), a.end(), a_f.begin());
    std::copy(b.begin(), b.end(), b_f.begin());
    unsigned long long hash = 1469598103934665603ULL;
    const auto mix = [&hash](const auto& values) {
        const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
        for (std::size_t i = 0; i < values.size() * sizeof(values[0]); ++i)
            hash = (hash ^ bytes[i]) * 1099511628211ULL;
    };
    for (const int64_t n : {1, 2, 7, 16, 23, 39}) {
        for (const int64_t m : {1, 3, 9, 40}) {
            for (const bool trans : {false, true}) {
                const int64_t k = 20, ldb = trans ? k : n;
                gemm(GemmType::F64, false, trans, m, n, k, a.data(), k, b.data(), ldb, c.data(), n);
                gemm(GemmType::F32, false, trans, m, n, k, a_f.data(), k, b_f.data(), ldb, c_f.data(), n);
                mix(c);
                mix(c_f);
                gemm(GemmType::C64, false, trans, m, n, k, a_f.data(), k, b_f.data(), ldb, c_f.data(), n);
                mix(c_f);
            }
        }
    }
    gemm(GemmType::F32, false, false, 20, 1, 399, a_f.data(), 399, b_f.data(), 1, c_f.data(), 1);
    mix(c_f);
    return hash;
}

void bits_of_own_products_do_not_depend_on_the_instruction_set() {
    std::set<std::string> answers;
    for (const char* level : {"v2", "v3", "v4"}) {
        char program[4096] = {};
        if (readlink("/proc/self/exe", program, sizeof program - 1) <= 0)
            return skipped("bits by ISA", "no /proc");
        FILE* child = popen(text("TAPELESS_ISA=", level, " '", program, "' --own-bits").c_str(), "r");
        char line[64] = {};
        expect(child != nullptr && std::fgets(line, sizeof line, child) != nullptr && pclose(child) == 0,
               "a run of its own");
        answers.insert(line);
    }
    expect(answers.size() == 1, "our own products have the same bits at every instruction set");
}

void a_forked_child_multiplies() {
    if (kThreadSanitizer) return skipped("a_forked_child_multiplies", "ThreadSanitizer forbids it");
    set_thread_count(2);
    auto multiply = [] {
        Case<float> x(false, true, 300, 300, 100, 0, 1, 5);
        run_case(x);
        return x.right();
    };
    expect(multiply() && in_child(multiply), "a child of fork multiplies");
}

void two_threads_multiply_at_once() {
    set_thread_count(2);
    std::atomic<bool> right{true};
    auto work = [&](unsigned seed) {
        for (int round = 0; round < 5; ++round) {
            Case<double> x(round % 2 != 0, false, 200, 300, 60, 0, 1, seed++);
            run_case(x);
            if (!x.right()) right = false;
        }
    };
    auto loops = [&] {
        for (int round = 0; round < 200; ++round) {
            std::atomic<int> ran{0};
            parallel_for(16, [&](int64_t first, int64_t last) { ran += static_cast<int>(last - first); });
            if (ran != 16) right = false;
        }
    };
    std::thread first(work, 1), second(work, 50), third(loops);
    first.join();
    second.join();
    third.join();
    expect(right, "two threads multiply while a third runs loops");
}

std::atomic<int> polls{0};

void an_interrupt_stops_a_product() {
    set_thread_count(1);
    polls = 0;
    set_interrupt_check([] { return ++polls >= 2; });
    Case<std::int64_t> x(false, false, 1500, 1500, 1500, 0, 1, 3);
    const std::string message = error_of(ErrorKind::Python, [&] {
        gemm_integer(8, false, false, x.m, x.n, x.k, x.a.data(), x.lda, 0, x.b.data(), x.ldb, 0, x.c.data(),
                     x.ldc, 0, 1, Interruptible::Yes);
    });
    set_interrupt_check(nullptr);
    expect(message == "interrupted", "an interrupt stops a product");
}

void openblas_runs_on_our_threads() {
    if (openblas() == nullptr) return skipped("openblas_runs_on_our_threads", openblas_problem().c_str());
    set_thread_count(3);
    const OpenBlas& blas = *openblas();
    for (const bool reserved : {true, false}) {
        Case<float> x(false, false, 400, 500, 300, 0, 1, 8);
        auto call = [&] {
            blas.sgemm(101, 111, 111, 400, 500, 300, 1, x.a.data(), 300, x.b.data(), 500, 0, x.c.data(), 500);
        };
        if (reserved) {
            with_openblas_threads(3, call);
        } else {
            call();
        }
        expect(x.right(), "OpenBLAS multiplies on a gang, and alone");
    }
    expect(openblas_symbol("LAPACKE_dgetrf") != nullptr && openblas_symbol("no_such") == nullptr,
           "symbols are found");
    expect(kThreadSanitizer || in_child([] {
               Case<float> x(false, false, 400, 500, 300, 0, 1, 8);
               with_openblas_threads(3, [&] {
                   openblas()->sgemm(101, 111, 111, 400, 500, 300, 1, x.a.data(), 300, x.b.data(), 500, 0,
                                     x.c.data(), 500);
               });
               return x.right();
           }),
           "a forked child reserves threads for OpenBLAS");
}

}  // namespace

int main(int count, char** words) {
    if (count == 2 && std::string(words[1]) == "--own-bits") {
        std::printf("%llx\n", own_bits());
        return 0;
    }
    set_thread_count(2);
    products_are_right<float>("float32");
    products_are_right<double>("float64");
    products_are_right<std::complex<float>>("complex64");
    products_are_right<std::complex<double>>("complex128");
    products_are_right<std::int8_t>("int8");
    products_are_right<std::int16_t>("int16");
    products_are_right<std::int32_t>("int32");
    products_are_right<std::uint64_t>("uint64");
    expect(!openblas_loaded() || openblas() != nullptr, "loading is told truly");
    large_products_are_right<float>("float32");
    large_products_are_right<std::complex<double>>("complex128");
    large_products_are_right<std::int32_t>("int32");
    bits_do_not_depend_on_threads();
    bits_of_own_products_do_not_depend_on_the_instruction_set();
    a_forked_child_multiplies();
    two_threads_multiply_at_once();
    an_interrupt_stops_a_product();
    openblas_runs_on_our_threads();
    return summary();
}
