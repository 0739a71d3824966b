// Public operations as callables: one loop over the rows and one over the structured operations makes them all.
#include <Python.h>
#include <structmember.h>

#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include "autograd/transforms.h"
#include "bindings/arguments.h"
#include "bindings/operators.h"
#include "ops/autocast.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

/// A function and method in one: as a method its first argument is the tensor.
struct Callable {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject* name;
    PyObject* doc;
    const Row* row;
    bool in_place;
    const Operation* operation;
    Signature* signature;
};
PyTypeObject* callable_type = nullptr;

Callable& self_of(PyObject* object) { return *reinterpret_cast<Callable*>(object); }

/// What follows an operand in a row's call: alpha of add and its kin, rounding_mode of div or decimals of round, out.
struct Options {
    PyObject* out = nullptr;
    PyObject* alpha = nullptr;
    PyObject* rounding = nullptr;
};

void read_keywords(const Row& row, PyObject* const* args, PyObject* names, PyObject** operands,
                   Options& options) {
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); ++i) {
        const char* name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(names, i));
        bool known = false;
        for (int k = 0; k < row.arity && !known; ++k) {
            known = !std::strcmp(name, operand_name(row, k)) || (k == 0 && !std::strcmp(name, "self"));
            if (!known) continue;
            if (operands[k])
                fail(ErrorKind::Type, row.facts.name, "() got multiple values for argument '", name, "'");
            operands[k] = args[i];
        }
        if (known) continue;
        if (!std::strcmp(name, "out")) {
            options.out = args[i] == Py_None ? nullptr : args[i];
        } else if (!std::strcmp(name, "alpha") &&
                   (!std::strcmp(row.facts.name, "add") || !std::strcmp(row.facts.name, "sub") ||
                    !std::strcmp(row.facts.name, "rsub"))) {
            options.alpha = args[i];
        } else if ((!std::strcmp(name, "rounding_mode") && !std::strcmp(row.facts.name, "div")) ||
                   (!std::strcmp(name, "decimals") && !std::strcmp(row.facts.name, "round"))) {
            options.rounding = args[i] == Py_None ? nullptr : args[i];
        } else {
            fail(ErrorKind::Type, row.facts.name, "() got an unexpected keyword argument '", name, "'");
        }
    }
}

[[noreturn]] void refuse_operand(const Row& row, int k, PyObject* object) {
    fail(ErrorKind::Type, row.facts.name, "(): argument '", operand_name(row, k), "' (position ", k + 1,
         ") must be ", row.is_number(k) ? "Number" : "Tensor", ", not ", Py_TYPE(object)->tp_name);
}

PyObject* into_out(const Tensor& result, PyObject* out, const Row& row, const Argument* arguments) {
    if (!is_tensor(out))
        fail(ErrorKind::Type, row.facts.name, "(): argument 'out' must be Tensor, not ",
             Py_TYPE(out)->tp_name);
    const Tensor target = tensor_from(out);
    give_way(target);
    bool grads = requires_grad(target);
    for (int k = 0; k < row.arity; ++k) {
        if (!arguments[k].tensor) continue;
        give_way(*arguments[k].tensor);
        grads |= requires_grad(*arguments[k].tensor);
        check_no_overlap(target, *arguments[k].tensor);
    }
    check(!(grads && grad_enabled()), row.facts.name,
          "(): functions with out=... arguments don't support automatic "
          "differentiation, but one of the arguments requires grad.");
    write_out(target, result);
    return Py_NewRef(out);
}

/// Operands from a call's objects; null is one that was left out.
class Operands {
public:
    Argument arguments[kMostArity] = {Scalar(), Scalar(), Scalar(), Scalar()};

    Operands(const Row& row, PyObject* const* given) : row_(row) {
        bool any = false;
        for (int k = 0; k < row.arity; ++k) {
            take(k, given[k]);
            any |= arguments[k].tensor != nullptr;
        }
        const bool leads = row.tensor_count() == 1 || row.facts.bool_operands;  // Must the first be a tensor?
        if (leads ? !arguments[0].tensor : !any && !row.facts.numbers_alone) refuse_operand(row, 0, given[0]);
        if (!any) {
            held_[0] = scalar_tensor(arguments[0].number, arguments[0].number.dtype());
            held_[0]->wrapped_number = true;
            arguments[0] = Argument(held_[0]);
        }
        if (absent_) stand_in();
    }

private:
    const Row& row_;
    Tensor held_[kMostArity];
    unsigned absent_ = 0;  ///< bit k: operand k is None

