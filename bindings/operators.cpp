// x + y and its kin: Python's operators go straight to rows, without a Python frame or an argument tuple.
#include "bindings/operators.h"

#include "bindings/arguments.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

/// The rows behind operators, looked up once.
struct OperatorRows {
    const Row *add = &row("add"), *sub = &row("sub"), *rsub = &row("rsub"), *mul = &row("mul"),
              *div = &row("div"), *pow = &row("pow"), *floor_divide = &row("floor_divide"),
              *remainder = &row("remainder"), *neg = &row("neg"), *abs = &row("abs"),
              *reciprocal = &row("reciprocal"), *eq = &row("eq"), *ne = &row("ne"), *lt = &row("lt"),
              *le = &row("le"), *gt = &row("gt"), *ge = &row("ge"), *bitwise_and = &row("bitwise_and"),
              *bitwise_or = &row("bitwise_or"), *bitwise_xor = &row("bitwise_xor"),
              *bitwise_not = &row("bitwise_not"), *left_shift = &row("bitwise_left_shift"),
              *right_shift = &row("bitwise_right_shift");
};
const OperatorRows& table() {
    static const OperatorRows all;
    return all;
}

PyObject* public_method(const char* name) {
    return PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type), name);
}

/// An operand's own __torch_function__ gets the method of the operator's name.
PyObject* hand_over(const char* name, PyObject* x, PyObject* y, bool& handled) {
    handled = overrides(x) || (y && overrides(y));
    if (!handled) return nullptr;
    PyObject* method = public_method(name);
    if (!method) return nullptr;
    PyObject* args[] = {x, y};
    PyObject* result = overridden(method, args, y ? 2 : 1, nullptr, handled);
    Py_DECREF(method);
    return result;
}

template <const Row* OperatorRows::* pick> PyObject* binary(PyObject* x, PyObject* y) {
    return guarded([&]() -> PyObject* {
        const Row& row = *(table().*pick);
        if (!is_exact_tensor(x) || !is_exact_tensor(y)) {
            bool handled = false;
            PyObject* result = hand_over(row.facts.name, x, y, handled);
            if (handled) return checked(result);
        }
        Tensor held[2];
        Argument arguments[2] = {Scalar(), Scalar()};
        if (!operand_from(x, held[0], arguments[0]) || !operand_from(y, held[1], arguments[1]))
            Py_RETURN_NOTIMPLEMENTED;
        if (&row == table().div &&
            !arguments[0].tensor) {  // PyTorch's graph of 2 / x: the reciprocal, multiplied.
            const Tensor inverse = apply(*table().reciprocal, held[1]);
            return to_python(apply(*table().mul, inverse, arguments[0].number));
        }
        return to_python(apply(row, arguments));
    });
}

template <const Row* OperatorRows::* pick> PyObject* in_place(PyObject* x, PyObject* y) {
    return guarded([&]() -> PyObject* {
        const Row& row = *(table().*pick);
        if (overrides(x) || overrides(y)) {
            bool handled = false;
            const std::string name = std::string(row.facts.name) + "_";
            PyObject* result = hand_over(name.c_str(), x, y, handled);
            if (handled) return checked(result);
        }
        Tensor held[2];
        Argument arguments[2] = {Scalar(), Scalar()};
        if (!operand_from(x, held[0], arguments[0]) || !operand_from(y, held[1], arguments[1]))
            Py_RETURN_NOTIMPLEMENTED;
        apply_inplace(row, arguments);
        return Py_NewRef(x);
    });
}

template <const Row* OperatorRows::* pick> PyObject* unary(PyObject* x) {
    return guarded([&]() -> PyObject* {
        bool handled = false;
        PyObject* result = hand_over((*(table().*pick)).facts.name, x, nullptr, handled);
        if (handled) return checked(result);
        return to_python(apply((*(table().*pick)), tensor_from(x)));
    });
}

