// Where a line of the user's program is: the innermost frame that is not Tapeless's own, read without making a frame object.
#define Py_BUILD_CORE 1
#include <Python.h>
#if PY_VERSION_HEX < 0x030C0000
#include <internal/pycore_frame.h>
#endif
#undef Py_BUILD_CORE

#include <string>
#include <vector>

#include "bindings/location.h"

namespace tapeless {
namespace {

std::string package;  // The folder whose frames are ours.

/// Code objects seen lately, with the answer to "is it ours?": asked for each node, so it must not compare text.
struct Known {
    PyCodeObject* code = nullptr;
    bool ours = false;
};
constexpr std::size_t kKnown = 256;
Known known[kKnown];

bool is_ours(PyCodeObject* code) {
    Known& entry = known[reinterpret_cast<std::uintptr_t>(code) / 64 % kKnown];
    if (entry.code == code) return entry.ours;
    const char* file = PyUnicode_AsUTF8(code->co_filename);
    Py_INCREF(code);  // So that another code object cannot take its address.
    Py_XDECREF(entry.code);
    entry = {code, file && !package.empty() && std::string(file).compare(0, package.size(), package) == 0};
    return entry.ours;
}

Location locate() {
    if (package.empty()) return {};
    PyThreadState* thread = PyThreadState_GET();
#if PY_VERSION_HEX < 0x030C0000
    for (_PyInterpreterFrame* frame = thread->cframe->current_frame; frame; frame = frame->previous) {
        if (is_ours(frame->f_code)) continue;
        return {Foreign(frame->f_code), static_cast<std::int32_t>(_PyInterpreterFrame_LASTI(frame) * 2)};
    }
#else
    (void)thread;
    for (PyFrameObject* frame = PyEval_GetFrame(); frame; frame = PyFrame_GetBack(frame)) {
        PyCodeObject* code = PyFrame_GetCode(frame);
        const bool ours = is_ours(code);
        Location found{Foreign(code), PyFrame_GetLasti(frame)};
        Py_DECREF(code);
        if (!ours) return found;
    }
#endif
    return {};
}

std::string describe_location(const Location& location) {
    if (!location.code) return {};
    PyCodeObject* code = static_cast<PyCodeObject*>(location.code.get());
    const char* file = PyUnicode_AsUTF8(code->co_filename);
    return std::string(file ? file : "?") + ":" + std::to_string(PyCode_Addr2Line(code, location.offset));
}

}  // namespace

void install_locations(const std::string& package_folder) {
    package = package_folder;
    current_location = locate;
    location_text = describe_location;
}

}  // namespace tapeless