    void take(int k, PyObject* object) {
        if (row_.is_optional(k) && (!object || object == Py_None)) {
            absent_ |= 1u << k;
            return;
        }
        if (!object) {
            if (!row_.is_number(k)) {
                fail(ErrorKind::Type, row_.facts.name, "() missing 1 required positional arguments: \"",
                     operand_name(row_, k), "\"");
            }
            const double otherwise = row_.number(k).otherwise;
            arguments[k] = Argument(Scalar(otherwise));
            return;
        }
        if (!operand_from(object, held_[k], arguments[k])) refuse_operand(row_, k, object);
        if (!arguments[k].tensor && ((row_.facts.tensor_operands >> k) & 1)) refuse_operand(row_, k, object);
        if (arguments[k].tensor && row_.is_number(k)) {
            if (held_[k]->numel != 1 || requires_grad(held_[k])) refuse_operand(row_, k, object);
            arguments[k] = Argument(item(*held_[k]));
        }
    }

    /// What is None becomes a number that depends on the dtype which the others have.
    void stand_in() {
        const int tensors = row_.tensor_count();
        const unsigned all = (1u << tensors) - 2;
        check(tensors == 1 || (absent_ & all) != all, "torch.", row_.facts.name, ": At least one of '",
              row_.facts.second, "' or '", row_.facts.third, "' must not be None");
        Argument present[kMostArity] = {arguments[0], arguments[0], arguments[0], arguments[0]};
        for (int k = 1; k < tensors; ++k) {
            if (!((absent_ >> k) & 1)) present[k] = arguments[k];
        }
        const DType common = result_type(present, tensors);
        for (int k = 1; k < row_.arity; ++k) {
            if ((absent_ >> k) & 1) arguments[k] = Argument(row_.facts.absent(k, common));
        }
    }
};

/// How many operands need no keyword.
int positional_count(const Row& row) {
    int count = row.tensor_count();
    while (count < row.arity && !row.needs_keyword(count)) ++count;
    return count;
}

/// What x.add_(2, y) and x.addcmul_(2, y, z), PyTorch's old order, call their number; null for other calls.
const char* number_ahead(const Row& row, PyObject* const* args, Py_ssize_t count) {
    Scalar number;
    if (count != positional_count(row) + 1 || count < 3 || is_tensor(args[1]) || !is_tensor(args[2]))
        return nullptr;
    if (!scalar_from(args[1], number)) return nullptr;
    const std::string_view name = row.facts.name;
    if (name == "add" || name == "sub") return "alpha";
    return name == "addcmul" || name == "addcdiv" ? "value" : nullptr;
}

PyObject* call_row(Callable& self, PyObject* const* args, Py_ssize_t count, PyObject* names);

/// The call in the old order, made in today's, with PyTorch's warning the first time.
PyObject* call_in_old_order(Callable& self, PyObject* const* args, Py_ssize_t count, const char* number) {
    static bool warned = false;
    if (!std::exchange(warned, true) &&
        PyErr_WarnFormat(
            PyExc_UserWarning, 1,
            "This overload of %U is deprecated:\n\t%U(Number %s, Tensor other)\nConsider using one of the "
            "following signatures instead:\n\t%U(Tensor other, *, Number %s)",
            self.name, self.name, number, self.name, number) < 0)
        throw nb::python_error();
    PyObject* reordered[kMostArity + 1] = {args[0]};
    for (Py_ssize_t k = 2; k < count; ++k) reordered[k - 1] = args[k];
    reordered[count - 1] = args[1];
    const nb::object names = nb::make_tuple(number);
    return call_row(self, reordered, count - 1, names.ptr());
}

PyObject* call_row(Callable& self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    const Row& row = *self.row;
    PyObject* given[kMostArity] = {};
    if (const int most = positional_count(row); count > most) {
        if (const char* number = names ? nullptr : number_ahead(row, args, count))
            return call_in_old_order(self, args, count, number);
        fail(ErrorKind::Type, row.facts.name, "() takes ", most, " positional argument", most > 1 ? "s" : "",
             " but ", count, " were given");
    }
    for (Py_ssize_t k = 0; k < count; ++k) given[k] = args[k];
    Options options;
    if (names) read_keywords(row, args + count, names, given, options);
    Operands operands(row, given);
    if (options.alpha || options.rounding)
        return call_with_options(row, operands.arguments, self.in_place, options.alpha, options.rounding,
                                 options.out);
    if (self.in_place) {
        if (!operands.arguments[0].tensor || !is_tensor(given[0])) refuse_operand(row, 0, given[0]);
        apply_inplace(row, operands.arguments);
        return Py_NewRef(given[0]);
    }
    Tensor result = apply(row, operands.arguments);
    if (options.out) return into_out(result, options.out, row, operands.arguments);
    return to_python(std::move(result));
}