PyObject* power(PyObject* x, PyObject* y, PyObject* modulus) {
    if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
    return binary<&OperatorRows::pow>(x, y);
}
PyObject* power_in_place(PyObject* x, PyObject* y, PyObject*) { return in_place<&OperatorRows::pow>(x, y); }
PyObject* itself(PyObject* x) { return Py_NewRef(x); }

PyObject* compare(PyObject* x, PyObject* y, int op) {
    switch (op) {
        case Py_EQ:
            return binary<&OperatorRows::eq>(x, y);
        case Py_NE:
            return binary<&OperatorRows::ne>(x, y);
        case Py_LT:
            return binary<&OperatorRows::lt>(x, y);
        case Py_LE:
            return binary<&OperatorRows::le>(x, y);
        case Py_GT:
            return binary<&OperatorRows::gt>(x, y);
        default:
            return binary<&OperatorRows::ge>(x, y);
    }
}

PyObject* matrix_product(PyObject* x, PyObject* y) {
    if (!is_tensor(x) || !is_tensor(y)) Py_RETURN_NOTIMPLEMENTED;
    static PyObject* const name = PyUnicode_InternFromString("matmul");
    return PyObject_CallMethodObjArgs(x, name, y, nullptr);
}

}  // namespace

namespace {

/// alpha * arguments[which], in its place; `scaled` holds it.
void scale_operand(const Row& row, Argument* arguments, int which, PyObject* alpha, Tensor& scaled) {
    Scalar factor;
    if (is_tensor(alpha) && body(alpha)->numel == 1)
        factor = item(*body(alpha));
    else if (!scalar_from(alpha, factor))
        fail(ErrorKind::Type, row.facts.name, "(): argument 'alpha' must be Number");
    Argument& operand = arguments[which];
    if (!operand.tensor) {
        const Tensor number = scalar_tensor(operand.number, operand.number.dtype());
        operand = Argument(item(*apply(*table().mul, number, factor)));
        return;
    }
    const DType dtype = result_type(arguments, 2);
    check(!(is_integral(dtype) && factor.category() > Category::Integer),
          "For integral input tensors, argument alpha must not be a floating point number.");
    check(dtype == DType::Bool || factor.category() != Category::Bool,
          "Boolean alpha only supported for Boolean results.");
    scaled = apply(*table().mul, *operand.tensor, factor);
    operand = Argument(scaled);
}

bool rounds_down(PyObject* rounding) {
    const std::string mode = PyUnicode_Check(rounding) ? PyUnicode_AsUTF8(rounding) : "";
    check(mode == "floor" || mode == "trunc",
          "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '", mode, "'");
    return mode == "floor";
}

Tensor rounded(const Row& row, Argument* arguments, PyObject* rounding) {
    if (row.arity == 1) return round_decimals(*arguments[0].tensor, integer_from(rounding, "decimals"));
    return div_rounded(arguments, rounds_down(rounding));
}

void rounded_in_place(const Row& row, Argument* arguments, PyObject* rounding) {
    if (row.arity == 1) return round_decimals_(*arguments[0].tensor, integer_from(rounding, "decimals"));
    div_rounded_(arguments, rounds_down(rounding));
}

}  // namespace

PyObject* call_with_options(const Row& row, Argument* arguments, bool in_place, PyObject* alpha,
                            PyObject* rounding, PyObject* out) {
    Tensor scaled;
    if (alpha) scale_operand(row, arguments, &row == table().rsub ? 0 : 1, alpha, scaled);
    if (in_place) {
        rounding ? rounded_in_place(row, arguments, rounding) : apply_inplace(row, arguments);
        return to_python(*arguments[0].tensor);
    }
    Tensor result = rounding ? rounded(row, arguments, rounding) : apply(row, arguments);
    if (!out) return to_python(std::move(result));
    write_out(tensor_from(out), result);
    return Py_NewRef(out);
}

