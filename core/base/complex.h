// Complex<T>: two consecutive numbers with arithmetic, usable in constant expressions.
#pragma once

namespace tapeless {

/// A complex number; the layout is that of `T[2]`. Functions of it live in kernels/math_complex.h.
template <class T> struct Complex {
    T re, im;
};

// `static` keeps every instance inside its translation unit: kernels are compiled once per instruction
// set, and a shared (weak) symbol would let the linker run the AVX-512 one everywhere.

template <class T> static constexpr T real(Complex<T> x) { return x.re; }

template <class T> static constexpr T imag(Complex<T> x) { return x.im; }

template <class T> static constexpr Complex<T> conj(Complex<T> x) { return {x.re, -x.im}; }

template <class T> static constexpr Complex<T> operator+(Complex<T> x) { return x; }

template <class T> static constexpr Complex<T> operator-(Complex<T> x) { return {-x.re, -x.im}; }

template <class T> static constexpr Complex<T> operator+(Complex<T> x, Complex<T> y) {
    return {x.re + y.re, x.im + y.im};
}

template <class T> static constexpr Complex<T> operator-(Complex<T> x, Complex<T> y) {
    return {x.re - y.re, x.im - y.im};
}

template <class T> static constexpr Complex<T> operator-(Complex<T> x, T y) { return {x.re - y, x.im}; }

template <class T> static constexpr Complex<T> operator*(Complex<T> x, Complex<T> y) {
    return {x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re};
}

/// Smith's scaled division: no overflow of |y|². A zero divisor divides both parts by it (inf or NaN).
template <class T> static constexpr Complex<T> operator*(T x, Complex<T> y) { return {x * y.re, x * y.im}; }

template <class T> static constexpr Complex<T> operator/(Complex<T> x, T y) { return {x.re / y, x.im / y}; }

template <class T> static constexpr Complex<T> operator/(Complex<T> x, Complex<T> y) {
    const T size_re = y.re < T(0) ? -y.re : y.re;
    const T size_im = y.im < T(0) ? -y.im : y.im;
    if (size_re == T(0) && size_im == T(0)) return {x.re / size_re, x.im / size_im};
    if (size_re >= size_im) {
        const T ratio = y.im / y.re, scale = y.re + y.im * ratio;
        return {(x.re + x.im * ratio) / scale, (x.im - x.re * ratio) / scale};
    }
    const T ratio = y.re / y.im, scale = y.re * ratio + y.im;
    return {(x.re * ratio + x.im) / scale, (x.im * ratio - x.re) / scale};
}

template <class T> static constexpr bool operator==(Complex<T> x, Complex<T> y) {
    return x.re == y.re && x.im == y.im;
}

template <class T> static constexpr Complex<T>& operator+=(Complex<T>& x, Complex<T> y) { return x = x + y; }

template <class T> static constexpr Complex<T>& operator-=(Complex<T>& x, Complex<T> y) { return x = x - y; }

template <class T> static constexpr Complex<T>& operator*=(Complex<T>& x, Complex<T> y) { return x = x * y; }

template <class T> static constexpr Complex<T>& operator/=(Complex<T>& x, Complex<T> y) { return x = x / y; }

}  // namespace tapeless
