// Special functions on the CPU: the words that GPU kernels share, with this library's own exp, log and the like.
#include "kernels/math_special.h"

#include "kernels/math.h"

namespace tapeless::formula {
namespace {

double tl_abs(double x) { return abs(x); }
double tl_floor(double x) { return floor(x); }
double tl_round(double x) { return round(x); }
double tl_sqrt(double x) { return sqrt(x); }
double tl_exp(double x) { return exp(x); }
double tl_expm1(double x) { return expm1(x); }
double tl_log(double x) { return log(x); }
double tl_log1p(double x) { return log1p(x); }
double tl_sin(double x) { return sin(x); }
double tl_tan(double x) { return tan(x); }
double tl_erf(double x) { return erf(x); }
double tl_pow(double x, double y) { return pow(x, y); }

#define TL_WORD static inline
#include "kernels/special_words.h"
#undef TL_WORD

}  // namespace

double digamma(double x) { return tl_digamma(x); }
double erfc(double x) { return tl_erfc(x); }
double erfinv(double x) { return tl_erfinv(x); }
double i0(double x) { return tl_i0(x); }
double igamma(double x, double y) { return tl_igamma(x, y); }
double igammac(double x, double y) { return tl_igammac(x, y); }
double lgamma(double x) { return tl_lgamma(x); }
double special_erfcx(double x) { return tl_special_erfcx(x); }
double special_i0e(double x) { return tl_special_i0e(x); }
double special_i1(double x) { return tl_special_i1(x); }
double special_i1e(double x) { return tl_special_i1e(x); }
double special_log_ndtr(double x) { return tl_special_log_ndtr(x); }
double special_ndtri(double x) { return tl_special_ndtri(x); }
double special_zeta(double x, double y) { return tl_special_zeta(x, y); }

}  // namespace tapeless::formula