/// A call's arguments without out=, which every function takes and no operation sees.
struct Named {
    PyObject* const* args;
    PyObject* names = nullptr;
    PyObject* out = nullptr;

    Named(PyObject* const* given, Py_ssize_t count, PyObject* given_names) : args(given) {
        const Py_ssize_t named = given_names ? PyTuple_GET_SIZE(given_names) : 0;
        for (Py_ssize_t i = 0; i < named && args == given; ++i) {
            if (!PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(given_names, i), "out"))
                leave_out(given, count, given_names);
        }
        if (args == given) names = Py_XNewRef(given_names);
    }
    ~Named() { Py_XDECREF(names); }
    Named(const Named&) = delete;

private:
    std::vector<PyObject*> rest_;

    static bool holds_out(PyObject* object) {
        return is_tensor(object) || PyTuple_Check(object) || PyList_Check(object);
    }

    void leave_out(PyObject* const* given, Py_ssize_t count, PyObject* given_names) {
        const Py_ssize_t named = PyTuple_GET_SIZE(given_names);
        rest_.assign(given, given + count);
        std::vector<PyObject*> kept;
        for (Py_ssize_t i = 0; i < named; ++i) {
            PyObject* name = PyTuple_GET_ITEM(given_names, i);
            if (holds_out(given[count + i]) && !PyUnicode_CompareWithASCIIString(name, "out")) {
                out = given[count + i];
            } else if (given[count + i] != Py_None || PyUnicode_CompareWithASCIIString(name, "out")) {
                kept.push_back(name);
                rest_.push_back(given[count + i]);
            }
        }
        args = rest_.data();
        if (kept.empty()) return;
        names = checked(PyTuple_New(static_cast<Py_ssize_t>(kept.size())));
        for (std::size_t i = 0; i < kept.size(); ++i)
            PyTuple_SET_ITEM(names, static_cast<Py_ssize_t>(i), Py_NewRef(kept[i]));
    }
};

/// One value per parameter, on the stack.
class Values {
public:
    explicit Values(std::size_t count) : count_(count) {
        std::uninitialized_default_construct_n(data(), count);
    }
    ~Values() { std::destroy_n(data(), count_); }
    Values(const Values&) = delete;
    AnyValue* data() { return reinterpret_cast<AnyValue*>(room_); }
    std::size_t size() const { return count_; }

    static constexpr std::size_t kMost = 12;

private:
    std::size_t count_;
    alignas(AnyValue) char room_[kMost * sizeof(AnyValue)];
};

/// Refuses an out= that shares elements with an input, for operations that read while they write.
void check_out_apart(const Tensor& target, Values& values) {
    auto look = [&](const Tensor& x) {
        if (!x || x->storage.get() != target->storage.get()) return;
        if (x.get() != target.get() && (x->numel == 0 || target->numel == 0)) return;
        const auto [a, b] = byte_range(*x);
        const auto [c, d] = byte_range(*target);
        check(x.get() != target.get() && (b <= c || d <= a),
              "unsupported operation: some elements of the input tensor and the written-to tensor refer to a "
              "single memory location. Please clone() the tensor before performing the operation.");
    };
    for (const AnyValue& value : std::span(values.data(), values.size())) {
        if (const Tensor* x = std::get_if<Tensor>(&value)) look(*x);
        if (const auto* list = std::get_if<std::vector<Tensor>>(&value)) {
            for (const Tensor& x : *list) look(x);
        }
    }
}

/// A tensor that was given as out=.
Tensor target_from(const Operation& operation, PyObject* object) {
    if (!is_tensor(object)) {
        fail(ErrorKind::Type, operation.name, "(): argument 'out' must be Tensor, not ",
             Py_TYPE(object)->tp_name);
    }
    return tensor_from(object);
}

/// The tensors among what was given as out=: one, or a tuple of them.
std::vector<Tensor> targets_from(PyObject* out) {
    if (is_tensor(out)) return {tensor_from(out)};
    std::vector<Tensor> targets;
    for (PyObject* target :
         std::span(PySequence_Fast_ITEMS(out), static_cast<std::size_t>(PySequence_Fast_GET_SIZE(out))))
        if (is_tensor(target)) targets.push_back(tensor_from(target));
    return targets;
}