void write_out(const Tensor& target, const Tensor& result) {
    check(can_cast(result->dtype, target->dtype), "result type ", facts(result->dtype).legacy_name,
          " can't be cast to the desired output type ", facts(target->dtype).legacy_name);
    check(target->device == result->device,
          "Expected all tensors to be on the same device, but out= is elsewhere");
    if (!(target->sizes == result->sizes)) {
        check(target->numel == 0 || covers_storage(*target), "out=: a view of size ", target->sizes,
              " cannot be resized to ", result->sizes);
        if (target->numel != 0 &&
            PyErr_WarnFormat(
                PyExc_UserWarning, 1,
                "An output with one or more elements was resized since it had shape %s, which does not match "
                "the required output shape %s. This behavior is deprecated, and in a future PyTorch release "
                "outputs will not be resized unless they have zero elements.",
                to_string(target->sizes).c_str(), to_string(result->sizes).c_str()) < 0) {
            throw nb::python_error();
        }
        const Tensor fresh = empty(result->sizes, target->dtype, target->device);
        target->storage = fresh->storage;
        target->sizes = fresh->sizes;
        target->strides = fresh->strides;
        target->offset = 0;
        target->numel = fresh->numel;
        target->contiguous = true;
    }
    check_inplace(target, false);
    write(target, result);
    note_write(target);
}

PyObject* reflected_subtract(PyObject* x, PyObject* y) { return binary<&OperatorRows::rsub>(x, y); }

void add_number_slots(std::vector<PyType_Slot>& slots) {
    auto add = [&](int slot, auto function) { slots.push_back({slot, reinterpret_cast<void*>(function)}); };
    add(Py_nb_add, &binary<&OperatorRows::add>);
    add(Py_nb_subtract, &binary<&OperatorRows::sub>);
    add(Py_nb_multiply, &binary<&OperatorRows::mul>);
    add(Py_nb_true_divide, &binary<&OperatorRows::div>);
    add(Py_nb_floor_divide, &binary<&OperatorRows::floor_divide>);
    add(Py_nb_remainder, &binary<&OperatorRows::remainder>);
    add(Py_nb_and, &binary<&OperatorRows::bitwise_and>);
    add(Py_nb_or, &binary<&OperatorRows::bitwise_or>);
    add(Py_nb_xor, &binary<&OperatorRows::bitwise_xor>);
    add(Py_nb_lshift, &binary<&OperatorRows::left_shift>);
    add(Py_nb_rshift, &binary<&OperatorRows::right_shift>);
    add(Py_nb_power, &power);
    add(Py_nb_negative, &unary<&OperatorRows::neg>);
    add(Py_nb_positive, &itself);
    add(Py_nb_absolute, &unary<&OperatorRows::abs>);
    add(Py_nb_invert, &unary<&OperatorRows::bitwise_not>);
    add(Py_nb_inplace_add, &in_place<&OperatorRows::add>);
    add(Py_nb_inplace_subtract, &in_place<&OperatorRows::sub>);
    add(Py_nb_inplace_multiply, &in_place<&OperatorRows::mul>);
    add(Py_nb_inplace_true_divide, &in_place<&OperatorRows::div>);
    add(Py_nb_inplace_floor_divide, &in_place<&OperatorRows::floor_divide>);
    add(Py_nb_inplace_remainder, &in_place<&OperatorRows::remainder>);
    add(Py_nb_inplace_and, &in_place<&OperatorRows::bitwise_and>);
    add(Py_nb_inplace_or, &in_place<&OperatorRows::bitwise_or>);
    add(Py_nb_inplace_xor, &in_place<&OperatorRows::bitwise_xor>);
    add(Py_nb_inplace_lshift, &in_place<&OperatorRows::left_shift>);
    add(Py_nb_inplace_rshift, &in_place<&OperatorRows::right_shift>);
    add(Py_nb_inplace_power, &power_in_place);
    add(Py_nb_matrix_multiply, &matrix_product);
    add(Py_tp_richcompare, &compare);
}

}  // namespace tapeless
