//! `math.h`: the functions of crate `libm`, for `double` and `float`, under their C names. `std` links them for its own methods of
//! `f64` and `f32`. They raise no exceptions' flags beyond what the instructions do, and leave `errno` alone
//! (`math_errhandling` is neither). `long double` is not there, nor is `signgam`.

use libc::{c_double, c_float, c_int, c_long, c_longlong};

/// Functions of so many arguments of one kind, by their names for `double` and `float`.
macro_rules! functions {
    (one $kind:ty, $name:ident, ($($argument:ident),+)) => {
        #[doc = concat!("`", stringify!($name), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $name($($argument: $kind),+) -> $kind {
            libm::$name($($argument),+)
        }
    };
    ($arguments:tt: $($double:ident $float:ident,)*) => {$(
        functions!(one c_double, $double, $arguments);
        functions!(one c_float, $float, $arguments);
    )*};
}

functions! { (x):
    acos acosf, acosh acoshf, asin asinf, asinh asinhf, atan atanf, atanh atanhf, cbrt cbrtf, ceil ceilf,
    cos cosf, cosh coshf, erf erff, erfc erfcf, exp expf, exp10 exp10f, exp2 exp2f, expm1 expm1f, fabs fabsf,
    floor floorf, j0 j0f, j1 j1f, lgamma lgammaf, log logf, log10 log10f, log1p log1pf, log2 log2f, rint rintf,
    round roundf, roundeven roundevenf, sin sinf, sinh sinhf, sqrt sqrtf, tan tanf, tanh tanhf, tgamma tgammaf,
    trunc truncf, y0 y0f, y1 y1f,
}

functions! { (x, y):
    atan2 atan2f, copysign copysignf, fdim fdimf, fmax fmaxf, fmin fminf, fmod fmodf, hypot hypotf,
    nextafter nextafterf, pow powf, remainder remainderf,
}

functions! { (x, y, z): fma fmaf, }

/// The nearest whole number as an integer: by the mode of rounding (to even, here always), and away from zero.
macro_rules! nearest {
    ($($name:ident: $kind:ty, $integer:ty, $round:path;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $name(x: $kind) -> $integer {
            $round(x) as $integer
        }
    )*};
}

nearest! {
    lrint: c_double, c_long, libm::rint;
    lrintf: c_float, c_long, libm::rintf;
    llrint: c_double, c_longlong, libm::rint;
    llrintf: c_float, c_longlong, libm::rintf;
    lround: c_double, c_long, libm::round;
    lroundf: c_float, c_long, libm::roundf;
    llround: c_double, c_longlong, libm::round;
    llroundf: c_float, c_longlong, libm::roundf;
}

/// `rint` without its exception, which nobody sees here.
macro_rules! same {
    ($($name:ident: $kind:ty, $of:path;)*) => {$(
        #[doc = concat!("`", stringify!($name), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $name(x: $kind) -> $kind {
            $of(x)
        }
    )*};
}

same! {
    nearbyint: c_double, libm::rint;
    nearbyintf: c_float, libm::rintf;
}

/// Functions with an integer, or that answer more than one number, by their names for one kind.
macro_rules! mixed {
    ($kind:ty, $scale:path, $jn:ident $yn:ident $ilogb:ident $logb:ident $ldexp:ident $scalbn:ident $scalbln:ident
        $frexp:ident $modf:ident $remquo:ident $lgamma_r:ident $sincos:ident) => {
        #[doc = concat!("`", stringify!($jn), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $jn(n: c_int, x: $kind) -> $kind {
            libm::$jn(n, x)
        }

        #[doc = concat!("`", stringify!($yn), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $yn(n: c_int, x: $kind) -> $kind {
            libm::$yn(n, x)
        }

        #[doc = concat!("`", stringify!($ilogb), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $ilogb(x: $kind) -> c_int {
            libm::$ilogb(x)
        }

        #[doc = concat!("`", stringify!($logb), "`: the exponent; of zero it is minus infinity, of what is not finite its magnitude.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $logb(x: $kind) -> $kind {
            if x == 0.0 {
                <$kind>::NEG_INFINITY
            } else if x.is_finite() {
                libm::$ilogb(x) as $kind
            } else {
                x * x
            }
        }

        #[doc = concat!("`", stringify!($ldexp), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $ldexp(x: $kind, exponent: c_int) -> $kind {
            $scale(x, exponent)
        }

        #[doc = concat!("`", stringify!($scalbn), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $scalbn(x: $kind, exponent: c_int) -> $kind {
            $scale(x, exponent)
        }

        #[doc = concat!("`", stringify!($scalbln), "`.")]
        #[unsafe(no_mangle)]
        pub extern "C" fn $scalbln(x: $kind, exponent: c_long) -> $kind {
            // Beyond this everything is zero or infinite.
            $scale(x, exponent.clamp(-100_000, 100_000) as c_int)
        }

        #[doc = concat!("`", stringify!($frexp), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $frexp(x: $kind, exponent: *mut c_int) -> $kind {
            let (fraction, power) = libm::$frexp(x);
            // SAFETY: the caller gives a place for it.
            unsafe { *exponent = power }
            fraction
        }

        #[doc = concat!("`", stringify!($modf), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $modf(x: $kind, whole: *mut $kind) -> $kind {
            let (fraction, rest) = libm::$modf(x);
            // SAFETY: the caller gives a place for it.
            unsafe { *whole = rest }
            fraction
        }

        #[doc = concat!("`", stringify!($remquo), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $remquo(x: $kind, y: $kind, quotient: *mut c_int) -> $kind {
            let (rest, low) = libm::$remquo(x, y);
            // SAFETY: the caller gives a place for it.
            unsafe { *quotient = low }
            rest
        }

        #[doc = concat!("`", stringify!($lgamma_r), "`.")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $lgamma_r(x: $kind, sign: *mut c_int) -> $kind {
            let (value, its_sign) = libm::$lgamma_r(x);
            // SAFETY: the caller gives a place for it.
            unsafe { *sign = its_sign }
            value
        }

        #[doc = concat!("`", stringify!($sincos), "` (GNU).")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $sincos(x: $kind, sine: *mut $kind, cosine: *mut $kind) {
            // SAFETY: the caller gives places for both.
            unsafe { (*sine, *cosine) = libm::$sincos(x) }
        }
    };
}

mixed! { c_double, libm::scalbn, jn yn ilogb logb ldexp scalbn scalbln frexp modf remquo lgamma_r sincos }
mixed! { c_float, libm::scalbnf, jnf ynf ilogbf logbf ldexpf scalbnf scalblnf frexpf modff remquof lgammaf_r sincosf }