void write_result(const Operation& operation, const Tensor& target, const Tensor& source) {
    check(!(grad_enabled() && (requires_grad(target) || requires_grad(source))), operation.name,
          "(): functions with out=... arguments don't support automatic differentiation, but one of the "
          "arguments "
          "requires grad.");
    check(!(operation.out_rules & kOutExact) || target->dtype == source->dtype,
          "Expected out tensor to have dtype ", facts(source->dtype).name, ", but got ",
          facts(target->dtype).name, " instead: ", operation.name, "() does not convert into out=");
    write_out(target, source);
}

/// Several results as PyTorch returns them: a tuple, with names where it has them.
PyObject* several(const Operation& operation, PyObject* tuple) {
    if (!operation.results) return tuple;
    static PyObject* const types = checked(PyImport_ImportModule("tapeless.return_types"));
    PyObject* type = checked(PyObject_GetAttrString(types, operation.results));
    PyObject* arguments = checked(PyTuple_Pack(1, tuple));
    PyObject* result = PyTuple_Type.tp_new(reinterpret_cast<PyTypeObject*>(type), arguments, nullptr);
    Py_DECREF(arguments);
    Py_DECREF(type);
    Py_DECREF(tuple);
    return checked(result);
}

PyObject* several_into(const Operation& operation, PyObject* out, const std::vector<Tensor>& results) {
    const auto wanted = static_cast<Py_ssize_t>(results.size());
    if (is_tensor(out) || PySequence_Fast_GET_SIZE(out) != wanted) {
        fail(ErrorKind::Type, operation.name, "(): argument 'out' must be tuple of ", wanted,
             " Tensors, not ", Py_TYPE(out)->tp_name);
    }
    PyObject** targets = PySequence_Fast_ITEMS(out);
    for (Py_ssize_t i = 0; i < wanted; ++i)
        write_result(operation, target_from(operation, targets[i]), results[static_cast<std::size_t>(i)]);
    return several(operation, checked(PySequence_Tuple(out)));
}

PyObject* call_operation(Callable& self, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    Values values(self.signature->size());
    const Named named(args, count, names);
    const Operation& operation = *self.operation;
    self.signature->parse(named.args, count, named.names, values.data());
    if (named.out && (operation.out_rules & kOutApart)) {
        for (const Tensor& target : targets_from(named.out)) check_out_apart(target, values);
    }
    std::optional<ModeGuard> no_autocast;
    if (modes.has(kAutocast) && operation.autocast != Autocast::None && !named.out) [[unlikely]] {
        autocast_values(operation.autocast, values.data(), values.size());
        no_autocast.emplace(kAutocast, false);
    }
    const bool needs_rule = !operation.knows_levels && any_lifted(values.data(), values.size());
    AnyValue result = needs_rule ? call_without_rule(operation, values.data(), values.size())
                                 : operation.call(values.data());
    if (const auto* results = std::get_if<std::vector<Tensor>>(&result)) {
        return named.out ? several_into(operation, named.out, *results)
                         : several(operation, to_python(std::move(result)));
    }
    if (named.out && std::holds_alternative<Tensor>(result)) {
        write_result(operation, target_from(operation, named.out), std::get<Tensor>(result));
        return Py_NewRef(named.out);
    }
    if (count > 0 && std::holds_alternative<Tensor>(result) && is_tensor(args[0]) &&
        std::get<Tensor>(result).get() == body(args[0])) {
        return Py_NewRef(args[0]);
    }
    return to_python(std::move(result));
}

PyObject* vectorcall(PyObject* callable, PyObject* const* args, std::size_t flagged, PyObject* names) {
    return guarded([&]() -> PyObject* {
        Callable& self = self_of(callable);
        const Py_ssize_t count = PyVectorcall_NARGS(flagged);
        bool handled = false;
        PyObject* result = overridden(callable, args, count, names, handled);
        if (handled) return checked(result);
        return self.row ? call_row(self, args, count, names) : call_operation(self, args, count, names);
    });
}

PyObject* bind(PyObject* self, PyObject* instance, PyObject*) {
    if (!instance || instance == Py_None) return Py_NewRef(self);
    return PyMethod_New(self, instance);
}

PyObject* callable_repr(PyObject* self) {
    return PyUnicode_FromFormat("<built-in method %U of tapeless>", self_of(self).name);
}

void callable_dealloc(PyObject* self) {
    Py_XDECREF(self_of(self).name);
    Py_XDECREF(self_of(self).doc);
    Py_TYPE(self)->tp_free(self);
}

PyObject* callable_reduce(PyObject* self, PyObject*) { return Py_NewRef(self_of(self).name); }

PyMemberDef members[] = {
    {"__name__", T_OBJECT, offsetof(Callable, name), READONLY, nullptr},
    {"__qualname__", T_OBJECT, offsetof(Callable, name), READONLY, nullptr},
    {"__doc__", T_OBJECT, offsetof(Callable, doc), READONLY, nullptr},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Callable, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};
PyMethodDef methods[] = {{"__reduce__", callable_reduce, METH_NOARGS, nullptr}, {}};

PyObject* make_callable(const std::string& name, const std::string& doc) {
    PyObject* object = checked(callable_type->tp_alloc(callable_type, 0));
    Callable& self = self_of(object);
    self.vectorcall = vectorcall;
    self.name = PyUnicode_InternFromString(name.c_str());
    self.doc = PyUnicode_FromString(doc.c_str());
    return object;
}

/// As Python writes it, without the point of a whole number.
std::string shortest(double value) {
    char* const text = PyOS_double_to_string(value, 'r', 0, 0, nullptr);
    std::string out = text;
    PyMem_Free(text);
    return out;
}

std::string row_doc(const Row& row, const std::string& name, bool in_place) {
    std::string signature;
    bool keywords = false;
    for (int k = 0; k < row.arity; ++k) {
        if (row.needs_keyword(k) && !std::exchange(keywords, true)) signature += "*, ";
        signature += operand_name(row, k);
        if (row.is_optional(k)) signature += "=None";
        if (row.is_number(k) && !row.is_optional(k)) signature += "=" + shortest(row.number(k).otherwise);
        signature += ", ";
    }
    signature += keywords ? "out=None" : "*, out=None";
    std::string doc = name + "(" + signature + ")\n\n" + row.facts.doc +
                      "\n\nElement by element: " + row.facts.formula + ".";
    if (in_place) doc += " Overwrites the tensor itself.";
    return doc + " " + derivative_text(row);
}

}  // namespace

void define_operations(nb::module_& m) {
    PyType_Slot slots[] = {{Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                           {Py_tp_descr_get, reinterpret_cast<void*>(bind)},
                           {Py_tp_repr, reinterpret_cast<void*>(callable_repr)},
                           {Py_tp_dealloc, reinterpret_cast<void*>(callable_dealloc)},
                           {Py_tp_members, members},
                           {Py_tp_methods, methods},
                           {0, nullptr}};
    PyType_Spec spec = {"tapeless.builtin_operation", sizeof(Callable), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
                        slots};
    callable_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)));
    nb::dict functions, nn_functions, tensor_methods;
    auto offer = [&](const std::string& name, PyObject* object, bool function, bool method) {
        if (function) functions[name.c_str()] = nb::borrow(object);
        if (method) tensor_methods[name.c_str()] = nb::borrow(object);
        if (!function && !method) nn_functions[name.c_str()] = nb::borrow(object);
        Py_DECREF(object);
    };
    for (const Row& row : rows()) {
        for (const char* name : {row.facts.name, row.facts.alias}) {
            if (!name) continue;
            PyObject* plain = make_callable(name, row_doc(row, name, false));
            self_of(plain).row = &row;
            offer(name, plain, !row.facts.serves_nn, !row.facts.serves_nn);
            if (!row.facts.in_place) continue;
            const std::string inplace = std::string(name) + "_";
            PyObject* writes = make_callable(inplace, row_doc(row, inplace, true));
            self_of(writes).row = &row;
            self_of(writes).in_place = true;
            const bool function = row.tensor_count() == 1 || row.facts.in_place_function;
            offer(inplace, writes, !row.facts.serves_nn && function, !row.facts.serves_nn);
        }
    }
    for (const Operation& operation : operations()) {
        PyObject* object = make_callable(operation.name, std::string(operation.name) + "(" +
                                                             operation.signature + ")\n\n" + operation.doc);
        self_of(object).operation = &operation;
        self_of(object).signature = new Signature(operation.name, operation.parameters());
        check(self_of(object).signature->size() <= Values::kMost, operation.name, ": too many parameters");
        offer(operation.name, object, operation.function, operation.method);
    }
    m.attr("functions") = functions;
    m.attr("nn_functions") = nn_functions;
    m.attr("tensor_methods") = tensor_methods;
    m.def("_rows", [] {
        nb::list list;
        for (const Row& row : rows()) list.append(row.facts.name);
        return list;
    });
}

}  // namespace tapeless
